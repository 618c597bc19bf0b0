import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {createVaultIdentity, needsPassphrase, readIdentity} from '../../src/lib/secrets/vault/identity.js'

/** Forms in which PowerShell, cmd and Notepad save a text. */
const FORMS: [form: string, bytes: (text: string) => Buffer][] = [
  ['UTF-16 with a mark', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['UTF-8 with a mark', (text) => Buffer.from(`\uFEFF${text}`)],
  ['CRLF', (text) => Buffer.from(text.replaceAll(/(?<!\r)\n/g, '\r\n'))],
]
/** A cheap one, for tests. */
const WORK_FACTOR = 2

describe('files of the vault that another program has saved', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-identity-'))
  })
  afterEach(() => fs.rm(directory, {recursive: true}))

  it.each(FORMS)('an identity in %s is read', async (_, bytes) => {
    const file = path.join(directory, 'identity.txt')
    const {recipient} = await createVaultIdentity(file)
    const text = await fs.readFile(file, 'utf8')
    // As of a file that begins with its key.
    const key = text.slice(text.indexOf('AGE-SECRET-KEY-'))
    for (const saved of [text, key]) {
      await fs.writeFile(file, bytes(saved))
      await expect(readIdentity({file})).resolves.toMatchObject({recipient})
    }
  })

  it.each(FORMS)('one that a passphrase protects, and the passphrase, in %s are read', async (_, bytes) => {
    const file = path.join(directory, 'identity.txt')
    const passphraseFile = path.join(directory, 'passphrase')
    const {recipient} = await createVaultIdentity(file, new Secret('gr\u00fcn und alt'), WORK_FACTOR)
    await fs.writeFile(passphraseFile, bytes('gr\u00fcn und alt\n'), {mode: 0o600})
    await expect(readIdentity({file, passphraseFile})).resolves.toMatchObject({recipient})
    await fs.writeFile(file, bytes(await fs.readFile(file, 'utf8')))
    await expect(needsPassphrase(file)).resolves.toBe(true)
    await expect(readIdentity({file, passphraseFile})).resolves.toMatchObject({recipient})
  })
})
