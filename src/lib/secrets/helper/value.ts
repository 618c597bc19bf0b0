/** Before a value that stands as JSON. */
const MARK = 'json:'

/**
 * A value as a helper keeps it: as it is, so that the helper's own programs show it, and as JSON where a helper would
 * lose a part of it (a newline at its end, a NUL).
 */
export function wrap(value: string): string {
  const plain = value === value.trim() && !/\p{Cc}/u.test(value) && !value.startsWith(MARK)
  return plain ? value : MARK + JSON.stringify(value).replaceAll(/[\u007f-\u009f]/g, escaped)
}

/** JSON leaves the control characters behind ASCII as they are. */
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
