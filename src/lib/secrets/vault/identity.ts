import fs from 'node:fs/promises'
import path from 'node:path'
import {UserError, hasCode} from '../../core/errors.js'
import {refuseIfOthersCanRead, writeFileAtomic} from '../../core/files.js'
import {Secret} from '../../core/secret.js'

export interface IdentityOptions {
  file: string
  /** A file that holds the passphrase, for runs without a person. */
  passphraseFile?: string | undefined
  askPassphrase?: ((label: string) => Promise<Secret>) | undefined
}

/** What opens the vault, in the words of age. The identity is secret, the recipient is not. */
export interface VaultKeys {
  identity: Secret
  recipient: string
}

/** Reads the identity file as `age-keygen` writes it, plain or itself encrypted with a passphrase. Undefined when there is none. */
export async function readIdentity(options: IdentityOptions): Promise<VaultKeys | undefined> {
  const {file} = options
  let content: Buffer
  try {
    await refuseIfOthersCanRead(file)
    content = await fs.readFile(file)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
  const age = await import('age-encryption')
  const text = isEncrypted(content) ? await decryptIdentity(content, options) : content.toString('utf8')
  const line = text.split('\n').find((candidate) => candidate.startsWith('AGE-SECRET-KEY-'))
  if (line === undefined) throw badIdentity(file, 'It holds no line that begins with AGE-SECRET-KEY-.')
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
 * @param passphrase protects the file; without it the file's permissions alone do
 * @throws UserError `conflict` / `IDENTITY_EXISTS`: an identity is never replaced, the vault would be lost
 */
export async function createVaultIdentity(
  file: string,
  passphrase?: Secret,
  scryptWorkFactor?: number,
): Promise<VaultKeys> {
  if (await exists(file)) {
    throw new UserError({
      kind: 'conflict',
      code: 'IDENTITY_EXISTS',
      message: `There is already an identity at ${file}`,
      why: 'Without it nobody could open what it protects, so it is not replaced.',
    })
  }
  const age = await import('age-encryption')
  const identity = new Secret(await age.generateX25519Identity())
  const recipient = await age.identityToRecipient(identity.expose())
  const text = `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity.expose()}\n`
  if (passphrase === undefined) {
    await writeFileAtomic(file, text)
  } else {
    const encrypter = new age.Encrypter()
    encrypter.setPassphrase(passphrase.expose())
    if (scryptWorkFactor !== undefined) encrypter.setScryptWorkFactor(scryptWorkFactor)
    await writeFileAtomic(file, age.armor.encode(await encrypter.encrypt(text)))
  }
  return {identity, recipient}
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
      why: 'It is another one, or the file is damaged.',
    })
  }
}

async function readPassphrase(options: IdentityOptions): Promise<Secret> {
  if (options.passphraseFile !== undefined) {
    await refuseIfOthersCanRead(options.passphraseFile)
    return new Secret((await fs.readFile(options.passphraseFile, 'utf8')).replace(/\r?\n$/, ''))
  }
  if (options.askPassphrase) return options.askPassphrase(`Passphrase of ${path.basename(options.file)}`)
  throw new UserError({
    kind: 'needs-action',
    code: 'PASSPHRASE_REQUIRED',
    message: `The passphrase of ${options.file} is needed, and nobody can be asked`,
    next: ['Set ZT_VAULT_PASSPHRASE_FILE to a file that holds it (mode 0600)'],
  })
}

function badIdentity(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'BAD_IDENTITY',
    message: `${file} is not an age identity`,
    why,
    next: ['Restore it from a backup: without it the vault cannot be opened'],
  })
}

async function exists(file: string): Promise<boolean> {
  return fs.stat(file).then(
    () => true,
    () => false,
  )
}
