import {isId} from '../../src/lib/core/id.js'
import {KINDS, runOf, type LiveObject} from './names.js'
import type {RawApi} from './raw-api.js'
import type {LiveRecord} from './record.js'
import type {Time} from './time.js'

/** A run takes minutes; older objects of a run that this machine does not know are left over. */
const LONGEST_RUN_MS = 3600_000
const ATTEMPTS = 5
const RETRY_MS = 2000

export interface Leftovers {
  /** Can be removed. */
  left: LiveObject[]
  /** Of a run on another machine that may still go on. */
  others: LiveObject[]
}

/**
 * What runs have left: all objects whose names say so, and what the record has. Those that this machine did not make count
 * only an hour after their creation.
 *
 * @param run if given, only this one
 */
export async function findLeftovers(api: RawApi, record: LiveRecord, run?: string): Promise<Leftovers> {
  const recorded = record.objects
  const ours = new Set<string | undefined>([run, ...recorded.map(({name}) => runOf(name))])
  const found: Leftovers = {left: [], others: []}
  for (const kind of KINDS) {
    const known = new Map<string, LiveObject>()
    for (const {id, name} of recorded.filter((one) => one.kind === kind))
      if (id !== undefined) known.set(id, {kind, id, name})
    for (const {id, name, created_at: created} of await api.list(kind)) {
      const by = runOf(name)
      if (by === undefined || !isId(id)) continue
      const age = api.now() - Date.parse(String(created))
      const object = {kind, id, name: String(name)}
      if (ours.has(by) || age > LONGEST_RUN_MS) known.set(id, object)
      else found.others.push(object)
    }
    found.left.push(...[...known.values()].filter(({name}) => run === undefined || runOf(name) === run))
  }
  return found
}

/**
 * Removes objects of runs, what uses others first, and forgets them.
 *
 * @returns what could not be removed, with the reason
 */
export async function removeAll(
  {api, record, time}: {api: RawApi; record: LiveRecord; time: Time},
  objects: readonly LiveObject[],
): Promise<(LiveObject & {why: string})[]> {
  const left: (LiveObject & {why: string})[] = []
  for (const kind of KINDS)
    for (const object of objects.filter((one) => one.kind === kind)) {
      let why: string | undefined
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        why = await api.remove(kind, object.id)
        if (why === undefined) break
        // The API may know a deleted policy for some seconds.
        if (attempt < ATTEMPTS) await time.sleep(RETRY_MS)
      }
      if (why === undefined)
        await record.forget(({id, name}) => id === object.id || (!id && name === object.name))
      else left.push({...object, why})
    }
  return left
}
