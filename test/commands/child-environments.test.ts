import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, beforeEach, expect, it, vi} from 'vitest'
import {ENVIRONMENT_VARIABLES} from '../../src/lib/core/environment-variables.js'
import {PAIR_VARIABLES, PAIRS} from '../../src/lib/core/pair-variables.js'
import {Secret} from '../../src/lib/core/secret.js'
import {startDaemon} from '../../src/lib/sandbox/daemon.js'
import {CHILDREN, type Child, type Part} from '../../src/lib/system/child-environment.js'
import {requireCloudflared, runCloudflared} from '../../src/lib/tunnel/cloudflared/run.js'
import {startedBy} from '../../src/lib/tunnel/connections/end.js'
import {startInBackground} from '../../src/lib/tunnel/forward/background.js'
import {commandTests} from '../support/command-harness.js'
import {until} from '../support/patience.js'

const scene = commandTests('exec')
const root = path.resolve(import.meta.dirname, '../../src')
const HOST = 'gitlab.widgetcorp.tech'
const OTHER = 'other.widgetcorp.tech'
const RECORDERS = ['SSLKEYLOGFILE', 'CURL_DEBUG']
const SECRETS = ENVIRONMENT_VARIABLES.flatMap(({name, kind}) => (kind === 'secret' ? [name] : []))
const partOf = (name: string): Part =>
  RECORDERS.includes(name) ? 'recorders' : PAIR_VARIABLES.includes(name) ? 'pair' : 'apiToken'

const record = (): string => scene.zt.file('record')
/** What a child runs to write down the environment that it has. */
const script = (answer = ''): string =>
  `require('fs').appendFileSync(${JSON.stringify(record())}, JSON.stringify(process.env) + '\\n');${answer}`
const recorded = async (): Promise<Record<string, string>[]> =>
  (await fs.readFile(record(), 'utf8').catch(() => ''))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, string>)

/** The environment that zt itself has. */
const given = (): Record<string, string> => ({
  CLOUDFLARE_API_TOKEN: scene.zt.state.apiToken,
  ...Object.fromEntries(
    PAIRS.flatMap(({id, secret}) => [
      [id, `${'a'.repeat(32)}.access`],
      [secret, 'b'.repeat(64)],
    ]),
  ),
  SSLKEYLOGFILE: '/nonexistent/keys',
  CURL_DEBUG: '1',
})

beforeEach(async () => {
  const {zt} = scene
  for (const name of ['curl', 'ssh', 'xdg-open', 'probe', 'ps']) await zt.program(name, script())
  await zt.program('docker-credential-probe', script("process.stdin.resume(); console.log('{}')"))
  await zt.program('cloudflared', script("console.log('cloudflared version 2025.8.1 (built x)')"))
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy')
  await fs.rm(record(), {force: true})
  for (const [name, value] of Object.entries(given())) vi.stubEnv(name, value)
  vi.stubEnv('PATH', zt.file('bin'))
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const run = (...words: string[]) =>
  scene.zt.run(words, {env: given(), ...(words.includes('open') && {answers: []})})
const node = (): string[] => [process.execPath, '-e', script()]

/** How each kind of child is started. */
const STARTS: Record<Child, () => Promise<unknown>> = {
  zt: () =>
    startInBackground({command: node(), state: scene.zt.home, hosts: 1, environment: process.env}).catch(
      () => undefined,
    ),
  exec: () => run('exec', 'deploy', '--id-var', 'MY_ID', '--secret-var', 'MY_SECRET', '--', 'probe'),
  beside: () => run('forward', HOST, '--', 'probe'),
  ssh: () => run('ssh', HOST, '--no-share'),
  sshWithPair: () => run('ssh', OTHER, '--no-share', '--token', 'env', '--yes'),
  curl: () => run('curl', `https://${HOST}/`),
  cloudflared: async () => {
    const env = process.env
    await runCloudflared({
      program: await requireCloudflared(env, scene.zt.file('cache')),
      edge: {host: HOST, connectTo: undefined, caFile: undefined},
      credentials: {clientId: 'other.access', clientSecret: new Secret('c'.repeat(64))},
      env,
    })
  },
  store: () => run('store', 'list'),
  browser: () => run('app', 'open', 'GitLab'),
  sandbox: () => startDaemon({command: node(), directory: scene.zt.file('sandbox')}).catch(() => undefined),
  tool: async () => {
    await startedBy(process.pid)
    await run('ssh', 'config', HOST)
  },
}

it.skipIf(process.platform === 'win32').each(Object.keys(STARTS) as Child[])(
  'a child of the kind %s gets the secrets that the table says, and no other',
  async (child) => {
    await STARTS[child]()
    const all = await until(async () => {
      const seen = await recorded()
      return seen.length > 0 ? seen : undefined
    })
    const kept: readonly Part[] = CHILDREN[child]
    // Before it, `ssh -G` was asked what the host is.
    for (const env of child === 'sshWithPair' ? all.slice(-1) : all)
      for (const name of [...SECRETS, ...PAIR_VARIABLES, ...RECORDERS])
        expect([name, env[name] === given()[name]]).toEqual([name, kept.includes(partOf(name))])
  },
)

it.skipIf(process.platform === 'win32').each([
  ['/usr/sbin/nologin', '/bin/sh'],
  ['/nonexistent/zsh', '/bin/sh'],
  [process.execPath, process.execPath],
  ['', ''],
])('ssh, which starts zt by the shell that SHELL names, gets for %j: %j', async (given_, gets) => {
  await scene.zt.run(['ssh', HOST, '--no-share'], {env: {...given(), SHELL: given_}})
  expect((await recorded()).at(-1)?.['SHELL']).toBe(gets)
})

it('every file that starts a program takes its environment from the table, or gets it so', async () => {
  const names = await fs.readdir(root, {recursive: true})
  const starting: string[] = []
  for (const name of names.filter((one) => one.endsWith('.ts'))) {
    const text = await fs.readFile(path.join(root, name), 'utf8')
    const starts =
      /'node:child_process'|\/start-program\.js'/.test(text) &&
      /\b(?:(spawn|fork|exec(File)?)(Sync)?|startProgram)\)?\(/.test(text)
    if (!starts && !/(?<!function )\baskProgram\(/.test(text)) continue
    if (!text.includes('environmentFor(')) starting.push(name.replaceAll(path.sep, '/'))
  }
  expect(starting.sort()).toEqual([
    // Their callers: keychain.ts, helper-store.ts, address.ts, run.ts of cloudflared and of ssh, exec.ts.
    'lib/secrets/helper/run-helper.ts',
    'lib/secrets/keychain/run-child.ts',
    'lib/system/ask-program.ts',
    'lib/system/browser.ts',
    'lib/system/start-program.ts',
    'lib/tunnel/cloudflared/version.ts',
    'lib/tunnel/exec/child.ts',
  ])
})
