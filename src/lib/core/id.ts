/**
 * Whether this has the form of an id of Cloudflare's: a UUID (36 characters), or 32 hex digits for accounts and zones. The
 * published schema tells no more than a length, so that anything is taken that can neither change a URL's path nor a
 * file's name: letters, digits, `-` and `_`, at most 64.
 */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(value)
}
