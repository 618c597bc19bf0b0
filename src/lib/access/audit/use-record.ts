import type {ServiceToken} from '../../api/types.js'
import {KEPT_DAYS} from '../activity/record.js'
import type {AuditFacts} from './types.js'

export const DAY_MS = 24 * 3600_000

/** `last_seen_at` and the record come from different places: closer times are the same use. */
const SAME_USE_MS = DAY_MS

/** What is known of the use of each service token: the record, and when Cloudflare last saw it. */
export class UseRecord {
  /** Since when a token counts as used. */
  readonly tokensSince: number
  /** Since when a right counts as used. */
  readonly rightsSince: number
  /** Why the record says nothing of rights; undefined: it is whole. */
  readonly incomplete: string | undefined
  readonly #seen = new Map<string, number>()
  readonly #letIn = new Map<string, number>()
  /** By token and application: the rules that let it in since {@link rightsSince}. */
  readonly #used = new Map<string, Map<string, Set<string | undefined>>>()
  /** The same by application, of all tokens. */
  readonly #usedAt = new Map<string, Set<string | undefined>>()
  /** By token: the rules that let it in, at any application. */
  readonly #byRule = new Map<string, Set<string>>()
  /** By application: the tokens that were let in. */
  readonly #usersOf = new Map<string, Set<string>>()

  constructor({now, unusedMs, usage}: Pick<AuditFacts, 'now' | 'unusedMs' | 'usage'>) {
    this.tokensSince = now - unusedMs
    this.rightsSince = now - Math.min(unusedMs, KEPT_DAYS * DAY_MS)
    this.incomplete = whyIncomplete(usage, this.rightsSince)
    for (const {tokenId, applicationId, policyId, allowed, last} of usage?.rows ?? []) {
      const at = endOf(last)
      latest(this.#seen, tokenId, at)
      if (!allowed) continue
      latest(this.#letIn, tokenId, at)
      if (at < this.rightsSince) continue
      const used = this.#used.get(tokenId) ?? new Map<string, Set<string | undefined>>()
      this.#used.set(tokenId, used)
      added(used, applicationId, policyId)
      added(this.#usedAt, applicationId, policyId)
      added(this.#usersOf, applicationId, tokenId)
      if (policyId !== undefined) added(this.#byRule, tokenId, policyId)
    }
  }

  /** When a token was last used, in milliseconds: as Cloudflare last saw it or as recorded, whichever is later. */
  lastUse({id, lastSeenAt}: ServiceToken): number | undefined {
    const times = [this.#letIn.get(id) ?? NaN, Date.parse(lastSeenAt ?? '')].filter((time) => !isNaN(time))
    return times.length === 0 ? undefined : Math.max(...times)
  }

  /** The rules that let a token in to an application; undefined in it: the record does not say which. */
  rulesUsed(tokenId: string, applicationId: string): ReadonlySet<string | undefined> {
    return this.#used.get(tokenId)?.get(applicationId) ?? NONE
  }

  /** The same of all tokens, also of those that no longer exist. */
  rulesUsedAt(applicationId: string): ReadonlySet<string | undefined> {
    return this.#usedAt.get(applicationId) ?? NONE
  }

  /** By application: the rules that let a token in. */
  usesOf(tokenId: string): ReadonlyMap<string, ReadonlySet<string | undefined>> {
    return this.#used.get(tokenId) ?? NOWHERE
  }

  /** Whether a rule let a token in to any application, also to one that no longer has the rule. */
  usedRule(tokenId: string, policyId: string): boolean {
    return this.#byRule.get(tokenId)?.has(policyId) === true
  }

  /** The tokens that were let in to an application. */
  usersOf(applicationId: string): ReadonlySet<string> {
    return this.#usersOf.get(applicationId) ?? new Set()
  }

  /**
   * Whether the record has what Cloudflare saw of a token. If Cloudflare saw it and the record lacks that, its other
   * uses may be missing too: the record has samples.
   */
  isCovered({id, lastSeenAt}: ServiceToken): boolean {
    const seen = Date.parse(lastSeenAt ?? '')
    if (isNaN(seen) || seen < this.rightsSince) return true
    return (this.#seen.get(id) ?? -Infinity) >= seen - SAME_USE_MS
  }
}

const NONE: ReadonlySet<string | undefined> = new Set()
const NOWHERE: ReadonlyMap<string, ReadonlySet<string | undefined>> = new Map()

function whyIncomplete(usage: AuditFacts['usage'], since: number): string | undefined {
  if (!usage) return 'The record of Access was not read.'
  if (usage.incomplete !== undefined) return usage.incomplete
  // Times that were asked for in whole seconds or hours.
  return Date.parse(usage.since) - since > DAY_MS
    ? `The record begins only on ${usage.since.slice(0, 10)}.`
    : undefined
}

/** The record says on which day it was: at some time until the end of it. */
function endOf(day: string): number {
  return Date.parse(day) + (day.length === 10 ? DAY_MS - 1 : 0)
}

function latest(times: Map<string, number>, key: string, at: number): void {
  times.set(key, Math.max(times.get(key) ?? -Infinity, at))
}

function added<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key)
  if (set) set.add(value)
  else sets.set(key, new Set([value]))
}
