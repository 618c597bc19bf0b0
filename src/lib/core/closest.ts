import {distance} from 'fastest-levenshtein'

/** The candidate that was probably meant: similar in spelling, or one contains the other. Undefined if there is none. */
export function closest(typed: string, candidates: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase()
  let best: {candidate: string; score: number} | undefined
  for (const candidate of candidates) {
    const have = candidate.toLowerCase()
    const related = wanted.length >= 3 && (have.includes(wanted) || wanted.includes(have))
    const edits = distance(wanted, have)
    const score = related ? Math.min(edits, 1) : edits
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, have.length) / 3))
    if (score <= limit && (best === undefined || score < best.score)) best = {candidate, score}
  }
  return best?.candidate
}
