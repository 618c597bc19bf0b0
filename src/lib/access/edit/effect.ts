import {canonicalJson, sameJson} from '../../core/canonical-json.js'
import {isJsonObject} from '../../core/json.js'
import {fieldChanges, type Change, type FieldChange} from './change.js'
import {meaningOf} from './compare.js'
import {inWords, isNewId, type ObjectKind, type PolicyLink} from './object.js'

/**
 * The objects and fields in which two plans of one edit do different things, in words; empty if they do the same. Only
 * what changes counts: a rule that someone added changes the next free precedence, but not what this edit does.
 */
export function otherEffects(shown: readonly Change[], now: readonly Change[]): string[] {
  const [before, after] = [effects(shown), effects(now)]
  const keys = new Set([...before.keys(), ...after.keys()])
  return [...keys].filter((key) => before.get(key) !== after.get(key)).sort()
}

function effects(changes: readonly Change[]): Map<string, string> {
  return new Map(
    changes.flatMap((change) => {
      const {action, target} = change
      // An existing object may be renamed; its ID identifies it.
      const which = isNewId(target.id) ? target.name : target.id
      const fields = fieldChanges(change, {withSecrets: true})
      const own: [string, string][] = [[inWords(target), canonicalJson([action, target.kind, which])]]
      return [
        ...own,
        ...fields.map((one): [string, string] => [
          `${one.field} of ${inWords(target)}`,
          effect(target.kind, one),
        ]),
      ]
    }),
  )
}

function effect(kind: ObjectKind, {field, ...change}: FieldChange): string {
  const [before, after] = [change.before, change.after].map((value) => meaningOf(kind, field, value))
  if (field === 'policies' && isLinks(before ?? []) && isLinks(after ?? []))
    return canonicalJson(linksEffect((before ?? []) as PolicyLink[], (after ?? []) as PolicyLink[]))
  if (!Array.isArray(before ?? []) || !Array.isArray(after ?? [])) return canonicalJson({before, after})
  const had = ((before ?? []) as unknown[]).map((one) => canonicalJson(one))
  const has = ((after ?? []) as unknown[]).map((one) => canonicalJson(one))
  const [removed, added] = [without(had, has).sort(), without(has, had).sort()]
  return removed.length + added.length === 0
    ? canonicalJson({before, after})
    : canonicalJson({removed, added})
}

/** A new link counts by what comes right after it, an old one by its precedence. */
function linksEffect(before: readonly PolicyLink[], after: readonly PolicyLink[]): unknown {
  const had = new Map(before.map(({id, precedence}) => [id, precedence]))
  const has = new Set(after.map(({id}) => id))
  return {
    added: after.flatMap(({id}, at) => (had.has(id) ? [] : [[id, after[at + 1]?.id ?? null]])),
    removed: before.flatMap(({id}) => (has.has(id) ? [] : [id])),
    moved: after.flatMap(({id, precedence}) => {
      const from = had.get(id)
      return from === undefined || from === precedence ? [] : [[id, from, precedence]]
    }),
  }
}

function isLinks(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((one) => isJsonObject(one) && sameJson(Object.keys(one).sort(), ['id', 'precedence']))
  )
}

/** The elements of one list that are not in the other. Duplicates count separately. */
export function without(all: readonly string[], others: readonly string[]): string[] {
  const rest = [...others]
  return all.filter((one) => {
    const at = rest.indexOf(one)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}
