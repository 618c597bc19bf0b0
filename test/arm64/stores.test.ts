import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {build} from 'esbuild'
import {describe, expect, it} from 'vitest'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {storeContract} from '../secrets/store-contract.js'
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

/** The process that calls keytar's addon is on arm64, with libsecret for arm64. */
describe.skipIf(missing !== undefined || noKeyring !== undefined)('on arm64, through keytar', () => {
  const command = [arm64, path.join(root, 'dist', 'keychain', 'child.cjs')]

  storeContract(
    'gnome-keyring',
    async () => {
      const service = await SecretService.start()
      const open = (): Keychain => new Keychain({environment: service.bus, child: {command}})
      return {store: open(), reopened: open(), end: () => service.end()}
    },
    {runs: 0},
  )
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
  await run(arm64, [bundle, results])
  return JSON.parse(await fs.readFile(results, 'utf8')) as {arch: string; results: Result[]}
}
