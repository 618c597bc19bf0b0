import fs from 'node:fs/promises'
import http from 'node:http'
import type net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {WebSocket} from 'ws'
import type {UserError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import type {StoredCredentials} from '../../../src/lib/secrets/types.js'
import {trustContext} from '../../../src/lib/tunnel/carrier/trust.js'
import {edgeRequest} from '../../../src/lib/tunnel/edge/request.js'
import {forwardHttp, type HttpForwardOptions} from '../../../src/lib/tunnel/forward/http.js'
import {localNameOf} from '../../../src/lib/tunnel/forward/local-name.js'
import {Pool} from '../../../src/lib/tunnel/forward/pool.js'
import type {ListenAddress} from '../../../src/lib/tunnel/types.js'
import type {Forward} from '../../../src/lib/tunnel/forward/types.js'
import {startConnectProxy} from '../../support/connect-proxy.js'
import {REFUSED, startHttpEdge, type HttpEdge} from '../../support/http-edge.js'
import {headCame, rawClient, startRawServer} from '../../support/raw-http.js'
import {HOST} from '../../support/scripted-edge.js'
import {AMPLE_MS} from '../../support/patience.js'

const until = new Date(Date.now() + 3600_000).toISOString()
const rotated = {
  clientId: 'f00d.access',
  clientSecret: new Secret('present'),
  previous: {clientSecret: new Secret('before'), until},
}

let directory: string
let edge: HttpEdge
let forward: Forward
let told: string[]

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-forward-'))
  edge = await startHttpEdge(directory)
})
afterAll(async () => {
  await edge.close()
  await fs.rm(directory, {recursive: true, force: true})
})
beforeEach(() => {
  edge.seen.length = 0
  edge.says = ({secret}) => (secret === 'before' ? undefined : REFUSED)
  told = []
})
afterEach(() => forward.close())

interface Start extends Partial<HttpForwardOptions> {
  /** Through the environment's proxy, which the address of this machine would pass by. */
  byName?: boolean
  credentials?: StoredCredentials
}

async function start({byName = false, credentials = rotated, ...more}: Start = {}): Promise<void> {
  const connectTo = byName ? undefined : edge.address
  forward = await forwardHttp({
    target: {
      edge: {host: HOST, connectTo, caFile: edge.caFile},
      credentials,
      tokenId: 'id',
      name: 'ci',
      by: 'binding',
    },
    listen: {address: '127.0.0.1', port: 0},
    timeoutMs: AMPLE_MS,
    events: {
      onFailure: (error) => told.push(`failed: ${(error as {code?: string}).code}`),
      onlyPrevious: (time) => told.push(`previous until ${time}`),
      explain: (error) => Promise.resolve(error),
    },
    ...more,
  })
}

function ask(
  method: string,
  url: string,
  body?: string,
  more: http.OutgoingHttpHeaders = {},
): Promise<{status: number; text: string}> {
  return new Promise((resolve, reject) => {
    const {port} = forward.listen as ListenAddress
    const headers = {...more, ...(body !== undefined && {'content-length': body.length})}
    const to = {host: '127.0.0.1', port, path: url, method, headers, agent: false}
    const request = http.request(to, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.once('end', () => {
        resolve({status: answer.statusCode ?? 0, text})
      })
    })
    request.once('error', reject)
    request.end(body)
  })
}

const sent = (): string[] => edge.seen.map(({method, secret}) => `${method} ${secret}`)

it('an explanation learns what of the request decides beside the token', async () => {
  const seen: unknown[] = []
  const explain = (error: UserError, facts: unknown): Promise<UserError> => {
    seen.push(facts)
    return Promise.resolve(error)
  }
  await start({events: {onFailure: () => undefined, onlyPrevious: () => undefined, explain}})
  edge.says = () => REFUSED
  await ask('GET', '/a?b')
  await ask('GET', '/c', undefined, {cookie: 'CF_Authorization=x', 'x-requested-with': 'XMLHttpRequest'})
  expect(seen).toEqual([
    {path: '/a', cookie: false, xhr: false},
    {path: '/c', cookie: true, xhr: true},
  ])
})

describe('during the grace period of a rotation', () => {
  it('a refused request is sent again with the secret before, the next ones with that at once, and it is said', async () => {
    await start()
    for (let nth = 0; nth < 3; nth++) expect((await ask('GET', '/x')).status).toBe(200)
    expect(sent()).toEqual(['GET present', 'GET before', 'GET before', 'GET before'])
    expect(new Set(told)).toEqual(new Set([`previous until ${until}`]))
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    '%s is sent once, with a secret that a HEAD request has tried',
    async (method) => {
      await start()
      expect(await ask(method, '/items?key=x', 'a body')).toEqual({status: 200, text: 'a body'})
      expect(sent()).toEqual(['HEAD present', 'HEAD before', `${method} before`])
      expect(edge.seen.map(({url}) => url)).toEqual(['/items', '/items', '/items?key=x'])
    },
  )

  it('a WebSocket is opened with the secret before', async () => {
    await start()
    const socket = new WebSocket(`ws://127.0.0.1:${(forward.listen as ListenAddress).port}/live`)
    const echoed = new Promise<string>((resolve, reject) => {
      socket.once('message', (data: Buffer) => {
        resolve(data.toString())
      })
      socket.once('error', reject)
    })
    socket.once('open', () => {
      socket.send('hello')
    })
    expect(await echoed).toBe('hello')
    expect(sent()).toEqual(['UPGRADE present', 'UPGRADE before'])
    socket.terminate()
  })

  it('nothing is asked or sent twice where the present one is accepted', async () => {
    edge.says = ({secret}) => (secret === 'present' ? undefined : REFUSED)
    await start()
    await ask('GET', '/')
    await ask('POST', '/', 'x')
    expect(sent()).toEqual(['GET present', 'POST present'])
    expect(told).toEqual([])
  })

  it('a refusal stays one where both are refused', async () => {
    edge.says = () => REFUSED
    await start()
    const text = expect.stringMatching(/^zt: Access refused the service token for \S+ \(403\)\./) as string
    expect(await ask('GET', '/')).toEqual({status: 502, text})
    expect(await ask('POST', '/', 'x')).toEqual({status: 502, text})
    expect(sent()).toEqual(['GET present', 'GET before', 'HEAD present', 'HEAD before', 'POST present'])
  })

  it("a service's own 403 reaches the client, and costs no second request once Access has let one in", async () => {
    edge.says = ({url}) =>
      url === '/own' ? {status: 403, headers: {'www-authenticate': 'Basic'}, text: 'mine'} : undefined
    await start()
    await ask('GET', '/')
    expect(await ask('GET', '/own')).toEqual({status: 403, text: 'mine'})
    expect(sent()).toEqual(['GET present', 'GET present'])
  })

  it('the secret before is not sent when its time is over', async () => {
    const over = {
      ...rotated,
      previous: {...rotated.previous, until: new Date(Date.now() - 1000).toISOString()},
    }
    await start({credentials: over})
    expect((await ask('GET', '/')).status).toBe(502)
    expect(sent()).toEqual(['GET present'])
  })
})

describe('behind a proxy of the network', () => {
  it.each(['GET', 'POST'])('%s goes through it, encrypted', async (method) => {
    edge.says = () => undefined
    const proxy = await startConnectProxy(edge.port)
    await start({byName: true, environment: {https_proxy: `http://127.0.0.1:${proxy.port}`}})
    expect((await ask(method, '/x', method === 'GET' ? undefined : 'body')).status).toBe(200)
    expect(proxy.requests[0]).toContain(`CONNECT ${HOST}:443 `)
    expect(proxy.requests.join('') + proxy.through).not.toMatch(/Client-Secret|present/)
    await proxy.close()
  })

  it.each([
    ['refuses', 'HTTP/1.1 407 No\r\n\r\n', 'PROXY_REFUSED'],
    ['speaks of something else', 'HTTP/1.1 200 OK\r\n\r\nhello', 'PROXY_REFUSED'],
    ['does not speak HTTP', 'SSH-2.0-x\r\n', 'PROXY_UNREACHABLE'],
  ])('the client gets 502, and it is said why, where that %s', async (_, answer, code) => {
    const proxy = await startConnectProxy(edge.port, answer)
    await start({byName: true, environment: {https_proxy: `http://user:hunter2@127.0.0.1:${proxy.port}`}})
    const {status, text} = await ask('GET', '/x')
    expect([status, told]).toEqual([502, [`failed: ${code}`]])
    expect(text).not.toContain('hunter2')
    expect(edge.seen).toEqual([])
    await proxy.close()
  })

  it('is passed by where NO_PROXY says so', async () => {
    const proxy = await startConnectProxy(edge.port)
    edge.says = () => undefined
    await start({environment: {https_proxy: `http://127.0.0.1:${proxy.port}`, NO_PROXY: HOST}})
    expect((await ask('GET', '/x')).status).toBe(200)
    expect(proxy.requests).toEqual([])
    await proxy.close()
  })
})

it('a browser keeps the session of each service apart: its name below localhost serves only that service', async () => {
  edge.says = () => ({
    status: 302,
    headers: {
      location: `https://${HOST}/next`,
      'set-cookie': `session=1; Domain=${HOST}; Path=/; Secure`,
    },
  })
  await start({credentials: {clientId: 'f00d.access', clientSecret: new Secret('present')}})
  const {port} = forward.listen as ListenAddress
  const at = (name: string, more = {}): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = {host: `${name}:${port}`, ...more}
      const request = http.get({host: '127.0.0.1', port, headers, agent: false}, (answer) => {
        answer.resume()
        resolve(answer)
      })
      request.once('error', reject)
    })
  const own = localNameOf(HOST)
  const other = localNameOf(`other.${HOST}`)
  const {statusCode, headers} = await at(own, {origin: `http://${own}:${port}`})
  expect(statusCode).toBe(302)
  // Without Domain, the cookie is only for the name under which the page was opened.
  expect(headers).toMatchObject({
    location: `http://${own}:${port}/next`,
    'set-cookie': ['session=1; Path=/'],
  })
  expect((await at('localhost')).headers.location).toBe(`http://localhost:${port}/next`)
  expect(edge.seen).toHaveLength(2)
  expect((await at(other)).statusCode).toBe(403)
  expect((await at(own, {origin: `http://${other}:${port}`})).statusCode).toBe(403)
  expect((await at(own, {'sec-fetch-site': 'cross-site'})).statusCode).toBe(403)
  expect(edge.seen).toHaveLength(2)
})

it('an answer that only its connection ends looks cut off when the forward is stopped', async () => {
  const folder = await fs.mkdtemp(path.join(directory, 'raw-'))
  const raw = await startRawServer(folder)
  raw.onPeer = async (peer) => {
    await peer.until(headCame)
    await peer.write('HTTP/1.1 200 OK\r\n\r\nthe first part')
  }
  const {address: connectTo, caFile} = raw
  await start({
    target: {
      edge: {host: HOST, connectTo, caFile},
      credentials: {clientId: 'f00d.access', clientSecret: new Secret('present')},
      tokenId: 'id',
      name: 'ci',
      by: 'binding',
    },
  })
  const {port} = forward.listen as ListenAddress
  const client = rawClient(port, `GET /x HTTP/1.0\r\nHost: localhost:${port}\r\n\r\n`)
  await client.until((got) => got.includes('the first part'))
  await forward.close()
  expect((await client.ended).ended).toBe('ECONNRESET')
  await raw.close()
})

it('a connection to the edge that is left without a request is closed, and one that has a request again is not', async () => {
  edge.says = () => undefined
  const to = {host: HOST, connectTo: edge.address, caFile: edge.caFile}
  const agent = new Pool({edge: to}, await trustContext(edge.caFile), {keepAlive: true, keptMs: 50})
  const ask = (): Promise<net.Socket> =>
    new Promise((resolve, reject) => {
      const request = edgeRequest({agent, edge: to, method: 'GET', path: '/', headers: [], idleMs: AMPLE_MS})
      request.once('error', reject)
      request.once('response', (answer) => {
        const {socket} = request
        expect((socket as net.Socket).timeout).toBe(AMPLE_MS)
        answer.resume().once('end', () => {
          resolve(socket as net.Socket)
        })
      })
      request.end()
    })
  const socket = await ask()
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
  await ask()
  agent.destroy()
  await start()
})
