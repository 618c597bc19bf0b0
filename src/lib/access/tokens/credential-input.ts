import {isJsonObject, type JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {Secret} from '../../core/secret.js'
import type {ServiceCredentials} from '../../secrets/types.js'

/**
 * Reads a service token's pair: JSON (`client_id`, `clientId`, `CF_ACCESS_CLIENT_ID`, or an API answer that contains
 * them), header lines, or environment lines. Other lines are ignored.
 *
 * @throws UserError `usage` / `BAD_CREDENTIALS`, without any part of the input
 */
export function parseCredentials(input: Secret): ServiceCredentials {
  const text = input
    .expose()
    .replace(/^\uFEFF/, '')
    .trim()
  if (text === '') throw bad('The credentials are missing', 'The input is empty.')
  const pairs = text.startsWith('{') ? fromJson(text) : fromLines(text)
  return checkCredentials(one(pairs, 'clientid'), new Secret(one(pairs, 'clientsecret')))
}

/**
 * Checks the form of a pair. Whether it is valid, only the API and the edge know.
 *
 * @throws UserError `usage` / `BAD_CREDENTIALS`, without any part of the pair
 */
export function checkCredentials(clientId: string, clientSecret: Secret): ServiceCredentials {
  const secret = clientSecret.expose()
  if (clientId === '') throw bad('The client ID is missing', 'It usually ends in .access.')
  if (secret === '')
    throw bad('The client secret is missing', 'Cloudflare shows it once, when the token is created.')
  // They are sent as HTTP headers.
  if (!/^[\x21-\x7E]+$/.test(clientId) || !/^[\x21-\x7E]+$/.test(secret)) {
    throw bad(
      'This cannot be a client ID and a client secret',
      'One of them has spaces or characters that are not allowed in credentials.',
    )
  }
  if (hasSecretShape(clientId) || secret.endsWith('.access')) {
    throw bad('The client ID and the client secret are swapped', 'Each has the form of the other.')
  }
  return {clientId, clientSecret}
}

/** Whether a text has a known form of a client secret: 64 hex digits, or `cfast_` and 48 characters. */
export function hasSecretShape(text: string): boolean {
  return /^([0-9a-f]{64}|cfast_[A-Za-z0-9]{48})$/i.test(text)
}

type Pairs = [name: string, value: string][]

function fromJson(text: string): Pairs {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message quotes its input.
    throw bad('The credentials cannot be read', 'The input starts like JSON, but is not valid JSON.')
  }
  if (!isJsonObject(value)) return []
  // `zt token create --reveal --json` has the client ID in `token`; Cloudflare's answers have both in `result`.
  const objects: JsonObject[] = [value, value['token'], value['result']].filter(isJsonObject)
  return objects
    .flatMap((object) => Object.entries(object))
    .flatMap(([name, entry]) => (typeof entry === 'string' ? [[plain(name), entry.trim()]] : []))
}

function fromLines(text: string): Pairs {
  return text.split(/\r?\n/).flatMap((line): Pairs => {
    const match = /^(?:export\s+)?([\w-]+)\s*[:=](.*)$/.exec(line.trim())
    if (match?.[1] === undefined || match[2] === undefined) return []
    const value = match[2].trim()
    const quoted = /^(["'])(.*)\1$/.exec(value)
    return [[plain(match[1]), quoted?.[2] ?? value]]
  })
}

/** `CF-Access-Client-Id`, `CF_ACCESS_CLIENT_ID`, `client_id` and `clientId` are the same name. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[_-]/g, '')
    .replace(/^cfaccess/, '')
}

function one(pairs: Pairs, wanted: 'clientid' | 'clientsecret'): string {
  const found = [...new Set(pairs.filter(([name]) => name === wanted).map(([, value]) => value))]
  const what = wanted === 'clientid' ? 'Client ID' : 'Client Secret'
  const [value] = found
  if (value !== undefined && found.length === 1) return value
  throw value === undefined
    ? bad(
        `The input has no ${what}`,
        'It must have a client ID and its client secret, in a form that zt knows.',
      )
    : bad(`The input has more than one ${what}`, 'zt cannot tell which values belong together.')
}

function bad(message: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_CREDENTIALS',
    message,
    why: `${why} Nothing was changed.`,
    next: [
      'Use JSON with "client_id" and "client_secret", the header lines CF-Access-Client-Id: and CF-Access-Client-Secret:, or lines CF_ACCESS_CLIENT_ID= and CF_ACCESS_CLIENT_SECRET=',
      'zt token import < FILE',
    ],
  })
}
