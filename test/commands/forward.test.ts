import {once} from 'node:events'
import fs from 'node:fs/promises'
import http from 'node:http'
import net, {type AddressInfo} from 'node:net'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
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
  const flags = '--listen 127.0.0.1:0 --destination 10.0.0.7:5432 --header X-Client:build'
  const events = await forward(`forward ${HOST} ${flags}`, async (port) => {
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

it('forwards several hosts, each where its --listen says, and says when each ends', async () => {
  kind = 'tcp'
  await scene.zt.json('app create Other --domain other.widgetcorp.tech --service-auth --token deploy')
  const line = `forward ${HOST} other.widgetcorp.tech --listen [::1]:0 --listen 127.0.0.1:0`
  const events = await forward(line, async () => undefined)
  expect(events).toMatchObject([
    {event: 'listening', address: '::1', host: HOST},
    {event: 'listening', address: '127.0.0.1', host: 'other.widgetcorp.tech'},
    {event: 'ended', host: HOST},
    {event: 'ended', host: 'other.widgetcorp.tech', warnings: []},
  ])
})

it('leaves no listener open if one of several cannot be opened', async () => {
  const free = net.createServer()
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
  const port = portOf(free)
  await new Promise((resolve) => free.close(resolve))
  await scene.zt.json('app create Other --domain other.widgetcorp.tech --service-auth --token deploy')
  const line = `forward ${HOST}:${port} other.widgetcorp.tech:${portOf(echo)}`
  await scene.zt.fails(line, 'conflict', 'CANNOT_LISTEN')
  await expect(said(port, 'hello')).rejects.toThrow('ECONNREFUSED')
})

it('goes on after a hangup with --keep', async () => {
  kind = 'tcp'
  let answer = ''
  const {stdout} = await scene.zt.run(`forward ${HOST} --keep --json`, {
    onOutput: (line) => {
      process.emit('SIGHUP')
      void said((JSON.parse(line) as {port: number}).port, 'still there')
        .then((text) => (answer = text))
        .finally(() => process.emit('SIGTERM'))
    },
  })
  expect(answer).toBe('still there')
  expect(stdout).toContain('"served":1')
})

describe('a command beside the listener', () => {
  /** Writes down what it was started with and what the port answers, and ends with 3. */
  const SCRIPT = `
    const net = require('node:net'), fs = require('node:fs')
    const {ZT_FORWARD_HOST: host, ZT_FORWARD_PORT: port, ZT_FORWARD_URL: url, ZT_FORWARD_PORT_2: second} = process.env
    const note = {args: process.argv.slice(1), env: {host, port, url, second}, systemd: process.env.LISTEN_FDS}
    const socket = net.connect(Number(port), host, () => socket.write('beside'))
    socket.once('data', (data) => {
      fs.writeFileSync('seen.json', JSON.stringify({...note, answer: String(data)}))
      process.exit(3)
    })`
  const seen = async (): Promise<{args: string[]; answer: string; env: Record<string, string>}> =>
    JSON.parse(await fs.readFile(scene.zt.file('seen.json'), 'utf8')) as never

  beforeEach(() => {
    kind = 'tcp'
  })

  it('gets the address, stdout for itself, and decides the exit code; then nothing listens', async () => {
    const words = [
      '--',
      process.execPath,
      '-e',
      SCRIPT,
      '{host}',
      'x={port},{port}',
      '{url}',
      '{}',
      '{other}',
    ]
    const {exitCode, stdout, stderr} = await scene.zt.run(['forward', HOST, ...words])
    expect({exitCode, stdout, stderr}).toEqual({exitCode: 3, stdout: '', stderr: ''})
    const {args, answer, env} = await seen()
    const port = env['port'] ?? ''
    expect(args).toEqual(['127.0.0.1', `x=${port},${port}`, `tcp://127.0.0.1:${port}`, '{}', '{other}'])
    expect(env).toEqual({host: '127.0.0.1', port, url: `tcp://127.0.0.1:${port}`})
    expect(answer).toBe('beside')
    await expect(said(Number(port), 'x')).rejects.toThrow('ECONNREFUSED')
    expect((await scene.zt.json('forward list'))['forwards']).toEqual([])
  })

  it('leaves the events to stderr, with how it ended', async () => {
    const words = [
      'forward',
      HOST,
      '--json',
      '--',
      process.execPath,
      '-e',
      'process.kill(process.pid, "SIGKILL")',
    ]
    const {exitCode, stdout, stderr} = await scene.zt.run(words)
    expect({exitCode, stdout}).toEqual({exitCode: 137, stdout: ''})
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => againstSchema('forward', JSON.parse(line) as JsonObject))
    expect(events).toMatchObject([{event: 'listening'}, {event: 'ended', exitCode: 137, signal: 'SIGKILL'}])
  })

  it('tells several hosts apart by their number', async () => {
    await scene.zt.json('app create Other --domain other.widgetcorp.tech --service-auth --token deploy')
    const words = ['--', process.execPath, '-e', SCRIPT, '{port1}', '{port2}']
    expect(await scene.zt.run(['forward', HOST, 'other.widgetcorp.tech', ...words])).toMatchObject({
      exitCode: 3,
    })
    const {args, env} = await seen()
    expect(args).toEqual([env['port'], env['second']])
    expect(args[0]).not.toBe(args[1])
  })

  it.each([
    [['true', '{port2}'], 'usage', 'BAD_PLACEHOLDER'],
    [['true', '{socket}'], 'usage', 'BAD_PLACEHOLDER'],
    [['no-such-program'], 'not-found', 'COMMAND_NOT_FOUND'],
  ] as const)('fails, and leaves no listener: %j', async (words, kind, code) => {
    await scene.zt.run(['forward', HOST, '--json', '--', ...words]).then(({stderr, exitCode}) => {
      const events = stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as JsonObject)
      expect(events.at(-1)).toMatchObject({error: {kind, code, exitCode}})
    })
    expect((await scene.zt.json('forward list'))['forwards']).toEqual([])
  })
})

describe.skipIf(process.platform === 'win32')('a Unix socket', () => {
  const reached = async (socket: string, text: string): Promise<string> => {
    const client = net.connect(socket)
    const chunks: Buffer[] = []
    client.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      client.destroy()
    })
    client.on('error', () => undefined)
    client.write(text)
    await new Promise((resolve) => client.once('close', resolve))
    return Buffer.concat(chunks).toString()
  }

  it('carries TCP', async () => {
    kind = 'tcp'
    let answer = ''
    const {exitCode, stdout} = await scene.zt.run(`forward ${HOST} --listen unix:db.sock --json`, {
      onOutput: (line) => {
        const {socket} = againstSchema('forward', JSON.parse(line) as JsonObject) as {socket: string}
        void reached(socket, 'hello')
          .then((text) => (answer = text))
          .finally(() => process.emit('SIGHUP'))
      },
    })
    expect({exitCode, answer}).toEqual({exitCode: 0, answer: 'hello'})
    expect(stdout).not.toContain('"error"')
    await expect(fs.stat(scene.zt.file('db.sock'))).rejects.toThrow('ENOENT')
  })

  it('serves HTTP to clients that call it localhost', async () => {
    kind = 'http'
    let text = ''
    await scene.zt.run(`forward ${HOST} --http --listen unix:db.sock`, {
      onOutput: () => {
        void reached(scene.zt.file('db.sock'), 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
          .then((answer) => (text = answer))
          .finally(() => process.emit('SIGHUP'))
      },
    })
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('ends the connection of a client that Access refuses, and says why', async () => {
    kind = 'tcp'
    await scene.zt.json('token disable deploy')
    let answer: string | undefined
    const {stdout} = await scene.zt.run(`forward ${HOST} --listen unix:db.sock --json`, {
      onOutput: (line) => {
        void reached((JSON.parse(line) as {socket: string}).socket, 'hello')
          .then((text) => (answer = text))
          .finally(() => process.emit('SIGHUP'))
      },
    })
    expect(answer).toBe('')
    expect(stdout).toContain('ACCESS_REFUSED')
  })
})

describe('the hosts of a project', () => {
  const project = (forwards: unknown): Promise<void> =>
    fs.writeFile(scene.zt.file('.zt.json'), JSON.stringify({forwards}), {mode: 0o600})
  const free = async (): Promise<number> => {
    const server = net.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const port = portOf(server)
    await new Promise((resolve) => server.close(resolve))
    return port
  }

  it('are forwarded where it says if the command line names none', async () => {
    kind = 'tcp'
    const port = await free()
    await project([{host: HOST, port}])
    expect(await forward('forward', async () => undefined)).toMatchObject([
      {event: 'listening', port, host: HOST},
      {},
    ])
    expect((await forward(`forward ${HOST}:${await free()}`, async () => undefined))[0]).not.toMatchObject({
      port,
    })
  })

  it('get no secret that they are not bound to, whatever the flags, the file or the environment say', async () => {
    const {zt} = scene
    await project([{host: 'build.widgetcorp.tech', port: await free()}])
    const pair = {CF_ACCESS_CLIENT_ID: 'ci.access', CF_ACCESS_CLIENT_SECRET: 'a-secret-of-ci'}
    await zt.fails('forward', 'not-found', 'HOST_NOT_BOUND')
    const {why} = await zt.fails('forward', 'not-found', 'HOST_NOT_BOUND', {env: pair, answers: []})
    expect(why).toContain('a file names the host, and ZT_HOSTS does not list it')
    const elsewhere = {...pair, ZT_HOSTS: HOST}
    await zt.fails('forward', 'not-found', 'HOST_NOT_BOUND', {env: elsewhere, answers: []})
    const listed = {...pair, ZT_HOSTS: 'build.widgetcorp.tech'}
    expect((await forward('forward', async () => undefined, {env: listed}))[0]).toMatchObject({
      token: {id: 'env'},
    })
    await zt.fails('forward --token deploy', 'usage', 'HOST_NOT_NAMED')
    await zt.fails('forward --yes', 'usage', 'HOST_NOT_NAMED')
    for (const more of [{token: 'deploy'}, {listen: '0.0.0.0:1'}, {port: 0}, {port: '1'}, {host: 7}]) {
      await project([{host: HOST, port: 5432, ...more}])
      await zt.fails('forward', 'config', 'BROKEN_FILE')
    }
    await project(Array.from({length: 33}, (_, at) => ({host: HOST, port: 10_000 + at})))
    await zt.fails('forward', 'config', 'BROKEN_FILE')
  })
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
  await zt.fails(`forward ${HOST} --single-header x`, 'usage', 'HTTP_ONLY')
  await zt.fails(`forward ${HOST} --background -- true`, 'usage', 'BACKGROUND_COMMAND')
  await zt.fails(`forward https://user:pass@${HOST}/`, 'usage', 'BAD_FORWARD_URL')
  await zt.fails('forward', 'usage', 'NO_HOST')
  await zt.fails(`forward ${HOST} --http --allow-origin page`, 'usage', 'BAD_ORIGIN')
  await zt.fails('forward wiki.widgetcorp.tech', 'not-found', 'HOST_NOT_BOUND')
})
