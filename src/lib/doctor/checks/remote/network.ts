import net from 'node:net'
import {withSandboxStart} from '../../../config/sandbox-down.js'
import {CLOUDFLARE_API_URL} from '../../../config/types.js'
import {ApiError, UserError} from '../../../core/errors.js'
import {isLoopback} from '../../../network/callers.js'
import {addressOf} from '../../../tunnel/carrier/connect.js'
import {proxyFor, type HttpProxy} from '../../../network/proxy-settings.js'
import {connectTcp, edgeHop, type Address} from '../../../tunnel/check/network.js'
import {isOpen} from '../../../tunnel/check/check.js'
import {askProxy, proxyHop} from '../../../tunnel/check/proxy.js'
import {StepFailed} from '../../../tunnel/check/steps.js'
import type {EdgeAddress} from '../../../tunnel/types.js'
import {saysOf, type Says} from '../../finding.js'
import type {DoctorWorld, Finding} from '../../types.js'
import {isRateLimited} from './account.js'
import {placeOf} from './addresses.js'
import {issuerOf, type Issuer} from './certificate.js'
import {isNoAnswer, type Facts} from './facts.js'
import {type RemoteCheck} from './finding.js'
import {askPortal, PORTAL_URL} from './portal.js'
import {unsetting} from '../../../core/shell-words.js'

export const networkChecks: readonly RemoteCheck[] = [
  {
    ...{id: 'dns', area: 'network', title: 'DNS', doing: 'Looking up the addresses'},
    look: dns,
  },
  {
    ...{id: 'ipv6', area: 'network', title: 'IPv6', doing: 'Trying IPv6'},
    look: ipv6,
  },
  {
    ...{id: 'proxy', area: 'network', title: 'Proxy', doing: 'Asking the proxy'},
    look: proxy,
  },
  {
    ...{id: 'api', area: 'network', title: 'API', doing: 'Asking the API'},
    look: api,
  },
  {
    ...{id: 'certificate', area: 'network', title: 'Certificates', doing: 'Looking at the certificates'},
    look: certificate,
  },
]

/** A server that zt connects to by itself, by a name that DNS is asked for. */
interface Server {
  what: 'API' | 'edge'
  edge: EdgeAddress
}

/** The API and, for HOST, its edge: where a name has to be looked up. */
async function servers(facts: Facts, {settings, host}: DoctorWorld): Promise<Server[]> {
  const {protocol, hostname, port} = new URL(settings.apiUrl)
  const isName = protocol === 'https:' && net.isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && hostname !== 'localhost'
  const asked = host === undefined ? undefined : await facts.host().catch(() => undefined)
  const {connectTo, caFile} = settings
  return [
    ...(isName
      ? [{what: 'API', edge: {host: hostname, connectTo: port === '' ? undefined : `${hostname}:${port}`, caFile: undefined}} as const]
      : []),
    ...(asked === undefined ? [] : [{what: 'edge', edge: {host: asked, connectTo, caFile}} as const]),
  ]
} // prettier-ignore

/** The proxy on the way to a server. @throws UserError `usage` / `BAD_PROXY` */
function proxyOf(edge: EdgeAddress, env: NodeJS.ProcessEnv): HttpProxy | undefined {
  const to = addressOf(edge)
  return proxyFor(env, to.host === edge.host ? [to] : [{host: edge.host, port: 443}, to])
}

/** Those whose names this machine looks up itself. */
async function lookedUp(facts: Facts, world: DoctorWorld): Promise<Server[]> {
  return (await servers(facts, world)).filter((one) => {
    const {edge} = one
    try {
      return net.isIP(addressOf(edge).host) === 0 && proxyOf(edge, world.env) === undefined
    } catch {
      return false
    }
  })
}

async function dns(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const all = await lookedUp(facts, world)
  if (all.length === 0) return [says.skipped('no name has to be looked up')]
  const findings = (await Promise.all(all.map((one) => addressesOf(one, facts, says)))).flat()
  const bad = findings.filter(({state}) => state !== 'ok')
  return bad.length > 0 ? bad : findings.slice(0, 1)
}

/** Whether the name of a server is not found, or is found where it is not: then it cannot answer either. */
export async function isMisled(what: Server['what'], facts: Facts, world: DoctorWorld): Promise<boolean> {
  const one = (await lookedUp(facts, world)).find((server) => server.what === what)
  if (!one) return false
  const says = saysOf({id: 'dns', area: 'network', title: 'DNS'})
  return (await addressesOf(one, facts, says)).some(({state}) => state === 'fail')
}

async function addressesOf(
  {what, edge}: Server,
  facts: Facts,
  says: Says,
): Promise<Finding[]> {
  const {host: name} = addressOf(edge)
  let addresses: Address[]
  try {
    addresses = await facts.addresses(name)
  } catch (error) {
    // With the words of the connection that would fail; a tunnel's record is only behind the edge.
    const failed = edgeHop({...edge, connectTo: undefined, host: name}).failed('lookup', error)
    const next = failed.next.filter((step) => what === 'edge' || !step.includes('tunnel'))
    return [says.error(failed, {at: 'no-answer', next})]
  }
  const list = addresses.map(({address}) => address)
  const at = (place: ReturnType<typeof placeOf>): string[] => list.filter((one) => placeOf(one) === place)
  const said = `${name} is ${list.join(', ')}`
  const [nowhere, local, other] = [at('nowhere'), at('private'), at('other')]
  const tell = `Compare with another name server: nslookup ${name} 1.1.1.1`
  if (nowhere.length > 0)
    return [
      says.fail(said, {at: 'sinkhole', 
        why: `${nowhere.join(', ')} is this machine or no one: a filter in the network's DNS, or the hosts file, keeps ${name} from being found.`,
        next: [tell],
      }),
    ]
  // What is Cloudflare's own is right, however it was found.
  if (at('cloudflare').length < list.length && (await isFromSearchDomain(facts, name)))
    return [
      says.fail(said, {at: 'search-domain', 
        why: `${name} itself does not exist: its address comes from a search domain of this machine, or from the hosts file.`,
        next: [`Check that the tunnel has a DNS record for ${name}`],
      }),
    ]
  if (local.length > 0)
    return [
      says.warn(said, {at: 'private', 
        why: `${local.join(', ')} is a private address: this network's DNS has its own answer (split horizon), and zt does not reach Cloudflare's edge by it.`,
        next: [tell],
      }),
    ]
  // Another API, and an address given in the profile, are no concern of Cloudflare's.
  const isTheirs = what === 'edge' ? edge.connectTo === undefined : edge.host === new URL(CLOUDFLARE_API_URL).hostname
  if (!isTheirs || other.length === 0) return [says.ok(said)]
  const families = new Set(other.map((one) => net.isIP(one)))
  const halves = at('cloudflare').length > 0 && families.size === 1
  return [
    says.warn(said, {at: halves ? 'two-answers' : 'not-cloudflare', 
      why: halves
        ? `${other.join(', ')} is not an address of Cloudflare and the other is: the A and AAAA records lead to different servers.`
        : `${other.join(', ')} is not an address of Cloudflare: the record is not proxied ("DNS only"), or this network's DNS has its own answer. Then Access is not asked.`,
      next: [tell, ...(what === 'edge' ? [`Check that the DNS record of ${name} is proxied`] : [])],
    }),
  ]
} // prettier-ignore

/** Whether only a name that the system made of this one exists (resolv.conf(5), search). */
async function isFromSearchDomain(facts: Facts, name: string): Promise<boolean> {
  return facts.addresses(`${name}.`).then(
    () => false,
    (error: unknown) => (error as {code?: unknown}).code === 'ENOTFOUND',
  )
}

/** Whether connections by IPv6 fail where those by IPv4 do not: every one then begins with a wait. */
async function ipv6(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  for (const {edge} of await lookedUp(facts, world)) {
    const addresses = await facts.addresses(addressOf(edge).host).catch(() => [])
    if (!addresses.some(({family}) => family === 6) || !addresses.some(({family}) => family === 4)) continue
    const {attempts} = await attemptsTo(edge, addresses, world.timeoutMs)
    const open = (family: number): boolean =>
      attempts.some(({address, ok: there}) => there && net.isIP(address) === family)
    if (!open(4)) return [says.skipped('there is no connection by IPv4 either')]
    if (open(6)) return [says.ok('it works')]
    return [
      says.warn(`${addressOf(edge).host} answers by IPv4 and not by IPv6`, {
        why: 'zt tries IPv4 after 250 ms; other programs may wait much longer.',
        next: ["Repair this network's IPv6, or switch it off"],
      }),
    ]
  }
  return [says.skipped('no server here has both kinds of address')]
}

interface Attempt {
  address: string
  ok: boolean
}

async function attemptsTo(
  edge: EdgeAddress,
  addresses: Address[],
  timeoutMs: number,
): Promise<{attempts: Attempt[]}> {
  try {
    const {facts} = await connectTcp(edgeHop(edge), addresses, timeoutMs)
    return facts as unknown as {attempts: Attempt[]}
  } catch (error) {
    if (error instanceof StepFailed) return error.facts as unknown as {attempts: Attempt[]}
    throw error
  }
}

const PROXY_SAYS = saysOf({id: 'proxy', area: 'network', title: 'Proxy'})

/** The proxy of the environment, and variables that do not do what they seem to do. */
async function proxy(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  return facts.once('proxy', () => proxyFindings(facts, world, says))
}

async function proxyFindings(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const {env, host, settings, timeoutMs} = world
  const mistakes = variableMistakes(env, says)
  const asked = host === undefined ? undefined : await facts.host().catch(() => undefined)
  const {connectTo, caFile} = settings
  // Where HOST needs none, the API may: any public name will do to find out whether the proxy answers.
  const publicName: EdgeAddress = {host: new URL(CLOUDFLARE_API_URL).hostname, connectTo: undefined, caFile}
  let edge = asked === undefined ? publicName : {host: asked, connectTo, caFile}
  let used: HttpProxy | undefined
  try {
    used = proxyOf(edge, env)
    if (!used) used = proxyOf((edge = publicName), env)
  } catch (error) {
    if (error instanceof UserError) return [says.error(error), ...mistakes]
    throw error
  }
  const to = addressOf(edge)
  if (!used) return mistakes.length > 0 ? mistakes : [says.ok('none is used')]
  try {
    const addresses = net.isIP(used.host) === 0 ? await facts.addresses(used.host) : [{address: used.host, family: net.isIP(used.host)}]
    await connectTcp(proxyHop(used, edge), addresses, timeoutMs)
    const {value, detail} = await askProxy({edge, proxy: used, to, timeoutMs})
    value.destroy()
    return mistakes.length > 0 ? mistakes : [says.ok(detail)]
  } catch (error) {
    const cause = error instanceof StepFailed ? error.cause : error
    return [says.error(cause instanceof UserError ? cause : proxyHop(used, edge).failed('proxy', cause)), ...mistakes]
  }
} // prettier-ignore

/** What other programs take for a proxy, and zt does not. */
const OTHERS = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY']

/** https_proxy counts before HTTPS_PROXY, the one for http:// does not count, and NO_PROXY takes no patterns or addresses with a scheme. */
function variableMistakes(env: NodeJS.ProcessEnv, says: Says): Finding[] {
  const findings: Finding[] = []
  const [lower, upper] = [env['https_proxy'], env['HTTPS_PROXY']]
  if (lower !== undefined && upper !== undefined && lower !== upper)
    findings.push(
      says.warn('https_proxy and HTTPS_PROXY differ', {at: 'two-values', 
        why: 'zt, like curl, uses https_proxy; other programs may use the other one.',
        next: [unsetting(['HTTPS_PROXY'])],
      }),
    )
  const plain = OTHERS.map((name) => env[name]).find((value) => value !== undefined)
  if (lower === undefined && upper === undefined && plain !== undefined && plain !== '')
    findings.push(
      says.warn('A proxy is set for http:// or for everything, and HTTPS_PROXY is not', {at: 'http-only', 
        why: 'zt connects directly: it uses only HTTPS_PROXY.',
        next: ['If Cloudflare is reached only through that proxy, set HTTPS_PROXY as well'],
      }),
    ) // prettier-ignore
  const [name, value] = env['no_proxy'] === undefined ? ['NO_PROXY', env['NO_PROXY']] : ['no_proxy', env['no_proxy']]
  const odd = (value ?? '').split(/[\s,]+/).filter((entry) => /:\/\/|;|.\*|^\*[^.]/.test(entry)) // prettier-ignore
  if (odd.length > 0)
    findings.push(
      says.warn(`${name} has ${odd.length === 1 ? 'an entry' : 'entries'} that match nothing: ${odd.map((one) => JSON.stringify(one)).join(', ')}`, {at: 'no-proxy', 
        why: 'An entry is a host, a suffix such as .example.com, a network such as 10.0.0.0/8, or *.',
        next: [`Correct ${name}`],
      }),
    ) // prettier-ignore
  return findings
} // prettier-ignore

/** Whether the API answers at all; what it answers is for the checks of the account. */
async function api(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const {settings, timeoutMs} = world
  const {hostname, protocol} = new URL(settings.apiUrl)
  const none = await facts.noAccount()
  const error = none?.error ?? (none ? undefined : await facts.serviceTokens().then(noError, asUserError))
  if (isRateLimited(error))
    return [
      says.warn('Cloudflare limits the requests of this API token', {
        why: error.why,
        next: [...error.next],
        facts: {retryAfterSeconds: numberIn(error.details['retryAfterSeconds'])},
      }),
    ]
  if (error && isNoAnswer(error)) {
    if (await isMisled('API', facts, world)) return [says.skipped('its name does not lead to it: DNS')]
    if (await badClock(facts, world))
      return [says.skipped('its certificate is not valid by this clock: Clock')]
    const isOwn = protocol !== 'https:' || isLoopback(hostname)
    const status = isOwn ? undefined : await (facts.portal ?? (() => askPortal(timeoutMs)))()
    if (status !== undefined && status !== 204)
      return [
        says.fail(`A page of this network answers instead of ${hostname}`, {
          at: 'portal',
          why: 'The network asks for a login in a browser before it lets anything through (captive portal).',
          next: [`Open ${PORTAL_URL} in a browser, and log in there`],
        }),
      ]
    // Otherwise it refuses only the API.
    const byProxy = /^(PROXY_|BAD_PROXY$)/.test(error.code)
    if (byProxy && (await proxy(facts, world, PROXY_SAYS)).some(({state}) => state === 'fail'))
      return [says.skipped('the proxy does not let it through: Proxy')]
    return [says.error(withSandboxStart(error, settings))]
  }
  // Without an API token nothing is asked.
  if (none && !(none.error instanceof ApiError)) return [says.skipped(none.why)]
  return [says.ok(`${hostname} answers`)]
}

const noError = (): undefined => undefined

function asUserError(error: unknown): UserError {
  if (error instanceof UserError) return error
  throw error
}

function numberIn(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** Whether someone on the way opens TLS: then the certificate is not by a CA that everyone trusts. */
async function certificate(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const one of await servers(facts, world)) {
    const {what, edge} = one
    const issuer = await issuerFor(one, facts, world)
    if (issuer === 'own') findings.push(says.skipped('the profile has the CA of the edge'))
    else if (issuer?.isPublic)
      findings.push(says.ok(`${edge.host} by ${issuer.name}`, {foreign: [issuer.name]}))
    else if (issuer) {
      const {name, product} = issuer
      const trusted = await isTrusted(one, facts, world)
      // A CA that is not known here may be anyone's: the connection that fails says so.
      if (trusted !== true && product === undefined) continue
      const is = product === undefined ? 'This is not a public CA' : `This is ${product}`
      const opens = `${is}: something on the way opens TLS`
      findings.push(
        says[trusted === false ? 'fail' : 'warn'](`The certificate of ${edge.host} is by "${name}"`, {
          at: 'intercepted',
          foreign: [name],
          why:
            trusted === true
              ? `${opens}, and sees ${what === 'edge' ? 'client secrets' : 'the API token'} and what is transferred.`
              : trusted === false
                ? `${opens}. This machine does not trust it, so zt sends nothing.`
                : `${opens}.`,
          next: [`Ask who runs this network to exempt ${edge.host} from TLS inspection`],
        }),
      )
    }
  }
  const bad = findings.filter(({state}) => state === 'warn' || state === 'fail')
  if (bad.length > 0) return bad
  return findings.length > 0 ? findings.slice(0, 1) : [says.skipped('there is none to look at')]
}

/**
 * The certificate of the API, if it is not valid at the time that this machine has. Whether the clock is wrong or the
 * certificate, nothing here says; that of Cloudflare's API is renewed in time.
 */
export async function badClock(facts: Facts, world: DoctorWorld): Promise<{host: string; from: Date; to: Date} | undefined> {
  const why = (await facts.noAccount())?.error?.why ?? ''
  if (!/CERT_(?:HAS_EXPIRED|NOT_YET_VALID)/.test(why)) return undefined
  const one = (await servers(facts, world)).find(({what}) => what === 'API')
  const shown = one && (await issuerFor(one, facts, world))
  if (one === undefined || shown === undefined || shown === 'own') return undefined
  const {from, to} = shown
  const now = world.ctx.clock.now()
  return now < from.getTime() || now > to.getTime() ? {host: one.edge.host, from, to} : undefined
} // prettier-ignore

/** The product that opens TLS to the edge, where its CA is known by name; whether it is trusted is not asked. */
export async function interceptedBy(facts: Facts, world: DoctorWorld): Promise<string | undefined> {
  const one = (await servers(facts, world)).find(({what}) => what === 'edge')
  const issuer = one && (await issuerFor(one, facts, world))
  return issuer === 'own' ? undefined : issuer?.product
}

/** @returns `own`: the profile says whose CA it is */
function issuerFor(one: Server, facts: Facts, world: DoctorWorld): Promise<Issuer | 'own' | undefined> {
  const {what, edge} = one
  return facts.once(`issuer ${what}`, async () => {
    if (what === 'edge' && world.settings.caFile !== undefined) return 'own'
    const over = await wayTo(one, facts, world).catch(() => undefined)
    return over && (await issuerOf(over, edge.host, world.timeoutMs))
  })
}

/** Whether zt's own connections trust what the server shows; undefined: none can be made. */
async function isTrusted(
  {what, edge}: Server,
  facts: Facts,
  {env, timeoutMs}: DoctorWorld,
): Promise<boolean | undefined> {
  if (what === 'edge') {
    const made = await facts.connection()
    if (made) return made.failure?.code !== 'EDGE_NOT_TRUSTED'
    // Without a token: one that sends no credentials.
    return isOpen({edge, environment: env, timeoutMs}).then(
      () => true,
      (error: unknown) =>
        error instanceof UserError && error.code === 'EDGE_NOT_TRUSTED' ? false : undefined,
    )
  }
  const error = (await facts.noAccount())?.error
  return error === undefined || !isNoAnswer(error)
}

/** A connection to a server, or its address. */
async function wayTo(
  one: Server,
  facts: Facts,
  world: DoctorWorld,
): Promise<net.Socket | {host: string; port: number}> {
  const {edge} = one
  const {timeoutMs} = world
  const to = addressOf(edge)
  const through = proxyOf(edge, world.env)
  if (through) return (await askProxy({edge, proxy: through, to, timeoutMs})).value
  if (net.isIP(to.host) !== 0) return to
  const addresses = await facts.addresses(to.host)
  return {host: (await connectTcp(edgeHop(edge), addresses, timeoutMs)).value, port: to.port}
}
