import {execFile, spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import type {BusEnvironment} from '../../src/lib/secrets/keychain/probe.js'
import {until} from './patience.js'

const run = promisify(execFile)
const SERVICE = 'org.freedesktop.secrets'
const LOGIN = '/org/freedesktop/secrets/collection/login'

/** A separate session bus with a real, unlocked gnome-keyring: nothing of the machine's session is touched. */
export class SecretService {
  private constructor(
    readonly home: string,
    readonly env: NodeJS.ProcessEnv,
    readonly bus: BusEnvironment,
    readonly dbus: ChildProcess,
    readonly daemon: number | undefined,
  ) {}

  /** Why it cannot run on this machine; undefined if it can. */
  static async missing(): Promise<string | undefined> {
    for (const program of ['dbus-daemon', 'gnome-keyring-daemon', 'dbus-send', 'secret-tool']) {
      const there = await run('sh', ['-c', `command -v ${program}`]).catch(() => undefined)
      if (!there)
        return `${program} is not installed (apt-get install gnome-keyring dbus-bin libsecret-tools)`
    }
    return undefined
  }

  /** @param keyring false: a bus on which nothing can ever own the service's name */
  static async start({keyring = true}: {keyring?: boolean} = {}): Promise<SecretService> {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-bus-'))
    await fs.chmod(home, 0o700)
    const socket = path.join(home, 'bus')
    const config = path.join(home, 'bus.conf')
    await fs.writeFile(
      config,
      `<busconfig><type>session</type><listen>unix:path=${socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`,
    )
    const address = `unix:path=${socket}`
    const env: NodeJS.ProcessEnv = {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_RUNTIME_DIR: home,
      XDG_DATA_HOME: path.join(home, 'data'),
      DBUS_SESSION_BUS_ADDRESS: address,
    }
    await fs.mkdir(path.join(home, 'data'), {mode: 0o700})
    const dbus = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--print-address=1'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await new Promise((resolve, reject) => {
      dbus.stdout.once('data', resolve)
      dbus.once('error', reject)
      dbus.once('exit', (code) => {
        reject(new Error(`dbus-daemon ended with ${code}`))
      })
    })
    const service = (daemon?: number): SecretService =>
      new SecretService(home, env, {dbusAddress: address, runtimeDir: home}, dbus, daemon)
    if (!keyring) return service()
    const unlocking = spawn('gnome-keyring-daemon', ['--unlock', '--components=secrets'], {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    unlocking.stdin.end('test-password')
    await new Promise((resolve) => unlocking.once('close', resolve))
    return service(await ownerOf(env))
  }

  async lock(): Promise<void> {
    // prettier-ignore
    const args = ['--session', '--print-reply', `--dest=${SERVICE}`, '/org/freedesktop/secrets',
      'org.freedesktop.Secret.Service.Lock', `array:objpath:${LOGIN}`]
    await run('dbus-send', args, {env: this.env})
  }

  /** What secret-tool, an independent program, finds. */
  async lookup(service: string, account: string): Promise<string> {
    const {stdout} = await run('secret-tool', ['lookup', 'service', service, 'account', account], {
      env: this.env,
    })
    return stdout
  }

  /** Stops and continues the keyring's daemon, to simulate a hang. */
  signal(signal: NodeJS.Signals): void {
    if (this.daemon === undefined) throw new Error('there is no daemon')
    process.kill(this.daemon, signal)
  }

  async end(): Promise<void> {
    try {
      if (this.daemon !== undefined) process.kill(this.daemon, 'SIGKILL')
    } catch {
      // It has ended already.
    }
    this.dbus.kill('SIGKILL')
    await fs.rm(this.home, {recursive: true, force: true})
  }
}

/** The daemon's process; it is in the background before it owns its name on the bus. */
async function ownerOf(env: NodeJS.ProcessEnv): Promise<number> {
  // prettier-ignore
  const args = ['--session', '--print-reply=literal', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus',
    'org.freedesktop.DBus.GetConnectionUnixProcessID', `string:${SERVICE}`]
  return until(async () => {
    const {stdout} = await run('dbus-send', args, {env}).catch(() => ({stdout: ''}))
    const pid = /uint32 (\d+)/.exec(stdout)?.[1]
    return pid === undefined ? undefined : Number(pid)
  })
}
