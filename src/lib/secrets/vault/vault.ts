import path from 'node:path'
import {files as fs, filesSync} from '../../system/disk.js'
import {isJsonObject} from '../../core/json.js'
import {UserError, hasCode} from '../../core/errors.js'
import {namesIn, refuseIfOthersCanRead, removeFile, writeFileAtomic} from '../../system/files.js'
import {readOwnFile} from '../../system/own-files.js'
import {said} from '../../core/said.js'
import {Secret} from '../../core/secret.js'
import {accountName, keyOf} from '../keys.js'
import type {SecretKey, SecretStore, StoreStatus} from '../types.js'
import {
  createVaultIdentity,
  needsPassphrase,
  passphraseRequired,
  readIdentity,
  type IdentityOptions,
  type VaultKeys,
} from './identity.js'
import {memoryWarning} from './memory.js'
import {checkRecipients} from './recipients.js'
import {removing} from '../../core/shell-words.js'

export interface VaultOptions {
  directory: string
  identity: IdentityOptions
  /**
   * Recipients (`age1…`) to encrypt to. With these no identity is made; without an identity the vault can be written but
   * not read.
   */
  recipients?: readonly string[] | undefined
}

/** Where the identity is, or would be made. */
export function vaultIdentityFile({
  identityFile,
  configDir,
}: {
  identityFile?: string | undefined
  configDir: string
}): string {
  return identityFile ?? path.join(configDir, 'identity.txt')
}

/**
 * A directory of files, each encrypted with age to one identity, so that `age --decrypt` opens them. The content names its
 * entry, so that a file in the place of another is noticed.
 */
export class Vault implements SecretStore {
  readonly kind = 'vault'
  readonly label: string
  readonly writable = true
  readonly #options: VaultOptions
  readonly #recipients: readonly string[]
  #keys: Promise<VaultKeys | undefined> | undefined

  constructor(options: VaultOptions) {
    this.#options = options
    this.#recipients = options.recipients ?? []
    this.label = `the age vault at ${options.directory}`
  }

  get readable(): boolean {
    return this.#recipients.length === 0 || filesSync.existsSync(this.#options.identity.file)
  }

  async status(): Promise<StoreStatus> {
    await checkRecipients(this.#recipients)
    try {
      await this.#checkDirectory()
      if (this.readable) {
        const trouble = await this.#identityTrouble()
        if (trouble) return trouble
      }
      const warning = await memoryWarning(this.#options.directory)
      return {state: 'ready', why: undefined, next: [], ...(warning !== undefined && {warning})}
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const locked = error.code === 'PASSPHRASE_REQUIRED' || error.code === 'WRONG_PASSPHRASE'
      return {
        state: locked ? 'locked' : 'broken',
        why: said(error),
        next: [...error.next],
      }
    }
  }

  /** Opens the identity only if that needs no prompt. */
  async #identityTrouble(): Promise<StoreStatus | undefined> {
    const {file, passphraseFile, askPassphrase} = this.#options.identity
    const encrypted = await needsPassphrase(file)
    if (encrypted === undefined) {
      if (!(await this.#isInUse())) return undefined
      return {
        state: 'broken',
        why: `The vault has entries, but its identity ${file} is missing.`,
        next: ['Restore the identity file from a backup'],
      }
    }
    if (!encrypted || passphraseFile !== undefined) await this.#readKeys()
    else if (!askPassphrase) throw passphraseRequired(file)
    return undefined
  }

  async get(key: SecretKey): Promise<Secret | undefined> {
    const file = this.#file(key)
    if (!this.readable) throw this.#writeOnly()
    await this.#checkDirectory()
    const content = readOwnFile(file)
    if (!content) return undefined
    const keys = await this.#readKeys()
    if (!keys) throw damaged(file, 'the identity that opens it is missing')
    const age = await import('age-encryption')
    const decrypter = new age.Decrypter()
    decrypter.addIdentity(keys.identity.expose())
    let entry: unknown
    try {
      entry = JSON.parse(await textOf(await decrypter.decrypt(streamOf(content))))
    } catch {
      throw damaged(file, 'the file is damaged or was encrypted to another identity')
    }
    if (!isJsonObject(entry) || entry['v'] !== 1 || typeof entry['value'] !== 'string') {
      throw damaged(file, 'the file is not in the form that zt writes')
    }
    if (entry['kind'] !== key.kind || entry['id'] !== key.id)
      throw damaged(file, 'the file belongs to another entry')
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
    const names = await namesIn(this.#options.directory)
    return names.flatMap((name) => {
      const [, kind = '', id = ''] = /^(service-token|api-token|spool-key)-(.+)\.age$/.exec(name) ?? []
      return keyOf(`${kind}/${id}`) ?? []
    })
  }

  async set(key: SecretKey, value: Secret): Promise<void> {
    const file = this.#file(key)
    await checkRecipients(this.#recipients)
    await this.#checkDirectory()
    const recipients = await this.#allRecipients()
    const age = await import('age-encryption')
    const encrypter = new age.Encrypter()
    for (const recipient of recipients) encrypter.addRecipient(recipient)
    const entry = {v: 1, kind: key.kind, id: key.id, value: value.expose()}
    await writeFileAtomic(file, await encrypter.encrypt(JSON.stringify(entry)))
  }

  async delete(key: SecretKey): Promise<boolean> {
    await this.#checkDirectory()
    return removeFile(this.#file(key))
  }

  removalCommand(key: SecretKey, platform: NodeJS.Platform = process.platform): string {
    return removing(this.#file(key), platform)
  }

  /** The given recipients, and that of the identity, so that this machine can read what it writes. */
  async #allRecipients(): Promise<string[]> {
    const keys = await this.#readKeys()
    if (keys) return [...new Set([...this.#recipients, keys.recipient])]
    if (this.#recipients.length > 0) return [...this.#recipients]
    return [(await this.#makeKeys()).recipient]
  }

  async #readKeys(): Promise<VaultKeys | undefined> {
    this.#keys ??= readIdentity(this.#options.identity)
    try {
      const keys = await this.#keys
      // Another process may make them at any time.
      if (!keys) this.#keys = undefined
      return keys
    } catch (error) {
      // The next try may succeed (after a mistyped passphrase).
      this.#keys = undefined
      throw error
    }
  }

  /** Makes the identity, unless another process has made it meanwhile. */
  async #makeKeys(): Promise<VaultKeys> {
    const inUse = await this.#isInUse()
    // Read after the entries: the identity is made before the first entry is written.
    const others = await this.#readKeys()
    if (others) return others
    if (inUse) throw damaged(this.#options.directory, 'the identity that opens it is missing')
    try {
      return await createVaultIdentity(this.#options.identity.file)
    } catch (error) {
      const keys = error instanceof UserError && error.code === 'IDENTITY_EXISTS' && (await this.#readKeys())
      if (keys) return keys
      throw error
    }
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

  #writeOnly(): UserError {
    const {file} = this.#options.identity
    return new UserError({
      kind: 'needs-action',
      code: 'STORE_WRITE_ONLY',
      message: `${this.label} can be written here, but not read`,
      why: `It is encrypted to recipients only, and there is no identity at ${file}.`,
      next: [
        `Read it on a machine that has the identity, or put the identity at ${file} (or set ZT_VAULT_IDENTITY to its file)`,
      ],
      details: {store: this.kind},
    })
  }

  #file(key: SecretKey): string {
    return path.join(this.#options.directory, `${accountName(key).replace('/', '-')}.age`)
  }
}

/** Given bytes, age would make a stream with `Response`, for which node loads all of `fetch`: 11 ms. */
function streamOf(content: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(content)
      controller.close()
    },
  })
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
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
