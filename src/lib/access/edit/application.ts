import type {AccessApi, Application, Policy} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {requireMeant, resolveApplication} from '../account/resolve.js'
import {replaceChange, type Change} from './change.js'
import {applicationState, nameOf, withRules, type ObjectRef, type PolicyLink} from './object.js'

/** An application as it was read for an edit. */
export interface ApplicationToEdit {
  target: ObjectRef
  application: Application
  /** As `Change.before` has it. */
  state: JsonObject
  /** Of both kinds, in order. */
  policies: readonly Policy[]
  links: PolicyLink[]
  /** Which kind its policies are. `mixed`: both, which Cloudflare keeps but accepts in no change. */
  kind: 'none' | 'reusable' | 'inline' | 'mixed'
  /** The policies that live inside it. */
  inline: ReadonlySet<string>
}

/**
 * Reads the application that a person means for an edit.
 *
 * @param applications all of them
 * @returns with notes for the plan: what else could have been meant
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `NAME_UNCERTAIN`; ApiError
 */
export async function openForEdit(
  ctx: AccessContext,
  api: AccessApi,
  wanted: string,
  applications: readonly Application[],
): Promise<{app: ApplicationToEdit; notes: string[]}> {
  const {application: listed, notes} = resolveApplication(ctx, wanted, applications)
  const app = await readForEdit(api, listed.id)
  requireMeant(ctx, 'app', listed, wanted, app.application)
  return {app, notes}
}

/** Reads an application for an edit. */
export async function readForEdit(api: AccessApi, id: string): Promise<ApplicationToEdit> {
  const [application, policies] = await Promise.all([api.getApplication(id), api.listApplicationPolicies(id)])
  const inline = await inlineIds(api, policies)
  const state = applicationState(application.raw, policies)
  const kinds = new Set(policies.map((policy) => (inline.has(policy.id) ? 'inline' : 'reusable')))
  return {
    target: {kind: 'application', ...nameOf(application)},
    application,
    state,
    policies,
    links: state['policies'] as PolicyLink[],
    kind: kinds.size > 1 ? 'mixed' : ([...kinds][0] ?? 'none'),
    inline,
  }
}

/** One of the application's policies, of either kind, as the object of a change. */
export function policyTarget(app: ApplicationToEdit, policy: {id: string; name: string}): ObjectRef {
  return app.inline.has(policy.id) ? inlineTarget(app, policy) : {kind: 'policy', ...nameOf(policy)}
}

/** A policy inside the application as the object of a change. */
export function inlineTarget(
  {application}: ApplicationToEdit,
  policy: {id: string; name: string},
): ObjectRef {
  return {kind: 'inline-policy', ...nameOf(policy), application: nameOf(application)}
}

/**
 * The changes that give an application these links. Reusable policies: one change of the application. Inline ones: a
 * change of each policy whose precedence differs, ordered so that no two ever have the same.
 *
 * @param links may add or remove reusable policies only; an inline one is created or deleted by a change of its own
 * @throws UserError `conflict` / `MIXED_POLICIES`
 */
export function linkChanges(app: ApplicationToEdit, links: readonly PolicyLink[]): Change[] {
  if (app.kind === 'mixed') throw mixedPolicies(app.application)
  if (app.kind !== 'inline') return replaceChange(app.target, app.state, {policies: links})
  const moved = app.policies.flatMap((policy, at) => {
    const from = app.links[at]?.precedence
    const to = links.find(({id}) => id === policy.id)?.precedence
    return from === undefined || to === undefined || from === to ? [] : [{policy, from, to}]
  })
  return inFreeOrder(moved, app.links).flatMap(({policy, from, to}) =>
    replaceChange(inlineTarget(app, policy), {...withRules(policy.raw), precedence: from}, {precedence: to}),
  )
}

interface Move {
  policy: Policy
  from: number
  to: number
}

/** First the moves whose new number is free. If each waits for another (they swap), one steps aside meanwhile. */
function inFreeOrder(moves: readonly Move[], links: readonly PolicyLink[]): Move[] {
  const taken = new Set(links.map(({precedence}) => precedence))
  const waiting = [...moves]
  const ordered: Move[] = []
  const go = (move: Move): void => {
    taken.delete(move.from)
    taken.add(move.to)
    ordered.push(move)
  }
  for (let move = waiting.shift(); move; move = waiting.shift()) {
    const {policy, from, to} = move
    if (!taken.has(to)) {
      go(move)
    } else if (waiting.some((other) => !taken.has(other.to))) {
      waiting.push(move)
    } else {
      const aside = Math.max(...taken, ...waiting.map((other) => other.to), to) + 1
      go({policy, from, to: aside})
      waiting.push({policy, from: aside, to})
    }
  }
  return ordered
}

/** An answer may leave out which kind a policy is; the account's list has the reusable ones. */
async function inlineIds(api: AccessApi, policies: readonly Policy[]): Promise<Set<string>> {
  const unclear = policies.some(({reusable}) => reusable === undefined)
  // A zone has no policies to share.
  const listed = unclear && api.zoneId === undefined ? await api.listPolicies() : []
  const shared = new Set(listed.map(({id}) => id))
  const isInline = ({id, reusable}: Policy): boolean => (reusable === undefined ? !shared.has(id) : !reusable)
  return new Set(policies.filter(isInline).map(({id}) => id))
}

function mixedPolicies({id, name}: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'MIXED_POLICIES',
    message: `Cannot change the order or number of the policies of "${name}"`,
    why: 'It has both reusable and inline policies, which Cloudflare does not accept in one change. Nothing was changed.',
    next: [`Make its inline policies reusable first: zt policy make-reusable ${id} --all`],
    details: {applicationId: id},
  })
}
