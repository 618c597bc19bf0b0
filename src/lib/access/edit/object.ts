import type {AccessApi, Policy, PolicyBody} from '../../api/types.js'
import {sameJson} from '../../core/canonical-json.js'
import type {JsonObject} from '../../core/json.js'
import {ApiError, BugError} from '../../core/errors.js'

/** `policy`: an account's policy, which applications share. `inline-policy`: one inside an application (legacy). */
export type ObjectKind = 'application' | 'policy' | 'inline-policy' | 'group'

/** What an edit changes. Plain data, so that an undo record can hold it. */
export interface ObjectRef {
  kind: ObjectKind
  /** Of one that is still to be made: a {@link newId}. */
  id: string
  name: string
  /** Where an inline policy is. */
  application?: {id: string; name: string} | undefined
}

/** An application names its policies so; the same form for both kinds. */
export interface PolicyLink {
  id: string
  precedence: number
}

/** Stands for the id of an object that an earlier change of the same edit makes. */
export function newId(number: number): string {
  return `new:${number}`
}

export function isNewId(id: string): boolean {
  return id.startsWith('new:')
}

const KINDS: Record<ObjectKind, string> = {
  application: 'application',
  policy: 'policy',
  'inline-policy': 'policy',
  group: 'Access group',
}

/** The object in words: `the Access group "ci"`, `the policy "staff" of "GitLab"`. */
export function inWords({kind, name, application}: ObjectRef): string {
  return `the ${KINDS[kind]} "${name}"${application ? ` of "${application.name}"` : ''}`
}

/** Set by the server at each change, or by changes of other objects. */
const NOT_COMPARED = new Set(['updated_at', 'app_count'])
/** Given by the server to a new object (Cloudflare's API reference). */
const MADE_BY_SERVER = new Set([
  'id',
  'uid',
  'aud',
  'account_id',
  'created_at',
  'updated_at',
  'app_count',
  'reusable',
])

/** The fields of an object that a client chooses. */
export function chosenFields(raw: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(raw).filter(([field]) => !MADE_BY_SERVER.has(field)))
}

/** The names of the fields in which two states of an object differ, sorted; what the server sets is not compared. */
export function differingFields(before: JsonObject, after: JsonObject): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => !NOT_COMPARED.has(field) && !sameJson(before[field], after[field]))
    .sort()
}

/** The references that stand for an application's present policies, in order; one without a precedence follows. */
function linksOf(policies: readonly Policy[]): PolicyLink[] {
  let last = 0
  return policies.map(({id, precedence}) => ({id, precedence: (last = precedence ?? last + 1)}))
}

/**
 * An object as the API has it now. An application's `policies` are {@link PolicyLink}s, of both kinds.
 *
 * @returns undefined when it is not there
 * @throws ApiError
 */
export async function readObject(api: AccessApi, target: ObjectRef): Promise<JsonObject | undefined> {
  try {
    return await read(api, target)
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

async function read(api: AccessApi, target: ObjectRef): Promise<JsonObject | undefined> {
  const {kind, id} = target
  switch (kind) {
    case 'application': {
      const [application, policies] = await Promise.all([
        api.getApplication(id),
        api.listApplicationPolicies(id),
      ])
      return {...application.raw, policies: linksOf(policies)}
    }
    case 'policy':
      return withRules((await api.getPolicy(id)).raw)
    case 'inline-policy': {
      const policies = await api.listApplicationPolicies(applicationOf(target))
      const found = policies.find((policy) => policy.id === id && policy.reusable !== true)
      return found && withRules(found.raw)
    }
    case 'group':
      return withRules((await api.getGroup(id)).raw)
  }
}

/** An application as {@link readObject} gives it, from what was read already. */
export function applicationState(raw: JsonObject, policies: readonly Policy[]): JsonObject {
  return {...raw, policies: linksOf(policies)}
}

/** All objects of the target's kind; for an inline policy, those of its application. */
export async function listObjects(api: AccessApi, target: ObjectRef): Promise<JsonObject[]> {
  switch (target.kind) {
    case 'application':
      return (await api.listApplications()).map(({raw, policies}) => applicationState(raw, policies))
    case 'policy':
      return (await api.listPolicies()).map(({raw}) => withRules(raw))
    case 'inline-policy': {
      const policies = await api.listApplicationPolicies(applicationOf(target))
      return policies.filter(({reusable}) => reusable !== true).map(({raw}) => withRules(raw))
    }
    case 'group':
      return (await api.listGroups()).map(({raw}) => withRules(raw))
  }
}

/**
 * Sends an object back as it is now, but for these fields. The API replaces with what it gets, so all goes back, unknown
 * fields too; an application's `policies` only when they are to change: left out they stay as they are, which is the one
 * way that is safe for an application with legacy policies.
 *
 * @param fields undefined removes a field
 */
export async function writeObject(
  api: AccessApi,
  target: ObjectRef,
  now: JsonObject,
  fields: JsonObject,
): Promise<void> {
  const {kind, id} = target
  const body = {...now}
  if (kind === 'application') delete body['policies']
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) delete body[field]
    else body[field] = value
  }
  switch (kind) {
    case 'application':
      await api.replaceApplication(id, body)
      return
    case 'policy':
      await api.replacePolicy(id, body)
      return
    case 'inline-policy':
      await api.replaceApplicationPolicy(applicationOf(target), id, body)
      return
    case 'group':
      await api.replaceGroup(id, body)
  }
}

/** Makes an object with the fields that a client chooses. */
export async function createObject(api: AccessApi, target: ObjectRef, raw: JsonObject): Promise<string> {
  const body = chosenFields(raw)
  switch (target.kind) {
    case 'application':
      return (await api.createApplication(body)).id
    case 'policy':
      return (await api.createPolicy(body as unknown as PolicyBody)).id
    case 'inline-policy':
      return (await api.createApplicationPolicy(applicationOf(target), body as unknown as PolicyBody)).id
    case 'group':
      return (await api.createGroup(body)).id
  }
}

/** Removes an object; one that is gone already is no error. */
export async function deleteObject(api: AccessApi, target: ObjectRef): Promise<void> {
  const {kind, id} = target
  try {
    switch (kind) {
      case 'application':
        await api.deleteApplication(id)
        return
      case 'policy':
        await api.deletePolicy(id)
        return
      case 'inline-policy':
        await api.deleteApplicationPolicy(applicationOf(target), id)
        return
      case 'group':
        await api.deleteGroup(id)
    }
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** The id of the application that holds an inline policy. */
export function applicationOf({application}: ObjectRef): string {
  if (!application) throw new BugError('an inline policy without its application')
  return application.id
}

/** Not: the account is not known. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'NOT_FOUND'
}

/** A policy or group as `Change.before` wants it: a list of rules that is left out or null is an empty one. */
export function withRules(raw: JsonObject): JsonObject {
  return {...raw, include: raw['include'] ?? [], exclude: raw['exclude'] ?? [], require: raw['require'] ?? []}
}
