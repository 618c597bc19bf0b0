import fs from 'node:fs/promises'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import {proxyCommand} from '../../src/lib/tunnel/proxy/command.js'
import {hostBlock} from '../../src/lib/tunnel/ssh/config/block.js'
import {startSshServer} from '../../src/lib/sandbox/ssh-server.js'
import {startConnectProxy} from '../support/connect-proxy.js'
import {HOST, ROOT, startInspection, TOKEN, type Look, type RemoteWorld} from './remote-world.js'

/** One thing that is wrong in a world in which nothing else is. */
export interface RemoteFault {
  fault: string
  build: (world: RemoteWorld) => undefined | Look | Promise<undefined | Look | void> | void
  look?: Look
  /** The one finding: its ID and state. */
  finds: string
}

const DAY_MS = 86_400_000
const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString()
const apiToken = (token: string | undefined): Look => ({env: {CLOUDFLARE_API_TOKEN: token}})
/** Every answer of the API, changed. */
const answers = (world: RemoteWorld, path_: string, change: (body: JsonObject, headers: Record<string, unknown>) => void): void => {
  world.api.spoil({
    ...{method: 'GET', path: path_},
    action: {
      ...{do: 'lie', deliveries: 1},
      tell: ({answer}) => {
        const {status = 200, headers = {}, body = '{}'} = answer ?? {}
        const parsed = JSON.parse(body) as JsonObject
        const changed = {...headers}
        change(parsed, changed)
        return {status, headers: changed, body: JSON.stringify(parsed)}
      },
    },
  })
} // prettier-ignore

const ACCOUNT: RemoteFault[] = [
  {fault: 'there is no API token', build: () => apiToken(undefined), finds: 'api-token warn'},
  {
    fault: 'the API does not know the API token',
    build: () => apiToken('unknown-token-0123456789'),
    finds: 'api-token fail',
  },
  {
    fault: 'the API token has expired',
    build: () => apiToken('expired-token-0123456789'),
    finds: 'api-token fail',
  },
  {
    fault: 'the API token expires soon',
    build: () => apiToken('ending-token-0123456789'),
    finds: 'api-token warn',
  },
  {
    fault: 'the API token is not valid yet',
    build: (world) => {
      answers(world, '/user/tokens/verify', ({result}) =>
        Object.assign(result as JsonObject, {not_before: inDays(2)}),
      )
    },
    finds: 'api-token fail',
  },
  {
    fault: 'the API token lacks permissions',
    build: () => apiToken('small-token-0123456789'),
    finds: 'permissions warn',
  },
  {
    fault: 'the API token does not see the account of the profile',
    build: async (world) => {
      answers(world, '/accounts', (body) => (body['result'] = [{id: 'f'.repeat(32), name: 'Another'}]))
      return Promise.resolve()
    },
    finds: 'account fail',
  },
  {
    fault: 'the clock is wrong',
    build: (world) => {
      const date = new Date(Date.now() + 20 * 60_000).toUTCString()
      answers(world, '*', (_body, headers) => (headers['date'] = date))
    },
    finds: 'clock warn',
  },
  {
    fault: 'Cloudflare limits the requests',
    build: (world) => {
      world.api.spoil({method: '*', path: '*', action: {do: 'rate-limit', retryAfter: 3600}})
    },
    finds: 'api warn',
  },
  {
    fault: 'the API does not answer',
    build: (world) => {
      world.api.spoil({method: '*', path: '*', action: {do: 'reset'}})
    },
    finds: 'api fail',
  },
  {
    fault: 'a page of a network leads the API elsewhere',
    build: ({api}) =>
      api.spoil({method: 'GET', path: '*', action: {do: 'lie', deliveries: 1, tell: () => ({status: 302, headers: {}, body: ''})}}),
    finds: 'api fail',
  },
  {
    fault: 'something else answers in place of the API',
    build: (world) => {
      world.api.spoil({method: '*', path: '*', action: {do: 'garbage'}})
    },
    finds: 'api fail',
  },
  {
    fault: 'the token of this machine is disabled',
    build: (world) => void (world.token['enabled'] = false),
    finds: 'service-tokens/disabled fail',
  },
  {
    fault: 'the token of this machine has expired',
    build: (world) => void (world.token['expires_at'] = inDays(-1)),
    finds: 'service-tokens/expired fail',
  },
  {
    fault: 'the token of this machine expires soon',
    build: (world) => void (world.token['expires_at'] = inDays(3)),
    finds: 'service-tokens/expiring warn',
  },
  {
    fault: 'the secret was rotated elsewhere',
    build: async ({index}) => {
      const [entry] = await index.list('default')
      if (entry) await index.put({...entry, secretVersion: 0})
    },
    finds: 'service-tokens/rotated fail',
  },
  {
    fault: 'the token of this machine was deleted',
    build: ({state}) => {
      state.data.serviceTokens = []
    },
    finds: 'service-tokens/gone warn',
  },
  {
    fault: 'no application covers a bound host',
    build: async ({index}) => {
      await index.bind({profile: 'default', host: 'old.widgetcorp.tech', tokenId: TOKEN, boundAt: inDays(0)})
    },
    finds: 'host-bindings/no-application warn',
  },
  {
    fault: 'the rule for a bound host was lost',
    build: (world) => void (world.zt.app('GitLab')['policies'] = []),
    finds: 'host-bindings/no-rule fail',
  },
] // prettier-ignore

/** The sandbox's SSH server is behind the tunnel, and ssh knows its key, or that of another one. */
export async function knownServer(world: RemoteWorld, {other = false} = {}): Promise<void> {
  const [server, another] = await Promise.all(
    ['server', 'another'].map(async (name) => {
      const directory = path.join(world.zt.home, 'work', name)
      await fs.mkdir(directory, {recursive: true})
      return startSshServer(directory)
    }),
  )
  if (!server || !another) throw new Error('two servers were started')
  world.closers.push(
    () => server.close(),
    () => another.close(),
  )
  world.origin.forward = Number(server.address.split(':').at(-1))
  const file = path.join(path.dirname(world.sshConfig), 'hosts')
  await fs.writeFile(file, `${HOST} ${(other ? another : server).publicKey}\n`)
  await world.profile({knownHostsFile: file})
}

const WITH_HOST: RemoteFault[] = [
  {
    fault: 'the rule for the host was lost',
    build: (world) => void (world.zt.app('GitLab')['policies'] = []),
    finds: 'connection/edge fail',
  },
  {
    fault: 'no token is bound to the host',
    build: async ({index}) => void (await index.unbind('default', HOST)),
    finds: 'host-token fail',
  },
  {
    fault: 'the server behind the tunnel does not answer',
    build: ({origin}) => void (origin.answer = undefined),
    finds: 'connection/ssh fail',
  },
  {
    fault: 'the server behind the tunnel is no SSH server',
    build: ({origin}) => void (origin.answer = 'HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(9000)),
    finds: 'connection/ssh warn',
  },
  {
    fault: 'the server has another key than ssh knows',
    build: (world) => knownServer(world, {other: true}),
    finds: 'known-hosts/changed fail',
  },
  {
    fault: 'the certificate of the edge is not trusted',
    build: (world) => world.profile({caFile: undefined}),
    finds: 'connection/tls fail',
  },
  {
    fault: 'a rule of the application admits every token',
    build: (world) => {
      const {policies} = world.state.data
      policies.push({
        id: 'policy-any',
        name: 'Any',
        decision: 'non_identity',
        include: [{any_valid_service_token: {}}],
        exclude: [],
        require: [],
        reusable: true,
      })
      world.zt.app('GitLab')['policies'] = [{id: 'policy-any', precedence: 1}]
    },
    finds: 'trap/any-valid-token warn',
  },
  {
    fault: 'a CA of this machine opens TLS',
    build: async (world) => {
      process.env['SSL_CERT_FILE'] = String(world.zt.profile['caFile'])
      await world.profile({caFile: undefined})
    },
    finds: 'certificate/intercepted warn',
  },
  {
    fault: 'an inspection product opens TLS',
    build: async (world) => {
      const {address, close} = await startInspection()
      world.closers.push(close)
      await world.profile({caFile: undefined, connectTo: address})
    },
    finds: 'certificate/intercepted fail',
  },
  {
    fault: 'DNS leads the host to this machine',
    build: async (world) => {
      await world.profile({connectTo: undefined})
      return {
        seams: {
          lookup: () => Promise.resolve([{address: '127.0.0.1', family: 4}]),
          sshConfig: world.sshConfig,
        },
      }
    },
    finds: 'dns/sinkhole fail',
  },
  {
    fault: 'DNS does not answer for the host',
    build: async (world) => {
      await world.profile({connectTo: undefined})
      const lookup = () => Promise.reject(Object.assign(new Error('no'), {code: 'EAI_AGAIN'}))
      return {seams: {lookup, sshConfig: world.sshConfig}}
    },
    finds: 'dns/no-answer fail',
  },
]
const ON_HOST = WITH_HOST.map((one): RemoteFault => ({...one, look: {host: HOST}}))

const NETWORK: RemoteFault[] = [
  {
    fault: 'the proxy is not one',
    build: () => ({env: {HTTPS_PROXY: 'socks5://127.0.0.1:1'}}),
    finds: 'proxy fail',
  },
  {
    fault: 'nothing listens at the proxy',
    build: () => ({env: {HTTPS_PROXY: 'http://127.0.0.1:1'}}),
    finds: 'proxy fail',
  },
  {
    fault: 'the proxy requires a password (407)',
    build: async (world) => {
      const proxy = await startConnectProxy(1, 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      world.closers.push(() => proxy.close())
      return {env: {HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`}}
    },
    finds: 'proxy fail',
  },
  {
    fault: 'NO_PROXY has an entry that matches nothing',
    build: () => ({env: {NO_PROXY: 'https://gitlab.widgetcorp.tech'}}),
    finds: 'proxy/no-proxy warn',
  },
  {
    fault: 'the two proxy variables differ',
    build: () => ({
      env: {https_proxy: '', HTTPS_PROXY: 'http://127.0.0.1:1'},
    }),
    finds: 'proxy/two-values warn',
  },
  {
    fault: 'only the proxy for http:// is set',
    build: () => ({env: {http_proxy: 'http://127.0.0.1:1', HTTPS_PROXY: undefined}}),
    finds: 'proxy/http-only warn',
  },
]

const block = (change: Partial<Parameters<typeof proxyCommand>[0]> = {}): string =>
  hostBlock({
    host: HOST,
    proxyCommand: proxyCommand({
      program: [process.execPath, path.join(ROOT, 'bin', 'zt.cjs')],
      ...{profile: 'default', client: 'auto', host: HOST},
      ...change,
    }),
  }) + '\n'

const SSH: (Omit<RemoteFault, 'build'> & {text?: string; more?: (world: RemoteWorld) => Promise<unknown>})[] = [
  {
    fault: "zt's block starts a zt that was removed",
    text: block({program: [process.execPath, '/nonexistent/zt/bin/zt.cjs']}),
    finds: 'ssh-config/old-program fail',
  },
  {
    fault: "zt's block starts another zt",
    text: block({program: [process.execPath, path.join(ROOT, 'bin', 'dev.cjs')]}),
    finds: 'ssh-config/other-zt warn',
  },
  {
    fault: "zt's block uses a profile that does not exist",
    text: block({profile: 'gone'}),
    finds: 'ssh-config/profile fail',
  },
  {
    fault: "a line before zt's block sets another ProxyCommand",
    text: `ProxyCommand none\n${block()}`,
    finds: 'ssh-config/overridden fail',
  },
  {
    fault: "a Match section before zt's block wins over it",
    text: `Match host ${HOST}\n  ProxyCommand nc %h %p\n${block()}`,
    finds: 'ssh-config/overridden fail',
  },
  {
    fault: 'ssh shares connections to the host in its own way',
    text: `ControlPath ~/.ssh/x-%C\n${block()}`,
    finds: 'ssh-config/control-path warn',
  },
  {
    fault: 'the path of the shared connection is too long',
    text: `Host ${HOST}\n  ControlPath /tmp/${'d'.repeat(90)}/%C\n`,
    finds: 'ssh-config/control-path-length fail',
  },
  {
    fault: 'ssh goes to the host through cloudflared',
    text: `Host ${HOST}\n  ProxyCommand cloudflared access ssh --hostname %h\n`,
    finds: 'ssh-config/cloudflared warn',
  },
  {
    fault: 'ssh goes to the host through another one',
    text: `Host ${HOST}\n  ProxyJump jump.example\n`,
    finds: 'ssh-config/other-way warn',
  },
  {
    fault: 'an alias leads to the host, past zt',
    text: `${block()}Host gl\n  HostName ${HOST}\n`,
    finds: 'ssh-config/alias warn',
  },
  {fault: "a mark of zt's block is missing", text: `# zt: begin ${HOST}\n`, finds: 'ssh-config/damaged fail'},
  {fault: 'ssh does not accept a line', text: 'Bogus yes\n', finds: 'ssh-config/refused fail'},
  {
    fault: 'an included file cannot be read',
    text: 'Include inc\n',
    more: async ({sshConfig}) => {
      const file = path.join(path.dirname(sshConfig), 'inc')
      await fs.mkdir(file)
      await fs.writeFile(sshConfig, `Include ${file}\n`)
    },
    finds: 'ssh-config/include fail',
  },
  {
    fault: "others may write to ssh's configuration",
    more: ({sshConfig}) => fs.chmod(sshConfig, 0o666),
    finds: 'ssh-files/mode fail',
  },
  {
    fault: 'others may read a private key',
    more: ({sshConfig}) => fs.writeFile(path.join(path.dirname(sshConfig), 'id_ed25519'), 'key', {mode: 0o644}),
    finds: 'ssh-files/mode fail',
  },
] // prettier-ignore

export const REMOTE_FAULTS: readonly RemoteFault[] = [
  ...ACCOUNT,
  ...ON_HOST,
  ...NETWORK,
  ...SSH.map(({text, more, ...one}): RemoteFault => ({
    ...one,
    build: async (world) => {
      if (text !== undefined) await fs.writeFile(world.sshConfig, text)
      await more?.(world)
    },
  })),
]
