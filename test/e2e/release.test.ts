import {execFile, execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {beforeAll, describe, expect, it} from 'vitest'
import {executableFor, nodeFor, type Target} from '../support/executables.js'
import {missingPrograms} from '../support/pass.js'
import {BASH_COMPLETION} from '../support/shells.js'

const root = path.resolve(import.meta.dirname, '../..')
const scripts = path.join(root, 'scripts')
const run = promisify(execFile)
const json = async <T>(file: string): Promise<T> =>
  JSON.parse(await fs.readFile(path.join(root, file), 'utf8')) as T

interface Component {
  group?: string
  name: string
  type: string
  version?: string
  purl?: string
  cpe?: string
  licenses?: object[]
  hashes?: {alg: string; content: string}[]
  properties?: {name: string; value: string}[]
  components?: Component[]
}
interface Sbom {
  serialNumber: string
  metadata: {component: Component}
  components: Component[]
}
const {debianVersion, makeDeb} = (await import(path.join(scripts, 'debian.mjs'))) as {
  debianVersion: (version: string) => string
  makeDeb: (release: object) => Promise<string>
}
const {licenceText} = (await import(path.join(scripts, 'licences.mjs'))) as {
  licenceText: (root: string) => string
}
const {makeSbom, sbomFault} = (await import(path.join(scripts, 'sbom.mjs'))) as {
  makeSbom: (what: object) => Promise<string>
  sbomFault: (text: string) => Promise<string | null>
}
const {packagesIn} = (await import(path.join(scripts, 'third-party.mjs'))) as {
  packagesIn: (text: string) => {name: string; version: string}[]
}

const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64'
const node = nodeFor(target) ?? ''
const shells = ['bash', 'zsh', 'fish']
const missing =
  nodeFor('linux-x64') !== undefined && nodeFor('linux-arm64') !== undefined
    ? await missingPrograms('dpkg-deb', 'fakeroot', 'lintian', 'readelf', 'man', ...shells)
    : 'its nodes are not installed (npm ci --prefix executable --include=dev)'
if (missing !== undefined) process.stderr.write(`SKIPPED: the packages of a release: ${missing}\n`)

/** Another name than in the SBOM, or the name of what it is a part of. */
const IN_NODES_LICENCE: Record<string, string> = {
  acorn: 'Acorn',
  openssl: 'OpenSSL',
  v8: 'V8',
  lief: 'LIEF',
  icu: 'ICU',
  cldr: 'ICU',
  tzdata: 'ICU',
  unicode: 'ICU',
}
/** Of node's authors, or in the public domain. */
const NODES_OWN = ['nbytes', 'ncrypto', 'sqlite']
const VERSION = '1.2.3-rc.1'
const DATE = new Date('2026-03-05T01:30:00Z')
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : 'arm64'

describe.skipIf(missing !== undefined)('what a release consists of', () => {
  let directory: string
  let executable: string
  const sumOf = async (file: string): Promise<string> =>
    createHash('sha256')
      .update(await fs.readFile(file))
      .digest('hex')

  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-release-'))
    executable = executableFor(target)
    return () => fs.rm(directory, {recursive: true})
  })

  describe('the Debian package', () => {
    let deb: string
    const make = async (name: string, more: object = {}): Promise<string> => {
      const into = path.join(directory, name)
      await fs.mkdir(into)
      return makeDeb({
        ...{executable, architecture: ARCHITECTURE, into, version: VERSION, date: DATE},
        ...{maintainer: 'An Example <zt@widgetcorp.tech>', homepage: 'https://widgetcorp.tech/zt'},
        ...{compression: 'gzip', ...more},
      })
    }
    /** What dpkg-deb lists: mode, owner, time, name. */
    const contentsOf = async (file: string): Promise<string[][]> => {
      const {stdout} = await run('dpkg-deb', ['--contents', file], {env: {...process.env, TZ: 'UTC'}})
      const all = [...stdout.matchAll(/^(\S+) (\S+) +\d+ (\S+ \S+) \.(\S+)$/gm)].map(([, ...parts]) => parts)
      expect(all).toHaveLength(stdout.trimEnd().split('\n').length)
      return all
    }
    const fields = async (): Promise<Map<string, string>> => {
      const {stdout} = await run('dpkg-deb', ['--field', deb])
      return new Map(
        [...stdout.matchAll(/^(\S+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
      )
    }

    beforeAll(async () => {
      deb = await make('first')
    })

    it('is named after its version and architecture, with letters that every server leaves as they are', () => {
      expect(path.basename(deb)).toBe(`zt-access_1.2.3.rc.1-1_${ARCHITECTURE}.deb`)
    })

    it('is newer for Debian where it is for npm', async () => {
      expect((await fields()).get('Version')).toBe(debianVersion(VERSION))
      const alphas = ['1.0.0-alpha', '1.0.0-alpha.2', '1.0.0-alpha.10']
      const order = ['0.9.0', '0.10.0', ...alphas, '1.0.0-rc.1', '1.0.0', '1.0.1'].map(debianVersion)
      for (const [at, one] of order.slice(1).entries())
        expect(
          () => execFileSync('dpkg', ['--compare-versions', order[at] ?? '', 'lt', one]),
          `${order[at]} < ${one}`,
        ).not.toThrow()
    })

    it('has the same bytes when it is made again, with another umask', async () => {
      const umask = process.umask(0o077)
      try {
        const again = await make('again')
        expect(await sumOf(again)).toBe(await sumOf(deb))
        await fs.rm(again)
      } finally {
        process.umask(umask)
      }
    })

    it('has the executable, every man page, completion, licences and changes, all of root and of one time', async () => {
      const all = await contentsOf(deb)
      expect([...new Set(all.map(([, owner, time]) => `${owner} ${time}`))]).toEqual([
        'root/root 2026-03-05 01:30',
      ])
      const modes = all.map(([mode = '', , , name = '']): [string, string] => [name, mode])
      const files = new Map(modes.filter(([name]) => !name.endsWith('/')))
      const {man} = await json<{man: string[]}>('package.json')
      expect([...files.keys()].sort()).toEqual(
        [
          '/usr/bin/zt',
          '/usr/share/bash-completion/completions/zt',
          '/usr/share/doc/zt-access/changelog.Debian.gz',
          '/usr/share/doc/zt-access/changelog.gz',
          '/usr/share/doc/zt-access/copyright',
          '/usr/share/fish/vendor_completions.d/zt.fish',
          '/usr/share/lintian/overrides/zt-access',
          ...man.map((file) => `/usr/share/man/man1/${path.basename(file)}.gz`),
          '/usr/share/zsh/vendor-completions/_zt',
        ].sort(),
      )
      expect(files.get('/usr/bin/zt')).toBe('-rwxr-xr-x')
      files.delete('/usr/bin/zt')
      expect([...new Set(files.values())]).toEqual(['-rw-r--r--'])
    })

    it('has the time of its sources where the clock is behind them', async () => {
      const later = await make('later', {date: new Date('2100-03-05T01:30:00Z')})
      expect([...new Set((await contentsOf(later)).map(([, , time]) => time))]).toEqual(['2100-03-05 01:30'])
      await fs.rm(later)
    })

    it('runs no script when it is installed or removed', async () => {
      const control = path.join(directory, 'control')
      await run('dpkg-deb', ['--control', deb, control])
      expect((await fs.readdir(control)).sort()).toEqual(['control', 'md5sums'])
    })

    it('has no error and no warning of lintian', async () => {
      const found = await run('lintian', [
        '--fail-on',
        'error,warning',
        '--tag-display-limit',
        '0',
        deb,
      ]).catch(({stdout}: {stdout: string}) => ({stdout}))
      expect(found.stdout).toBe('')
    })

    it.each<Target>(['linux-x64', 'linux-arm64'])(
      'depends on what the %s node and the keychain’s library are linked against, in the versions whose symbols they use',
      async (of) => {
        const addon = path.join(root, 'node_modules/keytar/prebuilds', of, 'keytar.node')
        const read = ['--dynamic', '--version-info', '--wide']
        const said = await Promise.all(
          [executableFor(of), addon].map((file) => run('readelf', [...read, file])),
        )
        const stdout = said.map((one) => one.stdout).join('')
        const libraries = [...stdout.matchAll(/Shared library: \[(.+)\]/g)].map(([, name = '']) => name)
        const depends = (await fields()).get('Depends') ?? ''
        const versionOf = (name: string): string =>
          new RegExp(`(?:^|, )${name.replaceAll('+', '\\+')} \\(>= (\\S+)\\)`).exec(depends)?.[1] ?? ''
        const inLibc = /^(ld-linux.*|lib(c|m|dl|pthread))\.so/
        const packages: Record<string, string> = {
          'libstdc++.so.6': 'libstdc++6',
          'libgcc_s.so.1': 'libgcc-s1',
          'libatomic.so.1': 'libatomic1',
        }
        // They come with libsecret-1-0, without which only the keychain does not work.
        const keychain = /^lib(secret-1|glib-2\.0|gobject-2\.0|gio-2\.0)\.so/
        expect(libraries).toContain('libsecret-1.so.0')
        expect((await fields()).get('Recommends')).toContain('libsecret-1-0')
        const needed = libraries.filter((name) => !keychain.test(name))
        expect(
          [...new Set(needed.map((name) => (inLibc.test(name) ? 'libc6' : packages[name])))].sort(),
        ).toEqual([...depends.matchAll(/(?:^|, )(\S+)/g)].map(([, name]) => name).sort())
        const newest = (prefix: string): number[] =>
          [...stdout.matchAll(new RegExp(`\\b${prefix}_(\\d+(?:\\.\\d+)+)`, 'g'))]
            .map(([, version = '']) => version.split('.').map(Number))
            .sort((a, b) => compare(b, a))[0] ?? []
        expect(newest('GLIBC').join('.')).toBe(versionOf('libc6'))
        expect(newest('GCC').slice(0, 2).join('.')).toBe(versionOf('libgcc-s1'))
        // https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html: GLIBCXX_3.4.21 is of GCC 5.1, 5.2 is the first in Debian.
        expect(newest('GLIBCXX')).toEqual([3, 4, 21])
        expect(versionOf('libstdc++6')).toBe('5.2')
      },
    )

    it('is installed over an older one, runs, completes, shows its manual, and is removed without a rest', async () => {
      const system = path.join(directory, 'system')
      const admin = path.join(system, 'var/lib/dpkg')
      await fs.mkdir(admin, {recursive: true})
      // What is installed here is there, too: dpkg configures the package only if it has what it depends on.
      const needs = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1']
      await fs.writeFile(path.join(admin, 'status'), (await run('dpkg-query', ['--status', ...needs])).stdout)
      const dpkg = (...args: string[]): string =>
        execFileSync(
          'fakeroot',
          // An image of Debian may leave out manuals.
          ['dpkg', `--root=${system}`, '--log=/dev/null', '--path-include=/usr/*', ...args],
          {
            env: {...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`},
            stdio: 'pipe',
            encoding: 'utf8',
          },
        )
      const everything = async (): Promise<string[]> =>
        (await fs.readdir(system, {recursive: true})).filter((one) => !one.startsWith('var/lib/dpkg')).sort()
      const before = await everything()
      const older = await make('older', {version: '1.2.3-beta.9'})
      dpkg('--install', older)
      await fs.rm(older)
      expect(dpkg('--install', deb)).toContain('Unpacking zt-access (1.2.3~rc.1-1) over (1.2.3~beta.9-1)')
      expect((await everything()).filter((one) => /\.dpkg-|\/deb-/.test(one))).toEqual([])
      expect(dpkg('--status', 'zt-access')).toContain('Status: install ok installed')
      expect(dpkg('--verify', 'zt-access')).toBe('')
      const share = path.join(system, 'usr/share')
      const env = {
        ...{PATH: `${system}/usr/bin:/usr/bin:/bin`, HOME: directory, ZT_PATIENCE: '40'},
        ...{LANG: 'C.UTF-8', XDG_DATA_DIRS: share, XDG_CACHE_HOME: path.join(directory, 'cache')},
      }
      const say = async (program: string, ...args: string[]): Promise<string> =>
        (await run(program, args, {env, cwd: directory})).stdout
      expect(await say('zt', '--version')).toMatch(/^zt-access\/\S+ linux-\S+ node-v26\./)

      const bash = `source ${BASH_COMPLETION}
        _completion_loader zt
        COMP_LINE='zt token cre' COMP_POINT=12
        _zt_complete
        echo "\${COMPREPLY[*]}"`
      expect(await say('bash', '--norc', '-c', bash)).toBe('create\n')
      const zsh = `fpath=(${share}/zsh/vendor-completions $fpath)
        autoload -Uz compinit && compinit -u -d ${directory}/zcompdump
        print $_comps[zt] && autoload +X _zt && print \${+functions[_zt]}`
      expect(await say('zsh', '-f', '-c', zsh)).toBe('_zt\n1\n')
      expect(await say('fish', '-c', "complete -C 'zt token cre'")).toMatch(/^create\t/)
      for (const page of ['zt', 'zt-token-create'])
        expect(await say('man', '-M', path.join(share, 'man'), page)).toMatch(/^N?NA?AM?ME?E\n/m)

      const copyright = await fs.readFile(path.join(share, 'doc/zt-access/copyright'), 'utf8')
      const stanzas = copyright.split('\n\n').map((text) => text.split(/:/, 1)[0])
      expect([stanzas[0], ...new Set(stanzas.slice(1))]).toEqual(['Format', 'Files'])
      const named = packagesIn(await fs.readFile(path.join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8'))
      for (const name of [...named.map((one) => one.name), 'keytar', 'node-addon-api'])
        expect(copyright).toMatch(new RegExp(`^(Files:)? node_modules/${name}/\\*$`, 'm'))
      expect(copyright).toContain('Node.js is licensed for use as follows')

      dpkg('--purge', 'zt-access')
      expect(await everything()).toEqual(before)
    })
  })

  it('the licences have a text for everything that the SBOM of an executable names', async () => {
    const what = {file: executable, contents: 'executable', target, version: VERSION, date: DATE}
    const {components} = JSON.parse(await makeSbom(what)) as Sbom
    const text = licenceText(root)
    const heads = [...text.matchAll(/^={80}\n([^]+?)\n={80}$/gm)].flatMap(([, names = '']) =>
      names.split('\n'),
    )
    const nodes = text.slice(text.indexOf('Node.js is licensed for use as follows'))
    const nameOf = ({group, name}: Component): string => (group === undefined ? name : `${group}/${name}`)
    const without = components.flatMap((one) => {
      if (one.type === 'platform')
        return (one.components ?? []).filter(
          ({name}) =>
            !NODES_OWN.includes(name) &&
            !nodes.includes(`- ${IN_NODES_LICENCE[name] ?? name}, located at`) &&
            !heads.includes(`${name} in node`),
        )
      const parts = (one.components ?? []).filter(({type}) => type === 'library')
      return [
        ...(heads.includes(`${nameOf(one)} ${one.version}`) ? [] : [one]),
        ...parts.filter(({name}) => !new RegExp(`^${name}(?: \\S+)? \\(.+\\):$`, 'm').test(text)),
      ]
    })
    expect(without.map(nameOf)).toEqual([])
    const unlicensed = components
      .flatMap((one) => [one, ...(one.components ?? [])])
      .filter(({type, licenses}) => type !== 'file' && licenses?.length !== 1)
    expect(unlicensed.map(nameOf)).toEqual([])
  })

  describe('the SBOM', () => {
    let ofExecutable: Sbom
    const common = {version: VERSION, date: DATE}
    const executableSbom = (more: object = {}): Promise<string> =>
      makeSbom({file: executable, contents: 'executable', target, ...common, ...more})
    const names = ({components}: {components?: Component[]}): string[] =>
      (components ?? []).map(({purl, name}) => purl ?? name)
    const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`

    beforeAll(async () => {
      ofExecutable = JSON.parse(await executableSbom()) as Sbom
    })

    it('conforms to the schema of CycloneDX 1.6, which another does not', async () => {
      const text = await executableSbom()
      expect(JSON.parse(text)).toEqual(ofExecutable)
      expect(await sbomFault(text)).toBeNull()
      expect(await sbomFault(text.replace('"platform"', '"platfrom"'))).toContain('/components/')
    })

    it('has all code that is bundled, with its checksum, and the native part of the keychain', async () => {
      const listed = packagesIn(await fs.readFile(path.join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8'))
      const keytar = await json<{name: string; version: string}>('node_modules/keytar/package.json')
      const api = await json<{name: string; version: string}>('node_modules/node-addon-api/package.json')
      const packages = [...listed, keytar, api].map(({name, version}) => purlOf(name, version))
      const inside = ofExecutable.components.filter(({type}) => type === 'library')
      expect(names({components: inside}).sort()).toEqual(packages.sort())
      expect(packages).toContainEqual(expect.stringMatching(/^pkg:npm\/cloudflare@/))
      for (const {hashes} of inside)
        expect(hashes).toEqual([
          {alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string},
        ])
      const [native] = inside.find(({purl}) => purl === purlOf(keytar.name, keytar.version))?.components ?? []
      const addon = `prebuilds/${target}/keytar.node`
      expect(native).toMatchObject({
        name: addon,
        hashes: [{alg: 'SHA-256', content: await sumOf(path.join(root, 'node_modules/keytar', addon))}],
      })
    })

    it('says what zt changes in a package, and what a package contains in compiled form', () => {
      const of = (name: string): Component | undefined =>
        ofExecutable.components.find((one) => one.name === name)
      expect(of('cloudflare')?.properties).toEqual([
        {name: 'zt:changed', value: expect.stringMatching(/only a part/) as string},
      ])
      const emscripten = ['pkg:generic/musl', 'pkg:github/emscripten-core/emscripten']
      expect(names(of('jq-wasm') ?? {})).toEqual([
        ...emscripten,
        'pkg:github/jqlang/jq@jq-1.8.2',
        'pkg:github/kkos/oniguruma',
      ])
      expect(names(of('ssh2') ?? {})).toEqual([...emscripten, 'pkg:github/floodyberry/poly1305-donna'])
    })

    it('has the node inside, with each library in the version that this node says', async () => {
      const said = JSON.parse((await run(node, ['-p', 'JSON.stringify(process.versions)'])).stdout) as Record<
        string,
        string
      >
      const [inside] = ofExecutable.components.filter(({type}) => type === 'platform')
      expect(inside).toMatchObject({name: 'node', version: said['node']})
      const numbers = ['node', 'modules', 'napi']
      const versions = Object.entries(said).filter(([name, text]) => !numbers.includes(name) && text !== '')
      const parts = inside?.components ?? []
      const known = parts.flatMap(({version}) => version ?? [])
      expect(known.sort()).toEqual(versions.map(([, version]) => version).sort())
      expect(parts).toContainEqual(
        expect.objectContaining({
          name: 'openssl',
          version: said['openssl'],
          purl: `pkg:generic/openssl@${said['openssl']}`,
        }),
      )
      // Libraries that node's own licence names. npm and corepack are programs beside node, and QUIC is not compiled.
      const licence = await fs.readFile(path.join(path.dirname(node), '..', 'LICENSE'), 'utf8')
      const named = [...licence.matchAll(/^- (.+), located at (?:deps|lib\/punycode).* is licensed/gm)]
      const absent = ['npm', 'corepack', 'gtest', 'ngtcp2', 'nghttp3']
      expect(named.length).toBeGreaterThan(20)
      expect(
        named
          .map(([, name = '']) => name)
          .filter((name) => !absent.includes(name))
          .filter((name) => !parts.some((one) => (IN_NODES_LICENCE[one.name] ?? one.name) === name)),
      ).toEqual([])
    })

    it('is not made of an executable with another node', async () => {
      await expect(executableSbom({executable: path.join(root, 'package.json')})).rejects.toThrow(
        /is not made of a node for/,
      )
    })

    it('names the file by its checksum, and of a package the executable in it', async () => {
      const archive = path.join(directory, 'zt.tgz')
      await fs.writeFile(archive, 'bytes')
      const sbom = JSON.parse(await makeSbom({file: archive, contents: 'npm', ...common})) as Sbom
      expect(sbom.metadata.component).toMatchObject({
        name: 'zt-access',
        purl: `pkg:npm/zt-access@${VERSION}`,
        hashes: [{alg: 'SHA-256', content: await sumOf(archive)}],
      })
      expect(sbom.serialNumber).not.toBe(ofExecutable.serialNumber)
      // It has no node, and what it installs is said to be beside it.
      expect(sbom.components.map(({type}) => type)).not.toContain('platform')
      const beside = sbom.components.filter(({properties}) => properties?.[0]?.name === 'zt:delivery')
      expect(beside.map(({name}) => name)).toEqual(['keytar', 'node-addon-api'])
    })
  })
})

const compare = (a: number[], b: number[]): number =>
  a.map((one, at) => one - (b[at] ?? 0)).find((difference) => difference !== 0) ?? a.length - b.length
