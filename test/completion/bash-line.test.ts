import {execFileSync} from 'node:child_process'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {readBashLine} from '../../src/lib/completion/bash-line.js'

const BREAKS = ` \t\n"'@><=;|&(:`

describe("bash's line", () => {
  it.each([
    ['zt token show', ['zt', 'token'], 'show'],
    ['zt token show ', ['zt', 'token', 'show'], ''],
    [`zt "a b" 'c d' e\\ f`, ['zt', 'a b', 'c d'], 'e f'],
    [`zt "it's `, ['zt'], "it's "],
    ['zt "a\\$b\\"c\\d"', ['zt'], 'a$b"c\\d'],
    [`zt ''`, ['zt'], ''],
    [`zt '' x`, ['zt', ''], 'x'],
    ['zt a:b=c', ['zt'], 'a:b=c'],
    [`zt --name="a b" x`, ['zt', '--name=a b'], 'x'],
    ['zt $(date) `x', ['zt', '$(date)'], '`x'],
    ['zt a\\', ['zt'], 'a'],
  ])('%s is read without its quotes', (line, before, current) => {
    expect(readBashLine(line, BREAKS)).toMatchObject({before, current})
  })

  it('is left alone within $’…’, which has escapes of its own', () => {
    expect(readBashLine("zt $'a", BREAKS)).toBeUndefined()
    expect(readBashLine("zt $'a' b", BREAKS)).toMatchObject({current: 'b'})
  })

  /** As readline finds what it replaces: behind an open quote, or behind the last break that is not escaped. */
  function replacedFrom(typed: string, quote: string): number {
    if (quote !== '') return typed.indexOf(quote) + 1
    let from = 0
    for (let at = 0; at < typed.length; at++) {
      if (typed.charAt(at) === '\\') at++
      else if (BREAKS.includes(typed.charAt(at))) from = at + 1
    }
    return from
  }
  const escaped: Record<string, (text: string) => string> = {
    '': (text) => text.replaceAll(/[^A-Za-z0-9:=@]/gu, '\\$&'),
    "'": (text) => `'${text}`,
    '"': (text) => `"${text.replaceAll(/["$`\\]/g, '\\$&')}`,
  }

  it('becomes one word that is the name, whatever it is and however it was begun', () => {
    const name = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom(...` "'\`$\\!:=@#~*(){}&;|<>-`),
          fc.string({minLength: 1, unit: 'binary', maxLength: 1}),
        ),
        minLength: 1,
        maxLength: 12,
      }) // prettier-ignore
      .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text))
    const names: string[] = []
    const lines: string[] = []
    fc.assert(
      fc.property(name, fc.nat(12), fc.constantFrom('', "'", '"'), fc.constantFrom('', '--name='), (whole, length, quote, prefix) => {
        const begun = [...whole].slice(0, length).join('')
        // Whoever writes a single quote between single quotes has closed them.
        if (quote === "'" && begun.includes("'")) return
        const typed = prefix + (escaped[quote]?.(begun) ?? '')
        const line = readBashLine(`zt token ${typed}`, BREAKS)
        expect(line?.current).toBe(prefix + begun)
        const inserted = line?.inserted(prefix + whole) ?? ''
        const closing = quote !== '' && !inserted.endsWith(quote) ? quote : ''
        names.push(prefix + whole)
        lines.push(typed.slice(0, replacedFrom(typed, quote)) + inserted + closing)
      }), // prettier-ignore
      {numRuns: 300},
    )
    const script = `while IFS= read -r line; do eval "words=($line)"; printf '%s\\0' "\${#words[@]}" "\${words[@]}"; done`
    const read = execFileSync('bash', ['-c', script], {input: lines.map((line) => `${line}\n`).join('')})
    expect(read.toString().split('\0').slice(0, -1)).toEqual(names.flatMap((one) => ['1', one]))
  })
})
