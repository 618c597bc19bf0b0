import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {BuiltZt, type End} from './built-zt.js'
import {startCountingRelay, type CountingRelay} from './counting-relay.js'
import {startSshd, type Sshd} from './sshd.js'
import {AMPLE_MS} from './patience.js'

export const TUNNELLED = 'gitlab-ssh.widgetcorp.tech'

/** A real sshd behind the sandbox's edge, a token that is admitted, and a private ssh configuration. */
export class TunnelledSshd {
  private constructor(
    readonly zt: BuiltZt,
    readonly sshd: Sshd,
    /** In front of the edge. */
    readonly relay: CountingRelay,
    /** For `ssh -F`. ssh itself takes the home from the user database, whatever HOME says. */
    readonly config: string,
  ) {}

  static async make(): Promise<TunnelledSshd> {
    const sshd = await startSshd()
    const zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    const origin = `${TUNNELLED}=127.0.0.1:${sshd.port}`
    const {edge = ''} = await zt.json<{edge?: string}>(['sandbox', 'start', '--origin', origin])
    for (const name of ['copier', 'other']) {
      await zt.json(['token', 'create', name])
      await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', name])
    }
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'copier'])
    const relay = await startCountingRelay(edge)
    const settings = path.join(zt.home, 'CONFIG', 'zt', 'config.json')
    await fs.writeFile(settings, (await fs.readFile(settings, 'utf8')).replaceAll(edge, relay.address))
    const config = path.join(zt.home, 'ssh-config')
    await fs.writeFile(config, asConfiguration(sshd.clientOptions), {mode: 0o600})
    return new TunnelledSshd(zt, sshd, relay, config)
  }

  /** Any program, in zt's environment. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<End> {
    return new Promise((resolve) => {
      const child = execFile(
        program,
        args,
        {env: {...this.zt.env, ...env}, cwd: this.zt.home, timeout: AMPLE_MS},
        (error, stdout, stderr) => {
          const code = !error ? 0 : typeof error.code === 'number' ? error.code : null
          resolve({code, stdout, stderr})
        },
      )
      child.stdin?.end()
    })
  }

  /** Plain ssh with the configuration. */
  ssh(...args: string[]): Promise<End> {
    return this.run('ssh', ['-F', this.config, ...args])
  }

  /** `zt ssh` to it. */
  ztSsh(flags: string[], ...args: string[]): Promise<End> {
    return this.zt.run([
      ...['ssh', `${this.sshd.user}@${TUNNELLED}`, ...flags],
      ...['--', ...this.sshd.clientOptions, ...args],
    ])
  }

  async close(): Promise<void> {
    // Connections that are still shared end here.
    await this.relay.close()
    await this.zt.end()
    await this.sshd.close()
  }
}

/** Command line options as lines for all hosts. Nothing is written to the user's own known_hosts. */
function asConfiguration(options: readonly string[]): string {
  const lines = ['UserKnownHostsFile /dev/null']
  for (let at = 0; at < options.length; at += 2) {
    const value = options[at + 1] ?? ''
    lines.push(options[at] === '-i' ? `IdentityFile ${value}` : value.replace('=', ' '))
  }
  return lines.join('\n') + '\n'
}
