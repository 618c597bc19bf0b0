/**
 * The page's script: sorts, filters and unfolds what is there, and adds nothing to it. Without it the page is complete: every
 * row is shown, and no control. A text, because no part of zt runs it.
 */
export const SCRIPT = `
(function () {
  'use strict'
  var root = document.documentElement
  root.classList.add('js')
  document.addEventListener('DOMContentLoaded', function () {
    var tables = Array.from(document.querySelectorAll('table.main'))
    var status = document.querySelector('#controls [role=status]')
    var order = new Intl.Collator('en', {numeric: true, sensitivity: 'base'})
    var texts = new WeakMap()

    function button(text) {
      var made = document.createElement('button')
      made.type = 'button'
      made.textContent = text
      return made
    }
    function replaceText(cell, made) {
      cell.textContent = ''
      cell.append(made)
    }

    // Folding: a row with more below it gets a button in its heading.
    function unfold(body, open) {
      body.classList.toggle('open', open)
      body.querySelector('button.fold').setAttribute('aria-expanded', String(open))
    }
    tables.forEach(function (table) {
      Array.from(table.tBodies).forEach(function (body) {
        var more = body.rows[1]
        if (!more) return
        var name = body.rows[0].querySelector('th > .name')
        var made = button(name.textContent.trim())
        made.className = 'fold'
        made.setAttribute('aria-expanded', 'false')
        made.setAttribute('aria-controls', more.id)
        made.addEventListener('click', function () { unfold(body, !body.classList.contains('open')) })
        replaceText(name, made)
      })
    })

    // Sorting.
    function keyOf(cell, kind) {
      var key = cell.hasAttribute('data-k') ? cell.getAttribute('data-k') : cell.textContent.trim()
      if (kind !== 'number') return key
      return key === '' ? null : Number(key)
    }
    function sort(table, head, kind) {
      var up = head.getAttribute('aria-sort') === 'none' ? kind !== 'number' : head.getAttribute('aria-sort') === 'descending'
      var at = head.cellIndex
      var keyed = Array.from(table.tBodies).map(function (body) { return {body: body, key: keyOf(body.rows[0].cells[at], kind)} })
      keyed.sort(function (a, b) {
        // What has no value is last in both directions.
        if (a.key === null || a.key === '' || b.key === null || b.key === '')
          return Number(a.key === null || a.key === '') - Number(b.key === null || b.key === '')
        var result = kind === 'number' ? a.key - b.key : order.compare(a.key, b.key)
        return up ? result : -result
      })
      var all = document.createDocumentFragment()
      keyed.forEach(function (one) { all.append(one.body) })
      table.append(all)
      Array.from(table.tHead.rows[0].cells).forEach(function (cell) {
        if (cell.hasAttribute('aria-sort')) cell.setAttribute('aria-sort', 'none')
      })
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending')
      status.textContent = table.caption.textContent.trim() + ': sorted by ' + head.textContent.trim() + ', ' + (up ? 'ascending' : 'descending')
    }
    tables.forEach(function (table) {
      if (table.tBodies.length < 2) return
      table.classList.add('sorts')
      Array.from(table.tHead.rows[0].cells).forEach(function (head) {
        var kind = head.getAttribute('data-sort')
        if (!kind) return
        var made = button(head.textContent.trim())
        head.setAttribute('aria-sort', 'none')
        made.addEventListener('click', function () { sort(table, head, kind) })
        replaceText(head, made)
      })
    })

    // Filtering.
    var wanted = document.getElementById('filter')
    var only = document.getElementById('only')
    function textOf(body) {
      if (!texts.has(body)) texts.set(body, body.textContent.toLowerCase())
      return texts.get(body)
    }
    function filter() {
      var words = wanted.value.toLowerCase().split(/\\s+/).filter(Boolean)
      var kind = only.value
      var said = tables.map(function (table) {
        var shown = 0
        Array.from(table.tBodies).forEach(function (body) {
          var is = (kind === '' || (' ' + (body.getAttribute('data-is') || '') + ' ').includes(' ' + kind + ' ')) &&
            words.every(function (word) { return textOf(body).includes(word) })
          body.hidden = !is
          if (is) shown++
        })
        table.nextElementSibling.hidden = shown > 0
        return shown + ' of ' + table.tBodies.length + ' ' + table.getAttribute('data-things')
      })
      status.textContent = words.length === 0 && kind === '' ? '' : said.join(', ')
    }
    wanted.addEventListener('input', filter)
    only.addEventListener('change', filter)

    var all = document.getElementById('all')
    all.addEventListener('click', function () {
      var open = all.getAttribute('aria-pressed') !== 'true'
      all.setAttribute('aria-pressed', String(open))
      document.querySelectorAll('table.main > tbody').forEach(function (body) { if (body.rows[1]) unfold(body, open) })
    })
    document.querySelector('#controls form').addEventListener('submit', function (event) { event.preventDefault() })
    document.getElementById('controls').hidden = false
  })
})()
`
