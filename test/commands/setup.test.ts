import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import type {ErrorKind} from '../../src/lib/core/errors.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {commandTests} from '../support/command-harness.js'
import {SetupScene} from '../support/setup-scene.js'

const HOST = 'gitlab.widgetcorp.tech'
const server = net.createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-test\r\n'))
const scene = commandTests('setup', {originOf: () => `127.0.0.1:${(server.address() as AddressInfo).port}`})
let setups: SetupScene

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
beforeEach(async () => {
  setups = new SetupScene(scene.zt)
  await setups.reset()
})
afterAll(() => server.close())

const stateOf = ({steps}: JsonObject, step: string): unknown =>
  (steps as JsonObject[]).find((one) => one['step'] === step)?.['state']

it('shows the plan with what it will write, asks once, and says each step as it ends', async () => {
  const {zt} = scene
  const {stdout, stderr, asked} = await zt.run(`setup ${HOST} --file ssh-config`, {answers: ['Yes']})
  expect(asked).toEqual(['Set it up?'])
  const written = (await fs.readFile(zt.file('ssh-config'), 'utf8')).replaceAll(
    /[0-9a-f]{10}-%C/g,
    '<token>-%C',
  )
  for (const line of written.trimEnd().split('\n').slice(0, -1)) expect(stdout).toContain(`+${line}`)
  const [plan = '', done = ''] = stdout.split('\n✓ Created the service token')
  expect(plan).toContain(`+ Create the service token "${HOST}"`)
  expect(plan).toContain('✓ The application of gitlab.widgetcorp.tech is "GitLab"')
  expect(plan).toContain(`opens: "GitLab" (${HOST}) to "${HOST}"`)
  expect(done).toContain('✓ The edge accepted the token; the server says SSH-2.0-test')
  expect(stderr).toContain(`next:  zt ssh ${HOST}`)
  expect(await setups.routes(HOST)).toEqual(['zt'])
})

it.each([
  ['with a no, which is the first answer', 'No', 12, undefined],
  ["leaves ssh's configuration out", 'Yes, without', 0, 'skipped'],
])('ends the one question %s', async (_, answer, exitCode, state) => {
  const {zt} = scene
  await zt.json('token create deploy')
  await setups.sshConfig('# mine\n')
  const line = `setup ${HOST} --token deploy --file ssh-config`
  const run = async () => zt.run(`${line} --json`, {answers: [answer]})
  const end = exitCode === 0 ? await run() : await setups.unchanged(run)
  expect(end.exitCode).toBe(exitCode)
  expect(await fs.readFile(zt.file('ssh-config'), 'utf8')).toBe('# mine\n')
  if (state !== undefined) expect(stateOf(JSON.parse(end.stdout) as JsonObject, 'ssh-config')).toBe(state)
})

it('changes nothing without an answer, or with a no', async () => {
  const {zt} = scene
  await setups.unchanged(async () => {
    const error = await zt.failsWithoutAsking(`setup ${HOST} --no-connect`)
    expect(error.next).toEqual([expect.stringMatching(/--yes$/)])
    const {exitCode, stderr} = await zt.run(`setup ${HOST} --no-ssh-config`, {answers: [false]})
    expect(exitCode).toBe(12)
    expect(stderr).toContain('nothing was changed')
    await zt.run(`setup ${HOST} --ssh-config --file ssh-config --dry-run`)
  })
})

it('asks for an API token where there is none, or names the command', async () => {
  const {zt} = scene
  const env = {CLOUDFLARE_API_TOKEN: undefined}
  const error = await zt.fails(`setup ${HOST} --yes`, 'auth', 'NOT_LOGGED_IN', {env})
  expect(error.next[0]).toBe('zt login')
  const {stdout, asked} = await zt.run(`setup ${HOST} --yes --store vault`, {
    env,
    answers: [zt.state.apiToken],
  })
  expect(asked).toEqual(['API token'])
  expect(stdout).toContain('✓ Logged in to Widgetcorp')
})

it.each([
  ['the one that was named', '--token deploy', 'deploy', async () => undefined],
  ['a new one of that name', '--token fresh --duration 30d', 'fresh', async () => undefined],
  ['the bound one', '', 'other', () => setups.bind(HOST, 'other')],
  [
    'the only one of this machine that is admitted',
    '',
    'deploy',
    () => scene.zt.json('app add-rule GitLab --service-auth --token deploy --token cd'),
  ],
  ['a new one with the name of the host', '', HOST, async () => undefined],
])('uses %s', async (_, flags, name, begin) => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('token create other')
  await setups.bind(HOST, undefined)
  await begin()
  await setups.bind(HOST, name === 'other' ? 'other' : undefined)
  await zt.json(`setup ${HOST} --yes ${flags}`.trimEnd())
  expect(await zt.json(`ssh check ${HOST}`)).toMatchObject({ok: true, token: {name}})
})

it('refuses a token whose secret is elsewhere, and an ID that no token has', async () => {
  const {zt} = scene
  await setups.unchanged(async () => {
    const error = await zt.fails(`setup ${HOST} --token ci --yes`, 'not-found', 'SECRET_NOT_FOUND')
    expect(error.next.join('\n')).toContain('zt token import ci')
    await zt.fails(`setup ${HOST} --token no.access --yes`, 'not-found', 'TOKEN_NOT_FOUND')
  })
})

it('adds no rule where another one admits the token, also under conditions', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy --require-ip 127.0.0.0/8')
  const result = await zt.json(`setup ${HOST} --token deploy --yes`)
  expect([stateOf(result, 'rule'), result['changes']]).toEqual(['there', []])
})

it('ends with what waiting cannot cure, says what was done, and goes on', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const disable = (): void => {
    zt.token('deploy')['enabled'] = false
  }
  // Someone does it while the rule is added.
  zt.api.spoil({method: 'POST', path: '/policies', action: {do: 'pass'}, then: disable})
  const line = `setup ${HOST} --token deploy --yes`
  const error = await zt.fails(line, 'refused', 'ACCESS_REFUSED')
  expect(error['why']).toContain('disabled')
  expect(error['why']).toContain('Done so far: Access admits "deploy" to "GitLab"')
  expect(error.next).toContain(`To go on: zt ${line} --json`)
  expect(error.next).toContain(`To take it back: zt setup ${HOST} --remove`)
  await zt.json('token enable deploy')
  const result = await zt.json(line)
  expect([stateOf(result, 'rule'), stateOf(result, 'edge')]).toEqual(['there', 'done'])
})

describe('what can be known before the first change is known before it', () => {
  const cases: [string, string, () => unknown, ErrorKind, string, RegExp][] = [
    ['a host in no zone', 'setup ssh.elsewhere.example', () => undefined, 'usage', 'DOMAIN_OUTSIDE_ZONES', /Name a host in one of these zones/],
    ['a disabled token', `setup ${HOST} --token deploy`, () => scene.zt.json('token disable deploy'), 'needs-action', 'TOKEN_DISABLED', /^zt token enable deploy$/],
    ['an expired token', `setup ${HOST} --token deploy`, () => (scene.zt.token('deploy')['expires_at'] = '2020-01-01T00:00:00Z'), 'needs-action', 'TOKEN_EXPIRED', /^zt token refresh deploy$/],
    ['a secret that is gone', `setup ${HOST} --token deploy`, () => fs.rm(path.join(scene.zt.home, 'DATA', 'zt', 'vault'), {recursive: true}), 'not-found', 'SECRET_NOT_FOUND', /^zt token rotate/],
    ["a host that the edge cannot be reached for", `setup ${HOST}`, () => scene.zt.writeConfig({profiles: {default: {...scene.zt.profile, connectTo: '127.0.0.1:9'}}}), 'unreachable', 'EDGE_UNREACHABLE', /./],
    ['a directory in place of the ssh configuration', `setup ${HOST} --ssh-config --file bin`, () => undefined, 'not-written', 'FILE_NOT_WRITABLE', /./],
  ] // prettier-ignore
  it.each(cases)('%s', async (_, line, begin, kind, code, next) => {
    const {zt} = scene
    await zt.json('token create deploy')
    await begin()
    await setups.unchanged(async () => {
      const error = await zt.fails(`${line} --yes`, kind, code)
      expect(error.next[0]).toMatch(next)
      expect(error['details'] ?? {}).not.toHaveProperty('steps')
    })
  })
})

describe('an API token without a permission changes nothing, and all that it lacks is named', () => {
  const TOKENS = 'Access: Service Tokens'
  const APPS = 'Access: Apps and Policies'
  const only = (groups: readonly string[] | undefined): void => {
    const [own] = scene.zt.state.data.apiTokens
    if (own) own.permission_groups = groups && [...groups, 'Access: Organizations, Identity Providers, and Groups Read', 'Zone Read']
  } // prettier-ignore
  it.each([
    ['tokens', [`${TOKENS} Read`, `${APPS} Write`], [`${TOKENS} Write`]],
    ['applications', [`${TOKENS} Write`, `${APPS} Read`], [`${APPS} Write`]],
    ['both', [`${TOKENS} Read`, `${APPS} Read`], [`${TOKENS} Write`, `${APPS} Write`]],
  ])('%s', async (_, has, lacks) => {
    const {zt} = scene
    const line = 'setup new-ssh.widgetcorp.tech --yes'
    only(has)
    const refused = async (command: string): Promise<void> => {
      const error = await zt.fails(command, 'permission', 'PERMISSION_MISSING')
      expect([...(error['missingPermissions'] as string[])].sort()).toEqual([...lacks].sort())
      for (const group of lacks) expect(error['why']).toContain(`"${group}"`)
    }
    await setups.unchanged(() => refused(line))
    only(undefined)
    await zt.json(line)
    only(has)
    await setups.unchanged(() => refused('setup new-ssh.widgetcorp.tech --remove --yes'))
    // What changes nothing needs no more.
    expect(await zt.json(line)).toMatchObject({changed: false})
  })
})

it('waits until the edge enforces the rule', async () => {
  const {zt} = scene
  zt.state.data.settings = {...zt.state.data.settings, enforcement_delay_ms: 86_400_000}
  const real = globalThis.setTimeout
  // By the end of the first pause it does, however slow this machine is.
  const pause = (run: () => void, ms?: number): NodeJS.Timeout => {
    if (ms !== 1000) return real(run, ms)
    zt.state.data.settings = {...zt.state.data.settings, enforcement_delay_ms: 0}
    return real(() => void zt.state.save().then(run), ms)
  }
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(pause)
  try {
    const {stdout, stderr} = await zt.run(`setup ${HOST} --yes --app Unused`)
    expect(stderr).toContain('Waiting until the edge enforces the rule')
    expect(stdout).toMatch(/The edge accepted the token after [1-9]\d* s/)
  } finally {
    vi.restoreAllMocks()
  }
})

it('keeps what others use or have changed, says why, and takes it back later', async () => {
  const {zt} = scene
  await zt.json(`setup ${HOST} --token fresh --yes --ssh-config --file ssh-config`)
  await zt.json('app add-rule Wiki --service-auth --token fresh')
  const text = await fs.readFile(zt.file('ssh-config'), 'utf8')
  await fs.writeFile(zt.file('ssh-config'), text.replace('ServerAliveInterval 30', 'ServerAliveInterval 5'))
  const result = await zt.json(`setup ${HOST} --remove --yes`, {ends: 'needs-action'})
  expect(
    (result['steps'] as JsonObject[]).map(({step, state}) => `${String(step)} ${String(state)}`),
  ).toEqual([...['ssh-config kept', 'binding done', 'rule done', 'token kept']])
  expect(JSON.stringify(result['steps'])).toMatch(/Someone has edited the block.*wiki\.widgetcorp\.tech/)
  await zt.json('app remove-rule Wiki 1 --delete --yes')
  await setups.bind('wiki.widgetcorp.tech', undefined)
  await fs.writeFile(zt.file('ssh-config'), text)
  await zt.json(`setup ${HOST} --remove --yes`)
  expect(zt.state.data.serviceTokens.map(({object}) => object['name'])).not.toContain('fresh')
  await expect(fs.access(zt.file('ssh-config'))).rejects.toThrow('ENOENT')
})

it('keeps an application that has been changed since', async () => {
  const {zt} = scene
  const line = 'setup new-ssh.widgetcorp.tech --yes --app New'
  await zt.json(line)
  await zt.json('app set New --session-duration 1h --yes')
  const {steps} = await zt.json('setup new-ssh.widgetcorp.tech --remove --yes', {ends: 'needs-action'})
  expect(steps).toContainEqual(
    expect.objectContaining({
      step: 'rule',
      state: 'kept',
      why: expect.stringContaining('"New" has been changed since') as string,
    }),
  )
  expect(zt.app('New')['session_duration']).toBe('1h')
})

it('sets up a host of a zone with its objects', async () => {
  const {zt} = scene
  const {steps} = await zt.json('setup of.widgetcorp.tech --zone widgetcorp.tech --dry-run')
  expect(steps).toContainEqual(expect.objectContaining({step: 'application', state: 'there'}))
})
