import {byPrecedence, toApplication, toGroup, toPolicy} from '../../api/convert.js'
import type {Application, Policy} from '../../api/types.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import type {AccountRules} from '../../policy/references.js'
import {sameField} from './compare.js'
import {applicationState, withFields, withRules, type ObjectRef, type PolicyLink} from './object.js'

/** A change as far as its effect goes: `fields` are the new values, undefined removes one. */
export interface Foreseen {
  action: 'create' | 'replace' | 'delete' | 'make-reusable'
  target: ObjectRef
  fields: JsonObject
  /** The values that these fields had when the change was planned; undefined: none. Left out: not known. */
  before?: JsonObject | undefined
}

/**
 * The first of these changes that was planned for something else than what the account has, by what it reads: the object is
 * not there, or a field that it replaces has another value. Of what it deletes, the rules count.
 */
export function outOfDate(
  account: AccountRules,
  changes: readonly Foreseen[],
): {change: Foreseen; gone: boolean} | undefined {
  let now = account
  for (const change of changes) {
    if (change.action !== 'create') {
      const state = stateOf(now, change.target)
      if (!state) return {change, gone: true}
      const {kind} = change.target
      const differs = Object.entries(change.before ?? {}).some(
        ([field, value]) =>
          (change.action !== 'delete' || RULES.has(field)) && !sameField(kind, field, value, state[field]),
      )
      if (differs) return {change, gone: false}
    }
    now = afterChange(now, change)
  }
  return undefined
}

const RULES = new Set(['include', 'require', 'exclude', 'decision'])

/** An object as a change has it. */
function stateOf(
  {applications, policies, groups}: AccountRules,
  {kind, id, application}: ObjectRef,
): JsonObject | undefined {
  const byId = <T extends {id: string}>(all: readonly T[] = []): T | undefined =>
    all.find((one) => one.id === id)
  if (kind === 'application') {
    const found = byId(applications)
    return found && applicationState(found.raw, found.policies)
  }
  const inside = applications.find((one) => one.id === application?.id)
  const found = kind === 'group' ? byId(groups) : byId(kind === 'policy' ? policies : inside?.policies)
  return found && withRules(found.raw)
}

/** An account's rules as they are once these changes are made, in their order. Pure: nothing is asked or written. */
export function accountAfter(account: AccountRules, changes: readonly Foreseen[]): AccountRules {
  return changes.reduce(afterChange, account)
}

function afterChange(account: AccountRules, change: Foreseen): AccountRules {
  const {action, target, fields} = change
  const {id} = target
  const raw = (old: {raw: JsonObject} | undefined): JsonObject => ({
    ...withFields(old?.raw ?? {}, fields),
    id,
  })
  const changed = <T extends {id: string; raw: JsonObject}>(
    all: readonly T[],
    made: (raw: JsonObject) => T,
  ): T[] => {
    if (action === 'delete') return all.filter((one) => one.id !== id)
    if (action === 'create') return [...all, made(raw(undefined))]
    return all.map((one) => (one.id === id ? made(raw(one)) : one))
  }
  switch (target.kind) {
    case 'group':
      return {...account, groups: changed(account.groups, toGroup)}
    case 'policy': {
      const policies = changed(account.policies, (one) => ({...toPolicy(one), reusable: true}))
      const now = policies.find((one) => one.id === id)
      const applications = account.applications.map((application) => ({
        ...application,
        policies: application.policies.flatMap((one) =>
          one.id !== id ? [one] : now ? [{...now, precedence: one.precedence}] : [],
        ),
      }))
      return {...account, policies, applications}
    }
    case 'inline-policy': {
      if (action === 'make-reusable') return account
      const applications = account.applications.map((application) =>
        application.id === target.application?.id
          ? {...application, policies: byPrecedence(changed(application.policies, toPolicy))}
          : application,
      )
      return {...account, applications}
    }
    case 'application':
      return {
        ...account,
        applications: changed(account.applications, (one) => withPolicies(account, toApplication(one), id)),
      }
  }
}

/** An application lists its policies as links, of which the account has the rules. */
function withPolicies(account: AccountRules, application: Application, id: string): Application {
  const before = account.applications.find((one) => one.id === id)
  const links = application.raw['policies']
  if (!Array.isArray(links)) return {...application, policies: before?.policies ?? []}
  const known = new Map<string, Policy>()
  for (const one of [...account.policies, ...(before?.policies ?? [])]) known.set(one.id, one)
  const policies = links.filter(isJsonObject).flatMap((link): Policy[] => {
    const {id: policyId, precedence} = link as unknown as PolicyLink
    const policy = known.get(policyId)
    return policy ? [{...policy, precedence}] : []
  })
  return {...application, policies: byPrecedence(policies)}
}
