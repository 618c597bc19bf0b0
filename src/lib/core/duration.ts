import {UserError} from './errors.js'

const HOURS = {d: 24, w: 24 * 7, y: 24 * 365} as const
const GO_UNIT_SECONDS: Record<string, number> = {h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9}

/** A service token's lifetime, as the API takes it. */
export interface TokenDuration {
  /** A Go duration such as `8760h`, or `forever`. */
  api: string
  /** Whole seconds; undefined for `forever`. */
  seconds: number | undefined
}

/**
 * Reads `forever`, a Go duration (`8760h`, `1h30m`) or days, weeks and years (`90d`, `12w`, `1y`), which are converted
 * to hours because the API does not know them.
 *
 * @param next how a right one is given
 * @throws UserError `usage` / `BAD_DURATION`
 */
export function parseTokenDuration(
  text: string,
  next = 'Use, for example, --duration 8760h, --duration 90d or --duration forever',
): TokenDuration {
  const trimmed = text.trim()
  if (trimmed === 'forever') return {api: 'forever', seconds: undefined}
  const hours = longHours(trimmed)
  if (hours !== undefined) return {api: `${hours}h`, seconds: hours * 3600}
  const seconds = goDurationSeconds(trimmed)
  if (seconds !== undefined && seconds >= 1) return {api: trimmed, seconds: Math.floor(seconds)}
  throw new UserError({
    kind: 'usage',
    code: 'BAD_DURATION',
    message: `"${shortened(text)}" is not a duration`,
    why: 'A duration is one or more numbers with a unit (h, m, s, or d, w, y), or "forever". It is at least one second and at most 292 years (2562047h), which is Cloudflare\'s limit.',
    next: [next],
  })
}

/** Seconds of a whole unit, the longest first. */
const UNITS = [
  ['year', HOURS.y * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** A duration of the API for people: `1 year`, `90 days`, `36 hours`; as it is if it is no whole number of a unit. */
export function durationInWords(api: string): string {
  const seconds = goDurationSeconds(api)
  const unit = UNITS.find(([, of]) => seconds !== undefined && seconds > 0 && seconds % of === 0)
  if (seconds === undefined || !unit) return api
  const [name, of] = unit
  return `${seconds / of} ${name}${seconds === of ? '' : 's'}`
}

/**
 * Reads how far back to look, in whole seconds: `30d`, `12h`, as {@link parseTokenDuration} does.
 *
 * @throws UserError `usage` / `BAD_DURATION`
 */
export function parseSince(text: string): number {
  const trimmed = text.trim()
  const hours = longHours(trimmed)
  const seconds = hours === undefined ? goDurationSeconds(trimmed) : hours * 3600
  if (seconds !== undefined && seconds >= 1) return Math.floor(seconds)
  throw new UserError({
    kind: 'usage',
    code: 'BAD_DURATION',
    message: `"${shortened(text)}" is not a duration`,
    why: 'It is one or more numbers with a unit (h, m, s, or d, w, y), and at least one second.',
    next: ['Use, for example, --since 30d or --since 12h'],
  })
}

/** The hours of days, weeks or years; undefined for any other text, and for more than Cloudflare's limit. */
function longHours(text: string): number | undefined {
  const long = /^(\d{1,6})([dwy])$/.exec(text)
  if (!long) return undefined
  const hours = Number(long[1]) * HOURS[long[2] as keyof typeof HOURS]
  return hours > 0 && hours * 3600 <= MOST_SECONDS ? hours : undefined
}

/** Longer than any sensible duration. */
const LONGEST_TEXT = 64
/** A Go duration counts nanoseconds in 64 bits: up to 2562047 hours, about 292 years. */
const MOST_SECONDS = Math.floor(2 ** 63 / 1e9) - 1

/**
 * The seconds of a Go duration (`time.ParseDuration` without a sign); undefined for any other text, and for one that is
 * too long for Go.
 */
export function goDurationSeconds(text: string): number | undefined {
  if (text.length > LONGEST_TEXT || !/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let seconds = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gy)) {
    seconds += Number(amount) * (GO_UNIT_SECONDS[unit ?? ''] ?? 0)
  }
  return seconds <= MOST_SECONDS ? seconds : undefined
}

const MOST_GRACE_SECONDS = 30 * 24 * 3600

/**
 * Seconds of a time until something, as {@link parseTokenDuration} reads it; `forever`: more than any.
 *
 * @param flag that it is the value of
 * @throws UserError `usage` / `BAD_DURATION`
 */
export function parseWithin(text: string, flag: string): number {
  return parseTokenDuration(text, `Use, for example, ${flag} 30d or ${flag} 12h`).seconds ?? FOREVER_SECONDS
}

/** In milliseconds still a number that is exact. */
const FOREVER_SECONDS = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

const GRACE = 'Use, for example, --grace 24h, --grace 7d or --grace 0'

/**
 * Reads a grace period in whole seconds: `0`, or a duration of at most 30 days, the limit of Cloudflare's
 * dashboard.
 *
 * @throws UserError `usage` / `BAD_GRACE`
 */
export function parseGrace(text: string): number {
  if (/^\s*0+[smhdw]?\s*$/.test(text)) return 0
  const {seconds} = parseTokenDuration(text, GRACE)
  if (seconds !== undefined && seconds <= MOST_GRACE_SECONDS) return seconds
  throw new UserError({
    kind: 'usage',
    code: 'BAD_GRACE',
    message: `"${shortened(text)}" is too long for a grace period`,
    why: 'The limit is 30 days: until the grace period ends, two secrets work.',
    next: [GRACE],
  })
}

function shortened(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text
}
