import {execFileSync} from 'node:child_process'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {quoteForPerson, quoteForShell, quoteForWindows, withForwardSlashes} from '../../src/lib/core/quote.js'
import {visible} from '../../src/lib/core/text.js'
import {readCommandLine} from '../support/windows-command-line.js'

/** Of any signs, but many that mean something to some shell. */
const special = fc.constantFrom(...`"'\\$\`!%^&|<>()[]{}*?~#;=,@ \t/a:-`.split(''))
const anyWord = fc
  .array(fc.oneof({weight: 3, arbitrary: special}, {weight: 1, arbitrary: fc.string({unit: 'grapheme'})}), {
    maxLength: 12,
  })
  .map((signs) => signs.join(''))
const word = anyWord.filter((one) => !/[\0\r\n]/.test(one))

/** The words that a real sh makes of a line, as bytes with a NUL behind each. */
function readBySh(line: string): string[] {
  const out = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], {encoding: 'utf8', env: {a: 'VALUE'}})
  return out.split('\0').slice(0, -1)
}

describe('a word for a POSIX shell', () => {
  it.each([
    ['plain', '/usr/bin/node', '/usr/bin/node'],
    ['empty', '', "''"],
    ['a blank', 'a b', "'a b'"],
    ['a quote', "o'neil", `'o'\\''neil'`],
    ['a home of somebody', '~root', "'~root'"],
    ['what zsh looks up', '=ls', "'=ls'"],
    ['a setting', 'a=b', 'a=b'],
  ])('%s: %s becomes %s', (_what, given, quoted) => {
    expect(quoteForShell(given)).toBe(quoted)
  })

  it('is read by sh as what it was, whatever it holds but NUL', () => {
    fc.assert(
      fc.property(
        fc.array(
          anyWord.filter((one) => !one.includes('\0')),
          {minLength: 1, maxLength: 6},
        ),
        (words) => {
          expect(readBySh(words.map(quoteForShell).join(' '))).toEqual(words)
        },
      ),
      {numRuns: 150},
    )
  })
})

describe('a word for a person', () => {
  it('is read by bash as what it was, and is one line that holds nothing unseen', () => {
    const hostile = fc.constantFrom('a\nrm', '\u001B[2K\r', "'\u202E", '\u200B\\', '$(x)\u00A0', '!\u0301')
    fc.assert(
      fc.property(fc.array(fc.oneof(hostile, anyWord), {minLength: 1, maxLength: 4}), (given) => {
        const words = given.map((one) => one.replaceAll(/[\0\p{Cs}]/gu, ''))
        const line = words.map((one) => quoteForPerson(one, 'linux')).join(' ')
        expect(visible(line)).toBe(line)
        const out = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], {
          encoding: 'utf8',
          env: {a: 'VALUE'},
        })
        expect(out.split('\0').slice(0, -1)).toEqual(words)
      }),
      {numRuns: 50},
    )
  })

  it('on Windows closes no quote, and begins nothing in cmd or PowerShell', () => {
    fc.assert(
      fc.property(anyWord, (given) => {
        const quoted = quoteForPerson(given, 'win32')
        expect(quoted).toMatch(/^([\w+=:./\\-]+|"[^"%!$`\u201C-\u201E\n\r]*")$/)
      }),
    )
  })
})

describe('a word on Windows', () => {
  it.each([
    ['plain', 'ssh', 'ssh'],
    ['empty', '', '""'],
    ['a path', 'C:\\nodejs\\node.exe', 'C:/nodejs/node.exe'],
    ['a path with a blank', 'C:\\Program Files\\node.exe', '"C:/Program Files/node.exe"'],
    ['a directory', 'C:\\a b\\', '"C:/a b/"'],
    ['a share', '\\\\srv\\a b\\c', '"//srv/a b/c"'],
    ['a path beyond the rules', '\\\\?\\C:\\a', '"\\\\?\\C:\\a"'],
    ['no path', 'a\\b', '"a\\b"'],
    ['a backslash at the end', 'a b\\', '"a b\\\\"'],
    ['quotes', 'say "hi"', '"say \\"hi\\""'],
    ['backslashes before quotes', 'a\\"b\\\\"', '"a\\\\\\"b\\\\\\\\\\""'],
    ['signs of cmd', 'a&b^c', '"a&b^c"'],
    ['a quote of sh', "o'neil", `"o'neil"`],
  ])('%s: %s becomes %s', (_what, given, quoted) => {
    expect(quoteForWindows(given)).toBe(quoted)
  })

  it('is read by a program there as what it was, a path with other slashes', () => {
    fc.assert(
      fc.property(fc.array(word, {maxLength: 6}), (words) => {
        const line = ['node.exe', ...words.map(quoteForWindows)].join(' ')
        expect(readCommandLine(line)).toEqual(['node.exe', ...words.map(withForwardSlashes)])
      }),
      {numRuns: 2000},
    )
  })

  it('a path is read alike by sh, as the ssh of Git for Windows runs it', () => {
    const name = fc.array(fc.constantFrom(..."ab .,;&^%()[]{}'~#=@!+-é".split('')), {
      minLength: 1,
      maxLength: 8,
    })
    const start = fc.constantFrom('C:\\', 'd:/', '\\\\srv\\share\\')
    const path = fc
      .tuple(start, fc.array(name, {minLength: 1, maxLength: 3}))
      .map(([root, names]) => root + names.map((one) => one.join('')).join('\\'))
    fc.assert(
      fc.property(fc.array(path, {minLength: 1, maxLength: 4}), (paths) => {
        const line = paths.map(quoteForWindows).join(' ')
        expect(readBySh(line)).toEqual(paths.map(withForwardSlashes))
        expect(readCommandLine(`x ${line}`).slice(1)).toEqual(paths.map(withForwardSlashes))
      }),
      {numRuns: 100},
    )
  })
})

describe('a word that a person may copy', () => {
  it.each<[word: string, onUnix: string, onWindows: string]>([
    ['plain', 'plain', 'plain'],
    ['a b', "'a b'", '"a b"'],
    ['/home/u/x', '/home/u/x', '/home/u/x'],
    ['C:\\Users\\u', `'C:\\Users\\u'`, 'C:\\Users\\u'],
    ['C:\\Users\\J D\\', `'C:\\Users\\J D\\'`, '"C:\\Users\\J D\\\\"'],
    ['a,b', 'a,b', '"a,b"'],
    ["o'neil", `'o'\\''neil'`, `"o'neil"`],
    ['', "''", '""'],
  ])('%j', (given, onUnix, onWindows) => {
    expect(quoteForPerson(given, 'linux')).toBe(onUnix)
    expect(quoteForPerson(given, 'darwin')).toBe(onUnix)
    expect(quoteForPerson(given, 'win32')).toBe(onWindows)
  })
})
