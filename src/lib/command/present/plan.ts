import type {Plan} from '../../api/types.js'

/** How long a run takes that the API's limit slows down: one line. */
export function planInWords({requests, seconds, limit, waits}: Plan): string {
  const needs = `This needs about ${count(requests)} requests; the API allows ${count(limit.requests)} in ${duration(limit.seconds)}, all programs of the user together`
  return waits
    ? `${needs}. It takes about ${duration(seconds)}`
    : `${needs}, and zt does not wait for it (ZT_RATE_LIMIT_WAIT)`
}

const count = (number: number): string => number.toLocaleString('en')

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`
}
