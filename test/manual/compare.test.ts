import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {asPage, isAsShown, normalised, SHOWN_HOME} from '../support/manual/compare.js'

const HOME = '/tmp/Ab12Cd'

describe('what differs between two runs does not count', () => {
  it.each([
    ['ID  5c0a4d1e-3b1f-4c52-9a07-2f6f7e1d9b30', 'ID  862abd13-818b-4d6b-8e0b-d0c53a2768ca'],
    ['Client ID  88bf3b6d86161464f6509f7219099e57.access', 'Client ID  d1674d6e1748d941227fb3097fd4c627.access'],
    ['CF-RAY 8f1e2d3c4b5a6978-FRA', 'CF-RAY 0123456789abcdef-AMS'],
    ['until 2027-11-28T06:30:02Z', 'until 2026-01-01T00:00:00.123Z'],
    ['expires 2027-11-28', 'expires 2026-01-01'],
    ['API http://127.0.0.1:43343/client', 'API http://127.0.0.1:8080/client'],
    ['to undo it: zt undo 0tmzh7pdf', 'to undo it: zt undo 0tn0a69rv'],
    ['connected in 12 ms', 'connected in 3.5 ms'],
    ['expires in 364 days', 'expires in 90 days'],
    ['zt-access/0.1.0 linux-x64 node-v20.20.2', 'zt-access/0.2.0 linux-x64 node-v22.1.0'],
    ['# zt: adopted a20935980ce6 ProxyCommand', '# zt: adopted b0c74c17f705 ProxyCommand'],
    ['a      b  c', 'a  b        c'],
    ['key SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDjQEQg0Pz6rD9kQSE', 'key SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU'],
  ])('%s', (a, b) => {
    expect(isAsShown([a], [b], HOME)).toBe(true)
  }) // prettier-ignore

  it('neither does where the home directory is, which is as long as the one in the pages', () => {
    expect(isAsShown([`${SHOWN_HOME}/work`], [`${HOME}/work`], HOME)).toBe(true)
    expect(HOME.length).toBe(SHOWN_HOME.length)
  })
})

describe('where a long line is wrapped', () => {
  const start = '✓ 127.0.0.1:16379 leads to cache.widgetcorp.tech (in the background, process'
  const whole = [`${start} 142)`, 'next: a']
  const wrapped = [start, '  29265)', 'next: a']

  it('does not count, on neither side', () => {
    expect(isAsShown(whole, wrapped)).toBe(true)
    expect(isAsShown(wrapped, whole)).toBe(true)
    expect(isAsShown(['…', ...wrapped], wrapped)).toBe(true)
  })

  it('counts if the line had room for more, and its words count', () => {
    expect(isAsShown([`${start.slice(0, 50)} 142)`], [start.slice(0, 50), '142)'])).toBe(false)
    expect(isAsShown([`${start} of 142)`, 'next: a'], wrapped)).toBe(false)
    expect(isAsShown(whole, wrapped.with(2, 'next: b'))).toBe(false)
  })
})

describe('what is the same in every run counts', () => {
  it.each([
    ['Created service token ci', 'Created service token cd'],
    ['valid for 90d', 'valid for 30d'],
    ['exit 5', 'exit 6'],
    ['  indented', 'indented'],
    ['a  b', 'a b'],
    ['ID  5c0a4d1e-3b1f-4c52-9a07-2f6f7e1d9b30', 'ID  none'],
  ])('%s', (a, b) => {
    expect(isAsShown([a], [b], HOME)).toBe(false)
  })

  it('a line more or less', () => {
    expect(isAsShown(['a'], ['a', 'b'])).toBe(false)
    expect(isAsShown(['a', 'b'], ['a'])).toBe(false)
    expect(isAsShown(['a', '', ''], ['a'])).toBe(true)
  })
})

describe('…', () => {
  it.each([
    [['…'], [], true],
    [['…'], ['a', 'b'], true],
    [['a', '…', 'd'], ['a', 'b', 'c', 'd'], true],
    [['a', '…', 'd'], ['a', 'd'], true],
    [['a', '…', 'd'], ['a', 'd', 'e'], false],
    [['…', 'b', '…'], ['a', 'b', 'b', 'c'], true],
    [['a … c'], ['a b c'], true],
    [['a … c'], ['a b d'], false],
    [['a.…'], ['ab'], false],
  ])('%j takes %j: %s', (expected, shown, is) => {
    expect(isAsShown(expected, shown)).toBe(is)
  })
})

it('every text is as itself, and none is as a text with one letter more', () => {
  const text = fc.array(
    fc.string({maxLength: 12}).filter((one) => !/[…\n]/.test(one)),
    {maxLength: 6},
  )
  fc.assert(
    fc.property(text, fc.nat(), (lines, at) => {
      expect(isAsShown(lines, lines)).toBe(true)
      const shown = [...lines, 'x']
      const changed = shown.map((line, index) => (index === at % shown.length ? `q${line}` : line))
      // A letter can complete what is the name of something that differs.
      fc.pre(normalised(changed.join('\n')) !== normalised(shown.join('\n')))
      expect(isAsShown(changed, shown)).toBe(false)
    }),
  )
})

it('a page keeps the lines that say the same, and gets the others as they were shown', () => {
  const page = ['ID  5c0a4d1e-3b1f-4c52-9a07-2f6f7e1d9b30', 'old', 'expires 2027-11-28']
  const shown = ['ID  862abd13-818b-4d6b-8e0b-d0c53a2768ca', `in ${HOME}`, 'expires 2026-01-01', '']
  expect(asPage(page, shown, HOME)).toEqual([page[0], `in ${SHOWN_HOME}`, page[2]])
})
