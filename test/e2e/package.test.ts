import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import {builtinModules, createRequire} from 'node:module'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {InstalledZt, npm, run} from '../support/installed-zt.js'

const root = path.resolve(import.meta.dirname, '../..')
const installed = await InstalledZt.install()
if (typeof installed === 'string') process.stderr.write(`SKIPPED: the installed package: ${installed}\n`)

/** The keychain's library, which belongs to the system. */
const addonLoads = ((): boolean => {
  try {
    createRequire(import.meta.url)('keytar')
    return true
  } catch {
    return false
  }
})()

/** Bytes of other people's code in files of its own, which had 4.5 million. What we write ourselves may grow. */
const OTHERS_LIMIT = 4_800_000

describe.skipIf(typeof installed === 'string')('the package, installed into an empty prefix', () => {
  const zt = installed as InstalledZt
  /** By its path in the package; all are text. */
  const files = new Map<string, string>()

  beforeAll(async () => {
    for (const file of await fs.readdir(zt.directory, {recursive: true, withFileTypes: true})) {
      const name = path.relative(zt.directory, path.join(file.parentPath, file.name))
      if (file.isFile() && !name.startsWith('node_modules'))
        files.set(name, await fs.readFile(path.join(zt.directory, name), 'utf8'))
    }
  })
  afterAll(() => zt.end())

  /** Its code: what node loads. */
  const code = (): [string, string][] => [...files].filter(([name]) => /\.c?js$/.test(name))
  const expectNone = (found: string[]): void => {
    expect(found).toEqual([])
  }

  it('was installed without a compiler', async () => {
    for (const program of ['cc', 'gcc', 'g++', 'clang', 'make', 'python', 'python3', 'node-gyp', 'git']) {
      expect(await zt.run('/bin/sh', ['-c', `command -v ${program}`]), program).toMatchObject({code: 127})
    }
  })

  it('says its version and shows help', async () => {
    const version = `${zt.report.name}/${zt.report.version} `
    const [said, help, list] = await Promise.all([
      zt.run(zt.zt, ['--version']),
      zt.run(zt.zt, ['--help']),
      zt.run(zt.zt, ['token', 'list', '--help', '--json']),
    ])
    expect(said).toMatchObject({code: 0, stderr: ''})
    expect(said.stdout.startsWith(version)).toBe(true)
    expect(help).toMatchObject({code: 0, stdout: expect.stringContaining('TOPICS') as string, stderr: ''})
    expect(list).toMatchObject({code: 0, stderr: ''})
  })

  it.skipIf(!addonLoads)('loads the native addon of the keychain, which was not compiled here', async () => {
    expect(existsSync(path.join(zt.directory, 'node_modules/keytar/build'))).toBe(false)
    const child = path.join(zt.directory, 'dist/keychain/child.cjs')
    const end = await zt.run('node', [child], `${JSON.stringify({operation: 'probe'})}\n`)
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(JSON.parse(end.stdout)).toMatchObject({ok: true})
  })

  it('runs the demo, from a path with a blank and an umlaut', async () => {
    const end = await zt.run('node', [path.join(root, 'scripts/demo.mjs'), '--zt', zt.zt])
    expect(end, end.stderr).toMatchObject({code: 0})
    expect(end.stdout).toContain('Welcome to GitLab, @gitlab-admin!')
  })

  it('shows where an unexpected error was thrown, from such a path', async () => {
    const preload = path.join(zt.home, 'throws.cjs')
    await fs.writeFile(
      preload,
      `const fs = require('node:fs')
       for (const name of ['openSync', 'readFileSync']) {
         const real = fs[name]
         fs[name] = (file, ...rest) => {
           if (String(file).endsWith('config.json')) throw new TypeError('CANARY')
           return real(file, ...rest)
         }
       }`,
    )
    const words = ['--require', preload, path.join(zt.directory, 'bin/zt.cjs'), 'profile', 'list']
    const end = await zt.run('node', words, '', {ZT_DEBUG: '1'})
    expect(end.code).toBe(1)
    expect(end.stderr).toMatch(/^ {4}at .*src[/\\]lib[/\\].*\.ts:\d+:\d+\)?$/m)
    expect(end.stderr).not.toContain('CANARY')
  })

  it('has its licence, and the licence of every package whose code is in it', () => {
    expect(files.get('LICENSE')).toContain('MIT License')
    const text = files.get('dist/THIRD-PARTY-LICENSES.txt') ?? ''
    const list = text.slice(0, text.indexOf('===='))
    const named = new Set([...list.matchAll(/^(\S+ \d\S*) /gm)].map(([, one = '']) => one))
    // The bundler writes the origin above each module.
    const inside = code().flatMap(([name, text]) =>
      name.startsWith('dist/')
        ? [...text.matchAll(/^ *\/\/ (node_modules\/\S+?)$/gm)].map(([, file = '']) => packageOf(file))
        : [],
    )
    expect(inside.length).toBeGreaterThan(400)
    expectNone([...new Set(inside)].filter((one) => !named.has(one)))
    expectNone([...named].filter((one) => !text.includes(`\n${one} (`)))
    expect(text).toMatch(/^cloudflare \d\S* \(Apache-2\.0\)$/m)
    expect(named.size).toBe(zt.report.bundled.packages)
  })

  it('has no sources, tests or project settings beside what runs', () => {
    expectNone(
      [...files.keys()].filter((name) =>
        /^(src|test|scripts|bench|site|docs\/reference\/commands)\/|\.(ts|mts|test\.\w+)$|^\./.test(name),
      ),
    )
    const maps = [...files].filter(([name]) => name.endsWith('.map'))
    expectNone(
      maps.filter(([, text]) => 'sourcesContent' in (JSON.parse(text) as object)).map(([name]) => name),
    )
  })

  it('has no path of the machine that built it', () => {
    expectNone([...files].filter(([, text]) => text.includes(root)).map(([name]) => name))
  })

  it('holds nothing that looks like a credential', () => {
    const looks = [
      /\bcf[a-z]{1,6}_[A-Za-z0-9]{24,}/,
      /AGE-SECRET-KEY-1[A-Z0-9]{20,}/,
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/,
      /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\./,
      /\b(npm|ghp|gho|github_pat|glpat)[_-][A-Za-z0-9_]{20,}|\bAKIA[A-Z0-9]{16}\b|_authToken *=/,
      /:\/\/(?!USER:PASSWORD@)[\w.%-]+:[\w.%-]+@/,
    ]
    expectNone(
      [...files].flatMap(([name, text]) =>
        looks.flatMap((look) => look.exec(text)?.[0] ?? []).map((found) => `${name}: ${found}`),
      ),
    )
  })

  it('has every file that its code loads', () => {
    const missing = code().flatMap(([name, text]) =>
      [...text.matchAll(/\b(?:require|import)\((["'])(\.{1,2}\/[^"'\n]+)\1\)/g)]
        .map(([, , wanted = '']) => path.join(path.dirname(name), wanted))
        // A native part of ssh2, which is optional.
        .filter((file) => !files.has(file) && !file.endsWith('.node'))
        .map((file) => `${name}: ${file}`),
    )
    expectNone(missing)
    // Files that are read by path, and without which zt is slower or shows less, but works.
    const read = [
      'oclif.manifest.json',
      'dist/help/plain.json',
      'dist/help/coloured.json',
      'dist/zt/zt.cjs.map',
    ]
    expectNone(read.filter((file) => !files.has(file)))
  })

  it('loads by name what comes with node, and nothing that node would look for up to the root of the drive', () => {
    // Node's own modules, including those known only with their prefix.
    const prefixed = ['sea', 'test', 'sqlite', 'test/reporters']
    // The plain sources, which are not in the package.
    const known = new Set([...builtinModules, ...prefixed, 'tsx'])
    const wanted = code().flatMap(([name, text]) =>
      [...text.matchAll(/\brequire\((["'])(?:node:)?([@\w][\w./@-]*)\1\)/g)].map(
        ([, , one = '']) => `${name}: ${one}`,
      ),
    )
    expect(wanted.length).toBeGreaterThan(50)
    expectNone([...new Set(wanted)].filter((one) => !known.has(one.split(': ')[1] ?? '')))
  })

  it('has every page that its pages point to, and no pictures', () => {
    expectNone([...files.keys()].filter((name) => name.startsWith('docs/pictures/')))
    // For the commands there are the man pages.
    const LEFT_OUT = /(^|\/)(pictures|reference\/commands)\//
    const broken = [...files]
      .filter(([name]) => name.endsWith('.md'))
      .flatMap(([name, text]) =>
        [...text.matchAll(/\]\(([^)\s]+)\)/g)]
          .map(([, link = '']) => link.split('#')[0] ?? '')
          .filter((link) => link !== '' && !/^https?:/.test(link))
          .filter((link) => !LEFT_OUT.test(link) && !files.has(path.join(path.dirname(name), link)))
          .map((link) => `${name}: ${link}`),
      )
    expectNone(broken)
  })

  it('has no code of others that docs/dependencies.md does not count, and installs what it says', async () => {
    const {bundled, parts} = zt.report
    const counts = Object.entries(bundled.licences).map(([licence, count]) => `${count} ${licence}`)
    const row = `| contains | ${bundled.packages} packages: ${counts.join(', ')} |`
    expect((files.get('docs/dependencies.md') ?? '').split('\n')).toContain(row)
    expect(parts['dist/vendor']).toBeLessThan(OTHERS_LIMIT)
    const all = await fs.readdir(path.join(zt.directory, 'node_modules'))
    expect(all.filter((name) => !name.startsWith('.'))).toHaveLength(zt.report.dependencies.all)
  })

  it('asks to be installed again where a part of it is gone, and not to be built', async () => {
    const [part, elsewhere] = [path.join(zt.directory, 'dist/zt'), path.join(zt.home, 'elsewhere')]
    await fs.rename(part, elsewhere)
    const end = await zt.run(zt.zt, ['token', 'list'])
    await fs.rename(elsewhere, part)
    expect(end.code).toBe(1)
    expect(end.stderr).toBe('error: zt could not start (ENOENT)\nnext:  Install it again\n')
  })

  it('goes again without a rest', async () => {
    expect(await zt.npm('uninstall', zt.report.name)).toMatchObject({code: 0})
    expect(await fs.readdir(path.join(zt.prefix, 'bin'))).toEqual([])
    expect(existsSync(zt.directory)).toBe(false)
  })
})

describe('npm pack', () => {
  it('builds what it packs, once; where that is installed, nothing is built or run', async () => {
    const clone = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-pack-'))
    const built = path.join(clone, 'built')
    const env = {PATH: process.env['PATH'], HOME: clone}
    try {
      // zt's package.json, with a build that only counts.
      const {name, version, bin, files, scripts} = JSON.parse(
        await fs.readFile(path.join(root, 'package.json'), 'utf8'),
      ) as Record<string, object>
      await fs.mkdir(path.join(clone, 'scripts'))
      await fs.mkdir(path.join(clone, 'bin'))
      await fs.writeFile(
        path.join(clone, 'package.json'),
        JSON.stringify({name, version, bin, files, scripts}),
      )
      await fs.copyFile(path.join(root, 'bin/needs-node.cjs'), path.join(clone, 'bin/needs-node.cjs'))
      await fs.writeFile(path.join(clone, 'bin/zt.cjs'), '#!/usr/bin/env node\nrequire("../dist/said.cjs")')
      await fs.writeFile(
        path.join(clone, 'scripts/build.mjs'),
        `import fs from 'node:fs'
fs.appendFileSync(${JSON.stringify(built)}, 'once ')
fs.mkdirSync('dist', {recursive: true})
fs.writeFileSync('dist/said.cjs', 'console.log("built")')`,
      )
      expect(await npm(['pack'], {cwd: clone, env})).toMatchObject({code: 0})
      const [file = ''] = (await fs.readdir(clone)).filter((one) => one.endsWith('.tgz'))
      const prefix = path.join(clone, 'prefix')
      const install = ['install', '--global', '--prefix', prefix, path.join(clone, file)]
      expect(await npm(install, {cwd: clone, env})).toMatchObject({code: 0})
      expect(await fs.readFile(built, 'utf8')).toBe('once ')
      expect(await run(path.join(prefix, 'bin/zt'), [], {cwd: clone, env})).toMatchObject({stdout: 'built\n'})
      expect(Object.keys(scripts ?? {}).filter((one) => /^(pre|post)?install$/.test(one))).toEqual([])
    } finally {
      await fs.rm(clone, {recursive: true, force: true})
    }
  })
})

/** Name and version of the package of a file below node_modules. */
function packageOf(file: string): string {
  const directory = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? ''
  const {name, version} = createRequire(import.meta.url)(path.join(root, directory, 'package.json')) as {
    name: string
    version: string
  }
  return `${name} ${version}`
}
