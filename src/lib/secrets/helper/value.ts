/** Marks a value that is written as JSON. */
const MARK = 'json:'

/**
 * A value as a helper keeps it: unchanged, so that the helper's own programs show it, or as JSON if a helper would lose a
 * part of it (a newline at its end, a NUL).
 */
export function wrap(value: string): string {
  const plain = value === value.trim() && !/\p{Cc}/u.test(value) && !value.startsWith(MARK)
  return plain ? value : MARK + JSON.stringify(value).replaceAll(/[\u007f-\u009f]/g, escaped)
}

/** JSON.stringify does not escape the control characters after ASCII. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** What {@link wrap} was given; undefined when it is damaged. */
export function unwrap(kept: string): string | undefined {
  if (!kept.startsWith(MARK)) return kept
  try {
    const value: unknown = JSON.parse(kept.slice(MARK.length))
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
