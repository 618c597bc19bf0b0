import {once} from 'node:events'
import http from 'node:http'
import net, {type AddressInfo} from 'node:net'
import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {commandTests, type RunOptions} from '../support/command-harness.js'
import {againstSchema} from '../support/json-schemas.js'

const HOST = 'gitlab.widgetcorp.tech'
const echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket))
const asked: http.IncomingHttpHeaders[] = []
const web = http.createServer(({headers}, response) => {
  asked.push(headers)
  response.end('from behind')
})
let kind: 'tcp' | 'http' = 'tcp'
const portOf = (server: net.Server): number => (server.address() as AddressInfo).port
const scene = commandTests('forward', {
  originOf: () => (kind === 'tcp' ? `tcp://127.0.0.1:${portOf(echo)}` : `http://127.0.0.1:${portOf(web)}`),
})

beforeAll(async () => {
  for (const server of [echo, web])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  for (const server of [echo, web]) server.close()
})
beforeEach(async () => {
  await scene.zt.json('token create deploy')
  await scene.zt.json('app add-rule GitLab --service-auth --token deploy')
})

/** Runs the command until `use` has used its port; the events, each as the schema says. */
async function forward(
  words: string,
  use: (port: number) => Promise<unknown>,
  options: RunOptions = {},
): Promise<JsonObject[]> {
  const {exitCode, stdout} = await scene.zt.run(`${words} --json`, {
    ...options,
    onOutput: (line) => {
      const {port} = JSON.parse(line) as {port?: number}
      if (port !== undefined) void use(port).finally(() => process.emit('SIGHUP'))
    },
  })
  expect(exitCode).toBe(0)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => againstSchema('forward', JSON.parse(line) as JsonObject))
}

/** The first that comes back. */
async function said(port: number, text: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.write(text)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString()
}

async function fetched(port: number, headers: http.OutgoingHttpHeaders = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({host: '127.0.0.1', port, headers, agent: false}, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.once('end', () => {
        resolve(text)
      })
    })
    request.once('error', reject)
  })
}

it('uses the token of the path that it is for', async () => {
  kind = 'http'
  await scene.zt.json('token create hooks')
  await scene.zt.json(`app create Hooks --domain ${HOST}/hooks --service-auth --token hooks`)
  for (const [host, name] of [
    [`${HOST}/hooks`, 'hooks'],
    [HOST, 'deploy'],
  ] as const) {
    const [listening] = await forward(`forward ${host} --http`, () => Promise.resolve())
    expect(listening).toMatchObject({host: HOST, token: {name}})
  }
  await scene.zt.fails(`forward ${HOST}/hooks`, 'usage', 'BAD_HOSTNAME')
})

it('carries TCP until it is interrupted', async () => {
  kind = 'tcp'
  let answer: string | undefined
  const events = await forward(`forward ${HOST} --listen 127.0.0.1:0`, async (port) => {
    answer = await said(port, 'hello')
  })
  expect(answer).toBe('hello')
  expect(events).toMatchObject([
    {event: 'listening', address: '127.0.0.1', host: HOST, token: {name: 'deploy'}},
    {event: 'ended', served: 1, warnings: []},
  ])
})

it("adds the token's headers to HTTP requests, also from pages that are allowed", async () => {
  kind = 'http'
  const {profiles} = await scene.zt.readConfig()
  const {connectTo, caFile} = profiles['default'] as {connectTo: string; caFile: string}
  const flags = `--allow-origin https://page.example --connect-to ${connectTo} --ca-file ${caFile} --expose`
  const [listening, ...rest] = await forward(`forward ${HOST} --http ${flags}`, async (port) => {
    expect(await fetched(port, {origin: 'https://page.example'})).toBe('from behind')
  })
  expect(listening).toMatchObject({event: 'listening', host: HOST})
  expect(rest.at(-1)).toMatchObject({
    event: 'ended',
    served: 1,
    warnings: [expect.stringContaining('deploy')],
  })
  expect(asked).toHaveLength(1)
})

it('says that Access refused when it happens, to the client as well', async () => {
  kind = 'http'
  await scene.zt.json('token disable deploy')
  let text = ''
  const events = await forward(`forward ${HOST} --http --single-header x-tokens`, async (port) => {
    text = await fetched(port)
  })
  expect(text).toMatch(/^zt: Access refused .*\n.* is disabled.*\nnext: zt token enable deploy/)
  expect(events).toMatchObject([
    {event: 'listening'},
    {error: {code: 'ACCESS_REFUSED', kind: 'refused'}},
    {event: 'ended'},
  ])
})

it('says for people where it listens', async () => {
  kind = 'tcp'
  const {stdout} = await scene.zt.run(`forward ${HOST}`, {onOutput: () => process.emit('SIGHUP')})
  expect(stdout).toMatch(new RegExp(`^✓ 127\\.0\\.0\\.1:\\d+ .*${HOST}`))
})

it('sends a secret to a host that is not bound only where that was confirmed', async () => {
  const {zt} = scene
  const other = 'forward build.widgetcorp.tech --token deploy'
  await zt.failsWithoutAsking(other, 'needs-action', 'TOKEN_NOT_BOUND')
  await zt.fails(other, 'cancelled', 'CANCELLED', {answers: [false]})
  expect(await forward(`${other} --yes`, async () => undefined)).toHaveLength(2)
  expect(await forward(other, async () => undefined, {answers: [true]})).toHaveLength(2)
})

it('fails where it must not listen, or cannot connect', async () => {
  const {zt} = scene
  await zt.fails(`forward ${HOST} --listen 0.0.0.0:0`, 'usage', 'LISTEN_EXPOSED')
  await zt.fails(`forward ${HOST} --listen nowhere`, 'usage', 'BAD_LISTEN')
  await zt.fails(`forward ${HOST} --listen 127.0.0.1:${portOf(echo)}`, 'conflict', 'CANNOT_LISTEN')
  await zt.fails(`forward ${HOST} --single-header x`, 'usage', 'BAD_COMMAND_LINE')
  await zt.fails(`forward ${HOST} --http --allow-origin page`, 'usage', 'BAD_ORIGIN')
  await zt.fails('forward wiki.widgetcorp.tech', 'not-found', 'HOST_NOT_BOUND')
})
