import net, {type AddressInfo} from 'node:net'
import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const HOST = 'gitlab.widgetcorp.tech'
let banner = 'SSH-2.0-OpenSSH_9.9'
const server = net.createServer((socket) => socket.on('error', () => undefined).end(`${banner}\r\n`))
const scene = commandTests('ssh check', {
  originOf: () => `127.0.0.1:${(server.address() as AddressInfo).port}`,
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())
beforeEach(async () => {
  banner = 'SSH-2.0-OpenSSH_9.9'
  await scene.zt.json('token create deploy')
  await scene.zt.json('app add-rule GitLab --service-auth --token deploy')
})

it('goes through the steps of a connection', async () => {
  const {zt} = scene
  const {ok, steps, token} = await zt.json(`ssh check ${HOST} --timeout 60`)
  expect({ok, token}).toMatchObject({ok: true, token: {name: 'deploy'}})
  expect((steps as {step: string; state: string}[]).map(({step, state}) => `${step} ${state}`)).toEqual([
    ...['dns skipped', 'tcp ok', 'tls ok', 'edge ok', 'ssh ok'],
  ])
  const {stdout} = await zt.run(`ssh check ${HOST}`)
  expect(stdout).toMatch(/^✓ SSH .*SSH-2\.0-OpenSSH_9\.9/m)
})

it('takes an alias of ssh for its host', async () => {
  const {zt} = scene
  await zt.program('ssh', `console.log('hostname ${HOST}')`)
  const {stdout, stderr} = await zt.run('ssh check gl')
  expect(stderr).toContain(`gl is ${HOST}`)
  expect(stdout).toContain(`${HOST} with the service token deploy`)
})

it('explains the step that fails, in its result', async () => {
  const {zt} = scene
  await zt.json('token disable deploy')
  const {ok, error, steps} = await zt.json(`ssh check ${HOST}`, {ends: 'refused'})
  expect({ok, error}).toMatchObject({ok: false, error: {code: 'ACCESS_REFUSED', kind: 'refused'}})
  expect((error as {why: string}).why).toContain('disabled')
  expect(steps).toContainEqual(expect.objectContaining({step: 'ssh', state: 'not-tried'}))
  const {stdout, stderr} = await zt.run(`ssh check ${HOST}`)
  expect(stdout).toMatch(/^✗ edge/m)
  expect(stderr).toContain('error:')
})

it('says what is not SSH', async () => {
  banner = 'HTTP/1.1 400 Bad Request'
  const {error} = await scene.zt.json(`ssh check ${HOST}`, {ends: 'unreachable'})
  expect(error).toMatchObject({code: 'NOT_SSH'})
})

it('sends a secret only to a host that is bound to it, or where that was confirmed', async () => {
  const {zt} = scene
  const other = 'ssh check build.widgetcorp.tech --token deploy'
  await zt.fails(other, 'needs-action', 'TOKEN_NOT_BOUND')
  expect(await zt.json(`${other} --yes`, {ends: 'refused'})).toMatchObject({ok: false})
  await zt.fails('ssh check wiki.widgetcorp.tech', 'not-found', 'HOST_NOT_BOUND')
})

it('reaches the edge where it is said to be, and trusts it only by its CA', async () => {
  const {zt} = scene
  const {profiles} = await zt.readConfig()
  const {connectTo, caFile, ...rest} = profiles['default'] ?? {}
  await zt.writeConfig({profiles: {default: rest}})
  const edge = `--connect-to ${String(connectTo)}`
  expect(await zt.json(`ssh check ${HOST} ${edge} --ca-file ${String(caFile)}`)).toMatchObject({ok: true})
  const {error} = await zt.json(`ssh check ${HOST} ${edge}`, {ends: 'unreachable'})
  expect(error).toMatchObject({code: 'EDGE_NOT_TRUSTED'})
  await zt.fails(`ssh check ${HOST} --connect-to nowhere`, 'usage', 'BAD_CONNECT_TO')
  await zt.fails('ssh check -- --', 'usage', 'BAD_HOSTNAME')
})
