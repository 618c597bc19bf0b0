import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import type {SecretStore, StoredCredentials} from './types.js'

/** {@link StoredCredentials} as they lie in a store. */
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

/**
 * Saves a service token's pair and reads it back; from a store that cannot be read, at least that it is there.
 *
 * @throws UserError `needs-action` / `STORE_READBACK_MISMATCH` when the store did not keep what it was given
 */
export async function saveCredentials(
  store: SecretStore,
  tokenId: string,
  credentials: StoredCredentials,
): Promise<void> {
  const value = encodeCredentials(credentials)
  const key = {kind: 'service-token', id: tokenId} as const
  await store.set(key, value)
  if (!store.readable && (await store.has(key))) return
  const kept = store.readable ? await store.get(key) : undefined
  if (kept?.equals(value)) return
  throw new UserError({
    kind: 'needs-action',
    code: 'STORE_READBACK_MISMATCH',
    message: `${store.label} did not keep the secret`,
    why: kept ? 'It gives back something else than what was saved.' : 'It said that it had, and has nothing.',
    next: ['Use another store: --store vault'],
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
    // Neither the parser's message nor the validator's may get out: both quote their input.
    throw new UserError({
      kind: 'config',
      code: 'STORED_SECRET_DAMAGED',
      message: `What ${store.label} holds for this service token is damaged`,
      why: 'It is not what zt writes. Something else may have written there.',
      details: {store: store.kind, tokenId},
    })
  }
}
