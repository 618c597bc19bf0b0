import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'
import {startConnectProxy} from '../support/connect-proxy.js'
import {makeLikeCloudflared} from '../support/fake-cloudflared.js'

const real = process.env['CLOUDFLARED']
if (real === undefined)
  process.stderr.write(
    'SKIPPED: the real cloudflared: CLOUDFLARED does not name it; a program that connects as it does takes its place\n',
  )

const ID = 'ci.access'
const SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'
const FLAGS = ['--id', ID, '--secret', SECRET]
const VARIABLES = {TUNNEL_SERVICE_TOKEN_ID: ID, TUNNEL_SERVICE_TOKEN_SECRET: SECRET}
const OPEN = 'open.widgetcorp.tech'

const token = (id: string) => ({decision: 'non_identity', include: [{service_token: {token_id: id}}]})
const SEED = {
  service_tokens: [{id: 'token-ci', name: 'ci', client_id: ID, client_secret: SECRET}],
  apps: [
    {name: 'Open', domain: OPEN, policies: [{name: 'ci', ...token('token-ci')}]},
    {
      name: 'Login',
      domain: 'login.widgetcorp.tech',
      aud: 'f00d',
      policies: [{name: 'other', ...token('token-other')}],
    },
    {
      name: 'Refusing',
      domain: 'refusing.widgetcorp.tech',
      service_auth_401_redirect: true,
      policies: [{name: 'other', ...token('token-other')}],
    },
  ],
}

let zt: BuiltZt
let sandbox: {edge: string; caFile: string}
let like: string
const port = (): string => sandbox.edge.split(':')[1] ?? ''

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  await fs.writeFile(seed, JSON.stringify(SEED))
  sandbox = await zt.json<typeof sandbox>(['sandbox', 'start', '--seed', seed])
  const pair = JSON.stringify({client_id: ID, client_secret: SECRET})
  await zt.json(['token', 'import', 'ci', '--host', OPEN], {input: pair})
  like = await makeLikeCloudflared(zt.home)
})
afterAll(() => zt.end())

/** Ends a client's stdin once the other end has said something: cloudflared ends with it, whatever is on the way. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<End> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: {PATH: process.env['PATH'], HOME: zt.home, ...env},
      cwd: zt.home,
    })
    const end: End = {code: null, stdout: '', stderr: ''}
    child.stdin.on('error', () => undefined)
    child.stdout.on('data', (chunk: Buffer) => {
      end.stdout += chunk.toString()
      child.stdin.end()
    })
    child.stderr.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({...end, code})
    })
  })
}

/** The forms of --connect-to: what is dialled, and what the certificate is checked for, differ. */
const FORMS: [form: string, connectTo: () => string, dialled: () => string][] = [
  ['ADDRESS:PORT, which sends no server name', () => sandbox.edge, () => sandbox.edge],
  ['NAME:PORT, which sends that name', () => `localhost:${port()}`, () => `localhost:${port()}`],
  ['SNI:PORT:ADDRESS, which checks no certificate', () => `${OPEN}:${port()}:127.0.0.1`, () => sandbox.edge],
]

describe.each([
  ['a program that connects as cloudflared does', () => like],
  ...(real === undefined ? [] : [['cloudflared', () => real] as [string, () => string]]),
])('%s', (_name, program) => {
  describe.each(FORMS)('with --connect-to %s', (_form, connectTo, dialled) => {
    const access = (host: string, flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<End> => {
      const args = ['access', 'ssh', '--hostname', host, '--connect-to', connectTo(), ...flags]
      return run(program(), args, {SSL_CERT_FILE: sandbox.caFile, ...env})
    }

    it.each([
      ['flags', FLAGS, {}],
      ['the environment', [], VARIABLES],
      ['flags, which beat the environment', FLAGS, {...VARIABLES, TUNNEL_SERVICE_TOKEN_SECRET: 'wrong'}],
    ])('gets the banner, and ends with 0, with credentials by %s', async (_how, flags, env) => {
      expect(await access(OPEN, flags, env)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^SSH-2\.0-/) as string,
      })
    })

    it.each([
      ['no credentials', OPEN, []],
      ['a wrong secret', OPEN, ['--id', ID, '--secret', 'wrong']],
      ['a token that no rule admits', 'login.widgetcorp.tech', FLAGS],
    ])('ends with 1 after the login page: %s', async (_what, host, flags) => {
      const end = await access(host, flags)
      expect(end).toMatchObject({code: 1, stdout: ''})
      // It asks the address for the application, and the address has none.
      expect(end.stderr).toContain(`failed to find Access application at https://${dialled()}`)
    })

    it.each([
      ['a 401', 'refusing.widgetcorp.tech'],
      ['a host of no application', 'other.widgetcorp.tech'],
    ])('ends with 1 after %s, of which it says no more', async (_what, host) => {
      const end = await access(host, FLAGS)
      expect(end).toMatchObject({code: 1, stdout: ''})
      expect(end.stderr).toContain('websocket: bad handshake')
    })
  })

  it('does not trust the edge without the CA of the sandbox', async () => {
    const args = ['access', 'ssh', '--hostname', OPEN, '--connect-to', sandbox.edge, ...FLAGS]
    const end = await run(program(), args, {})
    expect(end).toMatchObject({code: 1, stdout: ''})
    expect(end.stderr).toMatch(/certificate/)
  })

  describe('under zt, with --client cloudflared on the profile of the sandbox,', () => {
    const proxy = (host: string, more: readonly string[] = []): Promise<End> => {
      const [node = '', ...words] = zt.program
      const args = [...words, 'ssh', 'proxy', host, '--client', 'cloudflared', ...more]
      return run(node, args, {...zt.env, CLOUDFLARED: program()})
    }

    it('carries the connection', async () => {
      expect(await proxy(OPEN)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^SSH-2\.0-/) as string,
      })
    })

    it('is not started with a pair that the edge refuses, for which it would ask a person to log in', async () => {
      const end = await proxy('login.widgetcorp.tech', ['--token', 'ci', '--yes'])
      expect(end).toMatchObject({code: 10, stdout: ''})
      expect(end.stderr).toContain('Access refused the service token for login.widgetcorp.tech')
    })
  })
})

/** Without --connect-to cloudflared finds the application and its keys, as with a real edge. */
if (real !== undefined)
  describe('cloudflared through a proxy that leads every host to the edge', () => {
    const through = async (host: string): Promise<End & {asked: string[]}> => {
      const proxy = await startConnectProxy(Number(port()))
      const end = await run(real, ['access', 'ssh', '--hostname', host, ...FLAGS], {
        SSL_CERT_FILE: sandbox.caFile,
        HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
        // No browser is found there.
        PATH: zt.home,
      })
      await proxy.close()
      return {...end, asked: proxy.requests.map((head) => /^CONNECT ([^:]+)/.exec(head)?.[1] ?? '')}
    }

    it('gets the banner', async () => {
      expect(await through(OPEN)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^SSH-2\.0-/) as string,
        asked: [OPEN],
      })
    })

    it('believes what the edge says of the application, and asks for a login there', async () => {
      const {code, asked, stderr} = await through('login.widgetcorp.tech')
      expect(stderr).toMatch(/https:\/\/login\.widgetcorp\.tech\/cdn-cgi\/access\/cli\?aud=f00d&/)
      expect(asked).toContain('widgetcorp.cloudflareaccess.com')
      // Nothing answers at the service that would hand over the login.
      expect(code).toBe(1)
    })
  })
