import {spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {startTimeOf} from '../../src/lib/system/processes.js'
import type {Announced} from '../../src/lib/tunnel/connections/read.js'
import {ownFile} from '../../src/lib/tunnel/connections/run-files.js'

/** A process that does nothing, with the records of forwards that it would run. */
export class AnnouncedProcess {
  private constructor(
    readonly child: ChildProcess,
    readonly pid: number,
    /** The signal that ended it, or its exit code. */
    readonly ended: Promise<NodeJS.Signals | number | null>,
  ) {}

  /**
   * @param state zt's state directory
   * @param forwards host by place
   * @param script what it does before it waits
   */
  static async start(
    state: string,
    forwards: Record<string, string>,
    script = '',
  ): Promise<AnnouncedProcess> {
    const child = spawn(
      process.execPath,
      ['-e', `${script}; setInterval(() => undefined, 1000); console.log("up")`],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const pid = child.pid ?? 0
    for (const [place, host] of Object.entries(forwards)) {
      const content: Announced = {
        version: 1,
        carries: 'forward',
        host,
        profile: 'default',
        tokenId: 'id-of-ci',
        clientId: 'c.access',
        identity: '0123456789',
        plainSsh: false,
        cloudflared: false,
        openedAt: '2026-11-27T12:00:00.000Z',
        started: startTimeOf(pid),
        listener: {place, http: false, token: 'ci'},
      }
      const file = ownFile(state, 'connection', pid)
      await fs.mkdir(path.dirname(file), {recursive: true, mode: 0o700})
      await fs.writeFile(file, JSON.stringify(content), {mode: 0o600})
    }
    const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(signal ?? code)
      })
    })
    return new AnnouncedProcess(child, pid, ended)
  }

  isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }
}
