import fs from 'node:fs/promises'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {inspect} from 'node:util'
import tls from 'node:tls'
import {afterAll, afterEach, beforeAll, expect, it, vi} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import type {AccessApi} from '../../src/lib/api/types.js'
import {errorJson} from '../../src/lib/core/error-text.js'
import {UserError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {startConnectProxy, type ConnectProxy} from '../support/connect-proxy.js'

// Behind a proxy: a name that no name server knows, so that nothing arrives without it.

const HOST = 'api.zt-proxy.invalid'
const API_TOKEN = 'canary-api-token-canary-api-token-canary'
const trusted = vi.hoisted(() => ({ca: ''}))

vi.mock('../../src/lib/network/certificates.js', async (load) => ({
  ...(await load<object>()),
  takesSystemStore: () => true,
  contextWith: (_: unknown, options: tls.SecureContextOptions) =>
    tls.createSecureContext({...options, ...(trusted.ca !== '' && {ca: trusted.ca})}),
}))

let directory: string
let server: https.Server
let asked: string[] = []
const closers: (() => Promise<void>)[] = []

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-api-proxy-'))
  const authority = await openCertificateAuthority(directory, Date.now())
  trusted.ca = await fs.readFile(authority.caFile, 'utf8')
  server = https.createServer(
    {
      SNICallback: (name, done) => {
        authority.contextFor(name).then(
          (context) => {
            done(null, context)
          },
          (error: unknown) => {
            done(error as Error)
          },
        )
      },
    },
    (request, response) => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.authorization ?? ''}`)
      response.setHeader('content-type', 'application/json')
      response.end('{"success": true, "errors": [], "messages": [], "result": []}')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  asked = []
  for (const close of closers.splice(0)) await close()
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await fs.rm(directory, {recursive: true, force: true})
})

async function proxied(answer?: string): Promise<ConnectProxy> {
  const proxy = await startConnectProxy((server.address() as AddressInfo).port, answer)
  closers.push(() => proxy.close())
  return proxy
}

const OPTIONS = {
  apiUrl: `https://${HOST}/client/v4`,
  accountId: 'acc',
  userAgent: 'zt-test',
  sleep: () => Promise.resolve(),
}
const open = (environment: Record<string, string>): AccessApi =>
  createAccessApi({...OPTIONS, environment, apiToken: new Secret(API_TOKEN)})

async function failure(environment: Record<string, string>): Promise<UserError> {
  const error: unknown = await open(environment)
    .listGroups()
    .catch((reason: unknown) => reason)
  if (!(error instanceof UserError)) throw error
  const everything = `${inspect(error, {depth: 9})}${JSON.stringify(errorJson(error))}`
  expect(everything).not.toContain(API_TOKEN)
  expect(everything).not.toContain('hunter2')
  return error
}

it('asks the API through the proxy of the environment, which sees no more than the address and its own password', async () => {
  const proxy = await proxied()
  const api = open({HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${proxy.port}`})
  expect(await api.listGroups()).toEqual([])
  expect(await api.inZone('9a7806061c88ada191ed06f989cc3dac').listGroups()).toEqual([])
  expect(asked).toHaveLength(2)
  for (const line of asked) expect(line).toContain(`Bearer ${API_TOKEN}`)
  // One connection for both.
  expect(proxy.requests.map((head) => head.split('\r\n').sort())).toEqual([
    [
      '',
      '',
      `CONNECT ${HOST}:443 HTTP/1.1`,
      `Host: ${HOST}:443`,
      `Proxy-Authorization: Basic ${Buffer.from('me:hunter2').toString('base64')}`,
      expect.stringMatching(/^User-Agent: zt/),
    ],
  ])
  expect(proxy.through).not.toContain(API_TOKEN)
  expect(proxy.through).not.toContain('groups')
})

it.each<[string, (port: number) => Record<string, string>]>([
  ['NO_PROXY names the API', (port) => ({HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: `.zt-proxy.invalid`})],
  ['only HTTP_PROXY is set', (port) => ({HTTP_PROXY: `http://127.0.0.1:${port}`})],
  ['it is set empty', (port) => ({https_proxy: '', HTTPS_PROXY: `http://127.0.0.1:${port}`})],
])('asks the API directly where %s', async (_, environment) => {
  const proxy = await proxied()
  const error = await failure(environment(proxy.port))
  expect(error.code).toBe('API_UNREACHABLE')
  expect(error.why).toBe('The host name does not exist.')
  expect(proxy.requests).toEqual([])
}) // prettier-ignore

it.each([
  ['a proxy that requires a password', '407 Proxy Authentication Required', 'PROXY_REFUSED', /requires a user and password/],
  ['a proxy that does not allow the API', '403 Forbidden', 'PROXY_REFUSED', /does not allow connections to that address/],
  ['a proxy that supports no CONNECT', '405 Method Not Allowed', 'PROXY_REFUSED', /does not make the connection/],
])('%s is asked once, and named', async (_, status, code, why) => {
  const proxy = await proxied(`HTTP/1.1 ${status}\r\n\r\n`)
  const error = await failure({HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`})
  expect(error.kind).toBe('unreachable')
  expect(error.code).toBe(code)
  expect(error.message).toMatch(/^Cannot list the Access groups: the proxy 127\.0\.0\.1:\d+ refuses the connection/)
  expect(error.why).toMatch(why)
  expect(error.why).toMatch(/HTTPS_PROXY names it/)
  expect(error.next.at(-1)).toBe(`To bypass it, add ${HOST} to NO_PROXY`)
  expect(proxy.requests).toHaveLength(1)
  expect(asked).toEqual([])
}) // prettier-ignore

it.each([
  ['nothing listens there', 'http://me:hunter2@127.0.0.1:1', /^Nothing listens there\./],
  ['its name does not exist', 'http://me:hunter2@proxy.zt-proxy.invalid:3128', /^The host name does not exist\./],
])('a proxy that cannot be reached is named: %s', async (_, HTTPS_PROXY, why) => {
  const error = await failure({HTTPS_PROXY})
  expect(error.code).toBe('PROXY_UNREACHABLE')
  expect(error.message).toMatch(/^Cannot list the Access groups: no connection through the proxy /)
  expect(error.why).toMatch(why)
}) // prettier-ignore

it('a value that is no proxy sends nothing', async () => {
  const error = await failure({HTTPS_PROXY: 'socks5://me:hunter2@127.0.0.1:1'})
  expect(error.code).toBe('BAD_PROXY')
  expect(error.why).toMatch(/socks5/)
})

it('a server behind the proxy that is not the API gets nothing', async () => {
  const proxy = await proxied()
  const ca = trusted.ca
  // What is trusted is read once.
  vi.resetModules()
  const fresh = await import('../../src/lib/api/client.js')
  trusted.ca = ''
  const environment = {HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`}
  const api = fresh.createAccessApi({...OPTIONS, environment, apiToken: new Secret(API_TOKEN)})
  const error: unknown = await api.listGroups().catch((reason: unknown) => reason)
  trusted.ca = ca
  const {code, why} = error as UserError
  expect(code).toBe('API_UNREACHABLE')
  expect(why).toMatch(/certificate is not trusted/)
  expect(asked).toEqual([])
})
