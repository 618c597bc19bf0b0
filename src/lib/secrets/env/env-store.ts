import {UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import {encodeCredentials} from '../credentials.js'
import type {SecretKey, SecretStore, ServiceCredentials, StoreStatus} from '../types.js'

/** The ID of the environment's pair, as it is not known which service token it belongs to. */
const ENVIRONMENT_ID = 'env'

/** CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET as a read-only store. */
export class EnvironmentStore implements SecretStore {
  readonly kind = 'env'
  readonly label = 'the environment (CF_ACCESS_CLIENT_ID, CF_ACCESS_CLIENT_SECRET)'
  readonly writable = false
  readonly readable = true
  readonly #credentials: ServiceCredentials | undefined

  constructor(credentials: ServiceCredentials | undefined) {
    this.#credentials = credentials
  }

  status(): Promise<StoreStatus> {
    return Promise.resolve(
      this.#credentials
        ? {state: 'ready', why: undefined, next: []}
        : {
            state: 'absent',
            why: 'CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET are not set.',
            next: ['Set both, or use another store'],
          },
    )
  }

  get(key: SecretKey): Promise<Secret | undefined> {
    return Promise.resolve(
      this.#holds(key) && this.#credentials ? encodeCredentials(this.#credentials) : undefined,
    )
  }

  has(key: SecretKey): Promise<boolean> {
    return Promise.resolve(this.#holds(key))
  }

  list(): Promise<SecretKey[]> {
    return Promise.resolve(this.#credentials ? [{kind: 'service-token', id: ENVIRONMENT_ID}] : [])
  }

  set(): Promise<void> {
    return Promise.reject(readOnly())
  }

  delete(): Promise<boolean> {
    return Promise.reject(readOnly())
  }

  #holds({kind, id}: SecretKey): boolean {
    return kind === 'service-token' && id === ENVIRONMENT_ID && this.#credentials !== undefined
  }
}

function readOnly(): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_READ_ONLY',
    message: 'The environment cannot keep a secret',
    why: 'It is read-only: a variable lasts only as long as its process.',
    next: ['Use --store keychain or --store vault'],
  })
}
