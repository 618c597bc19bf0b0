import {UserError} from '../../core/errors.js'
import {Secret} from '../../core/secret.js'
import {accountName} from '../keys.js'
import type {SecretKey, SecretStore, StoreStatus} from '../types.js'
import {probeSecretService, type BusEnvironment} from './probe.js'
import {failed, runChild, type RunChild} from './run-child.js'
import type {ChildAnswer, ChildRequest} from './protocol.js'

export interface KeychainOptions {
  environment: BusEnvironment
  /** The keychain's name for the application. Tests use their own. */
  service?: string | undefined
  platform?: NodeJS.Platform | undefined
  child?: RunChild | undefined
}

const NO_LIBSECRET: StoreStatus = {
  state: 'absent',
  why: 'The keychain library cannot be loaded (on Linux it needs libsecret-1.so.0).',
  next: ['apt-get install libsecret-1-0, or use --store vault'],
}

/** The operating system's keychain, through keytar. */
export class Keychain implements SecretStore {
  readonly kind = 'keychain'
  readonly label = 'the OS keychain'
  readonly writable = true
  readonly readable = true
  readonly #options: KeychainOptions
  #addonLoads = false

  constructor(options: KeychainOptions) {
    this.#options = options
  }

  async status(): Promise<StoreStatus> {
    if ((this.#options.platform ?? process.platform) === 'linux') {
      const status = await probeSecretService(this.#options.environment)
      if (status.state !== 'ready') return status
    }
    if (!this.#addonLoads) {
      const answer = await this.#ask({operation: 'probe', service: 'zt', account: 'probe'})
      if (!answer.ok) return NO_LIBSECRET
      this.#addonLoads = true
    }
    return {state: 'ready', why: undefined, next: []}
  }

  async get(key: SecretKey): Promise<Secret | undefined> {
    const {value} = await this.#perform(key, 'get')
    return value === null ? undefined : new Secret(value)
  }

  async has(key: SecretKey): Promise<boolean> {
    return (await this.#perform(key, 'get')).found
  }

  list(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  async set(key: SecretKey, value: Secret): Promise<void> {
    await this.#requireUsable()
    // Windows keeps at most 2560 bytes, in UTF-16.
    if (value.expose().length > 1280) throw failed('the value is too long for a keychain')
    this.#read(await this.#ask({...this.#address(key), operation: 'set', value: value.expose()}))
  }

  async delete(key: SecretKey): Promise<boolean> {
    return (await this.#perform(key, 'delete')).found
  }

  async #perform(
    key: SecretKey,
    operation: 'get' | 'delete',
  ): Promise<{value: string | null; found: boolean}> {
    await this.#requireUsable()
    return this.#read(await this.#ask({...this.#address(key), operation}))
  }

  /** A locked keyring answers "not there" to a read and "nothing deleted" to a delete, so it is never asked. */
  async #requireUsable(): Promise<void> {
    if ((this.#options.platform ?? process.platform) !== 'linux') return
    const status = await probeSecretService(this.#options.environment)
    if (status.state === 'ready') return
    throw new UserError({
      kind: 'needs-action',
      code: 'STORE_NOT_READY',
      message: `${capital(this.label)} cannot be used`,
      why: status.why,
      next: status.next,
      details: {store: this.kind, state: status.state},
    })
  }

  #address(key: SecretKey): {service: string; account: string} {
    return {service: this.#options.service ?? 'zt', account: accountName(key).normalize('NFC')}
  }

  #ask(request: ChildRequest): Promise<ChildAnswer> {
    const {dbusAddress, runtimeDir} = this.#options.environment
    return runChild(request, {
      ...this.#options.child,
      env: {
        ...process.env,
        ...(dbusAddress !== undefined && {DBUS_SESSION_BUS_ADDRESS: dbusAddress}),
        ...(runtimeDir !== undefined && {XDG_RUNTIME_DIR: runtimeDir}),
      },
    })
  }

  #read(answer: ChildAnswer): {value: string | null; found: boolean} {
    if (answer.ok) return answer
    throw failed(answer.reason === 'no-addon' ? 'its library cannot be loaded' : answer.message)
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
