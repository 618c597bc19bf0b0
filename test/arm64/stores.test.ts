import {execFile} from 'node:child_process'
import {randomUUID} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {build} from 'esbuild'
import {beforeAll, describe, expect, it} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {SecretService} from '../support/secret-service.js'
import type {Result} from './vitest-here.js'
import {arm64, missing, root} from './world.js'

const run = promisify(execFile)

/** In the package, so that the keychain's process is found. */
const work = path.join(root, 'node_modules', '.cache', 'zt-arm64')
const ran = missing === undefined ? await contracts() : undefined

describe.skipIf(missing !== undefined)('on arm64', () => {
  it('the contract of the stores ran there', () => {
    expect(ran?.arch).toBe('arm64')
    expect(ran?.results.length).toBeGreaterThan(20)
  })

  it.each(ran?.results ?? [])('$name', ({failure}) => {
    expect(failure).toBeUndefined()
  })
})

const noKeyring = await SecretService.missing()
if (noKeyring !== undefined) process.stderr.write(`SKIPPED: the real keychain on arm64: ${noKeyring}\n`)

/** Its process is on arm64, with libsecret for arm64. The contract has 70 of them, which would take two minutes by qemu. */
describe.skipIf(missing !== undefined || noKeyring !== undefined)('on arm64, the keychain', () => {
  const command = [arm64, path.join(root, 'dist', 'keychain', 'child.cjs')]
  const key = {kind: 'service-token', id: randomUUID()} as const
  let service: SecretService
  let keychain: Keychain

  beforeAll(async () => {
    service = await SecretService.start()
    keychain = new Keychain({environment: service.bus, child: {command}})
    return () => service.end()
  })

  it("gives back what was set by keytar's addon, as it was", async () => {
    const text = 'a\nb\r\n\tc "\'`$(x)\\ ü\u0301 漢字 🔐'
    await keychain.set(key, new Secret(text))
    expect((await keychain.get(key))?.expose()).toBe(text)
  })

  it('deletes it once', async () => {
    expect([await keychain.delete(key), await keychain.delete(key)]).toEqual([true, false])
  })
})

/** The contract of zt's own stores, with everything that it needs in one file, because vitest does not run there. */
async function contracts(): Promise<{arch: string; results: Result[]}> {
  const [bundle, results] = ['contracts.mjs', 'results.json'].map((name) => path.join(work, name)) as [
    string,
    string,
  ]
  await build({
    absWorkingDir: root,
    entryPoints: ['test/arm64/contracts.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url)"},
    alias: {vitest: path.join(root, 'test', 'arm64', 'vitest-here.ts')},
    external: ['keytar'],
    logLevel: 'warning',
  })
  await run(arm64, [bundle, results, process.execPath])
  return JSON.parse(await fs.readFile(results, 'utf8')) as {arch: string; results: Result[]}
}
