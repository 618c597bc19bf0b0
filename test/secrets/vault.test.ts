import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {storeContract} from './store-contract.js'

let home: string
const KEY = {kind: 'service-token', id: 'one'} as const
const OTHER = {kind: 'service-token', id: 'other'} as const
const CANARY = 'cfast_canary'

const vault = (from = home): Vault =>
  new Vault({directory: path.join(from, 'vault'), identity: {file: path.join(from, 'identity')}})

const temporary = (): Promise<string> => fs.mkdtemp(path.join(os.tmpdir(), 'zt-vault-'))

storeContract(
  'the age vault',
  async () => {
    const folder = await temporary()
    return {
      store: vault(folder),
      reopened: vault(folder),
      end: () => fs.rm(folder, {recursive: true}),
    }
  },
  {runs: 30},
)

describe('Vault', () => {
  beforeEach(async () => {
    home = await temporary()
  })
  afterEach(() => fs.rm(home, {recursive: true, force: true}))

  const file = (id: string): string => path.join(home, 'vault', `service-token-${id}.age`)

  it('leaves no secret in any file, and no file or directory that others can read', async () => {
    await vault().set(KEY, new Secret(CANARY))
    const names = await fs.readdir(home, {recursive: true, withFileTypes: true})
    expect(names.length).toBeGreaterThanOrEqual(3)
    for (const entry of names) {
      const where = path.join(entry.parentPath, entry.name)
      expect((await fs.stat(where)).mode & 0o077, where).toBe(0)
      if (entry.isFile()) expect(await fs.readFile(where, 'latin1')).not.toContain(CANARY)
    }
  })

  it('refuses a directory that others can read, and says how to mend it', async () => {
    await vault().set(KEY, new Secret(CANARY))
    await fs.chmod(path.join(home, 'vault'), 0o755)
    await expect(vault().get(KEY)).rejects.toMatchObject({next: [expect.stringContaining('chmod')]})
    await expect(vault().set(OTHER, new Secret(CANARY))).rejects.toThrow()
    expect(await vault().status()).toMatchObject({state: 'broken'})
  })

  const damages: [string, () => Promise<void>][] = [
    ['is empty', () => fs.writeFile(file('one'), '')],
    ['is no age file', () => fs.writeFile(file('one'), 'cfast_canary in the plain')],
    ['is cut short', async () => fs.truncate(file('one'), (await fs.stat(file('one'))).size - 5)],
    [
      'has one bit changed',
      async () => {
        const content = await fs.readFile(file('one'))
        content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
        await fs.writeFile(file('one'), content)
      },
    ],
    ['is another entry put in its place', () => fs.copyFile(file('other'), file('one'))],
  ]
  it.each(damages)('does not take for a secret what %s, and quotes nothing of it', async (_, damage) => {
    await vault().set(KEY, new Secret(CANARY))
    await vault().set(OTHER, new Secret('cfast_other'))
    await damage()
    const failure = await vault()
      .get(KEY)
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({code: 'VAULT_DAMAGED', details: {file: file('one')}})
    expect(JSON.stringify(failure) + String(failure)).not.toContain('cfast_')
    expect((await vault().get(OTHER))?.expose()).toBe('cfast_other')
  })

  it('makes no second identity when the first is lost, which would hide the loss', async () => {
    await vault().set(KEY, new Secret(CANARY))
    await fs.rm(path.join(home, 'identity'))
    expect(await vault().status()).toMatchObject({
      state: 'broken',
      why: expect.stringContaining('identity') as string,
    })
    await expect(vault().set(OTHER, new Secret('x'))).rejects.toMatchObject({code: 'VAULT_DAMAGED'})
    await expect(vault().get(KEY)).rejects.toMatchObject({code: 'VAULT_DAMAGED'})
    await expect(fs.access(path.join(home, 'identity'))).rejects.toThrow()
  })

  it('is opened by the age format itself, with the identity in its file', async () => {
    await vault().set(KEY, new Secret(CANARY))
    const age = await import('age-encryption')
    const decrypter = new age.Decrypter()
    const identity = await fs.readFile(path.join(home, 'identity'), 'utf8')
    decrypter.addIdentity(/^AGE-SECRET-KEY-\S+$/m.exec(identity)?.[0] ?? '')
    expect(JSON.parse(await decrypter.decrypt(await fs.readFile(file('one')), 'text'))).toMatchObject({
      kind: 'service-token',
      id: 'one',
      value: CANARY,
    })
  })
})
