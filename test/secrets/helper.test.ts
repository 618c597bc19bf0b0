import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {inspect} from 'node:util'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {saveCredentials} from '../../src/lib/secrets/credentials.js'
import {helperNames} from '../../src/lib/secrets/helper/find-helpers.js'
import {HelperStore} from '../../src/lib/secrets/helper/helper-store.js'
import {unwrap, wrap} from '../../src/lib/secrets/helper/value.js'
import {rehearse} from '../../src/lib/secrets/rehearse.js'
import {safeMessage} from '../../src/lib/secrets/safe-message.js'
import {FakeHelper, type Fault} from '../support/fake-helper.js'
import {AMPLE_MS, until, withGrowingLimit} from '../support/patience.js'

const KEY = {kind: 'service-token', id: 'one'} as const
const CANARY = 'cfast_canary0123456789abcdefghijklmnopqrstuvwxyz'

let folder: string
let helper: FakeHelper

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-helper-'))
  helper = await FakeHelper.make(folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await fs.rm(folder, {recursive: true, force: true})
})

const open = (searchPath = folder, deadlineMs?: number, name = 'fake'): HelperStore =>
  new HelperStore({name, environment: {}, searchPath, deadlineMs})

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason as Error,
  )
  const all = inspect(error, {depth: 9, showHidden: true}) + JSON.stringify(error)
  expect(all).not.toContain('cfast_')
  expect(all).not.toContain(CANARY.slice(8, 20))
  return error
}

async function gone(pid: number): Promise<boolean> {
  return until(async () => {
    try {
      const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8')
      return /\) Z /.test(stat) || undefined
    } catch {
      return true
    }
  })
}

describe('a credential helper', () => {
  it('gets no secret in its arguments or environment, and none of zt’s at all', async () => {
    vi.stubEnv('CLOUDFLARE_API_TOKEN', CANARY)
    vi.stubEnv('CF_ACCESS_CLIENT_SECRET', CANARY)
    await open().set(KEY, new Secret(CANARY))
    expect((await open().get(KEY))?.expose()).toBe(CANARY)
    const calls = await helper.calls()
    expect(calls.map(({argv}) => argv[2]).sort()).toEqual(['get', 'store'])
    expect(JSON.stringify(calls)).not.toContain('cfast_')
    expect(calls[0]?.env['PATH']).toBeDefined()
  })

  it('is found on absolute entries of PATH alone, the first that can be run', async () => {
    const first = path.join(folder, 'first')
    await fs.mkdir(first)
    await fs.writeFile(path.join(first, 'docker-credential-fake'), 'not a program', {mode: 0o644})
    await fs.mkdir(path.join(first, 'docker-credential-directory'))
    await FakeHelper.make(path.join(folder, 'second'), 'second')
    const searchPath = [
      '',
      '.',
      path.relative(process.cwd(), folder),
      first,
      folder,
      path.join(folder, 'second'),
    ]
    expect(await helperNames(searchPath.join(':'))).toEqual(['fake', 'second'])
    expect(await helperNames(searchPath.slice(0, 3).join(':'))).toEqual([])
    expect(await open(searchPath.slice(0, 3).join(':')).status()).toMatchObject({state: 'absent'})
    expect(await failure(open('').get(KEY))).toMatchObject({
      code: 'HELPER_FAILED',
      details: {state: 'absent'},
    })
    expect(await open(searchPath.join(':')).status()).toMatchObject({state: 'ready'})
  })

  const faults: [string, Partial<Record<'store' | 'get' | 'erase' | 'list', Fault>>][] = [
    ['dies', {store: 'die', get: 'die', list: 'die'}],
    ['prints garbage', {get: 'garbage', list: 'garbage', store: {says: 'x'}}],
    ['writes without end', {get: 'endless', list: 'endless', store: 'endless'}],
    ['prints the secret in its error', {get: 'echo-in-error', store: 'echo-in-error', list: 'echo-in-error'}],
    ['answers for another server', {get: 'other-server', store: 'die', list: 'die'}],
    ["gives back somebody else's entry", {get: 'other-user', store: 'die', list: 'die'}],
  ]
  it.each(faults)('that %s gets an error, in which is no secret, and is not ready', async (_, fault) => {
    await open().set(KEY, new Secret(CANARY))
    await helper.fault(fault)
    for (const attempt of [
      () => open().get(KEY),
      () => open().set(KEY, new Secret(CANARY)),
      () => open().list(),
      () => open().delete(KEY),
    ])
      expect(await failure(attempt())).toMatchObject({kind: 'needs-action', code: 'HELPER_FAILED'})
    expect((await open().status()).state).toBe('broken')
  })

  it('that hangs is killed with all that it started, and not waited for twice', async () => {
    await helper.fault({store: 'hang'})
    const attempt = async (ms: number): Promise<HelperStore> => {
      const one = open(folder, ms)
      expect(await failure(one.set(KEY, new Secret(CANARY)))).toMatchObject({
        why: expect.stringContaining(`${ms / 1000} s`) as string,
      })
      return one
    }
    const started = async (): Promise<boolean> =>
      fs.access(path.join(folder, 'grandchild')).then(
        () => true,
        () => false,
      )
    const store = await withGrowingLimit(600, attempt, started)
    const {length} = await helper.calls()
    for (const attempt of [() => store.get(KEY), () => store.delete(KEY), () => store.list()])
      await failure(attempt())
    expect((await store.status()).state).toBe('broken')
    expect(await helper.calls()).toHaveLength(length)
    const {pid = 0} = (await helper.calls()).at(-1) ?? {}
    const grandchild = Number(await fs.readFile(path.join(folder, 'grandchild'), 'utf8'))
    expect(await gone(pid)).toBe(true)
    expect(await gone(grandchild)).toBe(true)
  })

  it('that hangs is killed with all that it started when zt is interrupted', async () => {
    await helper.fault({store: 'hang'})
    const module = path.resolve(import.meta.dirname, '../../src/lib/secrets/helper/run-helper.ts')
    const program = path.join(folder, 'docker-credential-fake')
    const script = path.join(folder, 'zt.mjs')
    await fs.writeFile(
      script,
      `import {runHelper} from ${JSON.stringify(module)}
       await runHelper({program: ${JSON.stringify(program)}, action: 'store', input: '{}', deadlineMs: ${AMPLE_MS}, env: process.env})`,
    )
    const zt = spawn(process.execPath, ['--import', 'tsx', script], {stdio: 'ignore'})
    const ended = new Promise((resolve) => {
      zt.once('close', (_code, signal) => {
        resolve(signal)
      })
    })
    const file = path.join(folder, 'grandchild')
    await vi.waitFor(async () => expect(await fs.readFile(file, 'utf8')).not.toBe(''), {
      timeout: AMPLE_MS,
      interval: 50,
    })
    const grandchild = Number(await fs.readFile(file, 'utf8'))
    process.kill(grandchild, 0)
    zt.kill('SIGINT')
    expect(await ended).toBe('SIGINT')
    const [{pid = 0} = {}] = await helper.calls()
    expect([await gone(pid), await gone(grandchild)]).toEqual([true, true])
  })

  it.each([
    ['an empty secret and code 0', 'empty' as const],
    ['"credentials not found"', {says: 'credentials not found in native keychain\n'}],
  ])('that answers with %s has no such entry', async (_, get) => {
    await open().set(KEY, new Secret(CANARY))
    await helper.fault({get})
    expect(await open().get(KEY)).toBeUndefined()
  })

  it.each([
    [
      'pass not initialized: exit status 1: Error: password store is empty. Try "pass init".',
      'broken',
      /pass init/,
    ],
    ['exit status 2: gpg: decryption failed: No secret key', 'locked', /Unlock the key/],
    [
      'exit status 2: gpg: public key decryption failed: Inappropriate ioctl for device',
      'locked',
      /Unlock the key/,
    ],
    ['gpg: [stdin]: encryption failed: No public key', 'broken', /gpg --list-keys/],
    ['Cannot create an item in a locked collection', 'locked', /Unlock the keyring/],
    ['Cannot autolaunch D-Bus without X11 $DISPLAY', 'broken', /store list/],
  ])('that says %j is %s, and what to do about it is said', async (says, state, next) => {
    for (const on of ['stdout', 'stderr'] as const) {
      await helper.fault({list: {says, on}})
      const status = await open().status()
      expect(status.state).toBe(state)
      expect(status.next.join('\n')).toMatch(next)
    }
  })

  it.each([
    ['gives back an old value', {store: 'stale'}],
    ['says that it has kept what it has not', {store: 'forget'}],
  ] as const)('that %s is found out before a secret is lost', async (_, fault) => {
    const old = {clientId: 'a.access', clientSecret: new Secret(`${CANARY}-old`)}
    await saveCredentials(open(), 'one', old)
    await helper.fault(fault)
    const saving = saveCredentials(open(), 'one', {...old, clientSecret: new Secret(CANARY)})
    expect(await failure(saving)).toMatchObject({code: 'STORE_READBACK_MISMATCH'})
  })

  it('that takes and cannot give fails its rehearsal, and nothing of that is left', async () => {
    await helper.fault({get: {says: 'gpg: decryption failed: No secret key'}})
    expect((await open().status()).state).toBe('ready')
    expect(await failure(rehearse(open()))).toMatchObject({details: {state: 'locked'}})
    expect(await open().list()).toEqual([])
  })
})

describe('a value in a helper', () => {
  it('comes back as it was, and has nothing that a helper would lose', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary-ascii', minLength: 1}), (value) => {
        const kept = wrap(value)
        expect(unwrap(kept)).toBe(value)
        expect(kept).toBe(kept.trim())
        expect(kept).not.toMatch(/\p{Cc}/u)
      }),
      {examples: [['json:'], ['json:"x"'], ['x\n'], ['\0'], [' ']]},
    )
  })

  it.each(['json:', 'json:{', 'json:1', 'json:null'])('that is damaged (%s) is none', (kept) => {
    expect(unwrap(kept)).toBeUndefined()
  })
})

describe("another program's message", () => {
  it('has at most seven characters of the secret in a row, wherever they stand', () => {
    const secret = fc.string({unit: fc.constantFrom(...'abcdef0123456789_'), minLength: 9, maxLength: 60})
    fc.assert(
      fc.property(secret, fc.nat(), fc.string(), fc.string(), (value, from, before, after) => {
        const at = from % (value.length - 7)
        const shown = safeMessage(`${before}${value.slice(at, at + 8)}${after}`, new Secret(value))
        expect(shown).toBeUndefined()
      }),
    )
  })

  it.each([
    ['Cannot create an item in a locked collection\n', 'Cannot create an item in a locked collection'],
    // Its sink makes visible what a terminal would obey.
    ['a\u001B[2Jb\r\nc.', 'a\u001B[2Jb c'],
    [`token ${CANARY} refused`, 'token [hidden] refused'],
    ['Object does not exist at path “/org/freedesktop/secrets/collection/login”', undefined],
    ['', undefined],
  ])('%j becomes one line without what looks like a secret', (text, expected) => {
    expect(safeMessage(text)).toBe(expected ?? (text === '' ? undefined : text))
  })
})
