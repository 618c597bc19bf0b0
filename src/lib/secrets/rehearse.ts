import {randomBytes} from 'node:crypto'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import type {SecretKey, SecretStore} from './types.js'

/**
 * Writes a random value, reads it back and removes it: a store that fails here would have lost a one-time secret. It also
 * brings the store's prompts forward, before anything is created. In a store that cannot be read, the entry must at least
 * be there.
 */
export async function rehearse(store: SecretStore): Promise<void> {
  const key = {kind: 'spool-key', id: randomBytes(12).toString('hex')} as const
  const value = new Secret(randomBytes(48).toString('base64url'))
  try {
    await store.set(key, value)
    await requireKept(store, key, value)
  } catch (error) {
    // The store takes but does not give (a helper whose key is gone): remove what was tried.
    await store.delete(key).catch(() => false)
    throw error
  }
  if (!(await store.delete(key))) throw doesNotKeep(store)
}

/**
 * Reads back what was just saved. In a store that cannot be read, looks whether it is there.
 *
 * @throws UserError `needs-action` / `STORE_REHEARSAL_FAILED`
 */
export async function requireKept(store: SecretStore, key: SecretKey, value: Secret): Promise<void> {
  const kept = store.readable ? (await store.get(key))?.equals(value) : await store.has(key)
  if (!kept) throw doesNotKeep(store)
}

function doesNotKeep(store: SecretStore): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_REHEARSAL_FAILED',
    message: `${store.label} does not keep what it is given`,
    why: 'A random value was saved there as a test and could not be read back. Nothing else was done.',
    next: ['Use another store: --store vault'],
    details: {store: store.kind},
  })
}
