import {createHash} from 'node:crypto'
import http from 'node:http'
import net, {type AddressInfo} from 'node:net'
import {BuiltZt} from './built-zt.js'
import {originFlags, startForward, startSandbox, type RunningForward} from './running-forward.js'

export const webHost = 'app.widgetcorp.tech'
export const tcpHost = 'db.widgetcorp.tech'

/** A request to a server. */
export interface Asked {
  method: string
  url: string
  headers: string
}

/** A sandbox with an HTTP service and a TCP echo behind it, a token for both, and a token that no rule names. */
export class UseWorld {
  private constructor(
    readonly zt: BuiltZt,
    /** The flags that put the servers behind the sandbox's edge. */
    readonly origins: readonly string[],
    readonly secrets: string[],
    /** The requests to the HTTP service. */
    readonly asked: Asked[],
    /** The requests to a server that has nothing to do with Access. */
    readonly stranger: {url: string; asked: Asked[]},
    /** The answer to /big. */
    readonly big: Buffer,
    readonly end: () => Promise<void>,
  ) {}

  static async make(big: Buffer): Promise<UseWorld> {
    const asked: Asked[] = []
    const stranger: Asked[] = []
    const strangerServer = await listening(
      http.createServer((request, response) => {
        note(stranger, request)
        response.end('a stranger\n')
      }),
    )
    const strangerUrl = `http://127.0.0.1:${portOf(strangerServer)}/stranger`
    const web = await listening(
      http.createServer((request, response) => {
        note(asked, request)
        serveWeb(request, response, big, strangerUrl)
      }),
    )
    const tcp = await listening(
      net.createServer((socket) => socket.on('error', () => undefined).pipe(socket)),
    )
    const zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    const origins = originFlags({
      [webHost]: `127.0.0.1:${portOf(web)}`,
      [tcpHost]: `127.0.0.1:${portOf(tcp)}`,
    })
    await startSandbox(zt, {Web: webHost, Database: tcpHost}, origins)
    const secrets: string[] = []
    for (const name of ['user', 'stranger'])
      secrets.push(
        (await zt.json<{clientSecret: string}>(['token', 'create', name, '--reveal'])).clientSecret,
      )
    for (const app of ['Web', 'Database'])
      await zt.json(['app', 'add-rule', app, '--service-auth', '--token', 'user'])
    return new UseWorld(zt, origins, secrets, asked, {url: strangerUrl, asked: stranger}, big, async () => {
      await zt.end()
      for (const server of [web, strangerServer]) server.closeAllConnections()
      for (const server of [web, strangerServer, tcp]) server.close()
    })
  }

  /** Runs `zt forward` until {@link RunningForward.stop}. */
  forward(args: string[]): Promise<RunningForward> {
    return startForward(this.zt, args)
  }
}

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function note(list: Asked[], request: http.IncomingMessage): void {
  list.push({
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.rawHeaders.join('\n').toLowerCase(),
  })
}

function serveWeb(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  big: Buffer,
  strangerUrl: string,
): void {
  const [where] = (request.url ?? '').split('?')
  if (where === '/big') return void response.end(big)
  if (where === '/away') return void response.writeHead(302, {location: strangerUrl}).end()
  if (where === '/within') return void response.writeHead(302, {location: `https://${webHost}/x`}).end()
  if (where === '/forbidden') return void response.writeHead(403).end('says the service\n')
  if (where === '/missing') return void response.writeHead(404).end('nothing here\n')
  if (where === '/cookies') {
    response.setHeader('set-cookie', [`a=b; Domain=${webHost}; Secure`, 'CF_Authorization=x; Secure'])
    return void response.end()
  }
  const hash = createHash('sha256')
  let size = 0
  request.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    size += chunk.length
  })
  request.on('end', () => {
    response.end(JSON.stringify({method: request.method, url: request.url, size, sha256: hash.digest('hex')}))
  })
}

async function listening<T extends net.Server>(server: T): Promise<T> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return server
}

function portOf(server: net.Server): number {
  return (server.address() as AddressInfo).port
}
