/** One of the two texts of a service token. */
export type Half = 'id' | 'secret'

/** A text that may be half of a pair. */
export interface Found {
  /** Trimmed, without quotes. */
  value: string
  /** What its name says it is; undefined where only its shape counts. */
  half: Half | undefined
  /** The rest of its name, and where it is: the halves of a pair agree in it. */
  of: string
  /** Whose it is by its name ({@link ownerIn}); undefined: no name says so. */
  owner?: string | undefined
  /** The object of a JSON text that it is in: `/prod/access`. Undefined: the text has no objects. */
  place?: string | undefined
  /** It seems to go on behind a line break. */
  cut?: boolean | undefined
}

/** What was read in a text. */
export interface Reading {
  /** What kind of text it is, with its article: `a Terraform state`. */
  form: string
  found: Found[]
}

/** Whether a text has a known form of a client secret: 64 hex digits, or `cfast_` and 48 characters. */
export function hasSecretShape(text: string): boolean {
  return /^(?:[0-9a-f]{64}|cfast_[A-Za-z0-9]{48})$/i.test(text)
}

/**
 * Whether a text has the form of a client ID: 32 hex digits and `.access`; for old ones, the account's domain follows (as in
 * the example of Cloudflare's API reference).
 */
export function hasIdShape(text: string): boolean {
  return /^[0-9a-f]{32}\.access(?:\.[a-z0-9.-]{1,200})?$/i.test(text)
}

/**
 * Whether a text begins as a client secret and is too short; for the old form, which will not change, too long as well.
 * Shorter ones are words.
 */
export function isPartOfSecret(text: string): boolean {
  return !hasSecretShape(text) && /^(?:cfast_[A-Za-z0-9]{0,47}|[0-9a-f]{33,})$/i.test(text)
}

export function shapeOf(text: string): Half | undefined {
  if (hasIdShape(text)) return 'id'
  return hasSecretShape(text) ? 'secret' : undefined
}

const ID_NAME = /^(.*)(?:client|servicetoken|accesstoken|access)id$/
const SECRET_NAME = /^(.*)(?:client|servicetoken|accesstoken|access)secret$/
/** Names of fields in password managers, which say that something is secret, and not what. */
const ANY_SECRET = /(?:password|passwd|secret|credential|token|value|key)s?$/

/**
 * What a name says of its value. `CF-Access-Client-Id`, `TF_VAR_cf_client_id`, `clientId` and `TUNNEL_SERVICE_TOKEN_ID` are
 * names of a client ID.
 *
 * @returns with the name's beginning, in which the two halves of a pair agree
 */
export function named(name: string): {half: Half; of: string} | undefined {
  const plain = plainName(name)
  const id = ID_NAME.exec(plain)
  if (id) return {half: 'id', of: id[1] ?? ''}
  const secret = SECRET_NAME.exec(plain)
  return secret ? {half: 'secret', of: secret[1] ?? ''} : undefined
}

const HALF_IN_NAME = /(?:client|servicetoken|accesstoken|access)(?:id|secret)/
/** What names of any pair may have in them. */
const ANY_PAIR = /cloudflare|zerotrust|service|tunnel|access|client|secret|token|cf|id/g

/**
 * What a name of a half says besides: `PROD_CF_ACCESS_CLIENT_ID` and `CF_ACCESS_CLIENT_SECRET_PROD` are of `prod`, and
 * `CF_ACCESS_CLIENT_ID` is of no one in particular. Halves of different owners are of different pairs.
 *
 * @returns undefined if it is no such name
 */
export function ownerIn(name: string | undefined): string | undefined {
  const plain = plainName(name ?? '')
  return HALF_IN_NAME.test(plain) ? plain.replaceAll(ANY_PAIR, '') : undefined
}

/**
 * A value whose name says nothing certain: counts if its shape can be nothing else. 64 hex digits are also a checksum, and
 * count only behind a name for secrets.
 *
 * @param name undefined: it has none
 */
export function unnamed(value: string, name: string | undefined): Found | undefined {
  const shape = shapeOf(value)
  const isChecksum = /^[0-9a-f]{64}$/i.test(value) && name !== undefined && !ANY_SECRET.test(plainName(name))
  return shape === undefined || isChecksum
    ? undefined
    : {value, half: undefined, of: '', owner: ownerIn(name)}
}

/** Kubernetes' secrets and some CI files have values in base64. @returns the value as it is unless it is a half in base64 */
export function decoded(value: string): string {
  if (shapeOf(value) || !/^[A-Za-z0-9+/]{48,160}={0,2}$/.test(value)) return value
  const plain = Buffer.from(value, 'base64').toString('latin1').trim()
  return shapeOf(plain) ? plain : value
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}
