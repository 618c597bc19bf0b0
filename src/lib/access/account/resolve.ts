import type {Application, Group, Policy, ServiceToken} from '../../api/types.js'
import {closest} from '../../core/closest.js'
import {ztCommand} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {withoutCredentials} from '../../core/hostname.js'
import {addressOf, sameAddress} from '../../core/public-address.js'
import {findApplication} from '../../policy/application-match.js'
import {kindOf} from '../applications/kinds.js'
import {actionName} from '../rules/action-name.js'

/**
 * How people name things, the same for all of them: by ID, by exact name, by name without regard to case. The first of
 * these that matches anything decides, so an ID always means the object that has it, whatever others are called. Part of
 * a name never matches; it is only suggested ("Did you mean").
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
  /** The command that lists the things. */
  list: string
  /** Distinguishes things of the same name. */
  detail: (item: T) => string | undefined
}

/**
 * The service token that a person means: by ID, client ID or name.
 *
 * @throws UserError `not-found` / `TOKEN_NOT_FOUND`, `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export function resolveToken(ctx: Context, wanted: string, tokens: readonly ServiceToken[]): ServiceToken {
  const found = firstMatching(tokens, [(token) => token.clientId === wanted, ...byIdOrName(wanted)])
  return only(wanted, found, tokens, {
    code: 'TOKEN',
    one: 'service token',
    many: 'service tokens',
    why: 'No service token in this account has that name, ID or client ID.',
    list: ztCommand(ctx, 'token', 'list'),
    detail: ({createdAt}) => (createdAt === undefined ? undefined : `created ${createdAt}`),
  })
}

/**
 * Refuses to change an object that was found in a list by its name and has another name when read by its ID: the name
 * alone would pick the wrong object.
 *
 * @param itself as read by its ID
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
    message: `It is uncertain what "${wanted}" is`,
    why: `Cloudflare's list calls it "${name}", but by its ID it is called "${itself.name}". It may just have been renamed. Nothing was changed.`,
    next: [ztCommand(ctx, kind, 'show', id), 'Run the command again'],
    details: {id},
  })
}

/**
 * The Access group that a person means: by ID or name.
 *
 * @throws UserError `not-found` / `GROUP_NOT_FOUND`, `ambiguous` / `GROUP_AMBIGUOUS`
 */
export function resolveGroup(ctx: Context, wanted: string, groups: readonly Group[]): Group {
  return only(wanted, firstMatching(groups, byIdOrName(wanted)), groups, {
    code: 'GROUP',
    one: 'Access group',
    many: 'Access groups',
    why: 'No Access group in this account has that name or ID.',
    list: ztCommand(ctx, 'group', 'list'),
    detail: () => undefined,
  })
}

/**
 * The policy that a person means: by ID or name, among the account's and, if one is given, those of an application.
 *
 * @param application with its policies, of which the inline (legacy) ones are candidates too
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
    why: `No policy of this account${application ? ` or of "${application.name}"` : ''} has that name or ID.`,
    list: ztCommand(ctx, 'policy', 'list'),
    detail: ({id, decision}) =>
      [
        actionName(decision),
        ...(application && !shared.has(id) ? [`only in "${application.name}"`] : []),
      ].join(', '),
  })
}

/**
 * The rule of an application that a person means: by the policy's ID, its name, or its precedence as `zt app show` prints
 * it, `3` or `#3` (which a shell takes for a comment unless it is quoted).
 *
 * @throws UserError `not-found` / `RULE_NOT_FOUND`, `ambiguous` / `RULE_AMBIGUOUS`: also if the name of one rule is the
 *   precedence of another
 */
export function resolveRule(
  ctx: Context,
  wanted: string,
  {id, name, policies}: Named & {policies: readonly Policy[]},
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
    why: listed.length === 0 ? 'It has no rules.' : `It has ${listed.join(', ')}.`,
    list: ztCommand(ctx, 'app', 'show', id),
    detail: (policy) => `#${String(placeOf.get(policy))}, ${actionName(policy.decision)}`,
  })
}

/**
 * The application that a person means: by ID, name or domain (with path and wildcards as written there); or by a host or
 * URL, which means the application that Access asks: the most specific one that covers it.
 *
 * @param how.asks an address means what Access asks there, also where another application has it as its domain: a bookmark
 * @returns with the note, without full stop, if others could have been meant: they have the same name or domain, or cover
 *   the address too
 * @throws UserError `not-found` / `APPLICATION_NOT_FOUND`; `ambiguous` / `APPLICATION_AMBIGUOUS`
 */
export function resolveApplication(
  ctx: Context,
  wanted: string,
  applications: readonly Application[],
  how: {asks?: boolean; onlyByAddress?: boolean | undefined} = {},
): {application: Application; notes: string[]} {
  const address = addressOf(wanted)
  const pick = (found: readonly Application[]): Application =>
    only(wanted, found, applications, {
      code: 'APPLICATION',
      one: 'application',
      many: 'applications',
      why: `No Access application in this account has that name, ID or domain${address ? ', and none covers it' : ''}.`,
      list: ztCommand(ctx, 'app', 'list'),
      detail: ({domain}) => domain,
    })
  const hasDomain = ({domains}: Application): boolean =>
    address !== undefined && domains.some((domain) => sameAddress(domain, address.text))
  const byName = how.onlyByAddress === true ? [] : byIdOrName(wanted)
  const byDomain = how.onlyByAddress === true ? [] : [hasDomain]
  const tests = [...byName, (app: Application) => hasDomain(app) && kindOf(app.type).protects, ...byDomain]
  const asked = address && !address.text.includes('*') ? findApplication(address, applications) : undefined
  const another = how.asks === true && asked !== undefined && !hasDomain(asked.application)
  const found = firstMatching(applications, another ? byName : tests)
  if (found.length > 0) {
    const application = pick(found)
    const also = applications.filter((app) => app !== application && tests.some((test) => test(app)))
    return {
      application,
      notes: also.length === 0 ? [] : [`${quoted(also)} ${also.length === 1 ? 'matches' : 'match'} too`],
    }
  }
  // A wildcard means a domain exactly as written, and no application has this one.
  if (!asked) return {application: pick([]), notes: []}
  const {others, rivals} = asked
  const cover = `${quoted(others)} ${others.length === 1 ? 'covers' : 'cover'} it too; Access asks only the most specific application`
  return {application: pick([asked.application, ...rivals]), notes: others.length === 0 ? [] : [cover]}
}

type Test<T> = (item: T) => boolean

function byIdOrName(wanted: string): [id: Test<Named>, name: Test<Named>, folded: Test<Named>] {
  const folded = fold(wanted)
  return [({id}) => fold(id) === folded, ({name}) => name === wanted, ({name}) => fold(name) === folded]
}

/** An accented letter can be written in two ways that look the same. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

/** Everything that matches the first test which anything matches. */
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
      next: ['Give the ID instead of the name'],
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

/** Does not repeat a secret that was pasted in place of a name. IDs and client IDs are shorter than 41 characters. */
function shown(text: string): string {
  if (!/^\S{45,}$/.test(text)) return (text.includes('://') ? withoutCredentials(text) : text).slice(0, 100)
  // Of a URL, only the host, which holds no secret.
  const host = /^[a-z]+:\/\/([a-z0-9.-]{1,100})(?=[:/?#])/i.exec(text)?.[1]
  return host === undefined ? '[hidden]' : `${host}/...`
}
