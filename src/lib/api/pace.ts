import type {AnswerHeaders} from './errors.js'
import type {Pause, Plan} from './types.js'

/** What the API allows one user (Cloudflare's documents on API limits). */
const CLOUDFLARE: Quota = {requests: 1200, seconds: 300}
/** The part of the limit that is left to the user's other programs. */
const MARGIN = 1 / 6
/** A longer wait than these is shown as a pause. */
const SHOWN_MS = 1000
const SHOWN_GAPS = 10
/** A plan is announced again if the run turns out to need more than this many times what was said. */
const GROWN = 2
/** Longer headers, more items and larger numbers than these are ignored. */
const LONGEST_HEADER = 1000
const MOST_ITEMS = 10
const MOST_REQUESTS = 1_000_000
const MOST_SECONDS = 600
/** The most requests that a plan may have: what is counted is the server's word. */
const MOST_PLANNED = 1_000_000

/** So many requests within so many seconds. */
interface Quota {
  requests: number
  seconds: number
}

export interface PaceOptions {
  /** False: there is no limit until the server says one. */
  limited: boolean
  /** The longest wait before one request, in seconds, if that was set; 0: nothing waits. */
  patienceSeconds?: number | undefined
  sleep: (milliseconds: number) => Promise<void>
  /** Milliseconds; only differences count. */
  now?: (() => number) | undefined
  onWait?: ((pause: Pause) => void) | undefined
  onPlan?: ((plan: Plan) => void) | undefined
}

/**
 * Keeps the requests of one API token within the API's limit, with a margin for others who share it: no more than that many
 * in any five minutes, and fewer if the server says that little is left. A run that announces more requests than the limit
 * has room for spreads them evenly, and says in advance how long that takes.
 *
 * The limit is Cloudflare's until the server's `Ratelimit-Policy` says another; what is left of it is in `Ratelimit` (both in
 * Cloudflare's documents on API limits).
 */
export class Pace {
  readonly #options: PaceOptions
  readonly #now: () => number
  #quota: Quota | undefined
  /** When each request of the last window was sent, or will be: ascending. */
  #turns: number[] = []
  /** How many requests the server has left for zt, and until when that is so. */
  #rest: {left: number; until: number} | undefined
  readonly #toCome = new Map<symbol, number>()
  /** What was announced; 0: nothing. */
  #announced = 0

  constructor(options: PaceOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#quota = options.limited ? CLOUDFLARE : undefined
  }

  /** How long a request may wait in total, in seconds: a window and a little, once the person knows how long the run takes. */
  patience(standard: number): number {
    const {patienceSeconds} = this.#options
    if (patienceSeconds !== undefined) return patienceSeconds
    return this.#announced > 0 ? Math.max(standard, 1.2 * (this.#quota ?? CLOUDFLARE).seconds) : standard
  }

  /** @returns sets how many requests of one kind are still to come; 0 at the end */
  expecting(): (left: number) => void {
    const key = Symbol('plan')
    return (left) => {
      if (left > 0) this.#toCome.set(key, Math.min(left, MOST_PLANNED))
      else this.#toCome.delete(key)
      this.#announce()
    }
  }

  /**
   * Waits until the next request may be sent.
   *
   * @param standard how many seconds that may take, unless it was set; then the request is sent all the same
   */
  async turn(standard: number): Promise<void> {
    const now = this.#now()
    this.#forget(now)
    const last = this.#turns.at(-1)
    const gap = this.#gap()
    const inTurn = Math.max(now, last === undefined ? 0 : last + gap)
    const resting = this.#rest?.left === 0 ? this.#rest.until : 0
    const allowed = Math.max(resting, this.#roomAt())
    const at = Math.min(Math.max(inTurn, allowed), now + this.patience(standard) * 1000)
    this.#turns.push(Math.max(at, last ?? at))
    // In an even run the progress goes on.
    await this.#wait(at - now, {shown: allowed - inTurn >= Math.max(SHOWN_MS, SHOWN_GAPS * gap)})
  }

  /** Takes over what an answer says of the limit. */
  heard(headers: AnswerHeaders): void {
    const policies = quotasOf(headers.get('ratelimit-policy'))
    const slowest = [...policies.values()].sort((a, b) => a.requests / a.seconds - b.requests / b.seconds)[0]
    if (slowest) this.#quota = slowest
    const rests = restsOf(headers.get('ratelimit'))
    // A page of a network in between says nothing, and renews nothing.
    if (rests.size > 0) this.#rest = undefined
    for (const [name, {left, seconds}] of rests) {
      const quota = policies.get(name) ?? this.#quota
      const rest = {
        left: Math.max(0, left - (quota ? marginOf(quota) : 0)),
        until: this.#now() + seconds * 1000,
      }
      if (quota && isLess(rest, this.#rest)) this.#rest = rest
    }
    this.#announce()
  }

  /** How many requests zt sends within the quota's time. */
  get #most(): number {
    return this.#quota ? Math.max(1, this.#quota.requests - marginOf(this.#quota)) : Infinity
  }

  get #windowMs(): number {
    return (this.#quota?.seconds ?? 0) * 1000
  }

  get #planned(): number {
    let sum = 0
    for (const left of this.#toCome.values()) sum += left
    return Math.min(sum, MOST_PLANNED)
  }

  /** Between two requests of a run that was announced. */
  #gap(): number {
    return this.#announced > 0 && this.#toCome.size > 0 && this.#quota ? this.#windowMs / this.#most : 0
  }

  /** When fewer than the most requests are in the window. */
  #roomAt(): number {
    const oldest = this.#turns.at(-this.#most)
    return oldest === undefined ? 0 : oldest + this.#windowMs
  }

  #forget(now: number): void {
    const from = this.#turns.findIndex((at) => at > now - this.#windowMs)
    if (from !== 0) this.#turns = from < 0 ? [] : this.#turns.slice(from)
  }

  #announce(): void {
    const {onPlan, patienceSeconds} = this.#options
    const requests = this.#planned
    if (!this.#quota || requests <= this.#announced * GROWN) return
    const now = this.#now()
    this.#forget(now)
    const [oldest = now] = this.#turns
    const own = {left: this.#most - this.#turns.length, until: oldest + this.#windowMs}
    // What is beyond the room that is left comes after it.
    const beyond = [own, this.#rest ?? own].filter(({left, until}) => requests > left && until > now)
    if (beyond.length === 0) return
    this.#announced = requests
    const gap = this.#windowMs / this.#most
    const ends = beyond.map(({left, until}) => until - now + (requests - Math.max(0, left)) * gap)
    const seconds = Math.ceil(Math.max(requests * gap, ...ends) / 1000)
    onPlan?.({requests, seconds, limit: this.#quota, waits: patienceSeconds !== 0})
  }

  async #wait(milliseconds: number, {shown}: {shown: boolean}): Promise<void> {
    if (milliseconds <= 0) return
    if (!shown) return this.#options.sleep(milliseconds)
    const seconds = Math.ceil(milliseconds / 1000)
    const why = 'The limit of the API is nearly reached'
    const known = this.#announced > 0
    for (let left = seconds; left > 0; left--) {
      this.#options.onWait?.({seconds, left, why, known})
      await this.#options.sleep(Math.min(1000, milliseconds - (seconds - left) * 1000))
    }
    this.#options.onWait?.({seconds, left: 0, why, known})
  }
}

/** Nothing left for longer, or less left. */
function isLess(one: {left: number; until: number}, other: typeof one | undefined): boolean {
  return !other || one.left < other.left || (one.left === other.left && one.until > other.until)
}

function marginOf({requests}: Quota): number {
  return Math.ceil(requests * MARGIN)
}

/** The quotas of `"default";q=1200;w=300, …`, by name. */
function quotasOf(header: string | null): Map<string, Quota> {
  const found = new Map<string, Quota>()
  for (const [name, {q, w}] of itemsOf(header))
    if (q !== undefined && w !== undefined && q > 0 && w > 0)
      found.set(name, {requests: Math.min(q, MOST_REQUESTS), seconds: w})
  return found
}

/** What is left, and for how many seconds, of `"default";r=50;t=30, …`, by name. */
function restsOf(header: string | null): Map<string, {left: number; seconds: number}> {
  const found = new Map<string, {left: number; seconds: number}>()
  for (const [name, {r, t}] of itemsOf(header))
    if (r !== undefined && t !== undefined) found.set(name, {left: r, seconds: t})
  return found
}

/** The items of such a list with their parameters that are whole numbers; a time that is too long is left out. */
function itemsOf(header: string | null): [string, Partial<Record<string, number>>][] {
  if (header === null || header.length > LONGEST_HEADER) return []
  return header.split(',', MOST_ITEMS).map((item): [string, Partial<Record<string, number>>] => {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim())
    const numbers = parameters.flatMap((one): [string, number][] => {
      const [, key = '', digits = ''] = /^([qwrt])=(\d{1,9})$/.exec(one) ?? []
      const tooLong = (key === 'w' || key === 't') && Number(digits) > MOST_SECONDS
      return key === '' || tooLong ? [] : [[key, Number(digits)]]
    })
    return [name, Object.fromEntries(numbers)]
  })
}
