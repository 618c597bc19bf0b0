import {isJsonObject, type JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {quoteForPerson} from '../../core/quote.js'
import type {AccessContext, SecretFields} from '../account/context.js'
import type {Change} from './change.js'
import {inWords, type ObjectRef} from './object.js'
import {isMask, isSecretKey} from './withheld.js'

/**
 * The secret that each scheme of SCIM authentication requires (Cloudflare's API reference). A GET masks or omits it, and a
 * PUT without it is refused: `password is a required field` (the Terraform provider's acceptance tests).
 */
const SCIM_SECRETS = new Map([
  ['httpbasic', 'password'],
  ['oauthbearertoken', 'token'],
  ['oauth2', 'client_secret'],
  ['access_service_token', 'client_secret'],
])
/**
 * Cloudflare makes it, returns it only when the application is created, and keeps it if a PUT leaves it out: the Terraform
 * provider never sends it.
 */
const KEPT = 'saas_app.client_secret'

/** Where an object has a secret. */
interface Place {
  /** As --secret-field takes it: `scim_config.authentication.password`; elements of lists by number. */
  path: string
  keys: (string | number)[]
  hidden: boolean
}

function* placesIn(value: unknown, keys: (string | number)[] = [], name = ''): Generator<Place> {
  const path = keys.join('.')
  if (typeof value === 'string') {
    if (isSecretKey(name)) yield {path, keys, hidden: isMask(value)}
  } else if (Array.isArray(value)) {
    for (const [at, one] of value.entries()) yield* placesIn(one, [...keys, at], name)
  } else if (isJsonObject(value)) {
    const required = keys[0] === 'scim_config' ? SCIM_SECRETS.get(String(value['scheme'])) : undefined
    for (const [key, one] of Object.entries(value)) {
      if (key !== required || typeof one === 'string') yield* placesIn(one, [...keys, key], key)
    }
    if (required !== undefined && typeof value[required] !== 'string')
      yield {path: [...keys, required].join('.'), keys: [...keys, required], hidden: true}
    if (path === 'saas_app' && value['auth_type'] === 'oidc' && typeof value['client_secret'] !== 'string')
      yield {path: KEPT, keys: [...keys, 'client_secret'], hidden: true}
  }
}

/** The paths of the secrets that the API hides and without which the object cannot be written. */
export function hiddenFields(state: JsonObject): string[] {
  return [...placesIn(state)].filter(({hidden, path}) => hidden && path !== KEPT).map(({path}) => path)
}

/**
 * Checks, before anything is changed, that every object that an edit writes can be written whole: the API replaces it, so
 * what it hides would be erased or replaced by a mask.
 *
 * @throws UserError `needs-action` / `SECRET_FIELD_NEEDED`; `usage` / `SECRET_FIELD_UNKNOWN`, `SECRET_FIELD_AMBIGUOUS`
 */
export function requireSecretFields(ctx: AccessContext, changes: readonly Change[]): void {
  const given = givenTo(ctx)
  const written = changes.flatMap(({action, target, after}) =>
    action === 'replace' && after ? [{target, places: [...placesIn(after)]}] : [],
  )
  const missing = written.flatMap(({target, places}) =>
    places
      .filter(({hidden, path}) => hidden && path !== KEPT && nameGiven(given, target, path) === undefined)
      .map(({path}) => ({target, path})),
  )
  for (const name of given.keys()) requireOnePlace(name, written)
  if (missing.length > 0) throw needed(ctx, missing, new Set(written.map(({target}) => target.id)).size > 1)
}

/** A secret that was given for one object must not be written to another. */
function requireOnePlace(name: string, written: readonly {target: ObjectRef; places: Place[]}[]): void {
  const objects = new Map(written.map((one) => [one.target.id, one]))
  const having = [...objects.values()].filter(({target, places}) =>
    places.some(({path}) => name === path || name === qualified(target, path)),
  )
  // An edit with nothing left to do, or of other objects only, needs none.
  if (having.length === 1 || written.every(({places}) => places.length === 0)) return
  const known = written.flatMap(({target, places}) =>
    places.map(({path}) => (objects.size > 1 ? qualified(target, path) : path)),
  )
  throw new UserError({
    kind: 'usage',
    code: having.length === 0 ? 'SECRET_FIELD_UNKNOWN' : 'SECRET_FIELD_AMBIGUOUS',
    message:
      having.length === 0
        ? `Nothing that this edit writes has the secret field ${name}`
        : `Several applications that this edit writes have the secret field ${name}`,
    why: [`Their secret fields are: ${[...new Set(known)].join(', ')}.`, 'Nothing was changed.'],
    next: [`Give one of them to --secret-field`],
    details: {secretFields: [...new Set(known)]},
  })
}

function needed(
  ctx: AccessContext,
  missing: readonly {target: ObjectRef; path: string}[],
  several = false,
): UserError {
  const names = [...new Set(missing.map(({target, path}) => (several ? qualified(target, path) : path)))]
  const what = [...new Set(missing.map(({target}) => inWords(target)))].join(', ')
  const flags = names.map((name) => `--secret-field ${quoteForPerson(name)}`).join(' ')
  return new UserError({
    kind: 'needs-action',
    code: 'SECRET_FIELD_NEEDED',
    message: `Cannot change ${what} without a secret that the API hides`,
    why: [
      `Cloudflare replaces the whole application, and does not show ${names.join(', ')}. Left out, it would be refused or erased.`,
      'Nothing was changed.',
    ],
    next: [ctx.commandLine === undefined ? `Give ${flags}` : `${ctx.commandLine} ${flags}`],
    details: {secretFields: names},
  })
}

function qualified({id}: ObjectRef, path: string): string {
  return `${id}:${path}`
}

function givenTo({secretFields}: AccessContext): SecretFields {
  return secretFields ?? new Map<string, undefined>()
}

function nameGiven(given: SecretFields, target: ObjectRef, path: string): string | undefined {
  return [qualified(target, path), path].find((name) => given.has(name))
}

/**
 * The object as it may be sent: with the secrets that were given, and without what the API shows instead of one.
 *
 * @throws UserError as {@link requireSecretFields}
 */
export function withSecretFields(ctx: AccessContext, target: ObjectRef, body: JsonObject): JsonObject {
  const given = givenTo(ctx)
  let sent = body
  for (const {path, keys, hidden} of placesIn(body)) {
    const secret = given.get(nameGiven(given, target, path) ?? '')
    if (secret) sent = put(sent, keys, secret) as JsonObject
    else if (hidden && path !== KEPT) throw needed(ctx, [{target, path}])
    else if (hidden) sent = put(sent, keys, undefined) as JsonObject
  }
  return sent
}

/** The object without the secrets that were given: what the API shows of them, now or before, says nothing. */
export function withoutSecretFields(ctx: AccessContext, target: ObjectRef, state: JsonObject): JsonObject {
  const given = [...placesIn(state)].filter(({path}) => nameGiven(givenTo(ctx), target, path) !== undefined)
  return given.reduce((rest, {keys}) => put(rest, keys, undefined) as JsonObject, state)
}

/** A copy with another value at this place; undefined removes it. */
function put(value: unknown, [key, ...rest]: readonly (string | number)[], at: unknown): unknown {
  if (key === undefined) return at
  if (Array.isArray(value)) return value.map((one: unknown, n) => (n === key ? put(one, rest, at) : one))
  if (!isJsonObject(value)) return value
  const {[key]: was, ...others} = value
  const now = put(was, rest, at)
  return now === undefined ? others : {...others, [key]: now}
}
