import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest'
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

it('shows the plan, asks once, and says each step as it ends', async () => {
  const {zt} = scene
  const {stdout, stderr, asked} = await zt.run(`setup ${HOST} --file ssh-config`, {answers: [true, true]})
  expect(asked).toEqual([expect.stringContaining(`Write a block for ${HOST}`), 'Set it up?'])
  const [plan = '', done = ''] = stdout.split('\n✓ Created the service token')
  expect(plan).toContain(`+ Create the service token "${HOST}"`)
  expect(plan).toContain('✓ The application of gitlab.widgetcorp.tech is "GitLab"')
  expect(plan).toContain(`opens: "GitLab" (${HOST}) to "${HOST}"`)
  expect(done).toContain('✓ The edge accepted the token; the server says SSH-2.0-test')
  expect(stderr).toContain(`next:  zt ssh ${HOST}`)
  expect(await setups.routes(HOST)).toEqual(['zt'])
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
  await zt.json('token disable deploy')
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

it('for a host that no zone has, names the zones, and takes back the token that was made before', async () => {
  const {zt} = scene
  await zt.json('token create which-makes-the-vault')
  await setups.unchanged(async () => {
    const error = await zt.fails('setup ssh.elsewhere.example --yes', 'usage', 'DOMAIN_OUTSIDE_ZONES')
    expect(error.next).toEqual([
      'Name a host in one of these zones',
      'To go on: zt setup ssh.elsewhere.example --yes --json',
      'To take it back: zt setup ssh.elsewhere.example --remove',
    ])
    await zt.json('setup ssh.elsewhere.example --remove --yes')
  })
})

it('waits until the edge enforces the rule', async () => {
  const {zt} = scene
  zt.state.data.settings = {...zt.state.data.settings, enforcement_delay_ms: 1500}
  const {stdout, stderr} = await zt.run(`setup ${HOST} --yes --app Unused`)
  expect(stderr).toContain('Waiting until the edge enforces the rule')
  expect(stdout).toMatch(/The edge accepted the token after [1-9]\d* s/)
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
