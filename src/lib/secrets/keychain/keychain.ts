import {UserError} from '../../core/errors.js'
import {Secret} from '../../core/secret.js'
import {storeEnvironment} from '../../system/child-environment.js'
import {accountName, keyOf} from '../keys.js'
import {safeMessage} from '../safe-message.js'
import type {SecretKey, SecretStore, StoreStatus} from '../types.js'
import {listAccounts, probeSecretService, type BusEnvironment, type ProbedStatus} from './probe.js'
import {failed, runChild, type RunChild} from './run-child.js'
import type {ChildAnswer, ChildRequest} from './protocol.js'

export interface KeychainOptions {
  environment: BusEnvironment
  /** Where the single executable unpacks its native part; not needed elsewhere. */
  addonDirectory?: string | undefined
  /** The application's name in the keychain. Tests use their own. */
  service?: string | undefined
  platform?: NodeJS.Platform | undefined
  child?: RunChild | undefined
}

function noLibrary(isLinux: boolean): StoreStatus {
  return {
    state: 'absent',
    why: `The keychain library cannot be loaded${isLinux ? ' (it needs libsecret-1.so.0)' : ''}.`,
    next: [
      isLinux ? 'apt-get install libsecret-1-0, or use --store vault' : 'Reinstall zt, or use --store vault',
    ],
  }
}

/** The operating system's keychain, through keytar. */
export class Keychain implements SecretStore {
  readonly kind = 'keychain'
  readonly label = 'the OS keychain'
  readonly writable = true
  readonly readable = true
  readonly #options: KeychainOptions
  #addonLoads = false
  /** After it has hung once, zt does not wait for it again: waits must not add up. */
  #hung: UserError | undefined

  constructor(options: KeychainOptions) {
    this.#options = options
  }

  async status(): Promise<StoreStatus> {
    if (this.#hung) return {state: 'broken', why: this.#hung.why, next: [...this.#hung.next]}
    if (this.#isLinux) {
      const {hung, ...status} = await probeSecretService(this.#options.environment)
      if (hung) this.#hung = this.#notReady(status)
      if (status.state !== 'ready') return status
    }
    if (!this.#addonLoads) {
      const answer = await this.#ask({operation: 'probe', service: 'zt', account: 'probe'})
      if (!answer.ok)
        return answer.reason === 'no-addon'
          ? noAddon(answer.message, this.#isLinux)
          : noLibrary(this.#isLinux)
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

  /** Only on Linux: elsewhere keytar would open every entry to list it. */
  async list(): Promise<SecretKey[] | undefined> {
    if (!this.#isLinux) return undefined
    if (this.#hung) throw this.#hung
    const answer = await listAccounts(this.#options.environment, this.#service)
    if ('unusable' in answer) throw this.#unusable(answer.unusable)
    return answer.accounts.flatMap((account) => keyOf(account) ?? [])
  }

  async set(key: SecretKey, value: Secret): Promise<void> {
    // The limit of Windows (CRED_MAX_CREDENTIAL_BLOB_SIZE); keytar writes UTF-8.
    if (Buffer.byteLength(value.expose()) > 2560) throw failed('the value is too long for a keychain')
    if (value.expose().includes('\0')) throw failed('a keychain would cut the value at its NUL character')
    await this.#requireUsable()
    this.#read(await this.#ask({...this.#address(key), operation: 'set', value: value.expose()}), value)
  }

  async delete(key: SecretKey): Promise<boolean> {
    return (await this.#perform(key, 'delete')).found
  }

  /** Needs no quoting: neither an account's name nor `service` has characters that are special in a shell. */
  removalCommand(key: SecretKey): string {
    const {service, account} = this.#address(key)
    const platform = this.#options.platform ?? process.platform
    if (platform === 'darwin') return `security delete-generic-password -s ${service} -a ${account}`
    // As keytar names it (keytar_win.cc).
    if (platform === 'win32') return `cmdkey /delete:${service}/${account}`
    return `secret-tool clear service ${service} account ${account}`
  }

  async #perform(
    key: SecretKey,
    operation: 'get' | 'delete',
  ): Promise<{value: string | null; found: boolean}> {
    await this.#requireUsable()
    return this.#read(await this.#ask({...this.#address(key), operation}))
  }

  /** A locked keyring answers "not found" to a read and "nothing deleted" to a delete, so it is never asked. */
  async #requireUsable(): Promise<void> {
    if (this.#hung) throw this.#hung
    if (!this.#isLinux) return
    const status = await probeSecretService(this.#options.environment)
    if (status.state !== 'ready') throw this.#unusable(status)
  }

  #unusable({hung, ...status}: ProbedStatus): UserError {
    const error = this.#notReady(status)
    if (hung) this.#hung = error
    return error
  }

  #notReady({state, why, next}: StoreStatus): UserError {
    return new UserError({
      kind: 'needs-action',
      code: 'STORE_NOT_READY',
      message: `${capital(this.label)} cannot be used`,
      why,
      next,
      details: {store: this.kind, state},
    })
  }

  get #isLinux(): boolean {
    return (this.#options.platform ?? process.platform) === 'linux'
  }

  get #service(): string {
    return this.#options.service ?? 'zt'
  }

  #address(key: SecretKey): {service: string; account: string} {
    return {service: this.#service, account: accountName(key).normalize('NFC')}
  }

  async #ask(request: ChildRequest): Promise<ChildAnswer> {
    const {environment, addonDirectory} = this.#options
    const env = storeEnvironment(environment)
    try {
      return await runChild({...request, addonDirectory}, {env, ...this.#options.child})
    } catch (error) {
      if (error instanceof UserError && error.code === 'KEYCHAIN_HANGS') this.#hung = error
      throw error
    }
  }

  #read(answer: ChildAnswer, given?: Secret): {value: string | null; found: boolean} {
    if (answer.ok) return answer
    if (answer.reason === 'no-addon')
      throw answer.message === ''
        ? failed('its library cannot be loaded')
        : this.#notReady(noAddon(answer.message, this.#isLinux))
    throw failed(
      safeMessage(answer.message, given) ?? 'a message that is not shown, as it may hold the secret',
    )
  }
}

/** @param why empty when the system's loader refused it */
function noAddon(why: string, isLinux: boolean): StoreStatus {
  if (why === '') return noLibrary(isLinux)
  // The keychain may exist, so no other store is used in its place.
  return {state: 'broken', why, next: ['Set XDG_CACHE_HOME to your own directory, or use --store vault']}
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
