import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {Secret} from '../../../src/lib/core/secret.js'
import {requireUsableVersion} from '../../../src/lib/tunnel/cloudflared/version.js'
import {requireCloudflared, runCloudflared} from '../../../src/lib/tunnel/cloudflared/run.js'
import {makeFakeCloudflared} from '../../support/fake-cloudflared.js'

const SECRET = 'cfast_ofTheTest0123456789012345678901234567890'
const credentials = {clientId: '0123.access', clientSecret: new Secret(SECRET)}

let directory: string
let cacheDirectory: string

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-cloudflared-'))
  cacheDirectory = path.join(directory, 'cache')
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const says = (version: string): string => `echo 'cloudflared version ${version} (built 2026-06-08T18:16:09Z)'`
const require = (env: Record<string, string>): Promise<string> => requireCloudflared(env, cacheDirectory)

describe('which cloudflared is used', () => {
  it.each([
    ['2026.8.2', undefined],
    ['2026.5.1', undefined],
    ['2026.6.1', undefined],
    ['2021.3.2', undefined],
    ['2021.12.0', undefined],
    ['DEV', undefined],
    ['2026.6.0', 'service tokens'],
    ['2021.3.1', 'older than'],
    ['2020.12.0', 'older than'],
  ])('by its version: %s', async (version, why) => {
    const {program} = await makeFakeCloudflared(directory, says(version))
    const chosen = require({PATH: directory})
    if (why === undefined) await expect(chosen).resolves.toBe(program)
    else
      await expect(chosen).rejects.toMatchObject({
        kind: 'needs-action',
        code: 'CLOUDFLARED_BAD_VERSION',
        message: expect.stringContaining(version) as string,
        why: expect.stringContaining(why) as string,
        next: expect.arrayContaining([expect.stringContaining('--client builtin')]) as string[],
      })
  })

  it.each([
    ['says nothing', ':'],
    ['is another program', 'echo "gcc version 12.2.0"'],
    ['fails', 'echo "cloudflared version 2026.8.2"; exit 3'],
    ['is killed', 'kill -9 $$'],
    ['says too much', 'head -c 200000 /dev/zero | tr "\\0" x'],
  ])('never one that %s when it is asked for its version', async (_, script) => {
    await makeFakeCloudflared(directory, script)
    await expect(require({PATH: directory})).rejects.toMatchObject({
      kind: 'needs-action',
      code: 'CLOUDFLARED_UNUSABLE',
    })
  })

  it('never one that hangs when it is asked for its version', async () => {
    const {program} = await makeFakeCloudflared(directory, 'exec sleep 3600')
    await expect(
      requireUsableVersion({program, env: {}, cacheDirectory, deadlineMs: 200}),
    ).rejects.toMatchObject({code: 'CLOUDFLARED_UNUSABLE', why: expect.stringContaining('0.2 s') as string})
  })

  it('the one that CLOUDFLARED names, before the one on PATH', async () => {
    await makeFakeCloudflared(directory, says('2026.6.0'))
    const {program} = await makeFakeCloudflared(directory, says('2026.8.2'), '', 'another')
    await expect(require({PATH: directory, CLOUDFLARED: program})).resolves.toBe(program)
  })

  it.each([
    ['PATH has none', {PATH: '/nonexistent'}],
    ['PATH is not set', {}],
    ['PATH names the current directory only', {PATH: ':.:bin'}],
    ['CLOUDFLARED is relative', {CLOUDFLARED: 'cloudflared'}],
    ['CLOUDFLARED names nothing', {CLOUDFLARED: '/nonexistent/cloudflared'}],
    ['CLOUDFLARED names a directory', {CLOUDFLARED: os.tmpdir()}],
  ])('none where %s, although one lies in the current directory', async (_, env) => {
    await makeFakeCloudflared(directory, says('2026.8.2'))
    const before = process.cwd()
    process.chdir(directory)
    try {
      await expect(require(env)).rejects.toMatchObject({kind: 'needs-action', code: 'CLOUDFLARED_NOT_FOUND'})
    } finally {
      process.chdir(before)
    }
  })
})

it.each([
  ['C:\\tools\\cloudflared.cmd', 'batch file'],
  ['C:\\tools\\cloudflared.BAT', 'batch file'],
  ['C:cloudflared.exe', 'absolute path'],
  ['\\cloudflared.exe', 'absolute path'],
])('on Windows %s gets no credentials: %s', async (CLOUDFLARED, why) => {
  await expect(requireCloudflared({CLOUDFLARED}, directory, 'win32')).rejects.toMatchObject({
    code: 'CLOUDFLARED_NOT_FOUND',
    why: expect.stringContaining(why) as string,
  })
})

describe('its version', () => {
  it('is asked for once, and again when the file is another', async () => {
    const fake = await makeFakeCloudflared(directory, says('2026.8.2'))
    await require({PATH: directory})
    await require({PATH: directory})
    expect(await fake.runs()).toHaveLength(1)
    const worse = await makeFakeCloudflared(directory, says('2026.6.0'))
    await fs.utimes(fake.program, new Date(), new Date(Date.now() + 5000))
    await expect(require({PATH: directory})).rejects.toMatchObject({code: 'CLOUDFLARED_BAD_VERSION'})
    await expect(require({PATH: directory})).rejects.toMatchObject({code: 'CLOUDFLARED_BAD_VERSION'})
    expect(await worse.runs()).toHaveLength(2)
  })

  it.each([
    ['damaged', '{"version": '],
    ['of another program', '{"program":"/x","mtimeMs":1,"size":1,"version":"2026.8.2"}'],
    ['no object', '[]'],
  ])('is asked for where what was remembered is %s', async (_, content) => {
    const fake = await makeFakeCloudflared(directory, says('2026.8.2'))
    await fs.mkdir(cacheDirectory)
    await fs.writeFile(path.join(cacheDirectory, 'cloudflared.json'), content)
    await require({PATH: directory})
    expect(await fake.runs()).toHaveLength(1)
  })

  it('is asked for each time where nothing can be remembered', async () => {
    const fake = await makeFakeCloudflared(directory, says('2026.8.2'))
    await fs.writeFile(cacheDirectory, 'a file is in its place')
    await require({PATH: directory})
    await require({PATH: directory})
    expect(await fake.runs()).toHaveLength(2)
  })
})

describe('cloudflared is given', () => {
  const environment = {
    HOME: '/home/somebody',
    HTTPS_PROXY: 'http://proxy.example:3128',
    TUNNEL_LOGLEVEL: 'debug',
    TUNNEL_LOGFILE: '/tmp/log',
    TUNNEL_SERVICE_TOKEN_SECRET: 'another',
    TUNNEL_SERVICE_HOSTNAME: 'elsewhere.example',
    CF_ACCESS_CLIENT_ID: 'x',
    CF_ACCESS_CLIENT_SECRET: 'y',
    CLOUDFLARE_API_TOKEN: 'z',
    CLOUDFLARE_API_KEY: 'z',
    ZT_PROFILE: 'p',
    ZT_VAULT_PASSPHRASE_FILE: '/p',
  }

  it.each([
    ['as it is', undefined, undefined, ['access', 'ssh', '--hostname', 'h.example']],
    ['with an address and a CA', '127.0.0.1:8443', '/ca.pem', ['access', 'ssh', '--hostname', 'h.example', '--connect-to', '127.0.0.1:8443']],
  ])('the credentials only by its environment, and nothing else of zt’s (%s)', async (_, connectTo, caFile, args) => {
    const fake = await makeFakeCloudflared(directory, says('2026.8.2'))
    const env = {...environment, CLOUDFLARED: fake.program}
    const program = await require(env)
    const code = await runCloudflared({program, edge: {host: 'h.example', connectTo, caFile}, credentials, env})
    expect(code).toBe(0)
    const [asked, run] = await fake.runs()
    expect(asked?.args).toEqual(['--version'])
    expect(run?.args).toEqual(args)
    expect(JSON.stringify(asked)).not.toContain(SECRET)
    const ours = /^(TUNNEL_|CF_ACCESS_|CLOUDFLARE|ZT_)/
    expect(Object.keys(asked?.env ?? {}).filter((name) => ours.test(name))).toEqual([])
    const {HOME, HTTPS_PROXY, SSL_CERT_FILE} = run?.env ?? {}
    expect({HOME, HTTPS_PROXY, SSL_CERT_FILE}).toEqual({
      HOME: environment.HOME,
      HTTPS_PROXY: environment.HTTPS_PROXY,
      SSL_CERT_FILE: caFile,
    })
    expect(Object.fromEntries(Object.entries(run?.env ?? {}).filter(([name]) => ours.test(name)))).toEqual({
      TUNNEL_SERVICE_TOKEN_ID: credentials.clientId,
      TUNNEL_SERVICE_TOKEN_SECRET: SECRET,
    })
  }) // prettier-ignore

  it.each([
    ['exit 0', 0],
    ['exit 1', 1],
    ['exit 42', 42],
    ['kill -TERM $$', 143],
    ['kill -KILL $$', 137],
  ])('the say over how it ends: %s', async (does, expected) => {
    const {program} = await makeFakeCloudflared(directory, says('2026.8.2'), does)
    const edge = {host: 'h.example', connectTo: undefined, caFile: undefined}
    expect(await runCloudflared({program, edge, credentials, env: {}})).toBe(expected)
  })

  it('no IPv6 address to connect to, which it would split at its colons', async () => {
    const {program, runs} = await makeFakeCloudflared(directory, says('2026.8.2'))
    const edge = {host: 'h.example', connectTo: '[::1]:8443', caFile: undefined}
    await expect(runCloudflared({program, edge, credentials, env: {}})).rejects.toMatchObject({
      ...{kind: 'usage', code: 'CLOUDFLARED_NO_IPV6', next: ["Use zt's own client: --client builtin"]},
    })
    expect(await runs()).toEqual([])
  })
})
