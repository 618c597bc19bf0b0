import {spawn, execFile, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {BuiltZt, type End} from './built-zt.js'
import {startCountingRelay, type CountingRelay} from './counting-relay.js'

export const HOST = 'gitlab-ssh.widgetcorp.tech'

/** A session that stays open, and its output so far. */
export interface OpenSession {
  child: ChildProcess
  said: () => string
  ended: Promise<number | null>
}

/**
 * The system's ssh and the sandbox's SSH server behind its edge. Tokens `one` and `other`, which are both admitted; the
 * host is bound to `one`. An `ssh` first on PATH reads the test's configuration: the real one takes the
 * home from the user database, whatever HOME says.
 */
export class SshThroughSandbox {
  private constructor(
    readonly zt: BuiltZt,
    /** In front of the edge: counts each connection of a proxy. */
    readonly relay: CountingRelay,
    /** In place of `~/.ssh/config`. */
    readonly config: string,
  ) {}

  static async make(): Promise<SshThroughSandbox> {
    const zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    const {edge = ''} = await zt.json<{edge?: string}>(['sandbox', 'start'])
    for (const name of ['other', 'one']) {
      await zt.json(['token', 'create', name])
      await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', name])
    }
    const relay = await startCountingRelay(edge)
    const settings = path.join(zt.home, 'CONFIG', 'zt', 'config.json')
    await fs.writeFile(settings, (await fs.readFile(settings, 'utf8')).replaceAll(edge, relay.address))
    const config = path.join(zt.home, 'ssh-config')
    await fs.writeFile(config, '', {mode: 0o600})
    const directory = path.join(zt.home, 'programs')
    await fs.mkdir(directory)
    const ssh = (await found('ssh')).trim()
    const script = [
      '#!/bin/sh',
      // zt runs ssh -G, too.
      'if [ -n "$RECORD" ] && [ "$2" != -G ]; then printf \'%s\\0\' "$@" > "$RECORD"; exit 0; fi',
      `exec ${ssh} -F '${config}' -o BatchMode=yes "$@"`,
    ]
    await fs.writeFile(path.join(directory, 'ssh'), `${script.join('\n')}\n`, {mode: 0o755})
    zt.env['PATH'] = `${directory}:${process.env['PATH'] ?? ''}`
    return new SshThroughSandbox(zt, relay, config)
  }

  /** Plain ssh, with the configuration. */
  ssh(...args: string[]): Promise<End> {
    return new Promise((resolve) => {
      const options = {env: this.zt.env, cwd: this.zt.home}
      const child = execFile('ssh', args, options, (error, stdout, stderr) => {
        const code = !error ? 0 : typeof error.code === 'number' ? error.code : null
        resolve({code, stdout, stderr})
      })
      child.stdin?.end()
    })
  }

  /** `zt ssh` to the host: exit code 1 means that the session was open (the sandbox runs no command), 255 that there was none. */
  ztSsh(flags: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<End> {
    return this.zt.run(['ssh', `git@${HOST}`, ...flags, '--', ...args, 'x'], {env})
  }

  /** The arguments that `zt ssh` gives to ssh. */
  async argumentsOf(flags: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const record = path.join(this.zt.home, 'record')
    const end = await this.zt.run(['ssh', `git@${HOST}`, ...flags, '--', ...args], {
      env: {...env, RECORD: record},
    })
    if (end.code !== 0) throw new Error(`zt ssh ended with ${end.code}: ${end.stderr}`)
    return (await fs.readFile(record, 'utf8')).split('\0').slice(0, -1)
  }

  /** Starts zt, and waits for its first output. */
  async start(args: string[], until: RegExp): Promise<OpenSession> {
    const [first = '', ...words] = this.zt.program
    return this.#session(first, [...words, ...args], until)
  }

  /** A session of zt ssh that stays open, with its own connection or the shared one. */
  openByZt(flags: string[], ...args: string[]): Promise<OpenSession> {
    const told = ['-N', '-o', 'PermitLocalCommand=yes', '-o', 'LocalCommand=echo is open']
    return this.start(['ssh', `git@${HOST}`, ...flags, '--', ...told, ...args], /is open/)
  }

  async #session(program: string, args: string[], until: RegExp): Promise<OpenSession> {
    const child = spawn(program, args, {env: this.zt.env, cwd: this.zt.home, stdio: ['pipe', 'pipe', 'pipe']})
    let text = ''
    const ended = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => {
        resolve(code)
      })
    })
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        text += chunk.toString()
        if (until.test(text)) resolve()
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      void ended.then((code) => {
        reject(new Error(`${program} ended with ${code}: ${text}`))
      })
    })
    return {child, said: () => text, ended}
  }

  async close(): Promise<void> {
    await this.relay.close()
    await this.zt.end()
  }
}

function found(program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', `command -v ${program}`], (error, stdout) => {
      if (error) reject(new Error(`there is no ${program}`))
      else resolve(stdout)
    })
  })
}
