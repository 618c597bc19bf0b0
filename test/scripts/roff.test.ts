import path from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'

const roff = (await import(path.resolve(import.meta.dirname, '../../scripts/roff.mjs'))) as {
  escape: (text: string) => string
  line: (...parts: string[]) => string
  bold: (text: string) => string
  verbatim: (lines: string[]) => string[]
  manPage: (page: Record<string, unknown>) => string
}

/** What is left when every escape that we write is taken out is a character by itself. */
const ESCAPES = /\\(e|-|&|\((aq|ga|ha|ti|dq)|\[u[0-9A-F]{4,6}\])/g
const PRINTS: Record<string, string> = {
  '\\e': '\\',
  '\\-': '-',
  '\\&': '',
  '\\(aq': "'",
  '\\(ga': '`',
  '\\(ha': '^',
  '\\(ti': '~',
  '\\(dq': '"',
}

/** What roff prints of it, by groff_char(7). */
const printed = (text: string): string =>
  text.replaceAll(ESCAPES, (one) => {
    const code = /\[u([0-9A-F]+)\]/.exec(one)?.[1]
    return code === undefined ? (PRINTS[one] ?? '?') : String.fromCodePoint(parseInt(code, 16))
  })

describe('a text in a man page', () => {
  it.each([
    ['--dry-run', '\\-\\-dry\\-run'],
    ['C:\\dir\\new', 'C:\\edir\\enew'],
    ["it's `zt`", '\\(aqs', '\\(gazt\\(ga'],
    ['"~/.ssh" ^C', '\\(dq\\(ti/.ssh\\(dq', '\\(haC'],
    ['age1…', 'age1\\[u2026]'],
    ['\u{1F600}', '\\[u1F600]'],
    ['a\n.SH X\n\n\tb', 'a .SH X b'],
    ['\u001B[31mred', '\\[uFFFD][31mred'],
    ['half \uD800 a pair', 'half \\[uFFFD] a pair'],
  ])('%j is written so that it is printed as it is', (text, ...parts) => {
    for (const part of parts) expect(roff.escape(text)).toContain(part)
  })

  it.each(['.SH X', '...', ".\\'"])('%j does not begin a line as a request', (text) => {
    expect(roff.line(roff.escape(text))).toMatch(/^\\&\./)
  })

  it('is on one line of ASCII, no request, and printed again as it was', () => {
    const hostile = fc.oneof(
      fc.string({unit: 'binary'}),
      fc.string({unit: fc.constantFrom('.', "'", '\\', '-', '"', ' ', '\n', '(', '[', 'e', '&', '%', 'é')}),
    )
    fc.assert(
      fc.property(hostile, (text) => {
        const written = roff.line(roff.escape(text))
        expect(written).toMatch(/^[ -~]*$/)
        expect(written).not.toMatch(/^[.']/)
        expect(written.replaceAll(ESCAPES, '')).not.toContain('\\')
        const seen = text
          .replaceAll(/\s+/gu, ' ')
          .trim()
          .replaceAll(/\p{Cc}/gu, '\uFFFD')
        expect(printed(written)).toBe(Buffer.from(seen).toString())
      }),
    )
  })

  it('keeps its blanks where it is a command line', () => {
    expect(roff.verbatim(['  .a  -b', '', '  '])).toEqual(
      ['.RS 4', '.nf', '  .a  \\-b', '\\&', '  ', '.fi', '.RE'], // A line of blanks is a line.
    )
  })

  it('cannot end an argument of the title, and a date is one', () => {
    const page = {
      name: 'a" "b',
      number: 1,
      date: '2026-11-26',
      source: 'zt "1"',
      manual: 'm',
      body: ['.SH X'],
    }
    expect(roff.manPage(page).split('\n')[0]).toBe('.TH "A\\(dq \\(dqB" 1 "2026-11-26" "zt \\(dq1\\(dq" "m"')
    expect(() => roff.manPage({...page, date: '26.11.2026'})).toThrow('not a date')
  })
})
