import type {AccessContext} from '../../src/lib/access/account/context.js'
import {linkChanges, inlineTarget, readForEdit} from '../../src/lib/access/edit/application.js'
import {createChange, deleteChange, replaceChange, type Change} from '../../src/lib/access/edit/change.js'
import {placeRule, type Place} from '../../src/lib/access/rules/precedence.js'
import {newId, readObject, withRules, type ObjectRef} from '../../src/lib/access/edit/object.js'
import type {AccessApi, Rule} from '../../src/lib/api/types.js'
import {canonicalJson} from '../../src/lib/core/canonical-json.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {ApiError, UserError} from '../../src/lib/core/errors.js'
import {fillApplication, fillPolicy, fillRules} from '../../src/lib/sandbox/api/defaults.js'
import type {SandboxState, StateData} from '../../src/lib/sandbox/state.js'

export const APP = 'app-one'
export const GROUP = 'group-one'

/** What an edit asks for, as a user would say it. Numbers are places in the application's order, from 0. */
export type Edit =
  | {edit: 'set'; field: string; value: unknown}
  | {edit: 'rules'; at: number; part: 'include' | 'exclude' | 'require'; rules: Rule[]}
  | {edit: 'rename'; at: number; name: string}
  | {edit: 'add'; name: string; place: {precedence: number} | {before: number} | 'last'}
  | {edit: 'move'; at: number; precedence: number}
  | {edit: 'drop'; at: number}
  | {edit: 'group'; rules: Rule[]}

const STAMPS = new Set(['created_at', 'updated_at'])

/** What can be edited of an account. */
export type Editable = Pick<StateData, 'apps' | 'policies' | 'inlinePolicies' | 'groups'>

/** A copy with what the server fills in at each write, and in its order. */
export function asWritten({apps, policies, inlinePolicies, groups}: Editable): Editable {
  const copy = structuredClone({apps, policies, inlinePolicies, groups})
  copy.apps.forEach(fillApplication)
  for (const policy of [...copy.policies, ...copy.inlinePolicies]) fillPolicy(policy)
  copy.groups.forEach(fillRules)
  return copy
}

/** Everything that can be edited, as text: equal for equal state, whatever was changed and changed back. */
export function everything(state: {data: Editable}, {ids = true} = {}): string {
  const {apps, policies, inlinePolicies, groups} = asWritten(state.data)
  const names = new Map([...policies, ...inlinePolicies].map((one) => [one['id'], one['name']]))
  const plain = (one: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(one).filter(([field]) => !STAMPS.has(field) && (ids || field !== 'id')))
  const links = (value: unknown): unknown =>
    (value as {id: string; precedence: number}[])
      .map(({id, precedence}) => ({policy: ids ? id : names.get(id), precedence}))
      .sort((a, b) => a.precedence - b.precedence)
  return canonicalJson({
    apps: apps.map((app) => ({...plain(app), policies: links(app['policies'])})),
    policies: policies.map(plain).map(canonicalJson).sort(),
    inline: inlinePolicies.map(plain).map(canonicalJson).sort(),
    groups: groups.map(plain),
  })
}

/** The policies of the application by name, in order. */
export function order(state: SandboxState): unknown[] {
  const {apps, policies, inlinePolicies} = state.data
  const names = new Map([...policies, ...inlinePolicies].map((one) => [one['id'], one['name']]))
  const links = (apps[0]?.['policies'] ?? []) as {id: string; precedence: number}[]
  return [...links].sort((a, b) => a.precedence - b.precedence).map(({id}) => names.get(id))
}

/** The changes of an edit; none if its object does not exist. */
export async function planEdit(ctx: AccessContext, edit: Edit): Promise<Change[]> {
  const api = await ctx.api()
  if (edit.edit === 'group') {
    const target: ObjectRef = {kind: 'group', id: GROUP, name: 'Group'}
    return replaceChange(target, (await readObject(api, target)) ?? {}, {include: edit.rules})
  }
  const app = await readForEdit(api, APP)
  if (edit.edit === 'set') return replaceChange(app.target, app.state, {[edit.field]: edit.value})
  if (edit.edit === 'add') {
    const id = newId(1)
    const place: Place =
      edit.place === 'last' || 'precedence' in edit.place
        ? edit.place === 'last'
          ? {}
          : edit.place
        : {before: app.policies[edit.place.before]?.id}
    const {links, precedence} = placeRule(app.links, id, place)
    const policy = {
      name: edit.name,
      decision: 'non_identity',
      include: [{everyone: {}}],
      exclude: [],
      require: [],
    }
    if (app.kind === 'inline') {
      const target = inlineTarget(app, {id, name: edit.name})
      return [...linkChanges(app, links), createChange(target, {...policy, precedence})]
    }
    const target: ObjectRef = {kind: 'policy', id, name: edit.name}
    return [createChange(target, policy), ...linkChanges(app, links)]
  }
  const policy = app.policies[edit.at]
  if (!policy) return []
  const inline = app.inline.has(policy.id)
  const target: ObjectRef = inline
    ? inlineTarget(app, policy)
    : {kind: 'policy', id: policy.id, name: policy.name}
  if (edit.edit === 'move')
    return linkChanges(app, placeRule(app.links, policy.id, {precedence: edit.precedence}).links)
  const before = inline ? withRules(policy.raw) : ((await readObject(api, target)) ?? {})
  switch (edit.edit) {
    case 'rules':
      return replaceChange(target, before, {[edit.part]: edit.rules})
    case 'rename':
      return replaceChange(target, before, {name: edit.name})
    case 'drop':
      return [
        ...(inline
          ? []
          : linkChanges(
              app,
              app.links.filter(({id}) => id !== policy.id),
            )),
        deleteChange(target, before),
      ]
  }
}

export interface Call {
  /** Counted from 0, since the interposing began. */
  number: number
  name: string
  writes: boolean
}

/** Methods that give a list page by page. */
const IN_PAGES = /^(serviceTokens|applications|policies|groups)$/
const WITHOUT_EFFECT = /^(get|list|verify|serviceTokens$|applications$|policies$|groups$)/

async function* pagesOf(call: () => Promise<unknown>): AsyncGenerator {
  yield* (await call()) as AsyncIterable<unknown>
}

/** An API with a hook around each call. `run` makes the call itself. */
export function interposed(
  api: AccessApi,
  each: (call: Call, run: () => Promise<unknown>) => Promise<unknown>,
): AccessApi {
  let number = 0
  return new Proxy(api, {
    get(target, name: string) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function' || /^(clockAhead|expecting)$/.test(name)) return value
      return (...args: unknown[]) => {
        const call = (): Promise<unknown> =>
          each({number: number++, name, writes: !WITHOUT_EFFECT.test(name)}, async () =>
            (value as (...given: unknown[]) => unknown).apply(target, args),
          )
        return IN_PAGES.test(name) ? pagesOf(call) : call()
      }
    },
  })
}

/** No (complete) answer arrived. */
export function noAnswer({writes}: Call): ApiError {
  return new ApiError({
    kind: 'unreachable',
    code: 'API_TIMEOUT',
    message: 'no answer in time',
    outcomeUnknown: writes,
  })
}

export async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof UserError) return error
  throw error
}
