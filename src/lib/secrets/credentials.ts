import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import type {SecretKey, SecretStore, StoredCredentials} from './types.js'

/** {@link StoredCredentials} as a store holds them. */
const schema = v.looseObject({
  v: v.literal(1),
  client_id: v.pipe(v.string(), v.minLength(1)),
  client_secret: v.pipe(v.string(), v.minLength(1)),
  previous: v.optional(v.looseObject({client_secret: v.string(), until: v.string()})),
  superseded: v.optional(v.boolean()),
})

export function encodeCredentials({clientId, clientSecret, previous, superseded}: StoredCredentials): Secret {
  return new Secret(
    JSON.stringify({
      v: 1,
      client_id: clientId,
      client_secret: clientSecret.expose(),
      ...(previous && {previous: {client_secret: previous.clientSecret.expose(), until: previous.until}}),
      ...(superseded && {superseded}),
    }),
  )
}

/** Saves a service token's pair with {@link saveAndReadBack}. */
export function saveCredentials(
  store: SecretStore,
  tokenId: string,
  credentials: StoredCredentials,
): Promise<void> {
  return saveAndReadBack(
    store,
    {kind: 'service-token', id: tokenId},
    encodeCredentials(credentials),
    'the secret',
  )
}

/**
 * Saves a value and reads it back; in a store that cannot be read, looks whether it is there.
 *
 * @param what the value, for the error: `the secret`
 * @param more a sentence for the error
 * @throws UserError `needs-action` / `STORE_READBACK_MISMATCH` when the store did not keep it
 */
export async function saveAndReadBack(
  store: SecretStore,
  key: SecretKey,
  value: Secret,
  what: string,
  more = '',
): Promise<void> {
  await store.set(key, value)
  const kept = store.readable ? await store.get(key) : undefined
  if (store.readable ? kept?.equals(value) : await store.has(key)) return
  const why = kept
    ? 'It returns another value than the one saved.'
    : 'It reported success, but does not have the secret.'
  throw new UserError({
    kind: 'needs-action',
    code: 'STORE_READBACK_MISMATCH',
    message: `${store.label} did not keep ${what}`,
    why: `${why} ${more}`.trim(),
    next: ['Use another store: zt store list'],
    details: {store: store.kind},
  })
}

/**
 * The pair of a service token; undefined when the store has none.
 *
 * @throws UserError `config` / `STORED_SECRET_DAMAGED`
 */
export async function readCredentials(
  store: SecretStore,
  tokenId: string,
): Promise<StoredCredentials | undefined> {
  const value = await store.get({kind: 'service-token', id: tokenId})
  if (!value) return undefined
  try {
    const entry = v.parse(schema, JSON.parse(value.expose()))
    return {
      clientId: entry.client_id,
      clientSecret: new Secret(entry.client_secret),
      previous: entry.previous && {
        clientSecret: new Secret(entry.previous.client_secret),
        until: entry.previous.until,
      },
      superseded: entry.superseded ?? false,
    }
  } catch {
    // The messages of the parser and the validator quote their input, so neither is shown.
    throw new UserError({
      kind: 'config',
      code: 'STORED_SECRET_DAMAGED',
      message: `What ${store.label} holds for this service token is damaged`,
      why: 'It is not in the form that zt writes. Another program may have written it.',
      details: {store: store.kind, tokenId},
    })
  }
}
