import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const API_TOKEN = 'canary-api-token-0123456789abcdef0123456789'
const ENV_SECRET = 'cfast_canaryFromTheEnvironment0123456789abcdefghijklmn'
const host = 'gitlab-ssh.widgetcorp.tech'
/** NODE_DEBUG=http is not among them: node itself prints headers then, and reads it before any program runs. */
const loud = {DEBUG: '*', CLOUDFLARE_LOG: 'debug'}

/**
 * Every command, as it succeeds and as it fails. One that is new must be added here: the first test compares the keys
 * with the manifest.
 */
const LINES: Record<string, string[][]> = {
  login: [['login', '--profile', 'again']],
  whoami: [['whoami'], ['whoami', '--profile', 'nobody']],
  'profile:list': [['profile', 'list']],
  'profile:show': [['profile', 'show']],
  'profile:use': [
    ['profile', 'use', 'mine'],
    ['profile', 'use', 'nobody'],
  ],
  'token:create': [
    ['token', 'create', 'ci'],
    ['token', 'create', 'ci'],
    ['token', 'create', 'x', '--duration', 'long'],
  ],
  'token:rotate': [
    ['token', 'rotate', 'ci', '--dry-run'],
    ['token', 'rotate', 'ci'],
    ['token', 'rotate', 'ci', '--undo'],
    ['token', 'rotate', 'ci', '--finish'],
    ['token', 'rotate', 'co'],
  ],
  'token:recover': [['token', 'recover']],
  'token:list': [['token', 'list']],
  'token:show': [
    ['token', 'show', 'ci'],
    ['token', 'show', 'co'],
  ],
  'token:refresh': [
    ['token', 'refresh', 'ci'],
    ['token', 'refresh', 'ci', '--duration', '1d'],
  ],
  'token:disable': [
    ['token', 'disable', 'known'],
    ['token', 'disable', 'co'],
  ],
  'token:enable': [
    ['token', 'enable', 'known'],
    ['token', 'enable', 'co'],
  ],
  'token:import': [
    ['token', 'import', 'known', '--host', 'known.example'],
    ['token', 'import', 'ci'],
    ['token', 'import', '--no-input', '--replace'],
  ],
  'token:rename': [
    ['token', 'rename', 'known', 'renamed'],
    ['token', 'rename', 'renamed', 'ci'],
  ],
  'token:revoke': [
    ['token', 'revoke', 'renamed', '--dry-run'],
    ['token', 'revoke', 'renamed'],
    ['token', 'revoke', 'renamed', '--detach', '--yes'],
  ],
  'app:list': [['app', 'list']],
  'app:show': [
    ['app', 'show', 'GitLab'],
    ['app', 'show', 'GitHub'],
  ],
  'app:add-rule': [
    ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci', '--dry-run'],
    ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'],
    ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'co'],
  ],
  ssh: [
    ['ssh', `git@${host}`, '--', '-T'],
    ['ssh', 'elsewhere.example', '--', '-T'],
  ],
  'ssh:config': [['ssh', 'config', host]],
  'ssh:proxy': [
    ['ssh', 'proxy', host],
    ['ssh', 'proxy', 'elsewhere.example'],
  ],
  'sandbox:status': [['sandbox', 'status']],
  'sandbox:start': [['sandbox', 'start']],
  help: [['help'], ['help', 'exit-codes'], ['help', 'token', 'create']],
  logout: [
    ['logout', '--profile', 'again'],
    ['logout', '--profile', 'again'],
  ],
  'sandbox:stop': [['sandbox', 'stop']],
  'sandbox:reset': [['sandbox', 'reset', '--yes']],
}

/** As itself, and as something that prints or stores it may have written it. */
const forms = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').slice(0, -4),
  Buffer.from(secret).toString('hex'),
]

let zt: BuiltZt
let secrets: string[]
/** The credentials of a service token, as they are given to `token import`. */
let credentials: string

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  const tutorial = {
    zones: [{name: 'widgetcorp.tech'}],
    apps: [{name: 'GitLab', domain: host}],
    api_tokens: [{token: API_TOKEN, owner: 'user'}],
  }
  await fs.writeFile(seed, JSON.stringify(tutorial))
  const {apiUrl, edge, caFile} = await zt.json<Record<string, string>>(['sandbox', 'start', '--seed', seed])
  await fs.rm(seed)
  // prettier-ignore
  const login = ['login', '--profile', 'mine', '--api-url', apiUrl ?? '', '--connect-to', edge ?? '', '--ca-file', caFile ?? '']
  for (const profile of ['mine', 'again']) {
    await zt.json([...login.slice(0, 2), profile, ...login.slice(3)], {input: API_TOKEN})
  }
  await zt.json(['profile', 'use', 'mine'])
  const known = await zt.json<{clientSecret: string}>(['token', 'create', 'known', '--reveal'])
  const {clientSecret} = known
  credentials = JSON.stringify(known)
  secrets = [API_TOKEN, ENV_SECRET, clientSecret]
})

afterAll(() => zt.end())

/** A secret of whatever origin: those that are known, and anything that looks like a Client Secret. */
function leaks(text: string): string[] {
  const known = secrets.flatMap(forms).filter((form) => text.includes(form))
  return [...known, ...(text.match(/cfast_[A-Za-z0-9]{30,}/g) ?? [])]
}

describe('a secret', () => {
  it('would be looked for in every command', async () => {
    const manifest = JSON.parse(
      await fs.readFile(path.resolve(import.meta.dirname, '../../oclif.manifest.json'), 'utf8'),
    ) as {commands: Record<string, unknown>}
    expect(Object.keys(LINES).sort()).toEqual(Object.keys(manifest.commands).sort())
  })

  it('would be noticed', () => {
    for (const secret of secrets) expect(leaks(`x${secret}y`)).not.toEqual([])
    expect(leaks(Buffer.from(API_TOKEN).toString('base64'))).not.toEqual([])
  })

  for (const [command, lines] of Object.entries(LINES)) {
    for (const [at, args] of lines.entries()) {
      it(`is in no output of ${args.join(' ')} (${command} ${at + 1}), with --json or every debug log on`, async () => {
        const json = command === 'ssh' || command === 'ssh:proxy' ? args : [...args, '--json']
        const input = command === 'login' ? API_TOKEN : command === 'token:import' ? credentials : ''
        for (const [line, env] of [
          [args, {}],
          [args, loud],
          [json, loud],
          [json, {...loud, CLOUDFLARE_API_TOKEN: API_TOKEN}],
          [args, {...loud, CF_ACCESS_CLIENT_ID: 'x.access', CF_ACCESS_CLIENT_SECRET: ENV_SECRET}],
        ] as const) {
          const {stdout, stderr} = await zt.run([...line], {env, input})
          expect(leaks(stdout + stderr)).toEqual([])
        }
      })
    }
  }

  it("is in no file but the sandbox's own state, which plays the server", async () => {
    const files = await fs.readdir(zt.home, {recursive: true, withFileTypes: true})
    const looked: string[] = []
    for (const entry of files.filter((one) => one.isFile())) {
      const file = path.join(entry.parentPath, entry.name)
      if (entry.name === 'state.json') continue
      looked.push(file)
      expect(leaks(await fs.readFile(file, 'latin1')), file).toEqual([])
    }
    expect(looked.some((file) => file.endsWith('.age'))).toBe(true)
  })
})
