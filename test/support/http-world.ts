import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {bin, BuiltZt} from './built-zt.js'
import {RunningForward} from './use-world.js'

export interface SandboxPorts {
  pid: number
  api: number
  edge: number
  ssh: number
  apiToken: string
  caFile: string
}

/** A sandbox with the test's servers behind it, and a token that its applications admit. */
export class HttpWorld {
  private constructor(
    readonly zt: BuiltZt,
    readonly sandbox: SandboxPorts,
    readonly secret: string,
    readonly clientId: string,
  ) {}

  /** @param origins the server behind each host, as --origin takes it */
  static async make(origins: Record<string, string>): Promise<HttpWorld> {
    const zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    const seed = path.join(zt.home, 'seed.json')
    const hosts = Object.keys(origins)
    await fs.writeFile(
      seed,
      JSON.stringify({
        zones: [{name: 'widgetcorp.tech'}],
        apps: hosts.map((domain) => ({name: domain, domain})),
      }),
    )
    const flags = Object.entries(origins).flatMap(([host, to]) => ['--origin', `${host}=${to}`])
    const info = await zt.json<Record<string, string> & {pid: number}>([
      ...['sandbox', 'start', '--seed', seed],
      ...flags,
    ])
    const created = await zt.json<{clientSecret: string; clientId?: string; token?: {clientId: string}}>([
      ...['token', 'create', 'user', '--reveal'],
    ])
    for (const host of hosts) await zt.json(['app', 'add-rule', host, '--service-auth', '--token', 'user'])
    const run = JSON.parse(
      await fs.readFile(path.join(zt.home, 'STATE', 'zt', 'sandbox', 'run.json'), 'utf8'),
    ) as {
      apiToken: string
    }
    const portOf = (text = ''): number => Number(/:(\d+)/.exec(text.replace(/^\w+:\/\//, ''))?.[1])
    const {caFile = ''} = info
    const sandbox = {
      ...{pid: info.pid, api: portOf(info['apiUrl']), edge: portOf(info['edge']), ssh: portOf(info['ssh'])},
      ...{apiToken: run.apiToken, caFile},
    }
    return new HttpWorld(zt, sandbox, created.clientSecret, created.token?.clientId ?? created.clientId ?? '')
  }

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
