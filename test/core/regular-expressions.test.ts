import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import {describe, expect, it} from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')

interface Expression {
  place: string
  expression: RegExp
}

/** Every regular expression that is written in a file, as a literal or as a text for `RegExp`. */
function expressionsIn(file: string): Expression[] {
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Expression[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      const {line} = source.getLineAndCharacterOfPosition(node.getStart())
      const expression = new RegExp(node.text.slice(1, end), node.text.slice(end + 1))
      found.push({place: `${path.relative(root, file)}:${line + 1} ${node.text}`, expression})
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const files = ['src', 'bin', 'executable'].flatMap((directory) =>
  fs
    .readdirSync(path.join(root, directory), {recursive: true, encoding: 'utf8'})
    .filter((name) => /\.(?:c|m)?[jt]s$/.test(name))
    .map((name) => path.join(root, directory, name)),
)
const all = files.flatMap(expressionsIn)

/** What an expression could stumble over, again and again: its own words and classes, and characters of many of them. */
function pumps({source}: RegExp): string[] {
  // Without what is only syntax, so that `eyJ[A-Z]` has the word `eyJ`.
  const words = source
    .replaceAll(/\(\?(?:<?[=!]|:|<\w+>)/g, ' ')
    .replaceAll(/\\([dDwWsSbBpPuxnrtk])(?:\{[^}]*\}|[0-9A-F]{4})?/g, (_, letter: string) => {
      return {d: '1', w: 'a', s: ' ', n: '\n', r: '\r', t: '\t'}[letter] ?? ' '
    })
    .replaceAll(/\\(.)/g, '$1')
    .split(/[\s()[\]{}|^$*+?]+/)
    .filter((word) => word !== '' && word.length < 24)
  const common = ['a', 'A', '0', ' ', '\t', '\n', '/', '\\', '.', '-', '_', '=', '"', "'", '#', '?', ':', '%', ',', '@', ';', '(', '\u0000', '\u001b[', 'é', 'aA1-', 'a.', 'a=', '\\"', ' \n', '1.', '1m'] // prettier-ignore
  return [...new Set([...common, ...words, ...words.map((word) => `${word} `)])]
}

/** For this many characters a quadratic expression takes some hundred times as long as an ordinary one. */
const LENGTH = 20_000
/** It begins again at each quote, and reads each time to the end. */
const QUADRATIC = /"(?:\\.|[^"\\])*"/g
/** Of the quadratic one's time, what no other may take. */
const SHARE = 1 / 8
/** Something else, as a collection of garbage, may take time in one look, and not in all. */
const LOOKS = 3

/** @returns milliseconds of this process, not of the machine */
function cpu(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const {user, system} = process.cpuUsage(before)
  return (user + system) / 1000
}

function attack(expression: RegExp, length: number): {pump: string; ms: number} {
  let worst = {pump: '', ms: 0}
  for (const pump of pumps(expression)) {
    const body = pump.repeat(Math.ceil(length / pump.length))
    for (const text of [body, `${body}\u0001`, `x${body}!`]) {
      const ms = cpu(() => {
        expression.lastIndex = 0
        if (expression.global) for (const _ of text.matchAll(expression)) continue
        else expression.test(text)
      })
      if (ms > worst.ms) worst = {pump, ms}
    }
  }
  return worst
}

describe('a regular expression that is written in the sources', () => {
  it('is found, wherever it is', () => {
    expect(all.length).toBeGreaterThan(100)
  })

  it('would be noticed if it looked at a long text again for each of its parts', () => {
    for (const slow of [/\s+$/, /eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/, /(a+)+$/, /x*=.*?;/]) {
      const [shorter, longer] = slow.source === '(a+)+$' ? [12, 20] : [1000, 8000]
      // In proportion it would be eight times as long. A busy machine blurs one look, and not all of them.
      const looks = Array.from(
        {length: 5},
        () => attack(slow, longer).ms / Math.max(attack(slow, shorter).ms, 0.01),
      )
      expect(Math.max(...looks), String(slow)).toBeGreaterThan(20)
    }
  })

  const limit = attack(QUADRATIC, LENGTH).ms * SHARE
  it.each(all.map(({place, expression}) => [place, expression] as const))(
    'takes time in proportion to the text: %s',
    (_, expression) => {
      let least = Infinity
      for (let look = 0; look < LOOKS && least > limit; look++)
        least = Math.min(least, attack(expression, LENGTH).ms)
      expect(least).toBeLessThan(limit)
    },
  )
})
