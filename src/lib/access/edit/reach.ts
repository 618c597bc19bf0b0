import type {Policy} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {openedAndClosed, type ReachedPlace} from '../../policy/opened.js'
import type {AccountRules} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import type {AccessContext} from '../account/context.js'
import {takesServiceTokens} from '../applications/kinds.js'
import {changedFields, type Change} from './change.js'
import {accountAfter} from './foresee.js'

/** What an edit opens and closes for the service tokens of the account or zone. */
export interface EditReach {
  opens: NamedPlace[]
  closes: NamedPlace[]
  /** Why it is not known: a sentence without full stop. */
  unknown?: string | undefined
}

/** With the names of the tokens. */
export interface NamedPlace extends Omit<ReachedPlace, 'tokens'> {
  tokens: {id: string; name: string}[]
}

/** The fields that decide who gets in where. */
const DECIDING = new Set([
  ...['include', 'require', 'exclude', 'decision', 'precedence', 'policies'],
  ...['domain', 'destinations', 'self_hosted_domains', 'type'],
])

/**
 * Which applications these changes open to service tokens, and which they close. Reads the lists of the account only if a
 * change may do so: a new policy or group that nothing uses does not.
 *
 * @param revoked a service token that is deleted after the changes, which then opens nothing
 */
export async function reachOfEdit(
  ctx: AccessContext,
  changes: readonly Change[],
  revoked?: {id: string},
): Promise<EditReach> {
  if (!revoked && !changes.some(mayDecide)) return {opens: [], closes: []}
  const api = await ctx.api()
  ctx.progress.step('Looking for what it opens and closes')
  try {
    const [{rules}, tokens] = await Promise.all([
      readAccountRules(api, {allNeeded: true, thorough: false}),
      api.listServiceTokens(),
    ])
    const foreseen = changes.map(({action, target, before = {}, after = {}}) => {
      const removed = Object.keys(before).filter((field) => !Object.hasOwn(after, field))
      return {
        action,
        target,
        fields: {...Object.fromEntries(removed.map((field) => [field, undefined])), ...after},
      }
    })
    const after = accountAfter(rules, foreseen)
    return compareReach(rules, revoked ? withoutToken(after, revoked.id) : after, tokens)
  } catch (error) {
    if (!(error instanceof UserError) || error.kind !== 'permission') throw error
    return {opens: [], closes: [], unknown: `zt does not know what this opens and closes: ${error.message}`}
  }
}

/** The rules as they are to a token that is no longer valid: no Service Auth rule admits it. */
function withoutToken(rules: AccountRules, id: string): AccountRules {
  const without = (policy: Policy): Policy =>
    policy.decision === 'non_identity'
      ? {...policy, exclude: [...policy.exclude, {service_token: {token_id: id}}]}
      : policy
  return {
    ...rules,
    applications: rules.applications.map((one) => ({...one, policies: one.policies.map(without)})),
  }
}

/** The same, of rules that have been read. */
export function compareReach(
  before: AccountRules,
  after: AccountRules,
  tokens: readonly {id: string; name: string}[],
): EditReach {
  const names = new Map(tokens.map(({id, name}) => [id, name]))
  const named = (places: readonly ReachedPlace[]): NamedPlace[] =>
    places.map((one) => ({...one, tokens: one.tokens.map((id) => ({id, name: names.get(id) ?? id}))}))
  const {opens, closes} = openedAndClosed(forMachines(before), forMachines(after), tokens)
  return {opens: named(opens), closes: named(closes)}
}

function mayDecide(change: Change): boolean {
  const {action, target} = change
  if (action === 'make-reusable') return false
  const shared = target.kind === 'policy' || target.kind === 'group'
  if (shared && action !== 'replace') return false
  return changedFields(change).some((field) => DECIDING.has(field))
}

/** Without the applications that no service token opens, whatever their rules are. */
function forMachines(rules: AccountRules): AccountRules {
  return {...rules, applications: rules.applications.filter(({type}) => takesServiceTokens(type))}
}

/** A line names this many tokens, and a list has this many lines; the rest is counted. */
const TOKENS = 5
const LINES = 12

/** `opens: "GitLab" (gitlab.example.com) to ci, cd`, in lines. */
export function reachLines({opens, closes, unknown}: EditReach, most = LINES): string[] {
  if (unknown !== undefined) return [unknown]
  const lines = (verb: 'opens' | 'closes', places: readonly NamedPlace[]): string[] => {
    const more = places.length - most
    const named = places.slice(0, most).map((place) => `${verb}: ${inWords(verb, place, most)}`)
    return more > 0 ? [...named, `${verb}: ${more} more`] : named
  }
  const all = [...lines('opens', opens), ...lines('closes', closes)]
  return all.length > 0 ? all : ['opens and closes nothing for service tokens']
}

function inWords(verb: 'opens' | 'closes', place: NamedPlace, most: number): string {
  const {application, address, who, tokens, before, reach} = place
  const where = `"${application.name}"${address === undefined ? '' : ` (${address})`}`
  const shown = tokens.slice(0, most === Infinity ? most : TOKENS).map(({name}) => `"${name}"`)
  const more = tokens.length - shown.length
  const whom = {
    named: shown.join(', ') + (more > 0 ? ` and ${more} more` : ''),
    'any-token': 'every other service token',
    everyone: 'everyone, without credentials too',
  }[who]
  if (reach !== 'conditional') return `${where} ${verb === 'opens' ? 'to' : 'for'} ${whom}`
  if (before === 'conditional')
    return `${where} ${verb === 'opens' ? 'to' : 'for'} ${whom}, under ${verb === 'opens' ? 'other' : 'some'} conditions`
  return verb === 'opens'
    ? `${where} to ${whom}, under conditions`
    : `${where} for ${whom}, except under conditions`
}
