import fs from 'node:fs/promises'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {completionWords, kindOf, type Manifest} from '../../src/lib/command/completion-words.js'

const root = path.resolve(import.meta.dirname, '../..')
const manifest = JSON.parse(await fs.readFile(path.join(root, 'oclif.manifest.json'), 'utf8')) as Manifest

const values = Object.entries(manifest.commands).flatMap(([id, {args, flags}]) => [
  ...Object.values(args).map(({name}) => [id, name] as const),
  ...Object.values(flags)
    .filter(({type, hidden}) => type === 'option' && hidden !== true)
    .map(({name}) => [id, `--${name}`] as const),
])

describe('what can be completed', () => {
  it('is declared for every argument and every value of a flag', () => {
    const undeclared = values.filter(([id, name]) => kindOf(id, name) === undefined)
    expect(undeclared, 'add it to src/lib/command/completion-words.ts').toEqual([])
    expect(values.length).toBeGreaterThan(200)
  })

  it.each([
    ['an argument', {args: {thing: {name: 'thing'}}, flags: {}}],
    ['a value', {args: {}, flags: {thing: {name: 'thing', type: 'option'}}}],
  ])('is not built where %s is not declared', (_what, command) => {
    expect(() => completionWords({commands: {'token:do': command}}, {})).toThrow(/token:do (--)?thing/)
  })

  it('has every command, and every flag that help shows', () => {
    const {commands} = completionWords(manifest, {})
    expect(Object.keys(commands)).toEqual(Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' ')))
    for (const [id, {flags}] of Object.entries(manifest.commands)) {
      const offered = commands[id.replaceAll(':', ' ')]?.flags.map(({name}) => name)
      const shown = Object.values(flags).filter(({hidden}) => hidden !== true)
      expect(offered).toEqual(expect.arrayContaining(shown.map(({name}) => name)))
    }
  })
})
