import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {CommandWorld} from '../support/command-harness.js'
import {SetupScene} from '../support/setup-scene.js'

const server = net.createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-test\r\n'))
let scene: SetupScene

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  scene = new SetupScene(await CommandWorld.open({originOf: () => `127.0.0.1:${port}`}))
})
beforeEach(() => scene.reset())
afterAll(async () => {
  await scene.zt.end()
  server.close()
})

type App = 'no application' | 'an application'
type Token = 'no token' | 'a token' | 'an admitted token'
type Binding = 'unbound' | 'bound to it' | 'bound to another'
const SSH = [
  'no ssh configuration',
  'a foreign one',
  'a block of zt',
  'cloudflared',
  'an alias of cloudflared',
] as const
type Ssh = (typeof SSH)[number]

/** Every state that can be, each with one of the ssh configurations. */
const STATES = (['no application', 'an application'] as App[])
  .flatMap((app) => (['no token', 'a token', 'an admitted token'] as Token[]).map((token) => ({app, token})))
  .flatMap((one) =>
    (['unbound', 'bound to it', 'bound to another'] as Binding[]).map((binding) => ({...one, binding})),
  )
  .filter(
    ({app, token, binding}) =>
      app === 'an application' || (token !== 'an admitted token' && binding !== undefined),
  )
  .filter(({token, binding}) => token !== 'no token' || binding !== 'bound to it')
  .map((one, at) => ({...one, ssh: SSH[at % SSH.length] as Ssh}))

const HOST = 'build-ssh.widgetcorp.tech'
const LINE =
  'setup build-ssh.widgetcorp.tech --token mine --app Mine --yes --no-connect --ssh-config --file ssh-config'

async function begin({app, token, binding, ssh}: (typeof STATES)[number]): Promise<void> {
  const {zt} = scene
  if (app === 'an application') await zt.json(`app create There --domain ${HOST}`)
  await zt.json('token create other')
  if (token !== 'no token') await zt.json('token create mine')
  if (token === 'an admitted token') await zt.json('app add-rule There --service-auth --token mine')
  const bound = {unbound: undefined, 'bound to it': 'mine', 'bound to another': 'other'}[binding]
  await scene.bind(HOST, bound)
  if (ssh !== 'no ssh configuration') await scene.sshConfig(TEXTS[ssh])
  if (ssh === 'a block of zt') await zt.run(`ssh config ${HOST} --write --yes --file ssh-config`)
}

const TEXTS: Record<Exclude<Ssh, 'no ssh configuration'>, string> = {
  'a foreign one': 'Host *\n  ServerAliveInterval 7',
  'a block of zt': '# mine\nHost elsewhere\n  User me\n',
  cloudflared: `Host ${HOST}\r\n\tProxyCommand cloudflared access ssh --hostname %h\r\n`,
  'an alias of cloudflared': `Host gl\n  HostName ${HOST}\n  ProxyCommand cloudflared access ssh --hostname %h\n`,
}

describe('from every state', () => {
  it.each(STATES)('$app, $token, $binding, $ssh', async (state) => {
    const {zt} = scene
    await begin(state)
    const before = await scene.everything()

    const {steps, changed} = await zt.json(LINE)
    const made = Object.fromEntries(
      (steps as Record<string, string>[]).map(({step = '', state: is}) => [step, is]),
    )
    expect({changed, ...made}).toEqual({
      login: 'there',
      token: state.token === 'no token' ? 'done' : 'there',
      application: state.app === 'no application' ? 'done' : 'there',
      rule: state.token === 'an admitted token' ? 'there' : 'done',
      binding: state.binding === 'bound to it' ? 'there' : 'done',
      edge: 'done',
      'ssh-config': state.ssh === 'a block of zt' ? 'there' : 'done',
      connect: 'skipped',
      changed: true,
    })
    // All that a connection needs, by the single commands.
    expect(await zt.json(`ssh check ${HOST}`)).toMatchObject({ok: true, token: {name: 'mine'}})
    expect(await scene.routes(HOST, 'gl')).toEqual(
      state.ssh === 'an alias of cloudflared' ? ['direct', 'zt'] : ['zt', 'direct'],
    )

    const again = await scene.unchanged(() => zt.json(LINE))
    expect(again['changed']).toBe(false)

    await zt.json(`setup ${HOST} --remove --yes --file ssh-config`)
    expect(await scene.everything()).toEqual(before)
    expect(
      await scene.unchanged(() => zt.json(`setup ${HOST} --remove --yes --file ssh-config`)),
    ).toMatchObject({changed: false})
  })
})

it('shows what it would do in a dry run, and does none of it', async () => {
  const {zt} = scene
  const {stdout} = await scene.unchanged(() => zt.run(`${LINE.replace('--yes', '--dry-run')}`))
  expect(stdout).toContain('+ Create the application "Mine"')
  expect(stdout).toContain('opens: "Mine" (build-ssh.widgetcorp.tech) to "mine"')
  await zt.json(LINE)
  const {stdout: back} = await scene.unchanged(() =>
    zt.run(`setup ${HOST} --remove --dry-run --file ssh-config`),
  )
  expect(back).toContain('+ Delete the application and its rule')
  expect(back).toContain(path.join('work', 'ssh-config'))
  await fs.access(zt.file('ssh-config'))
})
