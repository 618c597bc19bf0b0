import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import fc from 'fast-check'
import {beforeAll, describe, expect, it} from 'vitest'
import {createAccessApi} from '../../../src/lib/api/client.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {openCertificateAuthority, type CertificateAuthority} from '../../../src/lib/sandbox/certificates.js'
import {startSandbox} from '../../../src/lib/sandbox/server.js'
import type {StoredCredentials} from '../../../src/lib/secrets/types.js'
import {checkTunnel, type CheckOptions, type TunnelCheck} from '../../../src/lib/tunnel/check/check.js'
import {RefusedError} from '../../../src/lib/tunnel/failure/refusal.js'
import type {Target} from '../../../src/lib/tunnel/target/target.js'
import type {CheckStep} from '../../../src/lib/tunnel/types.js'
import {startConnectProxy} from '../../support/connect-proxy.js'
import {AMPLE_MS, withGrowingLimit} from '../../support/patience.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const later = new Date(Date.now() + 3600_000).toISOString()
const wrong = new Secret('cfast_wrong')
const BANNER = 'SSH-2.0-OfTheTest'

let directory: string
let edge: string
let caFile: string
let authority: CertificateAuthority
let tokenId: string
let clientId: string
let first: Secret
let second: Secret
/** What the server behind the tunnel does with a connection. */
let behave: (socket: net.Socket) => void
const closers: (() => unknown)[] = []

async function listen(server: net.Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    socket.on('error', () => undefined)
    sockets.add(socket)
  })
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
}

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-check-'))
  const origin = await listen(
    net.createServer((socket) => {
      behave(socket)
    }),
  )
  const sandbox = await startSandbox({directory, origins: {[host]: origin}})
  closers.push(() => sandbox.close())
  const {apiUrl, apiToken, accountId} = sandbox.info
  ;({edge, caFile} = sandbox.info)
  authority = await openCertificateAuthority(path.dirname(caFile), Date.now())
  const api = createAccessApi({apiUrl, accountId, apiToken: new Secret(apiToken), userAgent: 'zt-test'})
  const created = await api.createServiceToken({name: 'ci'})
  ;({id: tokenId, clientId} = created.token)
  first = created.clientSecret
  const policy = await api.createPolicy({
    name: 'ci',
    decision: 'non_identity',
    include: [{service_token: {token_id: tokenId}}],
  })
  const [app] = await api.listApplications()
  await api.replaceApplication(app?.id ?? '', {...app?.raw, policies: [{id: policy.id, precedence: 1}]})
  second = (await api.rotateServiceToken(tokenId, later)).clientSecret
  return async () => {
    for (const close of closers) await close()
    await fs.rm(directory, {recursive: true, force: true})
  }
})

interface Change {
  host?: string
  connectTo?: string | undefined
  caFile?: string
  credentials?: Omit<StoredCredentials, 'clientId'>
  options?: Partial<CheckOptions>
  silent?: true
}

function check(change: Change = {}): Promise<TunnelCheck> {
  const target: Target = {
    edge: {
      host: change.host ?? host,
      connectTo: 'connectTo' in change ? change.connectTo : edge,
      caFile: change.caFile ?? caFile,
    },
    credentials: {clientId, ...(change.credentials ?? {clientSecret: second})},
    tokenId,
    name: 'ci',
    by: 'binding',
  }
  return checkTunnel({target, timeoutMs: AMPLE_MS, ...change.options})
}

const states = ({steps}: TunnelCheck): string => steps.map(({step, state}) => `${step} ${state}`).join(', ')
const stepOf = ({steps}: TunnelCheck, name: CheckStep['step']): CheckStep | undefined =>
  steps.find(({step}) => step === name)

describe('when all is well', () => {
  it('every step says what it found, in order and as it goes', async () => {
    behave = (socket) => socket.write(`${BANNER}\r\n`)
    const heard: CheckStep[] = []
    const result = await check({options: {onStep: (step) => heard.push(step)}})
    expect(states(result)).toBe('dns skipped, tcp ok, tls ok, edge ok, ssh ok')
    expect(result.failure).toBeUndefined()
    expect(heard).toEqual(result.steps)
    expect(stepOf(result, 'dns')).toMatchObject({ms: undefined, facts: {connectTo: edge}})
    expect(stepOf(result, 'tls')?.facts).toMatchObject({
      protocol: 'TLSv1.3',
      subject: host,
      trusted: true,
      expiresAt: expect.stringMatching(/^\d{4}-/) as string,
    })
    expect(stepOf(result, 'edge')?.facts).toEqual({status: 101, secret: 'present', previousUntil: null})
    expect(stepOf(result, 'ssh')?.facts).toEqual({banner: BANNER})
  })

  it('the tunnel is closed again, and nothing was sent through it', async () => {
    let received = ''
    const ended = new Promise<void>((resolve) => {
      behave = (socket) => {
        socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
        socket.once('close', () => {
          resolve()
        })
        socket.write(`${BANNER}\r\n`)
      }
    })
    await check()
    await ended
    expect(received).toBe('')
  })

  it('the edge is reached by whichever address answers, and each is said', async () => {
    behave = (socket) => socket.write(`${BANNER}\r\n`)
    const port = edge.split(':')[1] ?? ''
    const lookup = (): Promise<{address: string; family: number}[]> =>
      Promise.resolve(['127.0.0.2', '127.0.0.1'].map((address) => ({address, family: 4})))
    // The handshake of its own looks the name up by itself, and "localhost" is one that every machine has.
    const result = await check({connectTo: `localhost:${port}`, options: {lookup}})
    expect(states(result)).toBe('dns ok, tcp ok, tls ok, edge ok, ssh ok')
    expect(stepOf(result, 'dns')?.detail).toContain('127.0.0.2, 127.0.0.1')
    expect(stepOf(result, 'tcp')?.facts).toMatchObject({
      address: '127.0.0.1',
      attempts: [
        {address: '127.0.0.2', ok: false, error: 'ECONNREFUSED'},
        {address: '127.0.0.1', ok: true, error: null},
      ],
    })
  })

  it.each([
    ['greets', `hello\r\nall work is logged\r\n${BANNER}\r\n`, BANNER],
    // What is shown of it is made visible where it is shown.
    ['sends control characters', 'SSH-2.0-x\u001B[31m\u0007\u00E9\r\n', 'SSH-2.0-x\u001B[31m\u0007\u00E9'],
  ])('the banner of a server that %s is found', async (_, sent, banner) => {
    behave = (socket) => socket.write(sent)
    expect(stepOf(await check(), 'ssh')).toMatchObject({state: 'ok', detail: banner, facts: {banner}})
  })
})

it('a host behind which nothing answers is not said to have accepted the credentials', async () => {
  const result = await check({host: 'nothing.widgetcorp.tech'})
  expect(stepOf(result, 'edge')).toMatchObject({
    state: 'failed',
    detail: '530: nothing answers behind the edge',
  })
})

describe('whatever the server behind the tunnel sends', () => {
  it('the check ends, and repeats no more than a line of it', async () => {
    const bytes = fc.uint8Array({maxLength: 400})
    const banner = bytes.map((rest) => Buffer.concat([Buffer.from('SSH-'), rest, Buffer.from('\r\n')]))
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, banner), async (sent) => {
        behave = (socket) => socket.end(sent)
        const result = await check()
        const step = stepOf(result, 'ssh')
        expect(['ok', 'failed']).toContain(step?.state)
        expect(result.failure?.code).toBe(
          step?.state === 'ok' ? undefined : sent.length === 0 ? 'NO_BANNER' : 'NOT_SSH',
        )
        for (const text of [step?.detail, result.failure?.message, result.failure?.why])
          expect(text?.length ?? 0).toBeLessThan(400)
      }),
      {numRuns: 25},
    )
  })
})

describe('the secret that was accepted', () => {
  it('is reported as the previous secret where only that is accepted', async () => {
    behave = (socket) => socket.write(`${BANNER}\r\n`)
    const credentials = {clientSecret: wrong, previous: {clientSecret: first, until: later}}
    const result = await check({credentials})
    expect(result.failure).toBeUndefined()
    expect(stepOf(result, 'edge')?.facts).toEqual({status: 101, secret: 'previous', previousUntil: later})
    expect(stepOf(result, 'edge')?.detail).toContain(later)
  })
})

type Row = [what: string, states: string, code: string, kind: string, change: () => Change | Promise<Change>]
const rejected = (code: string) => (): Promise<never> =>
  Promise.reject(Object.assign(new Error('no'), {code}))
const NO_DNS = 'dns failed, tcp not-tried, tls not-tried, edge not-tried, ssh not-tried'
const NO_TCP = 'dns skipped, tcp failed, tls not-tried, edge not-tried, ssh not-tried'
const NO_TLS = 'dns skipped, tcp ok, tls failed, edge not-tried, ssh not-tried'
const NO_EDGE = 'dns skipped, tcp ok, tls ok, edge failed, ssh not-tried'
const NO_SSH = 'dns skipped, tcp ok, tls ok, edge ok, ssh failed'
const origin =
  (then: (socket: net.Socket) => void, more: Change = {}) =>
  (): Change => {
    behave = then
    return more
  }
/** Its limit is to be reached at the step that is silent. */
const soon: Change = {silent: true}
const ROWS: Row[] = [
  ['the name does not exist', NO_DNS, 'HOST_NOT_RESOLVED', 'unreachable', () => ({connectTo: undefined, options: {lookup: rejected('ENOTFOUND')}})],
  ['the name server fails', NO_DNS, 'HOST_NOT_RESOLVED', 'unreachable', () => ({connectTo: undefined, options: {lookup: rejected('EAI_AGAIN')}})],
  ['the name server is silent', NO_DNS, 'HOST_NOT_RESOLVED', 'unreachable', () => ({connectTo: undefined, ...soon, options: {lookup: () => new Promise(() => undefined)}})],
  ['nothing listens', NO_TCP, 'EDGE_UNREACHABLE', 'unreachable', async () => ({connectTo: await closedPort()})],
  ['the CA file is none', NO_TLS, 'BAD_CA_FILE', 'config', () => ({caFile: path.join(directory, 'state.json')})],
  ['who listens speaks no TLS', NO_TLS, 'EDGE_UNREACHABLE', 'unreachable', async () => ({connectTo: await listen(net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))})],
  ['who listens hangs up', NO_TLS, 'EDGE_UNREACHABLE', 'unreachable', async () => ({connectTo: await listen(net.createServer((socket) => socket.destroy()))})],
  ['who listens is silent', NO_TLS, 'EDGE_TIMEOUT', 'unreachable', async () => ({connectTo: await listen(net.createServer()), ...soon})],
  ['the edge is silent', NO_EDGE, 'EDGE_TIMEOUT', 'unreachable', async () => ({connectTo: await silentEdge(), ...soon})],
  ['the secret is wrong', NO_EDGE, 'ACCESS_REFUSED', 'refused', () => ({credentials: {clientSecret: wrong}})],
  ['the origin says nothing', NO_SSH, 'NO_BANNER', 'unreachable', origin(() => undefined, soon)],
  ['the origin hangs up', NO_SSH, 'NO_BANNER', 'unreachable', origin((socket) => socket.end())],
  ['the origin says something else and ends', NO_SSH, 'NOT_SSH', 'unreachable', origin((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ['the origin says something else without an end', NO_SSH, 'NOT_SSH', 'unreachable', origin((socket) => socket.write('x'.repeat(9000)))],
] // prettier-ignore

describe('the first failure', () => {
  it.each(ROWS)('is named and the rest is not tried where %s', async (_, expected, code, kind, change) => {
    const {silent, ...changed} = await change()
    const limited = (timeoutMs: number): Promise<TunnelCheck> =>
      check({...changed, options: {...changed.options, timeoutMs}})
    const there = (result: TunnelCheck): boolean => states(result) === expected
    const result = await withGrowingLimit(silent ? 300 : AMPLE_MS, limited, there)
    expect(states(result)).toBe(expected)
    expect(result.failure).toMatchObject({code, kind})
    expect(result.failure?.next.length).toBeGreaterThan(0)
    expect(result.failure instanceof RefusedError).toBe(code === 'ACCESS_REFUSED')
  })

  it.each([
    ['by a CA that is not ours', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'another', Date.now(), host],
    ['for another host', 'ERR_TLS_CERT_ALTNAME_INVALID', '', Date.now(), 'other.widgetcorp.tech'],
    ['whose time is over', 'CERT_HAS_EXPIRED', 'old', Date.now() - 2 * 366 * 24 * 3600_000, host],
  ])('is a certificate %s: it is shown, and nothing is sent there', async (_, reason, folder, now, name) => {
    const other =
      folder === '' ? authority : await openCertificateAuthority(path.join(directory, folder), now)
    let received = ''
    const server = tls.createServer({SNICallback: (_sni, done) => void other.contextFor(name).then((context) => { done(null, context) })}, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
    }) // prettier-ignore
    const result = await check({
      connectTo: await listen(server),
      ...(folder === 'old' && {caFile: other.caFile}),
    })
    expect(states(result)).toBe(NO_TLS)
    expect(result.failure).toMatchObject({code: 'EDGE_NOT_TRUSTED', kind: 'unreachable'})
    expect(stepOf(result, 'tls')?.facts).toMatchObject({subject: name, trusted: false, reason})
    expect(received).toBe('')
  })

  it('holds no secret', async () => {
    const result = await check({credentials: {clientSecret: wrong}})
    expect(JSON.stringify(result)).not.toContain(wrong.expose())
  })
})

async function closedPort(): Promise<string> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const {port} = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}

/** Speaks TLS as the sandbox's edge does, and answers no request. */
async function silentEdge(): Promise<string> {
  return listen(
    tls.createServer({
      SNICallback: (name, done) => {
        void authority.contextFor(name).then((context) => {
          done(null, context)
        })
      },
    }),
  )
}

describe('behind a proxy of the network', () => {
  const VIA = 'hunter2'

  /** As `zt ssh` goes there: by the host's name, which only the proxy looks up. */
  async function checkBehind(answer?: string, more: Change = {}, proxyHost = '127.0.0.1') {
    const proxy = await startConnectProxy(Number(edge.split(':')[1]), answer)
    closers.push(() => proxy.close())
    const environment = {https_proxy: `http://user:${VIA}@${proxyHost}:${proxy.port}`}
    const result = await check({connectTo: undefined, ...more, options: {environment, ...more.options}})
    for (const shown of [result.steps, result.failure?.message, result.failure?.why, result.failure?.next])
      expect(JSON.stringify(shown ?? '')).not.toContain(VIA)
    return {result, proxy}
  }

  it('the way through it is looked at, with the proxy as a step', async () => {
    behave = (socket) => socket.write(`${BANNER}\r\n`)
    const {result, proxy} = await checkBehind()
    expect(states(result)).toBe('dns skipped, tcp ok, proxy ok, tls ok, edge ok, ssh ok')
    const name = `127.0.0.1:${proxy.port}`
    expect(stepOf(result, 'dns')?.facts).toMatchObject({proxy: name, variable: 'https_proxy'})
    expect(stepOf(result, 'tcp')?.facts).toMatchObject({port: proxy.port})
    expect(stepOf(result, 'proxy')).toMatchObject({
      ms: expect.any(Number) as number,
      facts: {proxy: name, variable: 'https_proxy', secure: false, target: `${host}:443`},
    })
    expect(stepOf(result, 'tls')?.facts).toMatchObject({subject: host, trusted: true})
    expect(proxy.requests.every((head) => head.startsWith(`CONNECT ${host}:443 `))).toBe(true)
    expect(proxy.requests.join('') + proxy.through).not.toContain(second.expose())
  })

  it("its own name is looked up, and not the host's", async () => {
    const asked: string[] = []
    const lookup = (name: string): Promise<{address: string; family: number}[]> => {
      asked.push(name)
      return Promise.resolve([{address: '127.0.0.1', family: 4}])
    }
    const {result} = await checkBehind(undefined, {options: {lookup}}, 'localhost')
    expect(asked).toEqual(['localhost'])
    expect(stepOf(result, 'dns')).toMatchObject({state: 'ok', facts: {name: 'localhost'}})
  })

  it.each<[what: string, states: string, code: string, answer: string | undefined, more: Change]>([
    ['its name does not exist', 'dns failed, tcp not-tried, proxy not-tried', 'PROXY_UNREACHABLE', undefined, {options: {lookup: rejected('ENOTFOUND')}}],
    ['it wants a password', 'dns ok, tcp ok, proxy failed', 'PROXY_REFUSED', 'HTTP/1.1 407 No\r\n\r\n', {}],
    ['it does not allow the host', 'dns ok, tcp ok, proxy failed', 'PROXY_REFUSED', 'HTTP/1.1 403 No\r\n\r\n', {}],
    ['it is none', 'dns ok, tcp ok, proxy failed', 'PROXY_UNREACHABLE', 'SSH-2.0-x\r\n', {}],
    ['it reads TLS with a certificate of its own', 'dns ok, tcp ok, proxy ok, tls failed', 'EDGE_NOT_TRUSTED', undefined, {caFile: ''}],
  ])('the first failure is named where %s', async (_, expected, code, answer, {caFile: own, options}) => {
    const other = path.join(directory, 'another')
    await fs.mkdir(other, {recursive: true})
    const trusted = own === '' ? (await openCertificateAuthority(other, Date.now())).caFile : caFile
    const {result} = await checkBehind(answer, {caFile: trusted, ...(options && {options})}, 'localhost')
    expect(states(result).startsWith(expected)).toBe(true)
    expect(result.failure).toMatchObject({code, kind: 'unreachable'})
    expect(result.failure?.next.length).toBeGreaterThan(0)
  }) // prettier-ignore

  it('a proxy that is written wrong is an error of the command line, and nothing is tried', async () => {
    const environment = {https_proxy: `socks5://user:${VIA}@x`}
    await expect(check({connectTo: undefined, options: {environment}})).rejects.toMatchObject({
      kind: 'usage',
      code: 'BAD_PROXY',
    })
  })
})
