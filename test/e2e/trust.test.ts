import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {trustFlags} from '../../src/lib/tunnel/carrier/trust.js'
import {bin, BuiltZt} from '../support/built-zt.js'
import {greetingOf} from '../support/greeting.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const SYSTEM_STORE = '--use-openssl-ca'

let zt: BuiltZt
/** CA directories for OpenSSL: one with the sandbox's CA, and an empty one. */
let withCa: string
let empty: string

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox'})
  const {caFile} = await zt.json<{caFile: string}>(['sandbox', 'start'])
  await zt.json(['token', 'create', 'ci'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
  withCa = path.join(zt.home, 'with-ca')
  empty = path.join(zt.home, 'empty')
  await fs.mkdir(withCa)
  await fs.mkdir(empty)
  const hash = execFileSync('openssl', ['x509', '-hash', '-noout', '-in', caFile], {encoding: 'utf8'}).trim()
  await fs.copyFile(caFile, path.join(withCa, `${hash}.0`))
})
afterAll(() => zt.end())

/** Runs `zt ssh proxy` in node as the ProxyCommand does, until the greeting or the end. */
function proxy(args: string[], env: NodeJS.ProcessEnv): ReturnType<typeof greetingOf> {
  return greetingOf(zt, [process.execPath, SYSTEM_STORE, bin, 'ssh', 'proxy', ...args, host], env)
}

/** The profile for an edge whose CA the system knows. */
async function withoutCaFile(): Promise<string> {
  const directory = path.join(zt.home, 'CONFIG', 'zt')
  const own = path.join(zt.home, 'no-ca-config')
  await fs.cp(directory, path.join(own, 'zt'), {recursive: true})
  const file = path.join(own, 'zt', 'config.json')
  const text = await fs.readFile(file, 'utf8')
  const changed = text.replace(/"caFile":\s*"[^"]*",?/, '')
  expect(changed).not.toBe(text)
  await fs.writeFile(file, changed.replace(/,(\s*})/, '$1'))
  return own
}

describe('a proxy that takes the system’s CAs', () => {
  it('trusts an edge whose CA is in the directory of the environment', async () => {
    const config = await withoutCaFile()
    const {greeting, stderr} = await proxy([], {XDG_CONFIG_HOME: config, SSL_CERT_DIR: withCa})
    expect({greeting, stderr}).toMatchObject({
      greeting: expect.stringMatching(/^SSH-2\.0-/) as string,
      stderr: '',
    })
  })

  it('refuses an edge whose CA the system does not have', async () => {
    const config = await withoutCaFile()
    const {greeting, stderr} = await proxy(['--json'], {XDG_CONFIG_HOME: config, SSL_CERT_DIR: empty})
    expect(greeting).toBe('')
    expect(stderr).toContain('EDGE_NOT_TRUSTED')
  })

  it.each<[what: string, env: NodeJS.ProcessEnv]>([
    ['the system’s own', {}],
    ['none', {SSL_CERT_DIR: '/nonexistent'}],
    ['a file', {SSL_CERT_FILE: '/dev/null'}],
  ])('trusts the profile’s CA file in addition to %s', async (_what, env) => {
    const {greeting, stderr} = await proxy([], env)
    expect({greeting, stderr}).toMatchObject({
      greeting: expect.stringMatching(/^SSH-2\.0-/) as string,
      stderr: '',
    })
  })
})

it.each([
  {NODE_OPTIONS: '--use-bundled-ca'},
  {NODE_OPTIONS: '--no-warnings --use_system_ca'},
  {NODE_USE_SYSTEM_CA: '1'},
])('ssh starts the proxy without where node would end at two stores: %j', (env) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  expect(trustFlags()).toEqual([])
  vi.unstubAllEnvs()
})

it('ssh starts the proxy so where the system has its CAs by hash', async () => {
  const {stdout} = await zt.run(['ssh', 'config', host])
  const [flag] = trustFlags()
  const line = stdout.split('\n').find((one) => one.includes('ProxyCommand'))
  expect(line?.includes(` ${SYSTEM_STORE} `)).toBe(flag === SYSTEM_STORE)
})
