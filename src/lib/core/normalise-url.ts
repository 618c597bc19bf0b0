/**
 * The path of a request as Access matches it: Cloudflare's URL normalization, which is on by default and comes before
 * Access. Back slashes become slashes, successive slashes one; then as RFC 3986: unreserved characters are decoded, all
 * but reserved ones encoded, dot segments removed (Cloudflare's documentation, "How URL normalization works").
 *
 * An encoded slash or back slash remains encoded. The query and fragment are no part of a path.
 *
 * @param target `/path?query`; each character above U+007F counts as its bytes in UTF-8
 */
export function normalisePath(target: string): string {
  const path = target.replace(/[?#].*/s, '').replace(/[/\\]+/g, '/')
  const same = path
    .replace(/%[0-9a-f]{2}/gi, (escape) => {
      const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
      return UNRESERVED.test(character) ? character : escape.toUpperCase()
    })
    .replace(/%(?![0-9A-F]{2})|[^%]/gu, (character) =>
      PLAIN.test(character) ? character : encoded(character),
    )
  return withoutDotSegments(same)
}

const UNRESERVED = /^[A-Za-z0-9._~-]$/
/** Unreserved and reserved characters. */
const PLAIN = /^[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]$/

function encoded(character: string): string {
  const bytes = [...Buffer.from(character)]
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** RFC 3986, 5.2.4, for a path without empty segments. */
function withoutDotSegments(path: string): string {
  const segments = path.split('/')
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  // What a dot segment at the end named is a directory.
  if (last === '.' || last === '..') kept.push('')
  return `/${kept.filter((segment, at) => segment !== '' || at === kept.length - 1).join('/')}`
}
