import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import http from 'node:http'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'
import {executableFor, nodeFor} from '../support/executables.js'
import {greetingOf} from '../support/greeting.js'
import {SecretService} from '../support/secret-service.js'
import {hasTmux, Terminal} from '../support/terminal.js'

const root = path.resolve(import.meta.dirname, '../..')
const host = 'gitlab-ssh.widgetcorp.tech'
const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64'
const missing =
  nodeFor(target) === undefined ? 'its node is not installed (npm ci --prefix executable)' : undefined
if (missing !== undefined) process.stderr.write(`SKIPPED: the single executable: ${missing}\n`)
const noKeyring = await SecretService.missing()
if (noKeyring !== undefined)
  process.stderr.write(`SKIPPED: the single executable and the keychain: ${noKeyring}\n`)

describe.skipIf(missing !== undefined)('the single executable', () => {
  /** The directory with nothing but the executable. */
  let directory: string
  let executable: string
  /** A PATH with what zt starts, and no node. */
  let PATH: string
  let zt: BuiltZt
  /** The same run with node. */
  let packaged: BuiltZt
  let apiToken: string

  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-alone-'))
    executable = path.join(directory, 'zt')
    await fs.copyFile(executableFor(target), executable)
    await fs.chmod(executable, 0o555)
    await fs.chmod(directory, 0o555)
    PATH = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-path-'))
    for (const program of ['ssh', 'sh', 'cat', 'sleep', 'tmux']) {
      const found = execFileSync('sh', ['-c', `command -v ${program} || true`], {encoding: 'utf8'}).trim()
      if (found !== '') await fs.symlink(found, path.join(PATH, program))
    }
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault', PATH}, [executable])
    packaged = await BuiltZt.make()
    ;({apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start']))
    return async () => {
      await zt.end()
      await packaged.end()
      await fs.chmod(directory, 0o755)
      for (const one of [directory, PATH]) await fs.rm(one, {recursive: true})
    }
  })

  it('says which version it is, as the package does', async () => {
    const of = async (one: BuiltZt): Promise<string> =>
      (await one.run(['--version'])).stdout.split(' ')[0] ?? ''
    expect(await of(zt)).toBe(await of(packaged))
    expect(await of(zt)).toMatch(/^zt-access\/\d/)
  })

  it.each(['--version', 'version'])(
    'says what it was built of, as the package does: %s --json',
    async (word) => {
      const [own, other] = [await zt.json([word]), await packaged.json([word])]
      expect(own).toMatchObject({
        executable: {kind: 'single-file'},
        node: expect.stringMatching(/^26\./) as string,
      })
      for (const same of ['version', 'commit', 'target', 'bundled']) expect(own[same]).toEqual(other[same])
      expect(own['bundled']).toHaveProperty('cloudflare')
    },
  )

  it.each([[[]], [['help']], [['token', 'create', '--help']], [['ssh', 'proxy', '--help']]])(
    'shows the same help: %j',
    async (args) => {
      const without = (text: string): string => text.replaceAll(/node-v\S+/g, 'node')
      const {stdout, code} = await zt.run(args)
      expect(code).toBe(0)
      expect(without(stdout)).toBe(without((await packaged.run(args)).stdout))
      expect(stdout).toContain('USAGE')
    },
  )

  it('asks for help in a narrow terminal of the framework, too', async () => {
    const {stdout} = await zt.run(['token', 'list', '--help'], {env: {OCLIF_COLUMNS: '50'}})
    expect(stdout).toContain('$ zt token list')
  })

  it('goes through the tutorial: a token in the vault, a rule, the real ssh', async () => {
    expect(await zt.json(['token', 'create', 'ci'])).toMatchObject({store: 'vault'})
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
    const greeted = await zt.run(['ssh', `git@${host}`, '--', '-T'])
    expect(greeted).toMatchObject({code: 0})
    expect(greeted.stdout).toContain('Welcome to GitLab, @')
    expect(await zt.json(['token', 'list'])).toMatchObject({tokens: [{name: 'ci'}]})
    expect((await zt.run(['token', 'list'])).stdout).toContain('ci')
  })

  it('is itself what ssh starts', async () => {
    const {block} = await zt.json<{block: string}>(['ssh', 'config', host])
    expect(block).toContain(`ProxyCommand ${executable} ssh proxy --profile sandbox ${host}\n`)
  })

  it('gives the pair to a program, whose NODE_OPTIONS it leaves alone', async () => {
    const script = 'printf %s "$NODE_OPTIONS:$CF_ACCESS_CLIENT_ID"'
    const given = await zt.run(['exec', 'ci', '--', 'sh', '-c', script], {env: {NODE_OPTIONS: '--inspect'}})
    expect(given.stdout).toMatch(/^--inspect:[0-9a-f]+\.access$/)
  })

  it('explains an error as the package does', async () => {
    const {code, stderr} = await zt.run(['token', 'shwo'])
    expect({code, stderr}).toEqual({code: 2, stderr: expect.stringContaining('zt token show') as string})
  })

  it.skipIf(!hasTmux)('asks on a terminal', async () => {
    const terminal = await Terminal.start(zt, ['token', 'create'])
    try {
      await terminal.shows(/Name of the service token/)
      await terminal.press('C-c')
      expect(await terminal.exitCode()).toBe(130)
    } finally {
      await terminal.close()
    }
  })

  describe("with node's switches in the environment", () => {
    it.each([
      '--require=/nowhere.cjs',
      '--inspect=127.0.0.1:0',
      '--no-such-switch',
      '--report-on-signal --report-directory=.',
      '--use-bundled-ca',
    ])('is as without: NODE_OPTIONS=%s', async (NODE_OPTIONS) => {
      const before = await fs.readdir(zt.home)
      const {code, stderr, stdout} = await zt.run(['token', 'list', '--json'], {env: {NODE_OPTIONS}})
      expect({code, stderr}).toEqual({code: 0, stderr: ''})
      expect(JSON.parse(stdout)).toMatchObject({tokens: [{name: 'ci'}]})
      expect(await fs.readdir(zt.home)).toEqual(before)
    })

    it.each([{NODE_USE_SYSTEM_CA: '1'}, {SSL_CERT_FILE: '/dev/null'}])('is as without: %j', async (env) => {
      const {code, stderr} = await zt.run(['token', 'list'], {env})
      expect({code, stderr}).toEqual({code: 0, stderr: ''})
    })

    it('prints nothing of what NODE_DEBUG would', async () => {
      const env = {NODE_DEBUG: '*', NODE_DEBUG_NATIVE: 'http2', CLOUDFLARE_API_TOKEN: apiToken}
      const {code, stdout, stderr} = await zt.run(['token', 'list'], {env})
      expect({code, stdout}).toEqual({code: 0, stdout: expect.stringContaining('ci') as string})
      expect(stderr).toContain('note:  NODE_DEBUG, NODE_DEBUG_NATIVE are ignored')
      // Before zt can remove the switch, node names its own modules.
      expect(stderr.replaceAll(/^MODULE \d+: load built-in module .*\n/gm, '').split('\n')).toHaveLength(2)
      expect(stderr).not.toContain(apiToken)
    })
  })

  describe("and the system's CAs", () => {
    let withCa: string
    let empty: string
    let config: string

    beforeAll(async () => {
      const {caFile} = await zt.json<{caFile: string}>(['profile', 'show'])
      ;[withCa, empty, config] = ['with-ca', 'empty', 'config'].map((name) => path.join(zt.home, name)) as [
        string,
        string,
        string,
      ]
      for (const one of [withCa, empty]) await fs.mkdir(one)
      await fs.cp(path.join(zt.home, 'CONFIG'), config, {recursive: true})
      await fs.copyFile(caFile, path.join(withCa, `${hashOf(caFile)}.0`))
      // The profile for an edge whose CA the system knows.
      const file = path.join(config, 'zt', 'config.json')
      const text = await fs.readFile(file, 'utf8')
      const {profiles, ...rest} = JSON.parse(text) as {profiles: {sandbox: {caFile?: string}}}
      expect(profiles.sandbox.caFile).toBe(caFile)
      delete profiles.sandbox.caFile
      await fs.writeFile(file, JSON.stringify({...rest, profiles}))
    })

    it('connects to an edge whose CA is among them', async () => {
      const {greeting, stderr} = await proxy({XDG_CONFIG_HOME: config, SSL_CERT_DIR: withCa})
      expect({greeting, stderr}).toEqual({
        greeting: expect.stringMatching(/^SSH-2\.0-/) as string,
        stderr: '',
      })
    })

    it('refuses an edge whose CA is not', async () => {
      const {greeting, stderr} = await proxy({XDG_CONFIG_HOME: config, SSL_CERT_DIR: empty})
      expect({greeting, stderr}).toEqual({
        greeting: '',
        stderr: expect.stringContaining('EDGE_NOT_TRUSTED') as string,
      })
    })

    describe('for the API', () => {
      let server: https.Server
      let apiConfig: string
      let certificate: string
      let hashed: string

      beforeAll(async () => {
        ;[apiConfig, hashed] = [path.join(zt.home, 'api-config'), path.join(zt.home, 'hashed')]
        certificate = path.join(zt.home, 'api.pem')
        const key = path.join(zt.home, 'api.key')
        const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate]
        const subject = ['-days', '2', '-subj', '/CN=zt', '-addext', 'subjectAltName=DNS:localhost']
        execFileSync('openssl', [...request, ...subject], {stdio: 'ignore'})
        await fs.mkdir(hashed)
        await fs.copyFile(certificate, path.join(hashed, `${hashOf(certificate)}.0`))
        const file = path.join(apiConfig, 'zt', 'config.json')
        await fs.cp(path.join(zt.home, 'CONFIG'), apiConfig, {recursive: true})
        const settings = JSON.parse(await fs.readFile(file, 'utf8')) as {
          profiles: {sandbox: {apiUrl: string}}
        }
        const behind = new URL(settings.profiles.sandbox.apiUrl)
        server = https.createServer(
          {key: await fs.readFile(key), cert: await fs.readFile(certificate)},
          (incoming, answer) => {
            const {method, url = '', headers} = incoming
            const own = {...headers, host: behind.host}
            const onward = http.request(new URL(url, behind), {method, headers: own}, (came) => {
              answer.writeHead(came.statusCode ?? 502, came.headers)
              came.pipe(answer)
            })
            incoming.pipe(onward)
          },
        )
        await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
        const {port} = server.address() as AddressInfo
        settings.profiles.sandbox.apiUrl = `https://localhost:${port}${behind.pathname}`
        await fs.writeFile(file, JSON.stringify(settings))
        return () => server.close()
      })

      it('are trusted, and so is that of NODE_EXTRA_CA_CERTS', async () => {
        for (const CAs of [
          {SSL_CERT_DIR: hashed},
          {SSL_CERT_DIR: empty, NODE_EXTRA_CA_CERTS: certificate},
          {NODE_EXTRA_CA_CERTS: certificate},
        ]) {
          const env = {...CAs, XDG_CONFIG_HOME: apiConfig}
          expect(await zt.json(['token', 'list'], {env})).toMatchObject({tokens: [{name: 'ci'}]})
        }
      })

      it('and no others', async () => {
        const env = {SSL_CERT_DIR: empty, XDG_CONFIG_HOME: apiConfig}
        const {code, stderr, stdout} = await zt.run(['token', 'list'], {env})
        expect({code, stdout}).toEqual({code: 8, stdout: ''})
        expect(stderr).toMatch(/certificate/)
      })
    })

    const proxy = (env: NodeJS.ProcessEnv): ReturnType<typeof greetingOf> =>
      greetingOf(zt, [executable, 'ssh', 'proxy', '--json', host], env)
  })

  describe.skipIf(noKeyring !== undefined)('with the real keychain', () => {
    let service: SecretService
    let env: NodeJS.ProcessEnv
    const addons = async (): Promise<string[]> => {
      const at = path.join(zt.home, 'CACHE', 'zt', 'addon')
      return (await fs.readdir(at)).map((name) => path.join(at, name))
    }

    beforeAll(async () => {
      service = await SecretService.start()
      const {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR} = service.env
      env = {
        DBUS_SESSION_BUS_ADDRESS,
        XDG_RUNTIME_DIR,
        ZT_STORE: 'keychain',
        CLOUDFLARE_API_TOKEN: apiToken,
      }
    })
    afterAll(() => service.end())

    it('keeps a secret there, and opens SSH with it', async () => {
      const created = await zt.json<{store: string; token: {id: string; clientId: string}}>(
        ['token', 'create', 'kept'],
        {env},
      )
      expect(created.store).toBe('keychain')
      const entry = await service.lookup('zt', `service-token/${created.token.id}`)
      expect(JSON.parse(entry)).toMatchObject({client_id: created.token.clientId})
      await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'kept'], {env})
      const ssh = ['ssh', `git@${host}`, '--token', 'kept', '--yes', '--no-share', '--', '-T']
      expect((await zt.run(ssh, {env})).stdout).toContain('Welcome to GitLab, @')
    })

    it('loads no addon that others could have written, and writes it again', async () => {
      const [addon = ''] = await addons()
      const content = await fs.readFile(addon)
      await fs.writeFile(addon, content.subarray(0, 5000))
      await fs.chmod(addon, 0o666)
      await zt.json(['token', 'create', 'again'], {env})
      expect(await addons()).toEqual([addon])
      expect((await fs.readFile(addon)).equals(content)).toBe(true)
      expect((await fs.stat(addon)).mode & 0o777).toBe(0o600)
    })

    it('says why where the addon can be kept nowhere, and creates no token', async () => {
      const {code, stderr} = await zt.run(['token', 'create', 'never'], {
        env: {...env, XDG_CACHE_HOME: '/proc/none'},
      })
      expect(code).toBe(9)
      expect(stderr).toContain('The keychain library cannot be written to /proc/none/zt/addon')
      const {tokens} = await zt.json<{tokens: {name: string}[]}>(['token', 'list'])
      expect(tokens.map(({name}) => name)).not.toContain('never')
    })
  })
})

describe('the executables', () => {
  for (const [one, system] of [
    ['linux-x64', 'Linux on x64'],
    ['linux-arm64', 'Linux on arm64'],
    ['win-x64', 'Windows'],
  ] as const) {
    const absent = nodeFor(one) === undefined
    if (absent)
      process.stderr.write(
        `SKIPPED: the executable for ${system}: npm ci --prefix executable --include=dev\n`,
      )

    it.skipIf(absent)(
      `are the same to the byte when they are built again, elsewhere and by another user: ${system}`,
      async () => {
        const copy = await copyOfProject()
        const again = path.join(copy, 'another-name')
        const first = await fs.readFile(executableFor(one))
        const umask = process.umask(0o077)
        try {
          execFileSync(
            process.execPath,
            [path.join(copy, 'scripts', 'executable.mjs'), '--target', one, '--out', again],
            {
              cwd: os.tmpdir(),
              env: {
                ...{
                  PATH: process.env['PATH'],
                  HOME: copy,
                  TMPDIR: copy,
                  TZ: 'Pacific/Kiritimati',
                  LC_ALL: 'C',
                },
                ...{NODE_OPTIONS: '--max-semi-space-size=1', ZT_PROFILE: 'another', FORCE_COLOR: '1'},
              },
              stdio: ['ignore', 'ignore', 'inherit'],
            },
          )
        } finally {
          process.umask(umask)
        }
        expect((await fs.readFile(again)).equals(first)).toBe(true)
        await fs.rm(copy, {recursive: true})
      },
    )

    it.skipIf(absent)(`have no path of the machine that built them: ${system}`, async () => {
      const file = await fs.readFile(executableFor(one))
      expect(
        [root, os.tmpdir() + path.sep + 'zt', 'dist-executable'].filter((text) => file.includes(text)),
      ).toEqual([])
    })
  }

  it.skipIf(missing !== undefined)('have beside them the licences of everything in them', async () => {
    executableFor(target)
    const text = await fs.readFile(path.join(root, 'dist-executable', 'LICENSES.txt'), 'utf8')
    for (const name of ['zt', '@github/keytar', 'cloudflare', 'node, and what it contains'])
      expect(text).toMatch(new RegExp(`^={80}\\n${name}`, 'm'))
  })
})

/** What an executable is made of, in another directory. */
async function copyOfProject(): Promise<string> {
  const copy = await fs.mkdtemp(path.join(os.tmpdir(), 'zt elsewhere-'))
  const parts = ['bin', 'dist', 'executable', 'packaging', 'scripts']
  for (const name of [...parts, 'LICENSE', 'package.json', 'tsconfig.json', 'oclif.manifest.json'])
    await fs.cp(path.join(root, name), path.join(copy, name), {
      recursive: true,
      filter: (file) => path.basename(file) !== 'node_modules',
    })
  for (const name of ['node_modules', 'executable/node_modules'])
    await fs.symlink(path.join(root, name), path.join(copy, name))
  return copy
}

/** By which OpenSSL looks a CA up in a directory. */
function hashOf(certificate: string): string {
  return execFileSync('openssl', ['x509', '-hash', '-noout', '-in', certificate], {encoding: 'utf8'}).trim()
}
