import fs from 'node:fs/promises'
import path from 'node:path'
import {isJsonObject} from '../../core/context.js'
import {UserError, hasCode} from '../../core/errors.js'
import {refuseIfOthersCanRead, removeFile, writeFileAtomic} from '../../core/files.js'
import {Secret} from '../../core/secret.js'
import {accountName, keyOf} from '../keys.js'
import type {SecretKey, SecretStore, StoreStatus} from '../types.js'
import {createVaultIdentity, readIdentity, type IdentityOptions, type VaultKeys} from './identity.js'

export interface VaultOptions {
  directory: string
  identity: IdentityOptions
}

/**
 * A directory of files, each encrypted with age to one identity: what `age --decrypt` opens. The content names its
 * entry, so that a file that was moved in another's place is noticed.
 */
export class Vault implements SecretStore {
  readonly kind = 'vault'
  readonly label: string
  readonly writable = true
  readonly readable = true
  readonly #options: VaultOptions
  #keys: Promise<VaultKeys | undefined> | undefined

  constructor(options: VaultOptions) {
    this.#options = options
    this.label = `the age vault at ${options.directory}`
  }

  async status(): Promise<StoreStatus> {
    try {
      await this.#checkDirectory()
      const keys = await this.#readKeys()
      if (!keys && (await this.#isInUse())) {
        return {
          state: 'broken',
          why: `The vault has entries, and its identity ${this.#options.identity.file} is not there.`,
          next: ['Restore the identity file from a backup'],
        }
      }
      return {state: 'ready', why: undefined, next: []}
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const locked = error.code === 'PASSPHRASE_REQUIRED' || error.code === 'WRONG_PASSPHRASE'
      return {
        state: locked ? 'locked' : 'broken',
        why: `${error.message}. ${error.why ?? ''}`.trim(),
        next: [...error.next],
      }
    }
  }

  async get(key: SecretKey): Promise<Secret | undefined> {
    await this.#checkDirectory()
    const file = this.#file(key)
    let content: Buffer
    try {
      content = await fs.readFile(file)
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    }
    const keys = await this.#readKeys()
    if (!keys) throw damaged(file, 'the identity that opens it is not there')
    const age = await import('age-encryption')
    const decrypter = new age.Decrypter()
    decrypter.addIdentity(keys.identity.expose())
    let entry: unknown
    try {
      entry = JSON.parse(await decrypter.decrypt(new Uint8Array(content), 'text'))
    } catch {
      throw damaged(file, 'it is damaged, or was encrypted for another identity')
    }
    if (!isJsonObject(entry) || entry['v'] !== 1 || typeof entry['value'] !== 'string') {
      throw damaged(file, 'its content is not what zt writes')
    }
    if (entry['kind'] !== key.kind || entry['id'] !== key.id)
      throw damaged(file, 'it belongs to another entry')
    return new Secret(entry['value'])
  }

  async has(key: SecretKey): Promise<boolean> {
    await this.#checkDirectory()
    return fs.stat(this.#file(key)).then(
      () => true,
      (error: unknown) => {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
        throw error
      },
    )
  }

  async list(): Promise<SecretKey[]> {
    await this.#checkDirectory()
    const names = await fs.readdir(this.#options.directory).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
      throw error
    })
    return names.flatMap(
      (name) =>
        keyOf(name.replace(/\.age$/, '').replace(/^(service-token|api-token|spool-key)-/, '$1/')) ?? [],
    )
  }

  async set(key: SecretKey, value: Secret): Promise<void> {
    await this.#checkDirectory()
    const {recipient} = (await this.#readKeys()) ?? (await this.#makeKeys())
    const age = await import('age-encryption')
    const encrypter = new age.Encrypter()
    encrypter.addRecipient(recipient)
    const entry = {v: 1, kind: key.kind, id: key.id, value: value.expose()}
    await writeFileAtomic(this.#file(key), await encrypter.encrypt(JSON.stringify(entry)))
  }

  async delete(key: SecretKey): Promise<boolean> {
    await this.#checkDirectory()
    return removeFile(this.#file(key))
  }

  #readKeys(): Promise<VaultKeys | undefined> {
    this.#keys ??= readIdentity(this.#options.identity)
    // A failure may be mended by the next try (a passphrase typed wrong).
    this.#keys.catch(() => {
      this.#keys = undefined
    })
    return this.#keys
  }

  async #makeKeys(): Promise<VaultKeys> {
    if (await this.#isInUse())
      throw damaged(this.#options.directory, 'the identity that opens it is not there')
    const keys = await createVaultIdentity(this.#options.identity.file)
    this.#keys = Promise.resolve(keys)
    return keys
  }

  async #isInUse(): Promise<boolean> {
    const names = await fs.readdir(this.#options.directory).catch(() => [])
    return names.some((name) => name.endsWith('.age'))
  }

  async #checkDirectory(): Promise<void> {
    try {
      await refuseIfOthersCanRead(this.#options.directory)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }

  #file(key: SecretKey): string {
    return path.join(this.#options.directory, `${accountName(key).replace('/', '-')}.age`)
  }
}

function damaged(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'VAULT_DAMAGED',
    message: `Cannot open ${file}`,
    why: `In the vault, ${why}.`,
    next: ['Restore the vault and its identity from a backup'],
    details: {file},
  })
}
