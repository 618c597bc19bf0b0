import type {AccessApi, Application, Policy} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {replaceChange, type Change} from './change.js'
import {applicationState, withRules, type ObjectRef, type PolicyLink} from './object.js'

/** An application as it was read for an edit. */
export interface ApplicationToEdit {
  target: ObjectRef
  application: Application
  /** As `Change.before` wants it. */
  state: JsonObject
  /** Both kinds, in order. */
  policies: readonly Policy[]
  links: PolicyLink[]
  /** Which kind its policies are. `mixed`: both, which Cloudflare keeps and does not take in a change. */
  kind: 'none' | 'reusable' | 'inline' | 'mixed'
  /** The policies that live inside it. */
  inline: ReadonlySet<string>
}

/** Reads an application for an edit. */
export async function readForEdit(api: AccessApi, id: string): Promise<ApplicationToEdit> {
  const [application, policies] = await Promise.all([api.getApplication(id), api.listApplicationPolicies(id)])
  const inline = await inlineIds(api, policies)
  const state = applicationState(application.raw, policies)
  const kinds = new Set(policies.map((policy) => (inline.has(policy.id) ? 'inline' : 'reusable')))
  return {
    target: {kind: 'application', id, name: application.name},
    application,
    state,
    policies,
    links: state['policies'] as PolicyLink[],
    kind: kinds.size > 1 ? 'mixed' : ([...kinds][0] ?? 'none'),
    inline,
  }
}

/** One of the application's inline policies as an edit's target. */
export function inlineTarget(
  {application}: ApplicationToEdit,
  {id, name}: Pick<Policy, 'id' | 'name'>,
): ObjectRef {
  return {kind: 'inline-policy', id, name, application: {id: application.id, name: application.name}}
}

/**
 * The changes that give an application these links: one of the application where its policies are reusable; where they
 * are inline, one of each that gets another precedence, ordered so that no two ever have the same one.
 *
 * @param links to attach or detach, reusable policies only; an inline one is made or deleted by a change of its own
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

/** Takes first whose new number is free. Where each waits for another (they swap), one steps aside meanwhile. */
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

/** Inline and reusable: the answer may not say which, but those of the account can be read there. */
async function inlineIds(api: AccessApi, policies: readonly Policy[]): Promise<Set<string>> {
  const unclear = policies.some(({reusable}) => reusable === undefined)
  // A zone has no policies to share.
  const listed = unclear && api.zoneId === undefined ? await api.listPolicies() : []
  const shared = unclear ? new Set(listed.map(({id}) => id)) : undefined
  const isInline = ({id, reusable}: Policy): boolean =>
    reusable === undefined ? shared?.has(id) === false : !reusable
  return new Set(policies.filter(isInline).map(({id}) => id))
}

function mixedPolicies({id, name}: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'MIXED_POLICIES',
    message: `The order and number of the policies of "${name}" cannot be changed safely`,
    why: 'It has reusable and inline policies at once, which Cloudflare does not take in a change. Nothing was changed.',
    next: [`Make its inline policies reusable first: zt policy make-reusable ${id} --all`],
    details: {applicationId: id},
  })
}
