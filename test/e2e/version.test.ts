import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const root = path.resolve(import.meta.dirname, '../..')
const read = async <T>(file: string): Promise<T> =>
  JSON.parse(await fs.readFile(path.join(root, file), 'utf8')) as T

let zt: BuiltZt
beforeAll(async () => {
  zt = await BuiltZt.make()
})
afterAll(() => zt.end())

describe('the version', () => {
  it.each([['--version'], ['-V']])('is one line: zt %s', async (flag) => {
    const {name, version} = await read<{name: string; version: string}>('package.json')
    expect(await zt.run([flag])).toEqual({
      code: 0,
      stdout: `${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`,
      stderr: '',
    })
  })

  it.each<string[]>([
    ['--version', '--json'],
    ['--json', '--version'],
    ['-V', '--json'],
    ['-V', '--no-input', '--json'],
    ['version', '--json'],
    ['--json', 'version'],
  ])('is with --json what was built: zt %s %s %s', async (...args) => {
    const {version, devDependencies} = await read<{version: string; devDependencies: Record<string, string>}>(
      'package.json',
    )
    const end = await zt.run(args)
    expect(end).toMatchObject({code: 0, stderr: ''})
    const {bundled, ...report} = JSON.parse(end.stdout) as {bundled: Record<string, string>}
    const built = await read<Record<string, unknown>>('dist/build.json')
    expect(report).toEqual({
      name: 'zt-access',
      version,
      commit: built['commit'],
      dirty: built['dirty'],
      commitDate: built['commitDate'],
      node: process.versions.node,
      openssl: process.versions.openssl,
      platform: process.platform,
      arch: process.arch,
      executable: {kind: 'package'},
      target: 'node20.19',
      warnings: [],
    })
    for (const name of ['@oclif/core', 'age-encryption', 'cloudflare', 'ssh2', 'valibot', 'ws'])
      expect(bundled).toHaveProperty([name], devDependencies[name])
    for (const name of ['eslint', 'esbuild', 'typescript', 'vitest']) expect(bundled).not.toHaveProperty(name)
  })

  it('is that of the checkout', async () => {
    const built = await read<{commit: string | null}>('dist/build.json')
    const {sourceFacts} = (await import(path.join(root, 'scripts/build-facts.mjs'))) as {
      sourceFacts: (root: string) => {commit: string | null}
    }
    expect(built.commit).toBe(sourceFacts(root).commit)
  })

  it('is for people the commit and its day, and what is inside', async () => {
    const {version, commit} = await read<{version: string; commit: string | null}>('dist/build.json')
    const {stdout} = await zt.run(['version'])
    expect(stdout.split('\n')[0]).toMatch(
      commit === null
        ? `zt ${version}`
        : new RegExp(
            `^zt ${version.replaceAll('.', '\\.')} \\(${commit.slice(0, 7)}\\+?, \\d{4}-\\d\\d-\\d\\d\\)$`,
          ),
    )
    expect(stdout).toMatch(/^@oclif\/core +\d/m)
  })

  it('is of the sources where these run as they are', async () => {
    const run = (...args: string[]) =>
      promisify(execFile)(process.execPath, [path.join(root, 'bin/dev.cjs'), ...args], {env: zt.env})
    const [flag, command] = await Promise.all([run('--version', '--json'), run('version', '--json')])
    expect(JSON.parse(flag.stdout)).toMatchObject({
      executable: {kind: 'development'},
      target: null,
      bundled: {},
    })
    expect(command.stdout).toBe(flag.stdout)
  })
})
