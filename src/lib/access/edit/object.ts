import type {AccessApi, Policy, PolicyBody} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {BugError} from '../../core/errors.js'
import {isGone} from '../account/outcome.js'

/** `policy`: an account's policy, which applications share. `inline-policy`: one inside an application (legacy). */
export type ObjectKind = 'application' | 'policy' | 'inline-policy' | 'group'

/** An object that an edit changes. Plain data, so that an undo record can hold it. */
export interface ObjectRef {
  kind: ObjectKind
  /** Of an object that is still to be created: a {@link newId}. */
  id: string
  name: string
  /** Where an inline policy is. */
  application?: {id: string; name: string} | undefined
}

/** How an application lists a policy of either kind. */
export interface PolicyLink {
  id: string
  precedence: number
}

/** A placeholder for the ID of an object that an earlier change of the same edit creates. */
export function newId(number: number): string {
  return `new:${number}`
}

export function isNewId(id: string): boolean {
  return id.startsWith('new:')
}

/** What results and records keep of an object. */
export function nameOf({id, name}: {id: string; name: string}): {id: string; name: string} {
  return {id, name}
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

/** Set by the server in a new object (Cloudflare's API reference). */
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

/** The object with these fields set; undefined removes a field. */
export function withFields(state: JsonObject, fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries({...state, ...fields}).filter(([, value]) => value !== undefined))
}

/**
 * An object as the API has it now. An application's `policies` are {@link PolicyLink}s, of both kinds.
 *
 * @returns undefined if it does not exist
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
      return applicationState(application.raw, policies)
    }
    case 'policy':
      return withRules((await api.getPolicy(id)).raw)
    case 'inline-policy':
      return (await listObjects(api, target)).find((one) => one['id'] === id)
    case 'group':
      return withRules((await api.getGroup(id)).raw)
  }
}

/** An application as {@link readObject} returns it. A policy without a precedence comes right after the one before it. */
export function applicationState(raw: JsonObject, policies: readonly Policy[]): JsonObject {
  let last = 0
  const links = policies.map(({id, precedence}): PolicyLink => ({
    id,
    precedence: (last = precedence ?? last + 1),
  }))
  return {...raw, policies: links}
}

/** All objects of the target's kind; for an inline policy, only those of its application. */
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
 * Sends an object back as it is now, except for these fields. The API replaces the whole object, so unknown fields go back
 * too. An application's `policies` are sent only if they are to change: left out they stay as they are, which is the only
 * safe way for an application with legacy policies.
 *
 * @param fields undefined removes a field
 * @param complete the whole object as it may be sent
 */
export async function writeObject(
  api: AccessApi,
  target: ObjectRef,
  now: JsonObject,
  fields: JsonObject,
  complete: (whole: JsonObject) => JsonObject = (whole) => whole,
): Promise<void> {
  const {kind, id} = target
  const body = complete(withFields(kind === 'application' ? {...now, policies: undefined} : now, fields))
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

/** Creates an object with the fields that a client chooses, and returns its ID. */
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

/** Deletes an object; not an error if it does not exist. */
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

/** The ID of the application that holds an inline policy. */
export function applicationOf({application}: ObjectRef): string {
  if (!application) throw new BugError('an inline policy without its application')
  return application.id
}

/** A policy or group as `Change.before` has it: a list of rules that is missing or null is an empty one. */
export function withRules(raw: JsonObject): JsonObject {
  return {...raw, include: raw['include'] ?? [], exclude: raw['exclude'] ?? [], require: raw['require'] ?? []}
}
