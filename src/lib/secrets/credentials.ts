import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import type {SecretStore, ServiceCredentials} from './types.js'

/** What a store keeps for a service token. `previous` is for a rotation whose old secret still works. */
const schema = v.looseObject({
  v: v.literal(1),
  client_id: v.pipe(v.string(), v.minLength(1)),
  client_secret: v.pipe(v.string(), v.minLength(1)),
  previous: v.optional(v.looseObject({client_secret: v.string(), until: v.string()})),
})

export function encodeCredentials({clientId, clientSecret}: ServiceCredentials): Secret {
  return new Secret(JSON.stringify({v: 1, client_id: clientId, client_secret: clientSecret.expose()}))
}

/**
 * Saves a service token's pair and reads it back.
 *
 * @throws UserError `needs-action` / `STORE_READBACK_MISMATCH` when the store did not keep what it was given
 */
export async function saveCredentials(
  store: SecretStore,
  tokenId: string,
  credentials: ServiceCredentials,
): Promise<void> {
  const value = encodeCredentials(credentials)
  const key = {kind: 'service-token', id: tokenId} as const
  await store.set(key, value)
  const kept = await store.get(key)
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
): Promise<ServiceCredentials | undefined> {
  const value = await store.get({kind: 'service-token', id: tokenId})
  if (!value) return undefined
  try {
    const entry = v.parse(schema, JSON.parse(value.expose()))
    return {clientId: entry.client_id, clientSecret: new Secret(entry.client_secret)}
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
