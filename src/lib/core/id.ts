/**
 * Whether this looks like a Cloudflare ID: a UUID (36 characters), or 32 hex digits for accounts and zones. The published
 * schema states only a length, so this accepts whatever can change neither a URL's path nor a file's name: up to 64
 * letters, digits, `-` and `_`.
 */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(value)
}
