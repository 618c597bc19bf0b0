import fs from 'node:fs/promises'
import path from 'node:path'
import {BuiltZt} from './built-zt.js'
import {originFlags, startForward, startSandbox, type RunningForward} from './running-forward.js'

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
    const hosts = Object.keys(origins)
    const apps = Object.fromEntries(hosts.map((host) => [host, host]))
    const info = await startSandbox(zt, apps, originFlags(origins))
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

  forward(args: string[]): Promise<RunningForward> {
    return startForward(this.zt, args)
  }
}
