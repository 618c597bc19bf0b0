import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import {dialEdge} from '../../../src/lib/tunnel/carrier/connect.js'
import {openTunnel} from '../../../src/lib/tunnel/carrier/handshake.js'
import {RememberedCa} from '../../../src/lib/tunnel/carrier/remembered-ca.js'
import {trustContext} from '../../../src/lib/tunnel/carrier/trust.js'
import {CREDENTIALS} from '../../support/carrier-session.js'
import {HOST, startEdge, type ScriptedEdge} from '../../support/scripted-edge.js'

let directory: string
let cache: string
let edges: Record<'one' | 'other', ScriptedEdge>
/** The CAs of both. */
let caFile: string

const start = async (name: string): Promise<ScriptedEdge> => {
  const own = path.join(directory, name)
  await fs.mkdir(own)
  return startEdge({directory: own, onPeer: (peer) => peer.accept()})
}

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-remembered-ca-'))
  edges = {one: await start('one'), other: await start('other')}
  caFile = path.join(directory, 'both.pem')
  const texts = await Promise.all(Object.values(edges).map((edge) => fs.readFile(edge.caFile, 'utf8')))
  await fs.writeFile(caFile, texts.join('\n'))
})
afterAll(async () => {
  await Promise.all(Object.values(edges).map((edge) => edge.close()))
  await fs.rm(directory, {recursive: true, force: true})
})
beforeEach(async () => {
  for (const name of ['SSL_CERT_FILE', 'SSL_CERT_DIR']) vi.stubEnv(name, undefined)
  cache = await fs.mkdtemp(path.join(directory, 'cache-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  process.execArgv = process.execArgv.filter((word) => word !== '--use-openssl-ca')
})

/** @returns whether it is trusted, and how many CAs each context for it was made with; undefined: with node's own */
async function connect(
  to: keyof typeof edges,
  ca: string | undefined,
): Promise<{trusted: boolean; contexts: (number | undefined)[]}> {
  const spy = vi.spyOn(tls, 'createSecureContext')
  const trusted = await openTunnel({
    edge: {host: HOST, connectTo: edges[to].address, caFile: ca},
    credentials: CREDENTIALS,
    cache,
  }).then(
    ({socket}) => {
      socket.destroy()
      return true
    },
    (error: unknown) => {
      expect(error).toMatchObject({code: 'EDGE_NOT_TRUSTED'})
      return false
    },
  )
  const contexts = spy.mock.calls.map(([options]) => (options?.ca as string[] | undefined)?.length)
  spy.mockRestore()
  return {trusted, contexts}
}

/** The file, once it has this CA. */
function remembered(of: keyof typeof edges): Promise<string> {
  return vi.waitFor(
    async () => {
      const [name = ''] = (await fs.readdir(path.join(cache, 'edge-ca'))).filter((one) =>
        one.endsWith('.pem'),
      )
      const file = path.join(cache, 'edge-ca', name)
      expect((await fs.readFile(file, 'utf8')).trim()).toBe(await ca(of))
      return file
    },
    {timeout: 60_000},
  )
}

const ca = async (of: keyof typeof edges): Promise<string> =>
  (await fs.readFile(edges[of].caFile, 'utf8')).trim()

/** How the CAs are named, which decides how they are read. The flag counts only from the second connection on. */
const ways: Record<string, {env?: boolean; flag?: boolean}> = {
  '--ca-file': {},
  SSL_CERT_FILE: {env: true},
  'SSL_CERT_FILE and --use-openssl-ca': {env: true, flag: true},
}

describe.each(Object.entries(ways))('with %s,', (_, {env, flag}) => {
  let named: string | undefined
  beforeEach(async () => {
    named = env ? undefined : caFile
    if (env) vi.stubEnv('SSL_CERT_FILE', caFile)
    expect((await connect('one', named)).trusted).toBe(true)
    await remembered('one')
    if (flag) process.execArgv.push('--use-openssl-ca')
  })

  it('the second connection reads only the CA that the first needed', async () => {
    expect(await connect('one', named)).toEqual({trusted: true, contexts: [1]})
    expect(process.env['SSL_CERT_FILE']).toBe(env ? caFile : undefined)
  })

  it('a host whose CA has changed is checked against all of them, and the new one is remembered', async () => {
    const {trusted, contexts} = await connect('other', named)
    expect(trusted).toBe(true)
    expect(contexts.slice(0, 2)).toEqual([1, undefined])
    await remembered('other')
  })
})

it('the CAs of SSL_CERT_FILE are all trusted still, for a proxy, once a host needed only one', async () => {
  vi.stubEnv('SSL_CERT_FILE', caFile)
  await connect('one', undefined)
  await remembered('one')
  process.execArgv.push('--use-openssl-ca')
  expect(await connect('one', undefined)).toEqual({trusted: true, contexts: [1]})
  // Node has OpenSSL read the file once at most, and for the one CA it was not to.
  const context = await trustContext(undefined)
  const opened = dialEdge(
    {edge: {host: HOST, connectTo: edges.other.address, caFile: undefined}, context},
    (socket) => socket.destroy(),
  )
  await expect(opened).resolves.toBeDefined()
})

it('a CA that a host sends, and by which it is not accepted, is tried once and not each time', async () => {
  const [wanted, other] = await Promise.all([ca('one'), ca('other')])
  const trust = {
    context: () => tls.createSecureContext(),
    choice: {certificates: () => [wanted, other], one: (pem: string) => tls.createSecureContext({ca: pem})},
  }
  const leadingTo = (pem: string): tls.TLSSocket => {
    const raw = Buffer.from(pem.replaceAll(/-----[^-]*-----/g, ''), 'base64')
    return {destroyed: false, getPeerCertificate: () => ({raw})} as unknown as tls.TLSSocket
  }
  /** A connection: whether one CA was tried, which did not do. */
  const next = async (pem: string): Promise<boolean> => {
    const known = new RememberedCa(cache, HOST, trust)
    const tried = known.context() !== undefined
    await known.keep(leadingTo(pem))
    return tried
  }
  expect([await next(wanted), await next(wanted), await next(wanted), await next(wanted)]).toEqual([
    false, true, false, false,
  ]) // prettier-ignore
  // The host sends another chain now.
  expect([await next(other), await next(other)]).toEqual([false, true])
})

it('a CA that is not trusted is not trusted because the file has it', async () => {
  await connect('one', edges.one.caFile)
  const file = await remembered('one')
  for (const planted of [await ca('other'), `${await ca('one')}\n${await ca('other')}`, 'x', '']) {
    await fs.writeFile(file, planted)
    expect((await connect('other', edges.one.caFile)).trusted).toBe(false)
    expect((await connect('one', edges.one.caFile)).trusted).toBe(true)
  }
})
