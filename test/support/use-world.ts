import {spawn, type ChildProcess} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs/promises'
import http from 'node:http'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {bin, BuiltZt} from './built-zt.js'

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
    const seed = path.join(zt.home, 'seed.json')
    await fs.writeFile(
      seed,
      JSON.stringify({
        zones: [{name: 'widgetcorp.tech'}],
        apps: [
          {name: 'Web', domain: webHost},
          {name: 'Database', domain: tcpHost},
        ],
      }),
    )
    const servers = [`${webHost}=127.0.0.1:${portOf(web)}`, `${tcpHost}=127.0.0.1:${portOf(tcp)}`]
    const origins = servers.flatMap((one) => ['--origin', one])
    await zt.json(['sandbox', 'start', '--seed', seed, ...origins])
    const secrets: string[] = []
    for (const name of ['user', 'nobody'])
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
  async forward(args: string[]): Promise<RunningForward> {
    const child = spawn(process.execPath, [bin, 'forward', ...args, '--json'], {
      env: this.zt.env,
      cwd: this.zt.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const running = new RunningForward(child)
    await running.ready
    return running
  }
}

export class RunningForward {
  stdout = ''
  stderr = ''
  readonly ready: Promise<void>
  readonly #ended: Promise<number | null>

  constructor(readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.#ended = new Promise((resolve) => {
      child.once('close', resolve)
    })
    this.ready = new Promise((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        this.stdout += chunk.toString()
        if (this.stdout.includes('\n')) resolve()
      })
      child.once('close', () => {
        reject(new Error(`zt forward ended: ${this.stdout}${this.stderr}`))
      })
    })
  }

  get lines(): Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  get port(): number {
    return Number(this.lines[0]?.['port'])
  }

  /** @returns the exit code */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return this.#ended
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
