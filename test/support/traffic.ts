import fs from 'node:fs/promises'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import {startSandbox} from '../../src/lib/sandbox/server.js'
import type {SandboxSettings} from '../../src/lib/sandbox/settings.js'
import type {SandboxInfo, SandboxSeed} from '../../src/lib/sandbox/types.js'

/** A request as it was sent, and what the rules below say of it. */
export interface Sent {
  /** Milliseconds since 1970. */
  at: number
  appId: string
  /** The service token that the request authenticates as; empty: none. */
  tokenId: string
  policyId: string
  admitted: boolean
  country: string
  /** Whether it is an attempt to log in: the others are sent to the login page without any credentials. */
  attempt: boolean
}

const TOKENS = 50
const secretOf = (token: number): string => `secret-of-${token}`
/** By the address that a client of this machine connects from. */
const COUNTRIES = {'127.0.0.1': 'XX', '127.0.0.2': 'DE', '127.0.0.3': 'FR'} as const

const named = (from: number, to: number): JsonObject[] =>
  Array.from({length: to - from}, (_, i) => ({service_token: {token_id: tokenIdOf(from + i)}}))
const tokenIdOf = (token: number): string => `token-${token}`
/** Older than all requests: an audit judges what existed for as long as it looks back. */
const old = {created_at: new Date(Date.now() - 400 * 24 * 3600_000).toISOString()}
const serviceAuth = (id: string, precedence: number, rules: JsonObject): JsonObject => ({
  ...{id, name: id, decision: 'non_identity', precedence, require: [], exclude: [], ...old},
  ...rules,
})
const germany = {geo: {country_code: 'DE'}}

/** No request of {@link makeTraffic} is admitted by this rule. */
export const UNUSED_POLICY = 'named-never'

const APPS: Record<string, JsonObject[]> = {
  grouped: [serviceAuth('grouped-machines', 1, {include: [{group: {id: 'machines'}}]})],
  named: [
    serviceAuth('named-german', 1, {include: named(0, 10), require: [germany]}),
    serviceAuth('named-all', 2, {include: named(0, 30)}),
    serviceAuth(UNUSED_POLICY, 3, {include: named(30, 40)}),
  ],
  any: [serviceAuth('any-token', 1, {include: [{any_valid_service_token: {}}], exclude: named(49, 50)})],
  open: [{...serviceAuth('open-everyone', 1, {include: [{everyone: {}}]}), decision: 'bypass'}],
  people: [
    {
      ...serviceAuth('people-staff', 1, {include: [{email_domain: {domain: 'a.example'}}]}),
      decision: 'allow',
    },
  ],
}

/** The IDs of all rules. */
export const POLICIES = Object.values(APPS)
  .flat()
  .map(({id}) => String(id))

const SEED: SandboxSeed = {
  accounts: [{id: '2f5a7c10b3d94e6f8a1c0d2e3f405162', name: 'Widgetcorp'}],
  service_tokens: Array.from({length: TOKENS}, (_, token) => ({
    ...{id: tokenIdOf(token), name: `machine-${token}`, client_id: `${tokenIdOf(token)}.access`},
    ...{client_secret: secretOf(token), duration: 'forever', expires_at: null, ...old},
  })),
  groups: [{id: 'machines', name: 'machines', include: named(0, 25), ...old}],
  apps: Object.entries(APPS).map(([id, policies]) => ({
    ...{id, name: id, domain: `${id}.a.example`, policies, ...old},
  })),
}

/** The rule that admits it: what the policies above say, without the code that decides at the edge. */
function ruleFor(appId: string, token: number | undefined, country: string): string {
  if (appId === 'open') return 'open-everyone'
  if (token === undefined) return ''
  if (appId === 'grouped') return token < 25 ? 'grouped-machines' : ''
  if (appId === 'any') return token === 49 ? '' : 'any-token'
  if (appId !== 'named') return ''
  if (token < 10 && country === 'DE') return 'named-german'
  return token < 30 ? 'named-all' : ''
}

export interface Traffic {
  directory: string
  info: SandboxInfo
  /** The machine's clock: it does not move. */
  now: number
  sent: readonly Sent[]
  change(settings: SandboxSettings): Promise<void>
  close(): Promise<void>
}

/**
 * A sandbox through whose edge 50 service tokens have sent requests on the last days, evenly, until an hour ago: with their
 * secret, with a wrong one, and without.
 */
export async function makeTraffic({requests, days}: {requests: number; days: number}): Promise<Traffic> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-traffic-'))
  const now = Date.now()
  const settings: SandboxSettings = {
    strict_service_token_auth: true,
    country_of: {'127.0.0.2/32': 'DE', '127.0.0.3/32': 'FR'},
  }
  const {info, close} = await startSandbox({
    ...{directory, seed: {...SEED, settings}, origins: {}, clock: {now: () => now}},
  })
  const change = (some: SandboxSettings): Promise<void> => changeSettings(info, some)
  const ca = await fs.readFile(info.caFile)
  const agents = Object.keys(COUNTRIES).map(
    (localAddress) =>
      new https.Agent({keepAlive: true, maxSockets: 4, localAddress, ca, servername: 'localhost'}),
  )
  const sent: Sent[] = []
  const random = numbers()
  const perDay = Math.ceil(requests / days)
  for (let day = days; day > 0 && sent.length < requests; day--) {
    const hours = (day - 1) * 24 + 1 + random(23)
    await change({clock: `-${hours}h`})
    const at = now - hours * 3600_000
    const some = Array.from({length: Math.min(perDay, requests - sent.length)}, () => oneRequest(random))
    await Promise.all(
      some.map(({from, host, headers}) => send(info.edge, {agent: agents[from], host, headers})),
    )
    sent.push(...some.map((one) => ({...one.sent, at})))
  }
  await change({clock: '0s'})
  return {
    ...{directory, info, now, sent, change},
    async close() {
      for (const agent of agents) agent.destroy()
      await close()
    },
  }
}

function oneRequest(random: (below: number) => number): {
  from: number
  host: string
  headers: Record<string, string>
  sent: Omit<Sent, 'at'>
} {
  const from = random(3)
  const country = Object.values(COUNTRIES)[from] ?? 'XX'
  const appId = Object.keys(APPS)[random(5)] ?? ''
  // One in ten with a wrong secret, one in ten without any credentials.
  const credentials = random(10)
  let token = random(TOKENS)
  if (appId === 'named' && token >= 30 && token < 40) token -= 30
  const headers: Record<string, string> =
    credentials === 1
      ? {}
      : {
          'cf-access-client-id': `${tokenIdOf(token)}.access`,
          'cf-access-client-secret': credentials === 0 ? 'wrong' : secretOf(token),
        }
  const right = credentials > 1 ? token : undefined
  // Strict authentication: wrong credentials are refused where Bypass is, too.
  const policyId = credentials === 0 ? '' : ruleFor(appId, right, country)
  const sent = {
    ...{appId, country, policyId, admitted: policyId !== ''},
    tokenId: right === undefined ? '' : tokenIdOf(right),
    attempt: credentials !== 1 || appId !== 'people',
  }
  return {from, host: `${appId}.a.example`, headers, sent}
}

function send(
  edge: string,
  {agent, host, headers}: {agent: https.Agent | undefined; host: string; headers: Record<string, string>},
): Promise<void> {
  const [address, port] = edge.split(':')
  return new Promise((resolve, reject) => {
    https
      .get({agent, host: address, port, headers: {...headers, host}}, (response) => {
        response.resume().once('end', resolve)
      })
      .once('error', reject)
  })
}

/** Changes settings of a sandbox that runs: its clock among them. */
async function changeSettings({apiUrl, apiToken}: SandboxInfo, settings: SandboxSettings): Promise<void> {
  const answer = await fetch(new URL('/sandbox/settings', apiUrl), {
    method: 'PATCH',
    headers: {authorization: `Bearer ${apiToken}`},
    body: JSON.stringify(settings),
  })
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
}

/** Whole numbers, the same in every run (the generator of Numerical Recipes). */
function numbers(): (below: number) => number {
  let state = 1
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
