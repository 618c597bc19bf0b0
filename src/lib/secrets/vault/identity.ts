import path from 'node:path'
import {files as fs} from '../../system/disk.js'
import {decodeText} from '../../core/decode-text.js'
import {UserError} from '../../core/errors.js'
import {posixPath} from '../../core/posix-path.js'
import {createFileOnce} from '../../system/files.js'
import {readOwnFile} from '../../system/own-files.js'
import {Secret} from '../../core/secret.js'

export interface IdentityOptions {
  file: string
  /** A file that holds the passphrase, for runs without a person. */
  passphraseFile?: string | undefined
  askPassphrase?: ((label: string) => Promise<Secret>) | undefined
}

/** The file may be a link. An identity takes some hundred bytes, an encrypted one a thousand. */
const IDENTITY = {links: 'follow', secret: true, maxBytes: 64 * 1024} as const
const MOST_PASSPHRASE_BYTES = 4096
/** What a shell replaces <(COMMAND) with. */
const PIPES = [posixPath('/dev/fd'), posixPath('/proc/self/fd')]

/** The key pair of the vault, in age's terms. The identity is secret, the recipient is not. */
export interface VaultKeys {
  identity: Secret
  recipient: string
}

/** Reads an identity file of `age-keygen`, plain or encrypted with a passphrase. Undefined when there is none. */
export async function readIdentity(options: IdentityOptions): Promise<VaultKeys | undefined> {
  const {file} = options
  const content = readIdentityFile(file)
  if (!content) return undefined
  const age = await import('age-encryption')
  const text = isEncrypted(content) ? await decryptIdentity(content, options) : content.toString('utf8')
  const line = text.split('\n').find((candidate) => candidate.startsWith('AGE-SECRET-KEY-'))
  if (line === undefined) throw badIdentity(file, 'It has no line that begins with AGE-SECRET-KEY-.')
  try {
    const identity = new Secret(line.trim())
    return {identity, recipient: await age.identityToRecipient(identity.expose())}
  } catch {
    throw badIdentity(file, 'Its key is damaged.')
  }
}

/**
 * Makes a new identity file (0600).
 *
 * @param passphrase protects the file; without it, only the file's permissions do
 * @throws UserError `conflict` / `IDENTITY_EXISTS`: an identity is never replaced, as the vault would be lost
 */
export async function createVaultIdentity(
  file: string,
  passphrase?: Secret,
  scryptWorkFactor?: number,
): Promise<VaultKeys> {
  if (await identityExists(file)) throw identityTaken(file)
  const age = await import('age-encryption')
  const identity = new Secret(await age.generateX25519Identity())
  const recipient = await age.identityToRecipient(identity.expose())
  const text = `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity.expose()}\n`
  let content = text
  if (passphrase !== undefined) {
    const encrypter = new age.Encrypter()
    encrypter.setPassphrase(passphrase.expose())
    if (scryptWorkFactor !== undefined) encrypter.setScryptWorkFactor(scryptWorkFactor)
    content = age.armor.encode(await encrypter.encrypt(text))
  }
  // Several processes may be the first at the same time: one makes the identity, and all use it.
  if (!(await createFileOnce(file, content))) throw identityTaken(file)
  if (readOwnFile(file, IDENTITY)?.toString('utf8') !== content)
    throw badIdentity(file, 'It does not hold what was just written.')
  return {identity, recipient}
}

/** The error instead of replacing an identity. */
export function identityTaken(file: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'IDENTITY_EXISTS',
    message: `There is already an identity at ${file}`,
    why: 'It is not replaced: without it, the secrets in the vault would be lost.',
    next: ['zt store use vault', 'To protect this identity: age --passphrase --armor'],
  })
}

/**
 * Whether the identity needs a passphrase.
 *
 * @returns undefined when there is no identity
 */
export async function needsPassphrase(file: string): Promise<boolean | undefined> {
  const content = readIdentityFile(file)
  return content && isEncrypted(content)
}

/** In UTF-8: `age-keygen > FILE` in Windows PowerShell makes one in UTF-16. An encrypted one need not be text. */
function readIdentityFile(file: string): Buffer | undefined {
  const content = readOwnFile(file, IDENTITY)
  const text = content && decodeText(content)
  return text === undefined ? content : Buffer.from(text)
}

const BINARY = 'age-encryption.org/v1'
const ARMOR = '-----BEGIN AGE ENCRYPTED FILE-----'

function isEncrypted(content: Buffer): boolean {
  const start = content.toString('latin1', 0, 64).trimStart()
  return start.startsWith(BINARY) || start.startsWith(ARMOR)
}

async function decryptIdentity(content: Buffer, options: IdentityOptions): Promise<string> {
  const age = await import('age-encryption')
  const passphrase = await readPassphrase(options)
  const decrypter = new age.Decrypter()
  decrypter.addPassphrase(passphrase.expose())
  const text = content.toString('latin1').trimStart()
  try {
    const binary = text.startsWith(ARMOR) ? age.armor.decode(text) : new Uint8Array(content)
    return await decrypter.decrypt(binary, 'text')
  } catch {
    throw new UserError({
      kind: 'needs-action',
      code: 'WRONG_PASSPHRASE',
      message: `The passphrase does not open ${options.file}`,
      why: 'The passphrase is wrong, or the file is damaged.',
    })
  }
}

async function readPassphrase(options: IdentityOptions): Promise<Secret> {
  if (options.passphraseFile !== undefined) {
    return readPassphraseFile(options.passphraseFile)
  }
  if (options.askPassphrase) return options.askPassphrase(`Passphrase of ${path.basename(options.file)}`)
  throw passphraseRequired(options.file)
}

/** Reads a passphrase from a file that only its owner can read. A newline at its end is ignored. */
export async function readPassphraseFile(file: string): Promise<Secret> {
  let content: Buffer | undefined
  try {
    content =
      PIPES.includes(path.posix.dirname(file)) && /\/\d+$/.test(file)
        ? await fs.readFile(file)
        : readOwnFile(file, {links: 'follow', secret: true, maxBytes: MOST_PASSPHRASE_BYTES})
  } catch (error) {
    if (error instanceof UserError && error.code !== 'FILE_NOT_READABLE') throw error
    throw passphraseUnreadable(file, error instanceof UserError ? error.why : undefined, error)
  }
  if (!content) throw passphraseUnreadable(file, 'It does not exist.')
  return new Secret((decodeText(content) ?? content.toString('utf8')).replace(/\r?\n$/, ''))
}

function passphraseUnreadable(file: string, why = 'It cannot be read.', cause?: unknown): UserError {
  return new UserError({
    kind: 'config',
    code: 'PASSPHRASE_FILE_UNREADABLE',
    message: `The passphrase file ${file} cannot be read`,
    why,
    next: ['Set ZT_VAULT_PASSPHRASE_FILE to a file with the passphrase (mode 0600)'],
    cause,
  })
}

export function passphraseRequired(file: string): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'PASSPHRASE_REQUIRED',
    message: `The passphrase of ${file} is needed, but zt cannot prompt for it here`,
    next: ['Set ZT_VAULT_PASSPHRASE_FILE to a file with the passphrase (mode 0600)'],
  })
}

function badIdentity(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'BAD_IDENTITY',
    message: `${file} is not an age identity`,
    why,
    next: ['Restore it from a backup; without it, the vault cannot be opened'],
  })
}

/** Whether the identity file exists. */
export async function identityExists(file: string): Promise<boolean> {
  return fs.stat(file).then(
    () => true,
    () => false,
  )
}
