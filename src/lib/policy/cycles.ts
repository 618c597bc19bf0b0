import type {Group} from '../api/types.js'
import {allRules, groupIdOf} from './references.js'

const known = new WeakMap<ReadonlyMap<string, Group>, ReadonlySet<string>>()

/**
 * The Access groups that include themselves, directly or through others, by ID: the cycles of the whole account (Tarjan's
 * strongly connected components, in one pass and without recursion).
 *
 * @param groups does not change afterwards: the result is kept with it
 */
export function circularGroups(groups: ReadonlyMap<string, Group>): ReadonlySet<string> {
  const before = known.get(groups)
  if (before) return before
  const circular = new Set<string>()
  const found = new Search(groups, circular)
  for (const id of groups.keys()) found.from(id)
  known.set(groups, circular)
  return circular
}

interface Visit {
  id: string
  inside: string[]
  /** How many of them were looked at. */
  done: number
}

class Search {
  readonly #number = new Map<string, number>()
  /** The lowest number that each reaches among those whose cycle is not complete. */
  readonly #lowest = new Map<string, number>()
  readonly #open: string[] = []
  readonly #isOpen = new Set<string>()

  constructor(
    private readonly groups: ReadonlyMap<string, Group>,
    private readonly circular: Set<string>,
  ) {}

  from(start: string): void {
    if (this.#number.has(start)) return
    const path = [this.#enter(start)]
    for (let at = path.at(-1); at; at = path.at(-1)) {
      const next = at.inside[at.done++]
      if (next === undefined) {
        path.pop()
        this.#leave(at)
        const outer = path.at(-1)
        if (outer) this.#reaches(outer.id, this.#lowest.get(at.id))
      } else if (!this.#number.has(next)) path.push(this.#enter(next))
      else if (this.#isOpen.has(next)) this.#reaches(at.id, this.#number.get(next))
    }
  }

  #enter(id: string): Visit {
    const number = this.#number.size
    this.#number.set(id, number)
    this.#lowest.set(id, number)
    this.#open.push(id)
    this.#isOpen.add(id)
    const group = this.groups.get(id)
    const named = group ? allRules(group).map(groupIdOf) : []
    const inside = named.filter((one) => one !== undefined && this.groups.has(one)) as string[]
    if (inside.includes(id)) this.circular.add(id)
    return {id, inside, done: 0}
  }

  #reaches(id: string, number = Infinity): void {
    this.#lowest.set(id, Math.min(this.#lowest.get(id) ?? Infinity, number))
  }

  #leave({id}: Visit): void {
    if (this.#lowest.get(id) !== this.#number.get(id)) return
    const cycle: string[] = []
    for (let one = this.#open.pop(); one !== undefined; one = this.#open.pop()) {
      this.#isOpen.delete(one)
      cycle.push(one)
      if (one === id) break
    }
    if (cycle.length > 1) for (const one of cycle) this.circular.add(one)
  }
}
