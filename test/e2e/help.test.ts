import {readFileSync} from 'node:fs'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {ENVIRONMENT_VARIABLES} from '../../src/lib/core/environment-variables.js'
import {EXIT_CODES} from '../../src/lib/core/exit-codes.js'
import {BuiltZt} from '../support/built-zt.js'

const root = path.resolve(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(path.join(root, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, unknown>
}
const written = JSON.parse(readFileSync(path.join(root, 'dist/help/plain.json'), 'utf8')) as Record<
  string,
  string
>

let zt: BuiltZt
beforeAll(async () => {
  zt = await BuiltZt.make()
})
afterAll(() => zt.end())

/** Makes the framework write the help. */
const FRAMEWORK = {FORCE_COLOR: '0'}

describe('help', () => {
  it('is written for every command of the manifest', () => {
    const names = Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' '))
    expect(Object.keys(written)).toEqual(expect.arrayContaining(names))
  })

  it.each<string[]>([
    [],
    ['--help'],
    ['-h'],
    ['help'],
    ['token', '--help'],
    ['help', 'token'],
    ['token', 'create', '-h'],
    ['token', '--help', 'create'],
    ['help', 'app', 'add-rule'],
    ['ssh', '--help'],
    ['ssh', 'proxy', '--help'],
    ['sandbox', 'start', '--help'],
    ['help', 'exit-codes'],
    ['help', 'environment'],
  ])('is the same as the framework’s: %s %s %s', async (...args) => {
    const [quick, whole] = await Promise.all([zt.run(args), zt.run(args, {env: FRAMEWORK})])
    expect(quick.stdout).not.toBe('')
    expect(quick).toEqual(whole)
  })

  it.each<[args: string[], code: number]>([
    [['help', 'exit-codes', '--json'], 0],
    [['help', 'environment', '--json'], 0],
    [['environment'], 2],
    [['help', 'tokens'], 2],
    [['token', 'creat', '--help'], 2],
    [['token', 'list', '--help', '--json'], 0],
  ])('leaves to the framework everything but a command’s help: %s', async (args, code) => {
    const end = await zt.run(args)
    expect(end).toEqual(await zt.run(args, {env: FRAMEWORK}))
    expect(end.code).toBe(code)
  })

  it('names at its end what else there is help on', async () => {
    const {stdout} = await zt.run(['--help'])
    expect(stdout).toMatch(/\n {2}zt help environment .*\n {2}zt help exit-codes .*\n\n$/)
  })

  it('has each exit code and each variable, in text and JSON, and leads there from the bare word', async () => {
    for (const [topic, key, rows] of [
      ['exit-codes', 'exitCodes', EXIT_CODES],
      ['environment', 'variables', ENVIRONMENT_VARIABLES],
    ] as const) {
      expect(await zt.json(['help', topic])).toEqual({[key]: rows, warnings: []})
      const {stdout} = await zt.run(['help', topic])
      const words = stdout.split(/\s+/)
      for (const row of rows) expect(words).toContain(row.name)
      for (const row of rows) expect(words).toContain(String('code' in row ? row.code : row.kind))
      expect((await zt.run([topic])).stderr).toContain(`next:  zt help ${topic}\n`)
    }
  })

  it.each([40, 50, 61, 62, 100])('tears no name where there are %i columns', async (columns) => {
    const {stdout} = await zt.run(['help', 'environment'], {env: {OCLIF_COLUMNS: String(columns)}})
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns)
    for (const {name, meaning} of ENVIRONMENT_VARIABLES) {
      expect(stdout).toContain(name)
      for (const word of meaning.split(' ')) expect(stdout).toContain(word)
    }
  })

  it.each(Object.entries(written))('fits into 80 columns: zt %s', (_name, text) => {
    // An example may be longer: it is one line to copy.
    const lines = text.split('\n').filter((line) => !/^ {2}(\$ |\S.* \| zt )/.test(line))
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80)
  })
})
