import {randomBytes} from 'node:crypto'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import type {SecretStore} from './types.js'

/**
 * Writes a random value, reads it back and removes it: what fails here would have lost a one-time secret. Prompts
 * that the store needs come up now as well, before anything has been made. In a store that cannot be read the entry
 * must at least be there.
 */
export async function rehearse(store: SecretStore): Promise<void> {
  const key = {kind: 'spool-key', id: randomBytes(12).toString('hex')} as const
  const value = new Secret(randomBytes(48).toString('base64url'))
  await store.set(key, value)
  let kept: boolean
  try {
    kept = store.readable ? ((await store.get(key))?.equals(value) ?? false) : await store.has(key)
  } catch (error) {
    // The store takes and does not give (a helper whose key is gone): the try itself should not stay behind.
    await store.delete(key).catch(() => false)
    throw error
  }
  const removed = await store.delete(key)
  if (kept && removed) return
  throw new UserError({
    kind: 'needs-action',
    code: 'STORE_REHEARSAL_FAILED',
    message: `${store.label} does not keep what it is given`,
    why: 'A random value was saved there to try, and did not come back. Nothing else was done.',
    next: ['Use another store: --store vault'],
    details: {store: store.kind},
  })
}
