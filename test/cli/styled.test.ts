import {stripVTControlCharacters} from 'node:util'
import fc from 'fast-check'
import {Chalk} from 'chalk'
import {describe, expect, it} from 'vitest'
import {visible} from '../../src/lib/core/text.js'
import {bare, bounded, shown, sign, styleOf} from '../../src/lib/cli/styled.js'
import {facts, table, takeLeftOut} from '../../src/lib/cli/table.js'
import {widthOf} from '../../src/lib/cli/width.js'
import {wrapped} from '../../src/lib/cli/wrapped.js'

const style = styleOf(new Chalk({level: 1}))
const foreign = fc.oneof(
  fc.string({unit: 'binary'}),
  fc.constantFrom('\u001B[31m', 'a\u001B[2K\r', '\u001B[1mbold\u001B[22m', 'a\nb', 'x\u009B1m'),
)
const OURS = /\u001B\[(?:1|2|22|31|32|35|39)m/g

describe('a line with colours', () => {
  it('has ours, and shows those of others as what they are', () => {
    const line = `${style.success(sign.done)} ${style.name('a\u001B[31m')} \u001B[31mred\u001B[39m`
    expect(shown(line)).toBe('\u001B[32m✓\u001B[39m \u001B[1ma\\x1b[31m\u001B[22m \\x1b[31mred\\x1b[39m')
    expect(bare(line)).toBe('✓ a\\x1b[31m \\x1b[31mred\\x1b[39m')
  })

  it('keeps the outer colour behind an inner one', () => {
    const line = shown(style.name(`a ${style.secondary('b')} c`))
    expect(line).toBe('\u001B[1ma \u001B[2mb\u001B[22m\u001B[1m c\u001B[22m')
  })

  it('is the text made visible when its colours are taken away, whatever it is made of', () => {
    fc.assert(
      fc.property(foreign, foreign, foreign, (a, b, c) => {
        const line = `${a.replace(/[\p{M}\p{Cs}]/gu, '')} ${style.failure(b)} ${style.name(style.secondary(c))}`
        expect(shown(line).replaceAll(OURS, '')).toBe(bare(line))
        expect(stripVTControlCharacters(bare(line))).toBe(bare(line))
        expect(visible(bare(line))).toBe(bare(line))
      }),
      {numRuns: 1000},
    )
  })

  it('is cut text by text, colours never', () => {
    const line = bounded(`${style.name('a'.repeat(99))}: sure?`, 11)
    expect(shown(line)).toBe('\u001B[1maaaa…aaaa\u001B[22m: sure?')
  })
})

describe('a layout', () => {
  const NAMES = ['GitLab', '日本語の名前', '🚀 🫠 rocket', 'e\u0301tage', 'a\u001B[2J\nb', 'नमस्ते', '']
  const columns = [
    {title: 'NAME', value: (name: string) => style.name(name)},
    {title: 'KIND', value: () => 'kind'},
  ]

  it('is aligned, whatever its cells contain', () => {
    const lines = table(NAMES, columns, Infinity)
    expect(lines).toHaveLength(NAMES.length + 1)
    const at = lines.map((line) => widthOf(line.replace(/(KIND|kind)$/, '')))
    expect(new Set(at).size).toBe(1)
    const values = facts([['日本', 'value'], ['a', 'value']]) // prettier-ignore
    expect(new Set(values.map((line) => widthOf(line))).size).toBe(1)
  })

  it('is as wide as it may be, and each row is one line', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(foreign, fc.constantFrom(...NAMES)), {minLength: 1, maxLength: 6}),
        (names) => {
          const lines = table(names, columns, 40)
          expect(lines).toHaveLength(names.length + 1)
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40)
        },
      ),
    )
  })

  it('shortens a value where its column ends, whatever words it has', () => {
    const word = fc.integer({min: 1, max: 90}).map((length) => 'a'.repeat(length))
    fc.assert(
      fc.property(fc.array(word, {minLength: 1, maxLength: 5}), (words) => {
        const name = words.join(' ').padEnd(50, 'b')
        expect(bare(table([name], columns, 40)[1] ?? '')).toMatch(/^[ab ]+… {2}kind$/)
      }),
    )
  })

  it('shortens letters with marks where its column ends', () => {
    const name = `${'e\u0301'.repeat(60)} of the combining kind`
    expect(bare(table([name], columns, 40)[1] ?? '').normalize()).toBe(`${'\u00E9'.repeat(33)}…  kind`)
  })

  it('becomes a list of all its values where the columns do not fit beside each other', () => {
    const many = [
      {title: 'NAME', value: (name: string) => name},
      ...['KIND', 'ADDRESS', 'RULE'].map((title) => ({title, value: () => `a value of ${title}`})),
      {title: 'EMPTY', value: () => ' '},
      {title: 'THROUGH', value: () => 'x'.repeat(50), optional: true},
    ]
    expect(table(['one', 'a name that is longer than a line'], many, 30).map(bare)).toEqual([
      'one',
      ...['  KIND     a value of KIND', '  ADDRESS  a value of ADDRESS', '  RULE     a value of RULE'],
      ...[`  THROUGH  ${'x'.repeat(19)}`, `           ${'x'.repeat(19)}`, `           ${'x'.repeat(12)}`],
      ...['a name that is longer than a', 'line'],
      ...['  KIND     a value of KIND', '  ADDRESS  a value of ADDRESS', '  RULE     a value of RULE'],
      ...[`  THROUGH  ${'x'.repeat(19)}`, `           ${'x'.repeat(19)}`, `           ${'x'.repeat(12)}`],
    ])
    expect(takeLeftOut()).toEqual([])
    expect(table(['one'], many, 70)[0]).not.toContain('THROUGH')
    expect(takeLeftOut()).toEqual(['THROUGH'])
  })

  it('has room for several long texts, and shortens no date and no count', () => {
    const text = fc.string({unit: fc.constantFrom(...'abc def '), maxLength: 120, size: 'max'})
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, text, text), {minLength: 1, maxLength: 6}),
        fc.integer({min: 70, max: 200}),
        (rows, width) => {
          const lines = table(
            rows,
            [
              {title: 'APPLICATION', value: ([first]) => first},
              {title: 'RULE', value: ([, second]) => second},
              {title: 'WHY', value: ([, , third]) => third, wraps: true},
              {title: 'REFUSED', value: () => '  1,204'},
              {title: 'LAST', value: () => '2026-11-28'},
            ],
            width,
          )
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
          const whole = lines.filter((line) => line.endsWith('  1,204  2026-11-28'))
          expect(whole).toHaveLength(rows.length)
        },
      ),
    )
  })

  it('takes a line break in a line for the text of someone else', () => {
    expect(wrapped('a\nnext: rm', 80)).toEqual(['a\\nnext: rm'])
    expect(wrapped(['a', 'b'], 80)).toEqual(['a', 'b'])
    expect(facts([['name', 'a\nid  b']]).map(bare)).toEqual(['name  a\\nid  b'])
    expect(table(['a\nb'], columns, Infinity).map(bare)).toEqual(['NAME  KIND', 'a\\nb  kind'])
  })

  it('does not let one text take the screen', () => {
    expect(wrapped(`say ${'x '.repeat(100_000)}`, 80).length).toBeLessThan(20)
  })
})
