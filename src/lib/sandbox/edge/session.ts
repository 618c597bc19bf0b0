import {createHmac} from 'node:crypto'
import type {IncomingMessage} from 'node:http'
import type {Application} from '../../api/types.js'
import {goDurationSeconds} from '../../core/duration.js'
import type {JsonObject} from '../../core/json.js'
import {encode, type SigningKey} from '../signing-key.js'
import type {EdgeView} from '../types.js'

/** An application token: what Access gives to a client and to the origin once it has admitted somebody. */
export interface Session {
  token: string
  claims: JsonObject
}

const DAY_SECONDS = 24 * 3600
const COOKIE = 'CF_Authorization'

/**
 * The session of a service token (Cloudflare's documentation, "Application token").
 *
 * @param duration of the policy that admitted it; without one, the application's counts
 */
export function startSession(
  view: EdgeView,
  {
    key,
    application,
    clientId,
    duration,
  }: {
    key: SigningKey
    application: Application
    clientId: string
    duration: unknown
  },
): Session {
  const seconds = [duration, application.raw['session_duration']]
    .map((text) => (typeof text === 'string' ? goDurationSeconds(text) : undefined))
    .find((number) => number !== undefined)
  const iat = Math.floor(view.now / 1000)
  const claims = {
    type: 'app',
    aud: [audOf(application)],
    exp: iat + Math.ceil(seconds ?? DAY_SECONDS),
    iss: `https://${view.authDomain}`,
    common_name: clientId,
    iat,
    sub: '',
  }
  return {token: key.sign(claims), claims}
}

/** Whatever a client presents as an application token. */
export function presentedTokens({headers}: IncomingMessage): string[] {
  const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim())
  // All three were accepted by an edge in October 2026; the documents have the first two.
  return [
    cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1),
    ...[headers['cf-access-token'], headers['cf-access-jwt-assertion']].map((value) => value?.toString()),
  ].filter((token): token is string => token !== undefined && token !== '')
}

/** The first of the tokens that is a session of this application. */
export function sessionOf(
  tokens: readonly string[],
  {view, key, application}: {view: EdgeView; key: SigningKey; application: Application},
): Session | undefined {
  for (const token of tokens) {
    const claims = key.verify(token)
    if (!claims) continue
    const {aud, exp, iat, iss, type} = claims
    const valid =
      type === 'app' &&
      iss === `https://${view.authDomain}` &&
      Array.isArray(aud) &&
      aud.includes(audOf(application)) &&
      typeof exp === 'number' &&
      exp * 1000 > view.now &&
      typeof iat === 'number' &&
      iat * 1000 > (view.sessionsEnded[application.id] ?? -Infinity)
    if (valid) return {token, claims}
  }
  return undefined
}

/** The cookie that Access sets, with the application's cookie settings ("Authorization cookie"). */
export function sessionCookie({token, claims}: Session, {raw, domain}: Application): string {
  const {same_site_cookie_attribute: sameSite, path_cookie_attribute: scoped} = raw
  const at = domain?.indexOf('/') ?? -1
  return [
    `${COOKIE}=${token}`,
    `Expires=${new Date(Number(claims['exp']) * 1000).toUTCString()}`,
    `Path=${scoped === true && at >= 0 ? (domain?.slice(at).replace(/\*.*/s, '') ?? '/') : '/'}`,
    'Secure',
    ...(raw['http_only_cookie_attribute'] === false ? [] : ['HttpOnly']),
    ...(typeof sameSite === 'string' && /^(lax|strict|none)$/i.test(sameSite)
      ? [`SameSite=${sameSite}`]
      : []),
  ].join('; ')
}

/** The Cookie header for the origin: the client's, with the session in place of what it may have sent as one. */
export function withSessionCookie(header: string | undefined, {token}: Session): string {
  const others = (header ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '' && !cookie.startsWith(`${COOKIE}=`))
  return [...others, `${COOKIE}=${token}`].join('; ')
}

/**
 * What the login page learns of the request; its signature is for Access alone. Clients read from it whether the service
 * token was valid (`service_token_status`, seen on edges in 2026).
 */
export function metaToken(view: EdgeView, claims: JsonObject & {aud: string}): string {
  const iat = Math.floor(view.now / 1000)
  const facts = {
    auth_status: 'NONE',
    is_warp: false,
    is_gateway: false,
    iat,
    nbf: iat,
    exp: iat + DAY_SECONDS,
  }
  const signed = [
    {alg: 'HS256', kid: claims.aud, typ: 'JWT'},
    {type: 'meta', ...facts, ...claims},
  ]
    .map(encode)
    .join('.')
  const signature = createHmac('sha256', Buffer.from(view.cookieKey, 'base64'))
    .update(signed)
    .digest('base64url')
  return `${signed}.${signature}`
}

/** The application's audience tag. */
export function audOf({id, raw}: Application): string {
  const {aud} = raw
  return typeof aud === 'string' && /^[\x21-\x7E]+$/.test(aud) ? aud : id
}
