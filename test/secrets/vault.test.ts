import {execFile, spawnSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {rehearse} from '../../src/lib/secrets/rehearse.js'
import {findLeftovers} from '../../src/lib/secrets/leftovers.js'
import {createVaultIdentity} from '../../src/lib/secrets/vault/identity.js'
import {memoryWarning} from '../../src/lib/secrets/vault/memory.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {storeContract} from './store-contract.js'

const run = promisify(execFile)
const missingAge = await run('age-keygen', ['--version']).then(
  () => undefined,
  () => 'age is not installed (apt-get install age)',
)
if (missingAge !== undefined) process.stderr.write(`SKIPPED: the program age: ${missingAge}\n`)

let home: string
const KEY = {kind: 'service-token', id: 'one'} as const
const OTHER = {kind: 'service-token', id: 'other'} as const
const CANARY = 'cfast_canary'

const vault = (from = home): Vault =>
  new Vault({directory: path.join(from, 'vault'), identity: {file: path.join(from, 'identity')}})

const temporary = (): Promise<string> => fs.mkdtemp(path.join(os.tmpdir(), 'zt-vault-'))

storeContract(
  'the age vault whose identity has a passphrase',
  async () => {
    const folder = await temporary()
    // As low as it goes: what is tested is not how long it takes.
    await createVaultIdentity(path.join(folder, 'identity'), new Secret('a passphrase'), 1)
    const ask = (): Promise<Secret> => Promise.resolve(new Secret('a passphrase'))
    const open = (): Vault =>
      new Vault({
        directory: path.join(folder, 'vault'),
        identity: {file: path.join(folder, 'identity'), askPassphrase: ask},
      })
    return {store: open(), reopened: open(), end: () => fs.rm(folder, {recursive: true})}
  },
  {runs: 5},
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

  it('refuses a directory that others can read, and says how to fix it', async () => {
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

  it('has one identity and every entry when two hundred write the first one at once', async () => {
    const keys = Array.from({length: 200}, (_, at) => ({kind: 'service-token', id: `n${at}`}) as const)
    await Promise.all(keys.map((key) => vault().set(key, new Secret(key.id))))
    const reader = vault()
    for (const key of keys) expect((await reader.get(key))?.expose()).toBe(key.id)
    expect((await fs.readdir(home)).sort()).toEqual(['identity', 'vault'])
    expect((await reader.list()).length).toBe(200)
  })

  it('keeps an identity that is there: it is never replaced', async () => {
    const file = path.join(home, 'identity')
    await createVaultIdentity(file)
    const before = await fs.readFile(file, 'utf8')
    const makers = await Promise.allSettled([
      createVaultIdentity(file),
      createVaultIdentity(file, new Secret('p'), 1),
    ])
    for (const maker of makers)
      expect(maker).toMatchObject({status: 'rejected', reason: {kind: 'conflict', code: 'IDENTITY_EXISTS'}})
    expect(await fs.readFile(file, 'utf8')).toBe(before)
  })

  it.each([
    ['zt cannot prompt', {}, 'locked'],
    ['somebody can be asked', {askPassphrase: () => Promise.reject(new Error('asked'))}, 'ready'],
    ['the file of the passphrase is not there', {passphraseFile: '/nowhere'}, 'broken'],
  ])('with a passphrase is, when %s, reported without a prompt', async (_, identity, state) => {
    const file = path.join(home, 'identity')
    await createVaultIdentity(file, new Secret('p'), 1)
    const store = new Vault({directory: path.join(home, 'vault'), identity: {file, ...identity}})
    expect(await store.status()).toMatchObject({state})
  })

  it.each([
    [0x01021994, /memory \(tmpfs/],
    [0x858458f6, /memory \(ramfs/],
    [0xef53, undefined],
  ])('on a file system of type %i warns: %s', async (type, warning) => {
    const asked: string[] = []
    const said = await memoryWarning(path.join(home, 'not', 'made', 'yet'), (of) => {
      asked.push(of)
      if (of !== home) return Promise.reject(Object.assign(new Error('ENOENT'), {code: 'ENOENT'}))
      return Promise.resolve({type})
    })
    if (warning) expect(said).toMatch(warning)
    else expect(said).toBeUndefined()
    expect(asked.length).toBe(4)
  })

  it.each(['darwin', 'win32'] as const)(
    'on %s the numbers mean something else, and it says nothing',
    async (platform) => {
      expect(await memoryWarning(home, () => Promise.resolve({type: 0x01021994}), platform)).toBeUndefined()
      expect(await memoryWarning(home, () => Promise.resolve({type: 0x01021994}), 'linux')).toBeDefined()
    },
  )
})

describe('a vault with recipients alone', () => {
  let identity: string
  let recipient: string

  beforeEach(async () => {
    home = await temporary()
    identity = path.join(home, 'elsewhere')
    ;({recipient} = await createVaultIdentity(identity))
  })
  afterEach(() => fs.rm(home, {recursive: true, force: true}))

  const open = (recipients = [recipient], file = path.join(home, 'identity')): Vault =>
    new Vault({directory: path.join(home, 'vault'), identity: {file}, recipients})

  it('is written, and read where the identity is', async () => {
    const store = open()
    expect(store.readable).toBe(false)
    expect(await store.status()).toMatchObject({state: 'ready'})
    await rehearse(store)
    await store.set(KEY, new Secret('old'))
    await store.set(KEY, new Secret(CANARY))
    await store.set(OTHER, new Secret('x'))
    await expect(store.get(KEY)).rejects.toMatchObject({
      kind: 'needs-action',
      code: 'STORE_WRITE_ONLY',
      next: [expect.stringContaining('identity') as string],
    })
    expect(await store.has(KEY)).toBe(true)
    expect(await store.list()).toEqual([KEY, OTHER])
    expect(await store.delete(OTHER)).toBe(true)
    expect(await store.delete(OTHER)).toBe(false)
    expect(await store.status()).toMatchObject({state: 'ready'})
    await expect(fs.access(path.join(home, 'identity'))).rejects.toThrow()
    for (const reader of [open([], identity), open([recipient], identity)]) {
      expect(reader.readable).toBe(true)
      expect((await reader.get(KEY))?.expose()).toBe(CANARY)
      expect(await reader.get(OTHER)).toBeUndefined()
    }
  })

  it('is written for every recipient, and for the identity of this machine where there is one', async () => {
    const second = path.join(home, 'second')
    const own = path.join(home, 'identity')
    const {recipient: other} = await createVaultIdentity(second)
    await createVaultIdentity(own)
    const store = open([recipient, other], own)
    expect(store.readable).toBe(true)
    await store.set(KEY, new Secret(CANARY))
    for (const file of [own, identity, second]) {
      expect((await open([], file).get(KEY))?.expose()).toBe(CANARY)
    }
  })

  it.each([
    'age1',
    'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8x',
    'AGE-SECRET-KEY-1QQPQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA',
    CANARY,
  ])('takes no %s: nothing is written, nor is it repeated when it may be a secret', async (bad) => {
    const store = open([recipient, bad])
    for (const attempt of [() => store.set(KEY, new Secret(CANARY)), () => store.status()]) {
      const failure = (await attempt().catch((error: unknown) => error)) as Error
      expect(failure).toMatchObject({kind: 'usage', code: 'BAD_RECIPIENT'})
      if (!bad.startsWith('age1')) expect(JSON.stringify(failure) + failure.message).not.toContain(bad)
    }
    await expect(fs.access(path.join(home, 'vault'))).rejects.toThrow()
  })

  it.skipIf(missingAge !== undefined)('is read by the program age, which it reads in turn', async () => {
    await open().set(KEY, new Secret(CANARY))
    const entry = path.join(home, 'vault', 'service-token-one.age')
    const {stdout} = await run('age', ['--decrypt', '--identity', identity, entry])
    expect(JSON.parse(stdout)).toMatchObject({v: 1, kind: 'service-token', id: 'one', value: CANARY})
    const made = path.join(home, 'made-by-age-keygen')
    await run('age-keygen', ['-o', made])
    const theirs = (await run('age-keygen', ['-y', made])).stdout.trim()
    const plain = path.join(home, 'plain')
    await fs.writeFile(plain, JSON.stringify({v: 1, kind: 'service-token', id: 'one', value: 'by age'}))
    await run('age', ['--encrypt', '--recipient', theirs, '--output', entry, plain])
    expect((await open([], made).get(KEY))?.expose()).toBe('by age')
    await open([theirs]).set(KEY, new Secret('by zt'))
    expect(JSON.parse((await run('age', ['-d', '-i', made, entry])).stdout)).toMatchObject({value: 'by zt'})
  })
})

describe('temporary files of writes that did not end', () => {
  beforeEach(async () => {
    home = await temporary()
  })
  afterEach(() => fs.rm(home, {recursive: true, force: true}))

  it('are found when their process has ended, and nothing else is', async () => {
    const {pid: ended = 0} = spawnSync(process.execPath, ['-e', ''])
    const left = [
      `.x.age.${ended}.0123abcd`,
      `identity.txt.${ended}.0123abcd.new`,
      `.y.json.${ended}.ffffffff`,
    ]
    const others = [
      `.x.age.${process.pid}.0123abcd`,
      `identity.txt.${process.pid}.0123abcd.new`,
      'service-token-x.age',
      `.x.age.${ended}.0123abc`,
      `x.${ended}.new`,
      'config.json',
    ]
    await fs.mkdir(path.join(home, 'below'))
    for (const name of [...left, ...others]) await fs.writeFile(path.join(home, 'below', name), '')
    await fs.mkdir(path.join(home, `.d.${ended}.0123abcd`))
    const found = await findLeftovers([home, home, path.join(home, 'nowhere')], Date.now() + 5000)
    expect(found.map(({file}) => path.basename(file)).sort()).toEqual(left.sort())
    for (const {ageMs} of found) expect(ageMs).toBeGreaterThan(4000)
  })
})
