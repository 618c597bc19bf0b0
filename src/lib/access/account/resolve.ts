import type {Application, Group, Policy, ServiceToken} from '../../api/types.js'
import {closest} from '../../core/closest.js'
import {UserError} from '../../core/errors.js'
import {answering, covers, sameAddress} from '../../policy/application-match.js'
import {actionName} from '../rules/action-name.js'
import {ztCommand} from '../../core/command-line.js'

/**
 * How people name things, the same for all of them: by id, by name exactly, by name without regard to case. The first of
 * these that anything answers to decides, so an id always means what has it, whatever others are called. Part of a name
 * is never enough; what is near is only asked back ("Did you mean").
 */

type Context = Parameters<typeof ztCommand>[0]

interface Named {
  id: string
  name: string
}

/** The words of an error about one kind of thing. */
interface Kind<T extends Named> {
  /** Of error codes: `TOKEN` for `TOKEN_NOT_FOUND`, `TOKEN_AMBIGUOUS`. */
  code: string
  one: string
  many: string
  /** Why nothing was found, a sentence. */
  why: string
  /** The command that shows what there is. */
  list: string
  /** Tells things of one name apart. */
  detail: (item: T) => string | undefined
}

/**
 * The service token that a person means: by id, Client ID or name.
 *
 * @throws UserError `not-found` / `TOKEN_NOT_FOUND`, `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export function resolveToken(ctx: Context, wanted: string, tokens: readonly ServiceToken[]): ServiceToken {
  const found = firstMatching(tokens, [(token) => token.clientId === wanted, ...byIdOrName(wanted)])
  return only(wanted, found, tokens, {
    code: 'TOKEN',
    one: 'service token',
    many: 'service tokens',
    why: 'No name, id or Client ID in the account is that.',
    list: ztCommand(ctx, 'token', 'list'),
    detail: ({createdAt}) => (createdAt === undefined ? undefined : `created ${createdAt}`),
  })
}

/**
 * Refuses to change what a list calls by the name that was given, and what calls itself otherwise: by the name alone, the
 * wrong object would be meant.
 *
 * @param itself as it answers by its id
 * @throws UserError `conflict` / `NAME_UNCERTAIN`
 */
export function requireMeant(
  ctx: Context,
  kind: 'token' | 'policy' | 'group' | 'app',
  listed: Named & {clientId?: string},
  wanted: string,
  itself: {name: string; clientId?: string},
): void {
  const {id, name, clientId} = listed
  if (wanted === id || (itself.clientId === clientId && (wanted === clientId || itself.name === name))) return
  throw new UserError({
    kind: 'conflict',
    code: 'NAME_UNCERTAIN',
    message: `What "${wanted}" is, is not certain`,
    why: `The list of Cloudflare calls it "${name}", and by its id it is called "${itself.name}". It may have been renamed at this moment. Nothing was changed.`,
    next: [ztCommand(ctx, kind, 'show', id), 'Run the command again'],
    details: {id},
  })
}

/**
 * The Access group that a person means: by id or name.
 *
 * @throws UserError `not-found` / `GROUP_NOT_FOUND`, `ambiguous` / `GROUP_AMBIGUOUS`
 */
export function resolveGroup(ctx: Context, wanted: string, groups: readonly Group[]): Group {
  return only(wanted, firstMatching(groups, byIdOrName(wanted)), groups, {
    code: 'GROUP',
    one: 'Access group',
    many: 'Access groups',
    why: 'No name or id of an Access group in the account is that.',
    list: ztCommand(ctx, 'group', 'list'),
    detail: () => undefined,
  })
}

/**
 * The policy that a person means: by id or name, among the account's and, where one is given, those of an application.
 *
 * @param application with its policies; those that live inside it alone (legacy) count as well then
 * @throws UserError `not-found` / `POLICY_NOT_FOUND`, `ambiguous` / `POLICY_AMBIGUOUS`
 */
export function resolvePolicy(
  ctx: Context,
  wanted: string,
  policies: readonly Policy[],
  application?: Pick<Application, 'name' | 'policies'>,
): Policy {
  const shared = new Set(policies.map(({id}) => id))
  const own = (application?.policies ?? []).filter(({id}) => !shared.has(id))
  const all = [...policies, ...own]
  return only(wanted, firstMatching(all, byIdOrName(wanted)), all, {
    code: 'POLICY',
    one: 'policy',
    many: 'policies',
    why: `No name or id of a policy of the account${application ? ` or of "${application.name}"` : ''} is that.`,
    list: ztCommand(ctx, 'policy', 'list'),
    detail: ({id, decision}) =>
      [
        actionName(decision),
        ...(application && !shared.has(id) ? [`only in "${application.name}"`] : []),
      ].join(', '),
  })
}

/**
 * The rule of an application that a person means: by the policy's id, its name, or its place in the order as
 * `zt app show` numbers it, `3` or `#3` (which a shell takes for a comment where it is not quoted).
 *
 * @param application with its policies
 * @throws UserError `not-found` / `RULE_NOT_FOUND`, `ambiguous` / `RULE_AMBIGUOUS`: also where a rule is called by the
 *   number of another's place
 */
export function resolveRule(
  ctx: Context,
  wanted: string,
  {id, name, policies}: Pick<Application, 'id' | 'name' | 'policies'>,
): Policy {
  const place = /^#?([1-9]\d{0,8})$/.exec(wanted)?.[1]
  const placeOf = new Map(policies.map((policy, at) => [policy, policy.precedence ?? at + 1]))
  const [byId, byName, byFolded] = byIdOrName(wanted)
  const found = firstMatching(policies, [
    byId,
    (policy) => byName(policy) || String(placeOf.get(policy)) === place,
    byFolded,
  ])
  const listed = policies.map((policy) => `#${String(placeOf.get(policy))} "${policy.name}"`)
  return only(wanted, found, policies, {
    code: 'RULE',
    one: `rule of "${name}"`,
    many: `rules of "${name}"`,
    why: listed.length === 0 ? 'It has no rule.' : `It has ${listed.join(', ')}.`,
    list: ztCommand(ctx, 'app', 'show', id),
    detail: (policy) => `#${String(placeOf.get(policy))}, ${actionName(policy.decision)}`,
  })
}

export interface FoundApplication {
  application: Application
  /** A sentence where others could have been meant: they have that name or domain too, or cover the address as well. */
  note: string | undefined
}

/**
 * The application that a person means: by id, name or domain (with its path and wildcards as they are written there); or
 * by a host or URL, and then it is the one that Access asks: the most specific of those that cover it.
 *
 * @throws UserError `not-found` / `APPLICATION_NOT_FOUND`; `ambiguous` / `APPLICATION_AMBIGUOUS`
 */
export function findApplication(
  ctx: Context,
  wanted: string,
  applications: readonly Application[],
): FoundApplication {
  const address = addressOf(wanted)
  const hasDomain = ({domains}: Application): boolean =>
    address !== undefined && domains.some((domain) => sameAddress(domain, address.text))
  // A bookmark has the domain of what it links to, and answers for nothing.
  const tests = [
    ...byIdOrName(wanted),
    (app: Application) => hasDomain(app) && app.type !== 'bookmark',
    hasDomain,
  ]
  const found = firstMatching(applications, tests)
  if (found.length > 0) {
    const application = only(wanted, found, applications, aboutApplications(ctx, address))
    const also = applications.filter((app) => app !== application && tests.some((test) => test(app)))
    return {application, note: also.length === 0 ? undefined : `${quoted(also)} may be called that too.`}
  }
  // Who writes a wildcard means an application's domain, and there is none of that text.
  const asked =
    address && !address.text.includes('*') ? answering(address.host, address.path, applications) : undefined
  if (!address || !asked)
    return {application: only(wanted, [], applications, aboutApplications(ctx, address)), note: undefined}
  const others = applications.filter(
    ({id, type, domains}) =>
      id !== asked.application.id &&
      type !== 'bookmark' &&
      domains.some((domain) => covers(domain, address.host, address.path)),
  )
  const rivals = others.filter(({domains}) => domains.some((domain) => sameAddress(domain, asked.domain)))
  return {
    application: only(wanted, [asked.application, ...rivals], applications, aboutApplications(ctx, address)),
    note:
      others.length === 0
        ? undefined
        : `${quoted(others)} ${others.length === 1 ? 'covers' : 'cover'} it too; Access asks the most specific application, and only that.`,
  }
}

/** {@link findApplication} without its note. */
export function resolveApplication(
  ctx: Context,
  wanted: string,
  applications: readonly Application[],
): Application {
  return findApplication(ctx, wanted, applications).application
}

const aboutApplications = (ctx: Context, address: Address | undefined): Kind<Application> => ({
  code: 'APPLICATION',
  one: 'application',
  many: 'applications',
  why: `No name, id or domain of an Access application in the account is that${address ? ', and none covers it' : ''}.`,
  list: ztCommand(ctx, 'app', 'list'),
  detail: ({domain}) => domain,
})

interface Address {
  host: string
  path: string
  /** Both, as an application's domain is written. */
  text: string
}

/** What may be a public address: `host`, `host/path` or a URL of any scheme. Its query and port say nothing to Access. */
function addressOf(wanted: string): Address | undefined {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(wanted) ?? []
  const bare = rest.replace(/[?#].*/s, '')
  const slash = bare.indexOf('/')
  const authority = slash < 0 ? bare : bare.slice(0, slash)
  const host = (scheme === undefined ? authority : authority.replace(/^.*@/s, ''))
    .replace(/:\d*$/, '')
    .replace(/\.$/, '')
    .toLowerCase()
  // One label is a word, which may be a name that is mistyped.
  if (!/^[^\s@:.]+(\.[^\s@:.]+)+$/.test(host)) return undefined
  const path = slash < 0 ? '/' : bare.slice(slash)
  return {host, path, text: host + path}
}

type Test<T> = (item: T) => boolean

function byIdOrName(wanted: string): [id: Test<Named>, name: Test<Named>, folded: Test<Named>] {
  const folded = fold(wanted)
  return [({id}) => fold(id) === folded, ({name}) => name === wanted, ({name}) => fold(name) === folded]
}

/** Letters with accents can be written in two ways that look the same. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

/** Those that the first test which matches anything matches. */
function firstMatching<T>(all: readonly T[], tests: readonly Test<T>[]): T[] {
  for (const test of tests) {
    const found = all.filter(test)
    if (found.length > 0) return found
  }
  return []
}

/** The only one that was found, or the error that says why it is not the only one. */
function only<T extends Named>(
  wanted: string,
  found: readonly T[],
  all: readonly (T & {domains?: readonly string[]})[],
  kind: Kind<T>,
): T {
  const [item] = found
  if (item && found.length === 1) return item
  if (item) {
    throw new UserError({
      kind: 'ambiguous',
      code: `${kind.code}_AMBIGUOUS`,
      message: `Several ${kind.many} match "${shown(wanted)}"`,
      why: found.map((one) => {
        const detail = kind.detail(one)
        return `${one.id}  ${one.name}${detail === undefined ? '' : `  (${detail})`}`
      }),
      next: ['Give the id instead of the name'],
      details: {candidates: found.map(({id, name}) => ({id, name}))},
    })
  }
  const meant = closest(
    addressOf(wanted)?.text.replace(/\/$/, '') ?? wanted,
    all.flatMap(({name, domains = []}) => [name, ...domains]),
  )
  throw new UserError({
    kind: 'not-found',
    code: `${kind.code}_NOT_FOUND`,
    message: `There is no ${kind.one} "${shown(wanted)}"`,
    why: kind.why,
    next: [...(meant === undefined ? [] : [`Did you mean "${meant}"?`]), kind.list],
  })
}

function quoted(items: readonly Application[]): string {
  return items.map(({name, domain}) => `"${name}"${domain === undefined ? '' : ` (${domain})`}`).join(', ')
}

/** A secret that was pasted in a name's place is not repeated. Ids and Client IDs are shorter than 41 characters. */
function shown(text: string): string {
  if (!/^\S{45,}$/.test(text)) return text.slice(0, 100)
  // Of a URL, only what no secret is in.
  const host = /^[a-z]+:\/\/([a-z0-9.-]{1,100})(?=[:/?#])/i.exec(text)?.[1]
  return host === undefined ? '[hidden]' : `${host}/…`
}
