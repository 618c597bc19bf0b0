import {sameJson} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {differingFields} from './compare.js'
import {chosenFields, inWords, withFields, type ObjectRef} from './object.js'
import {mayHoldSecret} from './withheld.js'

/** One change of one object. `after` differs from `before` only by what was asked. */
export interface Change {
  action: 'create' | 'replace' | 'delete' | 'make-reusable'
  target: ObjectRef
  /** As {@link readObject} returned it; undefined for a create. */
  before: JsonObject | undefined
  /** Undefined for a delete. */
  after: JsonObject | undefined
}

/** One field of a change. `before` or `after` is missing if the field was, or will be, absent. */
export interface FieldChange {
  field: string
  before?: unknown
  after?: unknown
  /** It may hold a secret, so its values are left out. */
  withheld?: true | undefined
}

/**
 * A change of some fields of an object.
 *
 * @param before as `readObject` returned it
 * @param fields their new values; undefined removes a field
 * @returns nothing if the object already has these values
 */
export function replaceChange(target: ObjectRef, before: JsonObject, fields: JsonObject): Change[] {
  const after = withFields(before, fields)
  return sameJson(before, after) ? [] : [{action: 'replace', target, before, after}]
}

/** @param target its ID is a {@link newId}, by which later changes of the same edit refer to it */
export function createChange(target: ObjectRef, after: JsonObject): Change {
  return {action: 'create', target, before: undefined, after: chosenFields(after)}
}

export function deleteChange(target: ObjectRef, before: JsonObject): Change {
  return {action: 'delete', target, before, after: undefined}
}

/** Moves an inline policy to the account's policies; it stays on its application. */
export function makeReusableChange(target: ObjectRef, before: JsonObject): Change {
  return {action: 'make-reusable', target, before, after: {...before, reusable: true}}
}

/** The fields that a change sets or removes, sorted; of a create or delete, all that a client chooses. */
export function changedFields({before = {}, after = {}}: Change): string[] {
  // Of an object that is created or deleted, what the server sets does not count.
  const whole = Object.keys(before).length === 0 || Object.keys(after).length === 0
  return whole ? unequal(chosenFields(before), chosenFields(after)) : unequal(before, after)
}

/** Set by the server at each change, or by changes of other objects. */
const NOT_CHOSEN = new Set(['updated_at', 'app_count'])

function unequal(before: JsonObject, after: JsonObject): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => !NOT_CHOSEN.has(field) && !sameJson(before[field], after[field]))
    .sort()
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

/** Which parts of these changes cannot be undone, to be shown before they are made: sentences without full stop. */
export function undoLimits(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => {
    const what = inWords(change.target)
    if (change.action === 'make-reusable') return [`Making ${what} reusable cannot be undone`]
    const withheld = fieldChanges(change).filter((one) => one.withheld)
    if (withheld.length === 0) return []
    const fields = withheld.map(({field}) => field).join(', ')
    return change.action === 'delete'
      ? [`Deleting ${what} cannot be undone: zt does not record fields that may hold a secret (${fields})`]
      : [`Changing ${fields} of ${what} cannot be undone: zt does not record fields that may hold a secret`]
  })
}

/** A value in which these IDs (as a rule {@link newId}s) are replaced by others. */
export function withIds<T>(value: T, ids: ReadonlyMap<string, string>): T {
  return ids.size === 0 ? value : (walk(value, ids) as T)
}

function walk(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return ids.get(value) ?? value
  if (Array.isArray(value)) return value.map((one) => walk(one, ids))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, ids)]))
}

/** The fields of a created object that are not as asked; those that the server added do not count. */
export function missingFields({kind}: ObjectRef, after: JsonObject, found: JsonObject): string[] {
  return differingFields(kind, after, found).filter((field) => Object.hasOwn(after, field))
}
