import {distance} from 'fastest-levenshtein'

/**
 * The candidate that was probably meant: similar in spelling, with two neighbours swapped, or one contains the other. Undefined
 * if there is none.
 */
export function closest(typed: string, candidates: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase()
  let best: {candidate: string; score: number} | undefined
  for (const candidate of candidates) {
    const have = candidate.toLowerCase()
    const contained = have.includes(wanted) || wanted.includes(have)
    const related = wanted.length >= 3 && (contained || areSwapped(wanted, have))
    const edits = distance(wanted, have)
    const score = related ? Math.min(edits, 1) : edits
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, have.length) / 3))
    if (score <= limit && (best === undefined || score < best.score)) best = {candidate, score}
  }
  return best?.candidate
}

/** Whether two neighbouring letters of one are the other way round in the other. */
function areSwapped(one: string, other: string): boolean {
  const at = [...one].findIndex((letter, index) => letter !== other[index])
  const swapped = one.slice(0, at) + (one[at + 1] ?? '') + (one[at] ?? '') + one.slice(at + 2)
  return at >= 0 && swapped === other
}
