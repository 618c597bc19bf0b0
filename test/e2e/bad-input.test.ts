import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const app = (n: number, name: string, domain: string): object => ({
  id: `f1e2d3c4-b5a6-4978-8a9b-acbdcedf00${n}`,
  name,
  type: 'self_hosted',
  domain,
  policies: [],
})

let zt: BuiltZt
let state: string
let silent: net.Server
const fill: Record<string, string> = {}

/** Everything that bad input must not change: the account, and this machine's configuration and secrets. */
async function everything(): Promise<string> {
  const files: string[] = []
  for (const kind of ['CONFIG', 'DATA']) {
    const directory = path.join(zt.home, kind)
    for (const entry of await fs.readdir(directory, {recursive: true, withFileTypes: true})) {
      if (!entry.isFile()) continue
      const file = path.join(entry.parentPath, entry.name)
      files.push(`${file}\n${await fs.readFile(file, 'latin1')}`)
    }
  }
  return [await fs.readFile(state, 'utf8'), ...files.sort()].join('\n')
}

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  await fs.writeFile(
    seed,
    JSON.stringify({
      accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
      zones: [],
      apps: [app(11, 'GitLab', host), app(12, 'Twin', 'a.widgetcorp.tech'), app(13, 'Twin', 'b.widgetcorp.tech')],
      policies: [],
      groups: [],
      service_tokens: [],
      api_tokens: [
        {token: 'reads-only', owner: 'user', permission_groups: ['Access: Apps and Policies Read', 'Access: Service Tokens Read', 'Account Settings Read']},
        {token: 'expired-token', owner: 'user', status: 'expired', expires_on: '2020-01-01T00:00:00Z'},
      ],
      settings: {strict_service_token_auth: false, enforcement_delay_ms: 0},
    }), // prettier-ignore
  )
  const info = await zt.json<{stateFile: string; edge: string}>(['sandbox', 'start', '--seed', seed])
  state = info.stateFile
  await zt.json(['token', 'create', 'ci'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
  // Accepts and never answers.
  silent = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const closed = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  fill['CLOSED'] = `127.0.0.1:${(closed.address() as net.AddressInfo).port}`
  await new Promise((resolve) => closed.close(resolve))
  fill['SILENT'] = `127.0.0.1:${(silent.address() as net.AddressInfo).port}`
  fill['NOT_A_CA'] = path.join(zt.home, 'not-a-ca.pem')
  await fs.writeFile(fill['NOT_A_CA'], 'this is no certificate\n')
  fill['OTHER_CA'] = path.join(zt.home, 'other-ca.pem')
  await fs.writeFile(fill['OTHER_CA'], OTHER_CA)
  fill['NO_PROGRAMS'] = path.join(zt.home, 'no-programs')
  await fs.mkdir(fill['NO_PROGRAMS'])
})

afterAll(async () => {
  silent?.close()
  await zt.end()
})

type Row = [what: string, args: string[], env: NodeJS.ProcessEnv, exitCode: number, code: string]
const rows: Row[] = [
  ['an unknown application', ['app', 'show', 'GitLub'], {}, 5, 'APPLICATION_NOT_FOUND'],
  ['an unknown application for a rule', ['app', 'add-rule', 'GitLub', '--service-auth', '--token', 'ci'], {}, 5, 'APPLICATION_NOT_FOUND'],
  ['an ambiguous name', ['app', 'add-rule', 'Twin', '--service-auth', '--token', 'ci'], {}, 6, 'APPLICATION_AMBIGUOUS'],
  ['an unknown token', ['token', 'show', 'nobody'], {}, 5, 'TOKEN_NOT_FOUND'],
  ['an unknown token for a rule', ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'nobody'], {}, 5, 'TOKEN_NOT_FOUND'],
  ['an unknown token for ssh', ['ssh', host, '--token', 'nobody', '--yes'], {}, 5, 'STORED_TOKEN_NOT_FOUND'],
  ['a name that is taken', ['token', 'create', 'ci'], {}, 7, 'TOKEN_NAME_TAKEN'],
  ['a name over 350 characters', ['token', 'create', 'x'.repeat(351)], {}, 2, 'BAD_TOKEN_NAME'],
  ['an empty name', ['token', 'create', ' '], {}, 2, 'BAD_TOKEN_NAME'],
  ['a malformed duration', ['token', 'create', 'y', '--duration', '3 fortnights'], {}, 2, 'BAD_DURATION'],
  ['a wrong API token', ['token', 'list'], {CLOUDFLARE_API_TOKEN: 'wrong'}, 3, 'API_TOKEN_NOT_ACCEPTED'],
  ['an expired API token', ['token', 'create', 'y'], {CLOUDFLARE_API_TOKEN: 'expired-token'}, 3, 'API_TOKEN_NOT_ACTIVE'],
  ['an underprivileged API token', ['token', 'create', 'y'], {CLOUDFLARE_API_TOKEN: 'reads-only'}, 4, 'PERMISSION_MISSING'],
  ['an API token that may not attach', ['app', 'add-rule', 'a.widgetcorp.tech', '--service-auth', '--token', 'ci'], {CLOUDFLARE_API_TOKEN: 'reads-only'}, 4, 'PERMISSION_MISSING'],
  ['a global flag before the command', ['--profile', 'none', 'token', 'list'], {}, 5, 'PROFILE_NOT_FOUND'],
  ['no profile of that name', ['token', 'list', '--profile', 'none'], {}, 5, 'PROFILE_NOT_FOUND'],
  ['no name without a terminal', ['token', 'create'], {}, 2, 'INPUT_REQUIRED'],
  ['no application without a terminal', ['app', 'add-rule'], {}, 2, 'INPUT_REQUIRED'],
  ['an unknown flag', ['token', 'create', 'y', '--secret', 's'], {}, 2, 'BAD_COMMAND_LINE'],
  ['an unknown command', ['token', 'crate'], {}, 2, 'UNKNOWN_COMMAND'],
  ['an unbound host', ['ssh', 'other.widgetcorp.tech'], {}, 5, 'HOST_NOT_BOUND'],
  ['a token for a host that it is not bound to', ['ssh', 'other.widgetcorp.tech', '--token', 'ci'], {}, 9, 'TOKEN_NOT_BOUND'],
  ['words for ssh without --', ['ssh', host, 'ls', '-l'], {}, 2, 'BAD_COMMAND_LINE'],
  ['no host name', ['ssh', '-oProxyCommand=x'], {}, 2, 'BAD_COMMAND_LINE'],
  ['no ssh on PATH', ['ssh', host], {PATH: '{NO_PROGRAMS}'}, 9, 'SSH_NOT_FOUND'],
  ['cloudflared asked for and absent', ['ssh', 'proxy', host, '--client', 'cloudflared'], {}, 9, 'CLOUDFLARED_NOT_FOUND'],
  ['an edge that is not there', ['ssh', 'proxy', host, '--connect-to', '{CLOSED}'], {}, 8, 'EDGE_UNREACHABLE'],
  ['an edge that does not answer', ['ssh', 'proxy', host, '--connect-to', '{SILENT}', '--timeout', '0.3'], {}, 8, 'EDGE_TIMEOUT'],
  ['a CA file that is none', ['ssh', 'proxy', host, '--ca-file', '{NOT_A_CA}'], {}, 2, 'BAD_CA_FILE'],
  ['a CA file that is not there', ['ssh', 'proxy', host, '--ca-file', '{NOT_A_CA}.gone'], {}, 2, 'BAD_CA_FILE'],
  ["another CA than the edge's", ['ssh', 'proxy', host, '--ca-file', '{OTHER_CA}'], {}, 8, 'EDGE_NOT_TRUSTED'],
  ['no usable store', ['token', 'create', 'z'], {ZT_STORE: 'keychain', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/none'}, 9, 'STORE_NOT_READY'],
  ['an unknown store', ['token', 'create', 'z'], {ZT_STORE: 'shoebox'}, 2, 'UNKNOWN_STORE'],
  ['half a pair in the environment', ['ssh', host], {CF_ACCESS_CLIENT_ID: 'x.access'}, 2, 'HALF_A_PAIR'],
  ['a seed for a sandbox that runs', ['sandbox', 'start', '--seed', '{NOT_A_CA}'], {}, 2, 'BAD_SEED'],
] // prettier-ignore

const filled = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => fill[name] ?? '')

describe('bad input is a clear error with a documented exit code, and changes nothing', () => {
  it.each(rows)('%s', async (_what, args, env, exitCode, code) => {
    const before = await everything()
    const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(value ?? '')]))
    const end = await zt.run([...args.map(filled), '--json'], {env: given})
    // stdout belongs to the session if there is one.
    const {error} = JSON.parse(args[0] === 'ssh' ? end.stderr : end.stdout) as {
      error: Record<string, unknown>
    }
    expect(error).toMatchObject({code, exitCode})
    expect(end.code).toBe(exitCode)
    expect(String(error['message'])).toMatch(/\S/)
    expect(await everything()).toBe(before)
  })

  it('says which permission an underprivileged API token lacks', async () => {
    const end = await zt.run(['token', 'create', 'y'], {env: {CLOUDFLARE_API_TOKEN: 'reads-only'}})
    expect(end.stderr).toContain('Access: Service Tokens Write')
    expect(end.stderr).toContain('which zt token create needs')
    expect(end.stderr).toMatch(/next:\s+zt whoami\n/)
    const named = await zt.run(['token', 'create', 'y', '--profile', 'sandbox'], {
      env: {CLOUDFLARE_API_TOKEN: 'reads-only'},
    })
    expect(named.stderr).toMatch(/next:\s+zt whoami --profile sandbox\n/)
    const whoami = await zt.run(['whoami'], {env: {CLOUDFLARE_API_TOKEN: 'reads-only', COLUMNS: '80'}})
    expect(whoami.code).toBe(0)
    expect(whoami.stdout).toMatch(/\nno {7}Access: Service Tokens Write\n {9}needed by .*token create/)
    expect(whoami.stdout).toMatch(/\nyes {6}Access: Service Tokens Read\n/)
    expect(whoami.stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('names the candidates of an ambiguous name', async () => {
    const end = await zt.run(['app', 'show', 'Twin'])
    expect(end.stderr).toContain('a.widgetcorp.tech')
    expect(end.stderr).toContain('b.widgetcorp.tech')
  })

  it('tells ssh itself that the edge is not trusted, by status 255 and a reason', async () => {
    const end = await zt.run(['ssh', host, '--ca-file', fill['OTHER_CA'] ?? ''])
    expect(end.code).toBe(255)
    expect(end.stderr).toMatch(/error: .*certificate/i)
  })
})

describe('an API or a configuration that cannot be used', () => {
  it('says that the API is unreachable, and changes nothing', async () => {
    const config = path.join(zt.home, 'CONFIG', 'zt', 'config.json')
    const kept = await fs.readFile(config, 'utf8')
    const broken = JSON.parse(kept) as {profiles: {sandbox: {apiUrl: string}}}
    broken.profiles.sandbox.apiUrl = `http://${fill['CLOSED']}/client/v4`
    await fs.writeFile(config, JSON.stringify(broken))
    try {
      const before = await everything()
      const end = await zt.run(['token', 'create', 'y', '--json'])
      expect(JSON.parse(end.stdout)).toMatchObject({error: {code: 'API_UNREACHABLE', exitCode: 8}})
      expect(await everything()).toBe(before)
    } finally {
      await fs.writeFile(config, kept)
    }
  })

  it.each([
    ['cut off', '{"version":1,"prof', 'BROKEN_FILE'],
    ['of another shape', '{"version":1,"profiles":[1]}', 'BROKEN_FILE'],
    ['from a later version', '{"version":99,"profiles":{}}', 'NEWER_FILE'],
    ['empty', '', 'BROKEN_FILE'],
  ])('refuses a configuration file that is %s, and leaves it as it is', async (_what, text, code) => {
    const config = path.join(zt.home, 'CONFIG', 'zt', 'config.json')
    const kept = await fs.readFile(config, 'utf8')
    await fs.writeFile(config, text)
    try {
      for (const args of [
        ['token', 'create', 'y'],
        ['profile', 'list'],
        ['sandbox', 'start'],
      ]) {
        const end = await zt.run([...args, '--json'])
        expect(end.code).toBe(2)
        expect(JSON.parse(end.stdout)).toMatchObject({error: {code, details: {file: config}}})
      }
      expect(await fs.readFile(config, 'utf8')).toBe(text)
    } finally {
      await fs.writeFile(config, kept)
    }
  })

  it.each([
    ['token', 'show', 'nobody'],
    ['ssh', 'nowhere.example'],
    ['ssh', 'proxy', 'nowhere.example'],
    ['forward', 'nowhere.example'],
  ])(
    'is answered with commands for the profile that was named, and else for none: zt %s %s',
    async (...args) => {
      const [given, plain] = [await zt.run([...args, '--profile', 'sandbox']), await zt.run(args)]
      expect(given.stderr).toMatch(/^next: +zt .*--profile sandbox$/m)
      expect(plain.stderr).toMatch(/^next: +zt /m)
      expect(plain.stderr).not.toContain('--profile')
      expect(given.stderr.replaceAll(' --profile sandbox', '')).toBe(plain.stderr)
    },
  )
})

/** A self-signed certificate that has signed nothing here. */
const OTHER_CA = `-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIUVeEiD0wlHNAgBc6pZ2IHJQAvJc8wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNU29tZWJvZHkgZWxzZTAgFw0yNjExMjQwOTQ3NDJaGA8yMTI2
MTAzMTA5NDc0MlowGDEWMBQGA1UEAwwNU29tZWJvZHkgZWxzZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABMk62Xl8c3U8fHoCq1miEDSGu5Rx5YKE4On0pPKFO7TO
xOhSlsoynkSXm+240ltLFdM1QsIIM+4TB4E3y5+hOmajUzBRMB0GA1UdDgQWBBSE
z/NrzBB9MopUuTUoYfsNb4uAjzAfBgNVHSMEGDAWgBSEz/NrzBB9MopUuTUoYfsN
b4uAjzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIFHqlv8Ir0Za
5SFJKnKTfoOzQf8cJAP1vIsIm/5sdUaDAiAQm3ZPdNn3TvPiDotpKS5z3MrD2otG
F9bfVfAeh77t3A==
-----END CERTIFICATE-----
`
