import {UserError} from '../../core/errors.js'
import {ZT_PAIR} from '../../core/pair-variables.js'
import type {Secret} from '../../core/secret.js'
import {encodeCredentials} from '../credentials.js'
import type {SecretKey, SecretStore, StoreStatus} from '../types.js'
import type {EnvironmentPair} from './environment-pair.js'

/** The ID of the environment's pair, as it is not known which service token it belongs to. */
const ENVIRONMENT_ID = 'env'

/** The pair in the environment as a read-only store. */
export class EnvironmentStore implements SecretStore {
  readonly kind = 'env'
  readonly label: string
  readonly writable = false
  readonly readable = true
  readonly #credentials: EnvironmentPair | undefined

  constructor(credentials: EnvironmentPair | undefined) {
    this.#credentials = credentials
    const {id, secret} = credentials?.names ?? ZT_PAIR
    this.label = `the environment (${id}, ${secret})`
  }

  status(): Promise<StoreStatus> {
    return Promise.resolve(
      this.#credentials
        ? {state: 'ready', why: undefined, next: []}
        : {
            state: 'absent',
            why: `${ZT_PAIR.id} and ${ZT_PAIR.secret} are not set.`,
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
