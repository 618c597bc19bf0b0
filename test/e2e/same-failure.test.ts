import {spawn} from 'node:child_process'
import {once} from 'node:events'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import {Secret} from '../../src/lib/core/secret.js'
import {bin, BuiltZt} from '../support/built-zt.js'
import {startConnectProxy} from '../support/connect-proxy.js'
import {documentsIn} from '../support/json-documents.js'
import {withGrowingLimit} from '../support/patience.js'
import {HOST, startEdge, type EdgeOptions, type Peer, type ScriptedEdge} from '../support/scripted-edge.js'

/** As `--json` prints it. */
interface Shown {
  kind: string
  code: string
  exitCode: number
  message: string
  why?: string
  next: string[]
  details?: object
}

/** What a failure needs: words for every command line, and variables. */
interface Setting {
  args?: string[]
  env?: NodeJS.ProcessEnv
}

type Command = 'ssh' | 'ssh check' | 'curl' | 'forward'

let zt: BuiltZt
let info: {apiUrl: string; accountId: string}
let tokenIds: Record<string, string>
const undo: (() => unknown)[] = []

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  info = await zt.json<typeof info>(['sandbox', 'start'])
  tokenIds = {}
  for (const name of ['ci', 'stranger', 'allowed', 'disabled', 'narrow']) {
    const {token} = await zt.json<{token: {id: string}}>(['token', 'create', name])
    tokenIds[name] = token.id
  }
  await zt.json(['token', 'disable', 'disabled'])
  const narrow = ['--service-auth', '--token', 'narrow', '--require-ip', '203.0.113.0/24']
  await zt.json(['app', 'add-rule', 'GitLab', ...narrow])
  // The last one: the host is bound to its token.
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
  // ssh takes the home from the user database, whatever HOME says: an empty configuration instead.
  const directory = path.join(zt.home, 'programs')
  await fs.mkdir(directory)
  await fs.writeFile(path.join(zt.home, 'ssh-config'), '')
  const ssh = (process.env['PATH'] ?? '').split(':').map((one) => path.join(one, 'ssh'))
  const found = await Promise.any(ssh.map((file) => fs.access(file).then(() => file)))
  const script = `#!/bin/sh\nexec ${found} -F '${path.join(zt.home, 'ssh-config')}' -o BatchMode=yes "$@"\n`
  await fs.writeFile(path.join(directory, 'ssh'), script, {mode: 0o755})
  zt.env['PATH'] = `${directory}:${process.env['PATH'] ?? ''}`
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})
afterAll(() => zt.end())

/** The error in what a command printed: one JSON document, among what ssh says itself. */
function errorIn(text: string): Shown {
  const [document, ...more] = documentsIn(text)
  if (!document || more.length > 0) throw new Error(`not one document: ${text}`)
  return document['error'] as Shown
}

/** What a forward says of the first connection, or of itself where it does not start. */
function forwardFails({args = [], env = {}}: Setting): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, 'forward', HOST, '--json', ...args], {
      env: {...zt.env, ...env},
      cwd: zt.home,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    let client: net.Socket | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const lines = text.split('\n').slice(0, -1)
      for (const line of lines.map((one) => JSON.parse(one) as {port?: number; error?: Shown})) {
        if (line.error) {
          resolve(line.error)
          child.kill()
        } else if (line.port !== undefined && !client) {
          client = net.connect(line.port, '127.0.0.1')
          client.on('error', () => undefined)
        }
      }
    })
    child.once('close', () => {
      client?.destroy()
      reject(new Error(`zt forward said nothing of a failure: ${text}`))
    })
  })
}

async function failureOf(command: Command, {args = [], env = {}}: Setting): Promise<Shown> {
  if (command === 'forward') return forwardFails({args, env})
  const words = {
    ssh: ['ssh', HOST],
    'ssh check': ['ssh', 'check', HOST],
    curl: ['curl', `https://${HOST}/`],
  }[command]
  const end = await zt.run([...words, '--json', ...args], {env})
  const error =
    command === 'ssh check' ? (JSON.parse(end.stdout) as {error: Shown}).error : errorIn(end.stderr)
  // ssh ends with its own status where it could not connect.
  if (command !== 'ssh' || end.code !== 255) expect(end.code).toBe(error.exitCode)
  return error
}

/** Each request has its own CF-RAY, and the commands may allow a step different times. */
const comparable = (error: Shown): unknown =>
  JSON.parse(
    JSON.stringify(error)
      .replaceAll(/[0-9a-f]{16}-[A-Z]+/g, 'RAY')
      .replaceAll(/\b\d+ s\b/g, 'N s'),
  )

async function edge(more: Partial<EdgeOptions> = {}): Promise<ScriptedEdge> {
  const started = await startEdge({directory: path.join(zt.home, 'edge'), onPeer: () => undefined, ...more})
  undo.push(() => started.close())
  return started
}

/** An edge that does this with each connection. */
async function via(more: Partial<EdgeOptions>): Promise<Setting> {
  const {address, caFile} = await edge({directory: path.join(zt.home, `edge-${Math.random()}`), ...more})
  return {args: ['--connect-to', address, '--ca-file', caFile]}
}

/** An edge that gives this answer. */
const answers =
  (status: number, headers: Record<string, string> = {}) =>
  (): Promise<Setting> => {
    const lines = Object.entries({'CF-RAY': '8f1e2d3c4b5a6978-FRA', ...headers})
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const onPeer = ({socket}: Peer): void => {
      socket.end(`HTTP/1.1 ${status} No\r\n${head}Content-Length: 4\r\n\r\nbody`)
    }
    return via({onPeer})
  }

/** The sandbox's edge is on this machine, which no proxy is asked for. */
const BY_PROXY = ['--connect-to', 'edge.example:443']

async function behindProxy(answer: string | undefined, more: Partial<EdgeOptions> = {}): Promise<Setting> {
  const {port, caFile} = await edge({...more})
  const proxy = await startConnectProxy(port, answer)
  undo.push(() => proxy.close())
  return {args: [...BY_PROXY, '--ca-file', caFile], env: {HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`}}
}

async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as net.AddressInfo
  server.close()
  return port
}

/** Takes a file of zt's away for one test, and puts what is given in its place. */
async function replaced(file: string, change?: (text: string) => string): Promise<Setting> {
  const away = `${file}.away`
  await fs.rename(file, away)
  undo.push(() => fs.rename(away, file))
  if (change) await fs.writeFile(file, change(await fs.readFile(away, 'utf8')), {mode: 0o600})
  return {}
}

const data = (...more: string[]): string => path.join(zt.home, 'DATA', 'zt', ...more)

/** The file below the data directory that this is in. */
async function fileWith(directory: string, text: string): Promise<string> {
  const names = await fs.readdir(data(directory), {recursive: true})
  for (const name of names) {
    const file = data(directory, name)
    if ((await fs.stat(file)).isFile() && (await fs.readFile(file, 'utf8')).includes(text)) return file
  }
  throw new Error(`no file in ${directory} holds ${text}`)
}

/** The ID of the token that the host is bound to. */
const ci = (): string => tokenIds['ci'] ?? ''
/** An identity with a passphrase, as far as it is read before that is asked for. */
const ENCRYPTED =
  'age-encryption.org/v1\n-> scrypt bm90IGEgc2FsdCBhdCBhbA 18\nbm90IGEga2V5\n--- bm90IGEgbWFj\n'

const token = (name: string, ...more: string[]): Setting => ({args: ['--token', name, '--yes', ...more]})
const LOGIN = `https://t.cloudflareaccess.com/cdn-cgi/access/login/${HOST}?kid=1`
const YEARS_AGO = Date.now() - 2 * 366 * 24 * 3600_000
const ALL: Command[] = ['ssh', 'ssh check', 'forward']
const AND_CURL: Command[] = [...ALL, 'curl']

interface Row {
  what: string
  make: () => Setting | Promise<Setting>
  shown: [kind: string, code: string, exitCode: number]
  why?: RegExp
  /** The first next step. */
  next?: RegExp
  commands?: Command[]
}

const UNREACHABLE = (code: string): Row['shown'] => ['unreachable', code, 8]
const REFUSED: Row['shown'] = ['refused', 'ACCESS_REFUSED', 10]

const ON_THE_WAY: Row[] = [
  {what: 'the name is not found', make: () => ({args: ['--connect-to', 'nowhere.invalid:443']}), shown: UNREACHABLE('HOST_NOT_RESOLVED')},
  {what: 'nothing listens', make: async () => ({args: ['--connect-to', `127.0.0.1:${await closedPort()}`]}), shown: UNREACHABLE('EDGE_UNREACHABLE'), why: /Nothing listens/},
  {what: 'the connection is reset', make: () => via({onConnection: (socket) => Boolean(socket.resetAndDestroy())}), shown: UNREACHABLE('EDGE_UNREACHABLE'), why: /reset/},
  {what: 'the server does not speak TLS', make: () => via({onConnection: (socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')}), shown: UNREACHABLE('EDGE_UNREACHABLE'), why: /does not speak TLS/},
  {what: 'the CA is another', make: async () => ({args: ['--connect-to', (await edge()).address, '--ca-file', (await edge({directory: path.join(zt.home, 'other')})).caFile]}), shown: UNREACHABLE('EDGE_NOT_TRUSTED'), why: /Nothing was sent/},
  {what: 'the certificate is for another host', make: () => via({certificateFor: 'widgetcorp.tech'}), shown: UNREACHABLE('EDGE_NOT_TRUSTED'), why: /for another host/},
  {what: 'the certificate has expired', make: () => via({madeAt: YEARS_AGO}), shown: UNREACHABLE('EDGE_NOT_TRUSTED'), why: /expired/},
  {what: 'the CA file cannot be read', make: () => ({args: ['--ca-file', '/dev/null']}), shown: ['config', 'BAD_CA_FILE', 2]},
  {what: 'the server ends without an answer', make: () => via({onPeer: ({socket}) => socket.end()}), shown: UNREACHABLE('EDGE_GONE'), why: /closed before an answer/},
  {what: 'the server does not speak HTTP', make: () => via({onPeer: ({socket}) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')}), shown: UNREACHABLE('EDGE_PROTOCOL'), why: /not HTTP/},
  {what: 'the server is not an edge', make: () => via({onPeer: ({accept}) => { accept({Upgrade: 'h2c'}) }}), shown: UNREACHABLE('EDGE_PROTOCOL'), why: /than WebSocket/},
  {what: 'the proxy requires a password', make: () => behindProxy('HTTP/1.1 407 No\r\n\r\n'), shown: UNREACHABLE('PROXY_REFUSED'), why: /requires a user and password/},
  {what: 'the proxy does not allow the host', make: () => behindProxy('HTTP/1.1 403 No\r\n\r\n'), shown: UNREACHABLE('PROXY_REFUSED'), why: /does not allow/},
  {what: 'the proxy is down', make: async () => ({args: [...BY_PROXY, '--ca-file', (await edge()).caFile], env: {HTTPS_PROXY: `http://127.0.0.1:${await closedPort()}`}}), shown: UNREACHABLE('PROXY_UNREACHABLE'), why: /Nothing listens/},
  {what: "the proxy's name is not found", make: async () => ({args: [...BY_PROXY, '--ca-file', (await edge()).caFile], env: {HTTPS_PROXY: 'http://nowhere.invalid:3128'}}), shown: UNREACHABLE('PROXY_UNREACHABLE'), why: /does not exist/},
  {what: 'the proxy intercepts TLS', make: async () => ({...await behindProxy(undefined, {directory: path.join(zt.home, 'intercepting')}), args: [...BY_PROXY, '--ca-file', (await edge()).caFile]}), shown: UNREACHABLE('EDGE_NOT_TRUSTED'), why: /Nothing was sent/},
  {what: 'the variable names no proxy', make: () => ({env: {HTTPS_PROXY: 'gopher://x', NO_PROXY: ''}, args: ['--connect-to', 'edge.invalid:443']}), shown: ['usage', 'BAD_PROXY', 2]},
] // prettier-ignore

const ANSWERS: Row[] = [
  {what: '302 to the login page', make: answers(302, {Location: LOGIN}), shown: REFUSED, why: /rules of "GitLab" admit "ci"/, commands: AND_CURL},
  {what: '401 by Access', make: answers(401, {'WWW-Authenticate': 'Cloudflare-Access'}), shown: REFUSED, why: /rules of "GitLab" admit "ci"/, commands: AND_CURL},
  {what: '403 by Access', make: answers(403, {'CF-Access-Aud': 'f00d'}), shown: REFUSED, why: /85 seconds/, commands: AND_CURL},
  {what: '401 by the service itself', make: answers(401, {'WWW-Authenticate': 'Basic realm="x"'}), shown: REFUSED, why: /^Access let the token in/},
  {what: '403 by whom the answer does not say', make: answers(403), shown: REFUSED, why: /the two look the same/, commands: AND_CURL},
  {what: 'a challenge', make: answers(403, {'CF-Mitigated': 'challenge'}), shown: REFUSED, why: /challenge/, commands: AND_CURL},
  {what: '302 to elsewhere', make: answers(302, {Location: 'https://elsewhere.example/'}), shown: REFUSED, why: /does not follow/},
  {what: '404', make: answers(404), shown: REFUSED, why: /WebSockets may be off/},
  {what: '429', make: answers(429), shown: UNREACHABLE('ACCESS_REFUSED'), why: /too many requests/},
  {what: '502', make: answers(502), shown: UNREACHABLE('ACCESS_REFUSED'), why: /connector or the service/},
  {what: '530', make: answers(530), shown: UNREACHABLE('ACCESS_REFUSED'), why: /connector or the service/},
] // prettier-ignore

const BY_THE_ACCOUNT: Row[] = [
  {what: 'no rule names the token', make: () => token('stranger'), shown: REFUSED, why: /No Service Auth rule admits the service token "stranger"/, commands: AND_CURL},
  {what: 'a rule admits the token under a condition', make: () => token('narrow'), shown: REFUSED, why: /admits "[^"]+" only under conditions/, next: /^zt app explain \S+ --token narrow$/, commands: AND_CURL},
  {what: 'the token is disabled', make: () => token('disabled'), shown: REFUSED, why: /"disabled" is disabled/, commands: AND_CURL},
  {what: 'the secret is wrong', make: async () => ({...token('env'), env: {CF_ACCESS_CLIENT_ID: (JSON.parse(await fs.readFile(await fileWith('index', ci()), 'utf8')) as {clientId: string}).clientId, CF_ACCESS_CLIENT_SECRET: `cfast_${'w'.repeat(48)}`}}), shown: REFUSED, why: /may not be the token's current one/, next: /^zt token show ci$/, commands: AND_CURL},
  {what: 'the account does not have the token', make: () => ({...token('env'), env: {CF_ACCESS_CLIENT_ID: 'f00d.access', CF_ACCESS_CLIENT_SECRET: `cfast_${'n'.repeat(48)}`}}), shown: REFUSED, why: /no service token with these credentials/, commands: AND_CURL},
  {what: 'the API does not accept the API token', make: async () => ({...await answers(302, {Location: LOGIN})(), env: {CLOUDFLARE_API_TOKEN: 'wrong'}}), shown: REFUSED, why: /zt could not ask the API for the exact reason \(Cloudflare does not accept/, next: /^Set CLOUDFLARE_API_TOKEN to another API token/, commands: AND_CURL},
] // prettier-ignore

const HERE: Row[] = [
  {what: 'the vault is damaged', make: () => replaced(data('vault', `service-token-${ci()}.age`), () => 'not age'), shown: ['config', 'VAULT_DAMAGED', 2], commands: AND_CURL},
  {what: "the vault's identity is gone", make: () => replaced(path.join(zt.home, 'CONFIG', 'zt', 'identity.txt')), shown: ['config', 'VAULT_DAMAGED', 2], commands: AND_CURL},
  {what: 'the vault is locked', make: () => replaced(path.join(zt.home, 'CONFIG', 'zt', 'identity.txt'), () => ENCRYPTED), shown: ['needs-action', 'PASSPHRASE_REQUIRED', 9], commands: AND_CURL},
  {what: 'the keychain cannot be reached', make: async () => { await replaced(await fileWith('index', ci()), (text) => text.replace('"vault"', '"keychain"')); return {env: {DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere'}} }, shown: ['needs-action', 'STORE_NOT_READY', 9], commands: AND_CURL},
  {what: 'the secret is not in its store', make: () => replaced(data('vault', `service-token-${ci()}.age`)), shown: ['not-found', 'SECRET_NOT_FOUND', 5], why: /removed since/, commands: AND_CURL},
  {what: 'the secret is not on this machine', make: async () => replaced(await fileWith('index', ci())), shown: ['not-found', 'SECRET_NOT_FOUND', 5], why: /ID of the token/, commands: AND_CURL},
  {what: 'the host is not bound', make: async () => replaced(await fileWith('hosts', HOST)), shown: ['not-found', 'HOST_NOT_BOUND', 5], why: /only to hosts that are bound/, commands: AND_CURL},
  {what: 'the token is for another host', make: () => ({args: ['--token', 'stranger']}), shown: ['needs-action', 'TOKEN_NOT_BOUND', 9], why: /only to hosts that are bound/, commands: AND_CURL},
  {what: 'there is no such token', make: () => ({args: ['--token', 'nonesuch']}), shown: ['not-found', 'STORED_TOKEN_NOT_FOUND', 5], why: /has the secrets of/, commands: AND_CURL},
  {what: 'there is no such profile', make: () => ({args: ['--profile', 'nonesuch']}), shown: ['not-found', 'PROFILE_NOT_FOUND', 5], commands: AND_CURL},
  {what: 'the environment has no pair', make: () => token('env'), shown: ['usage', 'ENVIRONMENT_NOT_SET', 2], why: /not set/, commands: AND_CURL},
  {what: 'the pair cannot be sent', make: () => ({...token('env'), env: {CF_ACCESS_CLIENT_ID: 'a b', CF_ACCESS_CLIENT_SECRET: 'c d'}}), shown: ['usage', 'BAD_CREDENTIALS', 2], commands: AND_CURL},
] // prettier-ignore

describe.each([
  ['on the way to the edge', ON_THE_WAY],
  ['by an answer', ANSWERS],
  ['with a reason that the account gives', BY_THE_ACCOUNT],
  ['before anything is sent', HERE],
])('a connection that fails %s', (_, rows) => {
  it.each(rows)('has one name in every command: $what', async ({make, shown, why, next, commands = ALL}) => {
    const setting = await make()
    const errors = await Promise.all(commands.map((command) => failureOf(command, setting)))
    const [first] = errors
    expect([first?.kind, first?.code, first?.exitCode]).toEqual(shown)
    if (why) expect(first?.why).toMatch(why)
    if (next) expect(first?.next[0]).toMatch(next)
    expect(Object.fromEntries(errors.map((error, at) => [commands[at], comparable(error)]))).toEqual(
      Object.fromEntries(commands.map((command) => [command, comparable(first as Shown)])),
    )
  })
})

it('an Allow rule that names the token is the trap that every command names', async () => {
  // zt itself does not make such a rule.
  const {apiUrl, accountId} = info
  const run = path.join(zt.home, 'STATE', 'zt', 'sandbox', 'run.json')
  const {apiToken} = JSON.parse(await fs.readFile(run, 'utf8')) as {apiToken: string}
  const api = createAccessApi({apiUrl, accountId, apiToken: new Secret(apiToken), userAgent: 'zt-test'})
  const include = [{service_token: {token_id: tokenIds['allowed'] ?? ''}}]
  await api.createPolicy({name: 'trap', decision: 'allow', include})
  await zt.json(['policy', 'attach', 'trap', 'GitLab', '--yes'])
  const errors = await Promise.all(AND_CURL.map((command) => failureOf(command, token('allowed'))))
  expect(errors[0]?.why).toContain('names the token under the action Allow, which still requires a login')
  expect(errors.map(comparable)).toEqual(AND_CURL.map(() => comparable(errors[0] as Shown)))
})

it('a server that is silent before TLS has one name in every command', async () => {
  const setting = await via({onConnection: () => true})
  const errors = await withGrowingLimit(
    1,
    (patience) =>
      Promise.all(
        ALL.map((command) =>
          failureOf(command, {...setting, env: {ZT_PATIENCE: String(Math.min(patience, 100))}}),
        ),
      ),
    (found) => found.every(({why}) => why?.includes('TLS was not established')),
  )
  expect(errors[0]).toMatchObject({
    kind: 'unreachable',
    code: 'EDGE_TIMEOUT',
    exitCode: 8,
    details: {stage: 'tls'},
  })
  expect(errors.map(comparable)).toEqual(ALL.map(() => comparable(errors[0] as Shown)))
})
