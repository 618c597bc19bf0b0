import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {inspect} from 'node:util'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {saveCredentials} from '../../src/lib/secrets/credentials.js'
import {keytarDirectory} from '../../src/lib/secrets/keychain/child-path.js'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {AMPLE_MS, until, withGrowingLimit} from '../support/patience.js'

const KEY = {kind: 'service-token', id: 'one'} as const
const CANARY = 'cfast_canary0123456789abcdefghijklmnopqrstuvwxyz'

let folder: string
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-keychain-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await fs.rm(folder, {recursive: true, force: true})
})

/** A keychain whose child is this program; `request` is what it was asked, `answer` prints and ends. */
const keychain = (program: string, deadlineMs = AMPLE_MS): Keychain => {
  const prelude = `const answer = (o) => process.stdout.write(typeof o === 'string' ? o : JSON.stringify(o), () => process.exit(0));
    process.stdin.once('data', (d) => { const request = JSON.parse(d); ${program} })`
  // Not Linux: there the keyring would be probed first, which has tests of its own.
  return new Keychain({
    environment: {},
    platform: 'darwin',
    child: {command: [process.execPath, '-e', prelude], deadlineMs},
  })
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason as Error,
  )
  const all = inspect(error, {depth: 9, showHidden: true}) + JSON.stringify(error)
  expect(all).not.toContain(CANARY.slice(6, 18))
  return error
}

describe("the keychain's child", () => {
  it.each([
    ['dies', 'process.kill(process.pid, "SIGSEGV")'],
    ['ends without a word', 'process.exit(0)'],
    ['prints garbage', 'answer("<html>" + request.value)'],
    ['prints half an answer', 'answer("{\\"ok\\":tr")'],
    ['answers in another shape', 'answer({ok: true, value: 7})'],
    ['writes without end', 'for (;;) require("fs").writeSync(1, "x".repeat(65536))'],
    [
      'prints the secret in its error',
      'answer({ok: false, reason: "failed", message: "no: " + (request.value ?? "' + CANARY + '")})',
    ],
  ])('that %s gets an error without the secret', async (_, program) => {
    for (const attempt of [
      () => keychain(program).set(KEY, new Secret(CANARY)),
      () => keychain(program).get(KEY),
      () => keychain(program).delete(KEY),
    ])
      expect(await failure(attempt())).toMatchObject({kind: 'needs-action', code: 'KEYCHAIN_FAILED'})
  })

  it('that hangs is killed at the deadline, and not waited for twice', async () => {
    const starts = path.join(folder, 'starts')
    const program = `require('fs').appendFileSync(${JSON.stringify(starts)}, 'x'); setInterval(() => {}, 1000)`
    const attempt = async (ms: number): Promise<Keychain> => {
      const one = keychain(program, ms)
      expect(await failure(one.set(KEY, new Secret(CANARY)))).toMatchObject({code: 'KEYCHAIN_HANGS'})
      return one
    }
    const started = async (): Promise<boolean> =>
      fs.access(starts).then(
        () => true,
        () => false,
      )
    const store = await withGrowingLimit(400, attempt, started)
    const before = await fs.readFile(starts, 'utf8')
    for (const again of [() => store.get(KEY), () => store.delete(KEY), () => store.has(KEY)])
      expect(await failure(again())).toMatchObject({code: 'KEYCHAIN_HANGS'})
    expect((await store.status()).state).toBe('broken')
    expect(await fs.readFile(starts, 'utf8')).toBe(before)
  })

  it('that answers with an old value is found out', async () => {
    const store = keychain(
      `answer({ok: true, found: true, value: request.operation === 'get' ? '{"old":1}' : null})`,
    )
    const credentials = {clientId: 'a.access', clientSecret: new Secret(CANARY)}
    expect(await failure(saveCredentials(store, 'one', credentials))).toMatchObject({
      code: 'STORE_READBACK_MISMATCH',
    })
  })

  it('is given no secret in its arguments or environment', async () => {
    vi.stubEnv('CLOUDFLARE_API_TOKEN', CANARY)
    vi.stubEnv('CF_ACCESS_CLIENT_SECRET', CANARY)
    const file = path.join(folder, 'seen')
    const program = `require('fs').writeFileSync(${JSON.stringify(file)}, JSON.stringify([process.argv, process.env])); answer({ok: true, value: null, found: true})`
    await keychain(program).set(KEY, new Secret(CANARY))
    const seen = await fs.readFile(file, 'utf8')
    expect(seen).toContain('PATH')
    expect(seen).not.toContain(CANARY)
  })

  it.each([
    ['ü'.repeat(1281), /too long/],
    ['a\0b', /NUL/],
  ])('is not asked to keep what a keychain would cut (%#)', async (value, why) => {
    expect(await failure(keychain('answer("")').set(KEY, new Secret(value)))).toMatchObject({
      why: expect.stringMatching(why) as string,
    })
  })
})

describe("the real keychain child's life", () => {
  const child = path.resolve(import.meta.dirname, '../../src/lib/secrets/keychain/child.ts')
  /** keytar as it hangs: a native call, in a thread that no signal but SIGKILL ends. */
  async function hangingKeytar(): Promise<string> {
    const file = path.join(folder, 'hang.cjs')
    await fs.writeFile(
      file,
      `const Module = require('node:module'), load = Module._load
       Module._load = (name, ...rest) => !/[\\\\/]keytar$/.test(name) ? load(name, ...rest) : {
         setPassword: () => new Promise((resolve) => {
           require('fs').writeFileSync(${JSON.stringify(path.join(folder, 'hangs'))}, String(process.pid))
           require('dns').lookup = undefined
           require('fs').readFile(${JSON.stringify(path.join(folder, 'fifo'))}, resolve)
         }),
       }`,
    )
    await new Promise((resolve) => spawn('mkfifo', [path.join(folder, 'fifo')]).once('close', resolve))
    return file
  }

  it.runIf(process.platform === 'linux')(
    'ends when its parent is killed in the middle of a call that hangs',
    async () => {
      const hang = await hangingKeytar()
      const request = {operation: 'set', service: 'zt', account: 'service-token/x', value: CANARY}
      const parent = spawn(
        process.execPath,
        [
          '-e',
          `const child = require('node:child_process').spawn(process.execPath, ['--require', ${JSON.stringify(hang)}, '--import', 'tsx', ${JSON.stringify(child)}], {stdio: ['pipe', 'ignore', 'ignore']})
           child.stdin.write(${JSON.stringify(JSON.stringify(request) + '\n')})
           setInterval(() => {}, 1000)`,
        ],
        {stdio: 'ignore'},
      )
      const pid = Number(
        await until(() =>
          fs.readFile(path.join(folder, 'hangs'), 'utf8').then(
            (text) => text || undefined,
            () => undefined,
          ),
        ),
      )
      process.kill(pid, 0)
      parent.kill('SIGKILL')
      await until(async () => {
        const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z ')
        return stat.includes(') Z ') ? true : undefined
      })
    },
  )
})

describe('the library of the keychain', () => {
  it.each<[what: string, root: string, there: string[], found: string | undefined]>([
    ['inside zt', '/a/node_modules/zt', ['/a/node_modules/zt/node_modules/keytar', '/a/node_modules/keytar'], '/a/node_modules/zt/node_modules/keytar'],
    ['beside zt', '/a/node_modules/zt', ['/a/node_modules/keytar'], '/a/node_modules/keytar'],
    ['beside what zt is inside of', '/a/node_modules/b/node_modules/zt', ['/a/node_modules/keytar'], '/a/node_modules/keytar'],
    ['in a checkout', '/a/zt', ['/a/zt/node_modules/keytar'], '/a/zt/node_modules/keytar'],
    ['above the checkout', '/a/zt', ['/a/node_modules/keytar', '/node_modules/keytar'], undefined],
    ['above the node_modules that has zt', '/a/b/node_modules/zt', ['/a/node_modules/keytar', '/node_modules/keytar'], undefined],
    ['nowhere', '/a/node_modules/zt', [], undefined],
  ])('%s', (_, root, there, found) => {
    expect(keytarDirectory(root, (one) => there.includes(one))).toBe(found)
  })
}) // prettier-ignore
