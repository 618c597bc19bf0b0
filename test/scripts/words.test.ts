import path from 'node:path'
import {describe, expect, it} from 'vitest'

const {avoidedWords} = (await import(path.resolve(import.meta.dirname, '../../scripts/words.mjs'))) as {
  avoidedWords: (file: string, text: string) => {line: number; word: string; source: string}[]
}
const found = (file: string, text: string): string[] =>
  avoidedWords(file, text).map(({line, word}) => `${line} ${word}`)

describe('the words that docs/style.md rules out', () => {
  it.each([
    ['a string', "const x = 'Nobody can be asked.'", '1 Nobody'],
    ['a template', 'const x = `${a} stands ${b} and is told ${c} of ours`', '1 stands|1 told|1 of ours'],
    ['a template without a value', 'const x = `a\nmend it`', '2 mend'],
    ['a comment', 'call()\n// How it came about.\nmore()', '2 came about'],
    ['the last comment of a line', 'call() // mended\n', '1 mended'],
    ['a comment among arguments', 'call(a, /* nobody */ b)', '1 nobody'],
    ['a comment behind everything', 'call()\n/* told */', '2 told'],
    [
      'a docstring',
      '/**\n * Told so.\n * @param a what stands there\n */\nexport function f(a: string) {}',
      '2 Told|3 stands',
    ],
    ["a field's docstring", 'interface A {\n  /** mends it */\n  a: string\n}', '2 mends'],
  ])('are found in %s', (_, text, expected) => {
    expect(found('src/a.ts', text).join('|')).toBe(expected)
  })

  it.each([
    ['a name in the code', 'const told = mend(nobody)\nclass A { stands = 1 }'],
    ["a module's name", "import {a} from './mend.js'\nexport {b} from './nobody.js'"],
    ['a part of a word', "const x = 'understands, recommend, amended, withstands'"],
    ['a regular expression', 'const x = /told|nobody/'],
  ])('are not looked for in %s', (_, text) => {
    expect(found('src/a.ts', text)).toEqual([])
  })

  it('are found in tests, except where a string is one word, such as a name in a command line', () => {
    const text = "it('asks nobody', () => run('token show', 'nobody'))\n// Nobody is asked."
    expect(found('test/a.test.ts', text)).toEqual(['1 nobody', '2 Nobody'])
    expect(found('src/a.ts', text)).toHaveLength(3)
  })

  it('are found in documentation, except in the lists that name them', () => {
    const text = 'Nobody is told.\n\n| X is not told | X does not know |\nWords that give it away: mend.\n'
    expect(found('docs/style.md', text)).toEqual(['1 Nobody', '1 told'])
    expect(found('docs/other.md', text)).toHaveLength(4)
    expect(avoidedWords('README.md', 'a\nIt stands here')[0]).toEqual({
      line: 2,
      word: 'stands',
      source: 'It stands here',
    })
  })
})
