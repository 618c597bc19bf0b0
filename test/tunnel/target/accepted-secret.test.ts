import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {Secret} from '../../../src/lib/core/secret.js'
import {USER_AGENT} from '../../../src/lib/core/version.js'
import {acceptedAt, AcceptedSecret, probeHeaders} from '../../../src/lib/tunnel/target/accepted-secret.js'
import type {EdgeAnswer} from '../../../src/lib/tunnel/types.js'
import {startConnectProxy} from '../../support/connect-proxy.js'
import {REFUSED, startHttpEdge, type HttpEdge} from '../../support/http-edge.js'
import {HOST} from '../../support/scripted-edge.js'
import {AMPLE_MS} from '../../support/patience.js'

const START = Date.parse('2026-11-01T00:00:00Z')
const HOUR = 3600_000
const credentials = {
  clientId: 'f00d.access',
  clientSecret: new Secret('present'),
  previous: {clientSecret: new Secret('before'), until: new Date(START + HOUR).toISOString()},
}

const answered = (by: EdgeAnswer['by'], reason: EdgeAnswer['reason'] = 'other'): EdgeAnswer => ({
  by,
  ...{status: 0, reason},
})

describe('the secret for the next request', () => {
  /** What Access accepts is one of the two; each request is sent with what is proposed, and again where that is said. */
  it('is one that Access accepts after at most two tries, however Access changes its mind', () => {
    const moment = fc.record({accepts: fc.constantFrom('present', 'before'), wait: fc.nat({max: 60_000})})
    fc.assert(
      fc.property(fc.array(moment, {maxLength: 20}), (moments) => {
        let now = START
        const secret = new AcceptedSecret({credentials, now: () => now})
        for (const {accepts, wait} of moments) {
          now += wait
          if (now >= START + HOUR) break
          const first = secret.pair
          const ok = (pair: {clientSecret: Secret}): boolean => pair.clientSecret.expose() === accepts
          const other = secret.heard(first, answered(ok(first) ? 'service' : 'access'))
          if (ok(first)) {
            expect(other).toBeUndefined()
            continue
          }
          if (first.clientSecret.expose() === 'before') {
            // Refused: from here on the present one is sent again.
            expect(secret.pair.clientSecret.expose()).toBe('present')
            continue
          }
          expect(other?.clientSecret.expose()).toBe('before')
          if (other) secret.heard(other, answered('service'))
          expect(secret.pair).toBe(other)
        }
      }),
    )
  })

  it('is tried with the present one again after half a minute', () => {
    let now = START
    const secret = new AcceptedSecret({credentials, now: () => now})
    const before = secret.heard(secret.pair, answered('access'))
    if (before) secret.heard(before, answered('service'))
    expect(secret.pair.clientSecret.expose()).toBe('before')
    now += 29_999
    expect(secret.pair.clientSecret.expose()).toBe('before')
    now += 1
    expect(secret.pair.clientSecret.expose()).toBe('present')
  })

  it('is the present one for as long as Access takes it', () => {
    let now = START
    const secret = new AcceptedSecret({credentials, now: () => now})
    secret.heard(secret.pair, answered('service'))
    now += 45_000
    expect(secret.heard(secret.pair, answered('unknown'))).toBeUndefined()
    expect(secret.pair).toEqual({clientId: 'f00d.access', clientSecret: credentials.clientSecret})
  })

  it('is the one before until its time is over, and no longer', () => {
    let now = START + HOUR - 1
    const secret = new AcceptedSecret({credentials, now: () => now})
    const before = secret.heard(secret.pair, answered('access'))
    expect(before).toEqual({clientId: 'f00d.access', ...credentials.previous})
    if (before) secret.heard(before, answered('service'))
    expect(secret.pair).toBe(before)
    now += 1
    expect(secret.pair.clientSecret.expose()).toBe('present')
  })

  it('is not sent a third time where both are refused', () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    const before = secret.heard(secret.pair, answered('access'))
    expect(before && secret.heard(before, answered('access'))).toBeUndefined()
    expect(before && secret.heard(before, answered('unknown'))).toBeUndefined()
  })

  it('is said to be the previous one only where it is, each time', () => {
    const said: string[] = []
    const secret = new AcceptedSecret({
      credentials,
      now: () => START,
      onlyPrevious: (until) => said.push(until),
    })
    const present = secret.pair
    secret.heard(present, answered('service'))
    expect(said).toEqual([])
    const before = secret.heard(present, answered('access'))
    for (let i = 0; i < 2; i++) if (before) secret.heard(before, answered('service'))
    expect(said).toEqual([credentials.previous.until, credentials.previous.until])
  })

  it('is another where it is not clear who refused it', () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    const before = secret.heard(secret.pair, answered('unknown'))
    expect(before?.clientSecret.expose()).toBe('before')
    if (before) secret.heard(before, answered('service'))
    expect(secret.heard({...credentials}, answered('unknown'))).toBeUndefined()
  })

  it('is not doubted for an answer of the zone', () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    expect(secret.heard(secret.pair, answered('zone', 'challenged'))).toBeUndefined()
    const before = secret.heard(secret.pair, answered('access'))
    if (before) secret.heard(before, answered('service'))
    expect(secret.heard(secret.pair, answered('zone', 'challenged'))).toBeUndefined()
    expect(secret.pair).toBe(before)
  })

  it.each<[what: string, given: typeof credentials, heard: boolean]>([
    ['it is known', credentials, true],
    ['there is no choice', {...credentials, previous: undefined as never}, false],
  ])('is not asked for where %s', async (_, given, heard) => {
    const secret = new AcceptedSecret({credentials: given, now: () => START})
    if (heard) secret.heard(secret.pair, answered('service'))
    let asked = 0
    await secret.decide(() => Promise.resolve(answered(asked++ === 0 ? 'access' : 'service')))
    expect(asked).toBe(0)
  })

  it('is asked for once where the present one is accepted', async () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    const asked: unknown[] = []
    await secret.decide((pair) => {
      asked.push(pair)
      return Promise.resolve(answered('service'))
    })
    expect(asked).toEqual([secret.pair])
  })

  it('is asked for again where it could not be found out', async () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    await secret.decide(() => Promise.reject(new Error('no connection')))
    expect(secret.pair.clientSecret.expose()).toBe('present')
    await secret.decide(({clientSecret}) =>
      Promise.resolve(answered(clientSecret.expose() === 'before' ? 'service' : 'access')),
    )
    expect(secret.pair.clientSecret.expose()).toBe('before')
  })

  it('needs no clock and no listener', () => {
    const until = new Date(Date.now() + HOUR).toISOString()
    const secret = new AcceptedSecret({
      credentials: {...credentials, previous: {...credentials.previous, until}},
    })
    const before = secret.heard(secret.pair, answered('access'))
    expect(before?.clientSecret.expose()).toBe('before')
    if (before) expect(secret.heard(before, answered('service'))).toBeUndefined()
  })

  it.each([
    ['its time is over', credentials, START + HOUR],
    ['there is none', {...credentials, previous: undefined}, START],
  ])('is never the previous secret where %s', (_, given, now) => {
    const secret = new AcceptedSecret({credentials: given, now: () => now})
    expect(secret.heard(secret.pair, answered('access'))).toBeUndefined()
    expect(secret.pair.clientSecret.expose()).toBe('present')
  })

  it('is not doubted for a 403 of the service itself, once Access has let it in', () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    secret.heard(secret.pair, answered('service'))
    expect(secret.heard(secret.pair, answered('unknown'))).toBeUndefined()
    expect(secret.heard(secret.pair, answered('access'))?.clientSecret.expose()).toBe('before')
  })

  it.each(['rate-limited', 'origin-down'] as const)(
    'is not known by an answer that is %s',
    async (reason) => {
      const secret = new AcceptedSecret({credentials, now: () => START})
      secret.heard(secret.pair, answered('service', reason))
      let asked = 0
      await secret.decide(() => Promise.resolve(answered(asked++ === 0 ? 'access' : 'service')))
      expect(asked).toBe(2)
      expect(secret.pair.clientSecret.expose()).toBe('before')
    },
  )

  it('is found out once for requests that come together', async () => {
    const secret = new AcceptedSecret({credentials, now: () => START})
    let asked = 0
    const ask = (): Promise<EdgeAnswer> => Promise.resolve(answered(asked++ === 0 ? 'access' : 'service'))
    await Promise.all(Array.from({length: 9}, () => secret.decide(ask)))
    expect(asked).toBe(2)
  })
})

describe('the headers of a request that zt makes itself', () => {
  it('have the host, the name of the program and the pair', () => {
    expect(probeHeaders(HOST, credentials)).toEqual([
      ['Host', HOST],
      ['User-Agent', USER_AGENT],
      ['CF-Access-Client-Id', 'f00d.access'],
      ['CF-Access-Client-Secret', 'present'],
    ])
    expect(probeHeaders(HOST, credentials, 'X-Pair')).toEqual([
      ['Host', HOST],
      ['User-Agent', USER_AGENT],
      ['X-Pair', '{"cf-access-client-id":"f00d.access","cf-access-client-secret":"present"}'],
    ])
  })
})

describe('before one request', () => {
  let directory: string
  let edge: HttpEdge

  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-accepted-at-'))
    edge = await startHttpEdge(directory)
  })
  afterAll(async () => {
    await edge.close()
    await fs.rm(directory, {recursive: true, force: true})
  })
  beforeEach(() => {
    edge.seen.length = 0
    edge.says = () => undefined
  })

  const to = (more: {connectTo?: string} = {}) => ({
    host: HOST,
    caFile: edge.caFile,
    connectTo: edge.address,
    ...more,
  })
  async function accepted(given = credentials, where = to(), environment = {}): Promise<[string, string[]]> {
    const told: string[] = []
    const pair = await acceptedAt(
      {credentials: given, onlyPrevious: (until) => told.push(until), now: () => START},
      {edge: where, path: '/items?key=x', environment, timeoutMs: AMPLE_MS},
    )
    return [pair.clientSecret.expose(), told]
  }

  it.each<[what: string, accepts: string[], pair: string, sent: string[]]>([
    ['the present one', ['present', 'before'], 'present', ['present']],
    ['only the one before', ['before'], 'before', ['present', 'before']],
    ['neither', [], 'present', ['present', 'before']],
  ])('the edge is asked which it accepts: %s', async (_, accepts, pair, sent) => {
    edge.says = ({secret}) => (accepts.includes(secret) ? undefined : REFUSED)
    const [found, told] = await accepted()
    expect(found).toBe(pair)
    expect(told).toEqual(pair === 'before' ? [credentials.previous.until] : [])
    expect(edge.seen.map(({secret}) => secret)).toEqual(sent)
    // Harmless: no other method, no body, no query.
    for (const {method, url, body} of edge.seen) expect([method, url, body]).toEqual(['HEAD', '/items', ''])
  })

  it('nothing is asked where the token has one secret alone', async () => {
    expect(await accepted({...credentials, previous: undefined as never})).toEqual(['present', []])
    expect(edge.seen).toEqual([])
  })

  it('no redirect is followed, to whatever host', async () => {
    edge.says = () => ({status: 302, headers: {location: `https://${edge.address}/elsewhere`}})
    expect((await accepted())[0]).toBe('present')
    expect(edge.seen.map(({url}) => url)).toEqual(['/items'])
  })

  it('the present one is taken where the edge cannot be asked, and neither is sent to one that is not trusted', async () => {
    expect((await accepted(credentials, to({connectTo: '127.0.0.1:1'})))[0]).toBe('present')
    const elsewhere = await startHttpEdge(await fs.mkdtemp(path.join(directory, 'other-')))
    expect((await accepted(credentials, to({connectTo: elsewhere.address})))[0]).toBe('present')
    expect(elsewhere.seen).toEqual([])
    await elsewhere.close()
  })

  it('it is asked through the proxy of the environment, which sees neither', async () => {
    edge.says = ({secret}) => (secret === 'before' ? undefined : REFUSED)
    const proxy = await startConnectProxy(edge.port)
    const {connectTo: _, ...direct} = to()
    const found = await accepted(
      credentials,
      {...direct, connectTo: undefined as never},
      {HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`},
    )
    expect(found[0]).toBe('before')
    expect(proxy.requests[0]).toContain(`CONNECT ${HOST}:443 `)
    expect(proxy.through.length).toBeGreaterThan(300)
    expect(proxy.requests.join('') + proxy.through).not.toMatch(/Client-Secret|before/)
    await proxy.close()
  })
})
