import type {Clock} from '../core/clock.js'

const UNIT_MS: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3600_000,
  d: 24 * 3600_000,
  w: 7 * 24 * 3600_000,
}
const MOST_MS = 10 * 365 * 24 * 3600_000

/** The milliseconds of a duration such as `-90d` or `12h`; undefined for any other text, and beyond ten years. */
export function clockOffset(text: string): number | undefined {
  const [, sign, amount, unit = ''] = /^([+-]?)(\d{1,9})([smhdw])$/.exec(text) ?? []
  if (amount === undefined) return undefined
  const ms = Number(amount) * (UNIT_MS[unit] ?? 0)
  if (ms > MOST_MS) return undefined
  return sign === '-' ? -ms : ms
}

/** A clock that is as far ahead of another one as `offset` says at that moment. */
export function movedClock(clock: Clock, offset: () => string): Clock {
  return {now: () => clock.now() + (clockOffset(offset()) ?? 0)}
}
