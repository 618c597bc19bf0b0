import {canonicalJson, sameJson} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {chosenFields, differingFields, inWords, type ObjectRef} from './object.js'
import {mayHoldSecret} from './withheld.js'

/** One change of one object. `after` differs from `before` by what was asked, and by nothing else. */
export interface Change {
  action: 'create' | 'replace' | 'delete' | 'make-reusable'
  target: ObjectRef
  /** As {@link readObject} gave it; undefined for a create. */
  before: JsonObject | undefined
  /** Undefined for a delete. */
  after: JsonObject | undefined
}

/** One field of a change. `before` or `after` left out: it was, or will be, not there. */
export interface FieldChange {
  field: string
  before?: unknown
  after?: unknown
  /** It may hold a secret: its values are known to nobody but the API. */
  withheld?: true | undefined
}

/**
 * A change of some fields of an object.
 *
 * @param before as `readObject` gave it
 * @param fields what they are to be; undefined removes a field
 * @returns nothing when it is so already
 */
export function replaceChange(target: ObjectRef, before: JsonObject, fields: JsonObject): Change[] {
  const after = {...before}
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) delete after[field]
    else after[field] = value
  }
  return sameJson(before, after) ? [] : [{action: 'replace', target, before, after}]
}

/** @param target its id is a {@link newId}, by which later changes of the edit name it */
export function createChange(target: ObjectRef, after: JsonObject): Change {
  return {action: 'create', target, before: undefined, after: chosenFields(after)}
}

export function deleteChange(target: ObjectRef, before: JsonObject): Change {
  return {action: 'delete', target, before, after: undefined}
}

/** Moves an inline policy to the account's policies; it stays where it is. */
export function makeReusableChange(target: ObjectRef, before: JsonObject): Change {
  return {action: 'make-reusable', target, before, after: {...before, reusable: true}}
}

/** The fields that a change sets, removes or (create, delete) brings and takes, sorted. */
export function changedFields({before = {}, after = {}}: Change): string[] {
  return differingFields(chosenFieldsOr(before, after), chosenFieldsOr(after, before))
}

/** Of an object that comes or goes, what the server gave it does not count. */
function chosenFieldsOr(raw: JsonObject, other: JsonObject): JsonObject {
  return Object.keys(other).length === 0 ? chosenFields(raw) : raw
}

/** What a change does, field by field. */
export function fieldChanges(change: Change, {withSecrets = false} = {}): FieldChange[] {
  const {before = {}, after = {}} = change
  return changedFields(change).map((field): FieldChange => {
    if (!withSecrets && (mayHoldSecret(field, before[field]) || mayHoldSecret(field, after[field]))) {
      return {field, withheld: true}
    }
    return {
      field,
      ...(before[field] !== undefined && {before: before[field]}),
      ...(after[field] !== undefined && {after: after[field]}),
    }
  })
}

/** Why these changes, or parts of them, could not be undone: to be said before they are made. */
export function undoLimits(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => {
    const what = inWords(change.target)
    if (change.action === 'make-reusable') return [`That ${what} becomes reusable cannot be undone`]
    const withheld = fieldChanges(change).filter((one) => one.withheld)
    if (withheld.length === 0) return []
    const fields = withheld.map(({field}) => field).join(', ')
    return change.action === 'delete'
      ? [`${what} cannot be brought back: no record keeps what may hold a secret (${fields})`]
      : [`${fields} of ${what} cannot be brought back: no record keeps what may hold a secret`]
  })
}

/** A value in which the ids of new objects stand for their {@link newId}s, or others for others. */
export function withIds<T>(value: T, ids: ReadonlyMap<string, string>): T {
  return ids.size === 0 ? value : (walk(value, ids) as T)
}

function walk(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return ids.get(value) ?? value
  if (Array.isArray(value)) return value.map((one) => walk(one, ids))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, ids)]))
}

/** Whether an object has all that a create asked for; what it has besides, the server gave it. */
export function isMadeAs(after: JsonObject, found: JsonObject): boolean {
  return missingFields(after, found).length === 0
}

/** The fields of a created object that are not as asked. */
export function missingFields(after: JsonObject, found: JsonObject): string[] {
  return Object.keys(after)
    .filter((field) => canonicalJson(after[field]) !== canonicalJson(found[field]))
    .sort()
}
