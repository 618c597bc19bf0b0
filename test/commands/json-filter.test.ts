import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import fs from 'node:fs'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import {resultFields} from '../../src/lib/cli/result-fields.js'
import {COMMANDS, CommandWorld} from '../support/command-harness.js'

const root = path.resolve(import.meta.dirname, '../..')

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
beforeEach(async () => zt.reset())
afterAll(async () => zt.end())

const failed = /^error: .*\n(why: +.*\n( .*\n)*)*(next: .*\n( .*\n)*)*$/

/** The properties that a schema or one of its alternatives names. */
const namedIn = ({properties, oneOf, anyOf}: JsonObject): string[] => [
  ...Object.keys(properties ?? {}),
  ...[oneOf, anyOf].flatMap((all) => ((all ?? []) as JsonObject[]).flatMap(namedIn)),
]

describe('--fields', () => {
  it.each<[line: string, document: object]>([
    ['token list --fields id,name --limit 1', {tokens: [{id: 'token-ci', name: 'ci'}], warnings: []}],
    ['token list --fields tokens.id --limit 1', {tokens: [{id: 'token-ci'}], warnings: []}],
    ['profile list --fields name', {profiles: [{name: 'default'}], warnings: []}],
    ['profile list --fields profiles.name', {profiles: [{name: 'default'}], warnings: []}],
    ['forward list --fields pid', {forwards: [], warnings: []}],
    ['token show ci --fields token.id', {token: {id: 'token-ci'}, warnings: []}],
    ['token show ci --fields token.id,usedBy.name', {token: {id: 'token-ci'}, usedBy: [{name: 'robots'}, {name: 'Robots'}], warnings: []}],
    ['token show off --fields usedBy.name', {usedBy: [], warnings: []}],
    ['profile show --fields profile,accountName', {profile: 'default', accountName: null, warnings: []}],
    ['--fields profile profile show', {profile: 'default', warnings: []}],
    ['profile show --fields=profile --json', {profile: 'default', warnings: []}],
  ])('keeps only them: zt %s', async (line, document) => {
    const {stdout, stderr, exitCode} = await zt.run(line)
    expect({stderr, exitCode}).toEqual({stderr: '', exitCode: 0})
    expect(JSON.parse(stdout)).toEqual(document)
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(Object.keys(document))
  }) // prettier-ignore

  it.each([
    ['token list --fields nothing', /has no field nothing/],
    ['token list --fields id,nothing,more', /has no fields nothing, more/],
    ['token list --fields tokens.nothing', /has no field tokens\.nothing/],
    ['token list --fields id,warnings', /has no field warnings/],
  ])('that a list does not have are named before anything is printed: zt %s', async (line, message) => {
    const {stdout, exitCode} = await zt.run(line)
    expect(exitCode).toBe(2)
    const {error} = JSON.parse(stdout) as {error: {code: string; message: string; why: string}}
    expect(error.code).toBe('NO_SUCH_FIELD')
    expect(error.message).toMatch(message)
    expect(JSON.stringify(error)).toContain('lastSeenAt')
  })

  it('may be the whole list', async () => {
    const whole = await zt.run('token list --json')
    expect(await zt.run('token list --fields tokens')).toEqual(whole)
  })

  it('that no result of the command has are refused before anything is done', async () => {
    await zt.unchanged(async () => {
      for (const field of ['nothing', 'token.nothing', 'token.id.nothing']) {
        const {stdout, exitCode} = await zt.run(['token', 'create', 'x', '--fields', `token.id,${field}`])
        expect(exitCode).toBe(2)
        expect(JSON.parse(stdout)).toMatchObject({
          error: {code: 'NO_SUCH_FIELD', message: `The result has no field ${field}`},
        })
      }
    })
  })

  it('that this result does not have lose nothing of it', async () => {
    // Only a dry run has it.
    const {stdout, stderr, exitCode} = await zt.run('token create x --fields dryRun')
    expect([exitCode, JSON.parse(stdout) as object]).toMatchObject([2, {token: {name: 'x'}, store: 'vault'}])
    expect(stderr).toContain('the command itself has succeeded')
  })

  it('of the schemas are those that results have', () => {
    // every-command.test.ts names a command without a schema.
    const all = [...COMMANDS].flatMap(([id, file]) => {
      const known = resultFields(root, id.replaceAll(' ', ':'))
      if (!known) return []
      const schema = path.join(root, 'docs', 'json', `${id.replaceAll(' ', '-')}.schema.json`)
      return [{file, known, named: namedIn(JSON.parse(fs.readFileSync(schema, 'utf8')) as JsonObject)}]
    })
    expect(all).not.toEqual([])
    for (const {file, known, named} of all) {
      expect(
        named.filter((name) => !/^(error|warnings)$/.test(name) && !known.has(name)),
        file,
      ).toEqual([])
      expect(known.names, file).not.toEqual([])
      for (const name of known.names) expect([file, name, known.has(name)]).toEqual([file, name, true])
      expect(known.has('no-such-field-anywhere'), file).toBe(false)
    }
  })

  it.each(['', 'id,', ',', 'id name', 'token[0]', '.id'])('are names: %j is none', async (text) => {
    const {stdout, exitCode} = await zt.run(['token', 'create', 'x', '--fields', text])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({error: {code: 'BAD_FIELDS'}})
    expect(zt.state.data.serviceTokens.map(({object}) => object['name'])).not.toContain('x')
  })

  it('leave a failure as it is', async () => {
    const {stdout, exitCode} = await zt.run('token show none --fields token.id')
    expect(exitCode).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({error: {code: 'TOKEN_NOT_FOUND'}})
  })
})

describe('--jq', () => {
  it.each<[words: string[], stdout: string]>([
    [['token', 'list', '--jq', '.tokens[].name'], 'ci\ncd\noff\n'],
    [['token', 'list', '--jq', '[.tokens[] | select(.status == "disabled").id]'], '["token-off"]\n'],
    [['token', 'list', '--jq', '.tokens[] | {id, name}', '--limit', '1'], '{"id":"token-ci","name":"ci"}\n'],
    [['token', 'list', '--fields', 'id', '--jq', '.tokens[0]'], '{"id":"token-ci"}\n'],
    [['token', 'list', '--jq', 'empty'], ''],
    [['token', 'show', 'ci', '--jq', '.token.id'], 'token-ci\n'],
    [['token', 'show', 'ci', '--jq', '"a\\nb"'], 'a\nb\n'],
    [['token', 'show', 'ci', '--jq', '.token.name | @base64'], 'Y2k=\n'],
    [['token', 'show', 'ci', '--jq', '[.token.id, .token.name] | @tsv'], 'token-ci\tci\n'],
    // What is invisible has the escapes of JSON in JSON, and zt's own in a text.
    [
      ['token', 'show', 'ci', '--jq', '["\u200b"], "\u200b", "", ["a\tb"]'],
      '["\\u200b"]\n\\u{200b}\n\n["a\\tb"]\n',
    ],
    [['--jq', '.profile', 'profile', 'show'], 'default\n'],
    [['token', 'create', 'x', '--jq', '.token.name'], 'x\n'],
    [['token', 'show', 'off', '--jq=-(.usedBy | length) - 1'], '-1\n'],
    // Neither the environment nor a file is in it.
    [['profile', 'show', '--jq', '$ENV.CLOUDFLARE_API_TOKEN, env.CLOUDFLARE_API_TOKEN'], 'null\nnull\n'],
  ])('prints what the expression makes of the result: zt %j', async (words, stdout) => {
    expect(await zt.run(words)).toMatchObject({stdout, stderr: '', exitCode: 0})
  })

  it.each([
    '.tokens | foo(',
    '.a |',
    '',
    '-h',
    '-f',
    '--arg',
    'include "/etc/passwd"; .',
    'import "a" as a; .',
  ])('that cannot be read does nothing: %s', async (expression) => {
    const {stdout, stderr, exitCode} = await zt.run(['token', 'create', 'x', `--jq=${expression}`])
    expect({stdout, exitCode}).toEqual({stdout: '', exitCode: 2})
    expect(stderr).toMatch(failed)
    expect(stderr).toContain('The expression of --jq cannot be read')
    expect(zt.state.data.serviceTokens.map(({object}) => object['name'])).not.toContain('x')
  })

  it('that fails on the result loses nothing of it', async () => {
    const {stdout, stderr, exitCode} = await zt.run(['token', 'create', 'x', '--jq', '.token | error("no")'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('The result has .token, ')
    expect(JSON.parse(stdout)).toMatchObject({token: {name: 'x'}})
    expect(stderr).toContain('why:   no')
    expect(stderr).toContain('the command itself has succeeded')
  })

  it('leaves a failure on stderr, and stdout empty', async () => {
    const {stdout, stderr, exitCode} = await zt.run(['token', 'show', 'none', '--jq', '.token.id'])
    expect({stdout, exitCode}).toEqual({stdout: '', exitCode: 5})
    expect(stderr).toMatch(failed)
    expect((await zt.run(['token', 'show', '--jq'])).exitCode).toBe(2)
  })

  it('shows warnings, which the expression may leave out', async () => {
    zt.state.data.apiTokens[0]!.permission_groups = ['Access: Service Tokens Read']
    const {stdout, stderr} = await zt.run(['token', 'show', 'ci', '--jq', '.token.id'])
    expect(stdout).toBe('token-ci\n')
    expect(stderr).toContain('warning: The API token may not read')
  })
})
