import type {AccessApi} from '../../api/types.js'
import {canonicalJson} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {askInTurn} from '../account/ask-each.js'
import {sameField} from './compare.js'
import {createChange, deleteChange, replaceChange, withIds, type Change, type FieldChange} from './change.js'
import type {RecordedChange} from './records.js'
import {findLike} from './step.js'
import {inWords, isNewId, newId, readObject, type ObjectRef} from './object.js'

/** How to take an edit back, given what exists now. */
export interface Inverse {
  changes: Change[]
  /** What someone has changed since, in words; it is not overwritten. */
  conflicts: string[]
  /** What will come back, but not as it was: sentences without full stop. */
  notes: string[]
  /** What does not come back: sentences without full stop. */
  stays: string[]
  /** Why it cannot be undone at all: sentences without full stop. */
  impossible: string[]
  /** The `newId`s of objects that are created again, by their previous IDs. */
  renamed: ReadonlyMap<string, string>
}

/**
 * The changes that take others back, the last one first. Skips what was never made and what is already as it was.
 *
 * @throws ApiError
 */
export async function invert(api: AccessApi, recorded: readonly RecordedChange[]): Promise<Inverse> {
  const scene = new Scene(api)
  const inverse: Inverse = {
    changes: [],
    conflicts: [],
    notes: [],
    stays: [],
    impossible: [],
    renamed: scene.ids,
  }
  await askInTurn(api, [...recorded].reverse(), async (entry) => {
    switch (entry.action) {
      case 'create':
        await unmake(api, scene, entry, inverse)
        break
      case 'delete':
        await makeAgain(scene, entry, inverse)
        break
      case 'replace':
        await restore(scene, entry, inverse)
        break
      case 'make-reusable':
        if (!(await scene.now(entry.target)))
          inverse.stays.push(`${inWords(entry.target)} stays reusable: Cloudflare has no way back`)
    }
  })
  return inverse
}

async function unmake(api: AccessApi, scene: Scene, entry: RecordedChange, inverse: Inverse): Promise<void> {
  let {target} = entry
  if (isNewId(target.id)) {
    // The answer never came: the object is found by its content, and by not having existed before.
    const like = await findLike(api, target, valuesOf(entry.fields, 'after'))
    const found = like.filter((id) => !entry.twins?.includes(id))
    if (found.length > 1) inverse.conflicts.push(`several objects are like ${inWords(target)}`)
    const [id] = found
    if (id === undefined || found.length > 1) return
    target = {...target, id}
  }
  const now = await scene.now(target)
  if (!now) return
  const wrong = entry.fields.filter(
    (one) => !one.withheld && !sameField(target.kind, one.field, now[one.field], one.after),
  )
  if (wrong.length > 0) inverse.conflicts.push(`${fieldNames(wrong)} of ${inWords(target)}`)
  else {
    inverse.changes.push(deleteChange(target, now))
    scene.foresee(target, undefined)
  }
}

async function makeAgain(scene: Scene, entry: RecordedChange, inverse: Inverse): Promise<void> {
  const {target, fields} = entry
  if (await scene.now(target)) return
  const withheld = fields.filter((one) => one.withheld)
  if (withheld.length > 0) {
    inverse.impossible.push(
      `${inWords(target)} had ${fieldNames(withheld)}, which may hold a secret and is not recorded`,
    )
    return
  }
  const made = scene.rename(target)
  const after = withIds(valuesOf(fields, 'before'), scene.ids)
  inverse.changes.push(createChange(made, after))
  inverse.notes.push(`${inWords(target)} comes back with another ID`)
  scene.foresee(made, after)
}

async function restore(scene: Scene, entry: RecordedChange, inverse: Inverse): Promise<void> {
  const target = scene.renamed(entry.target)
  const now = await scene.now(target)
  if (!now) {
    if (!onlyAdds(entry.fields)) inverse.conflicts.push(`${inWords(target)} no longer exists`)
    return
  }
  const wanted: JsonObject = {}
  const wrong: FieldChange[] = []
  const same = (field: string, value: unknown): boolean => sameField(target.kind, field, now[field], value)
  for (const one of entry.fields) {
    const before = withIds(one.before, scene.ids)
    if (one.withheld) {
      inverse.stays.push(`${one.field} of ${inWords(target)} stays: it may hold a secret and is not recorded`)
    } else if (same(one.field, withIds(one.after, scene.ids))) wanted[one.field] = before
    else if (target.kind === 'application' && one.field === 'policies' && onlyAdds([one], canonicalJson)) {
      // Rules that others have added since stay as they are.
      const own = new Set(keysOf(one.after).filter((key) => !keysOf(one.before).includes(key)))
      wanted['policies'] = listOf(now['policies']).filter((link) => !own.has(keyIn(link)))
    } else if (!same(one.field, before)) wrong.push(one)
  }
  if (wrong.length > 0) inverse.conflicts.push(`${fieldNames(wrong)} of ${inWords(target)}`)
  const changes = replaceChange(target, now, wanted)
  inverse.changes.push(...changes)
  for (const {after} of changes) scene.foresee(target, after)
}

/**
 * Whether an edit only put more into lists: what it put into an object that no longer exists is gone with it.
 *
 * @param key by which what was in a list before is found in it
 */
function onlyAdds(fields: readonly FieldChange[], key = keyIn): boolean {
  const adds = ({before = [], after, withheld}: FieldChange): boolean => {
    if (withheld || !Array.isArray(before) || !Array.isArray(after)) return false
    const there = keysOf(after, key)
    return keysOf(before, key).every((one) => there.includes(one))
  }
  return fields.length > 0 && fields.every(adds)
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

function keysOf(list: unknown, key = keyIn): string[] {
  return listOf(list).map(key)
}

/** Objects of a list are the same by their ID. */
function keyIn(one: unknown): string {
  return isJsonObject(one) && typeof one['id'] === 'string' ? one['id'] : canonicalJson(one)
}

/** The objects as they are now, with the changes planned so far. */
class Scene {
  readonly #api: AccessApi
  readonly #states = new Map<string, JsonObject | undefined>()
  /** Inline policies that will have been deleted. */
  readonly #gone = new Set<string>()
  /** New IDs of objects that are created again, by their previous IDs. */
  readonly ids = new Map<string, string>()

  constructor(api: AccessApi) {
    this.#api = api
  }

  async now(target: ObjectRef): Promise<JsonObject | undefined> {
    const key = keyOf(target)
    if (!this.#states.has(key)) this.#states.set(key, await readObject(this.#api, target))
    const state = this.#states.get(key)
    return state && target.kind === 'application' ? this.#withoutGone(state) : state
  }

  /** A deleted inline policy takes its link with it. */
  #withoutGone(state: JsonObject): JsonObject {
    const links = state['policies']
    if (!Array.isArray(links) || this.#gone.size === 0) return state
    const isGone = (link: unknown): boolean => isJsonObject(link) && this.#gone.has(String(link['id']))
    return {...state, policies: links.filter((link) => !isGone(link))}
  }

  foresee(target: ObjectRef, state: JsonObject | undefined): void {
    this.#states.set(keyOf(target), state)
    if (target.kind === 'inline-policy' && !state) this.#gone.add(target.id)
  }

  /** Gives an object that is to be created again a provisional ID. */
  rename(target: ObjectRef): ObjectRef {
    this.ids.set(target.id, newId(this.ids.size + 1))
    return this.renamed(target)
  }

  renamed(target: ObjectRef): ObjectRef {
    return withIds(target, this.ids)
  }
}

function keyOf({kind, id, application}: ObjectRef): string {
  return `${kind}/${application?.id ?? ''}/${id}`
}

/** What an object had before, or has after, as far as it is recorded. */
export function valuesOf(fields: readonly FieldChange[], when: 'before' | 'after'): JsonObject {
  const there = fields.filter((one) => !one.withheld && one[when] !== undefined)
  return Object.fromEntries(there.map((one) => [one.field, one[when]]))
}

function fieldNames(fields: readonly FieldChange[]): string {
  return fields.map(({field}) => field).join(', ')
}
