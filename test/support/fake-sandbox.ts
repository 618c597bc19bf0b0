import {spawn, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import fs from 'node:fs/promises'
import path from 'node:path'
import type {CommandWorld} from './command-harness.js'

const TOKEN = 'the-token-of-a-fake-sandbox'

/** A process that commands take for the running sandbox: it answers to its API token, and its run file says where. */
export class FakeSandbox {
  readonly apiToken = TOKEN
  /** The signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null)
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  static async start(zt: CommandWorld): Promise<FakeSandbox> {
    const directory = directoryOf(zt)
    await fs.mkdir(directory, {recursive: true, mode: 0o700})
    const [program = '', ...args] = FakeSandbox.program(zt)
    const child = spawn(program, args, {cwd: directory, stdio: ['ignore', 'pipe', 'inherit']})
    await once(child.stdout, 'data')
    return new FakeSandbox(child)
  }

  /** How it is started: in the directory where its files are. */
  static program(zt: CommandWorld): string[] {
    return [process.execPath, '-e', PROGRAM, '--', directoryOf(zt)]
  }

  /** The words that it was started with. */
  static async arguments(zt: CommandWorld): Promise<string[]> {
    return JSON.parse(await fs.readFile(path.join(directoryOf(zt), 'arguments.json'), 'utf8')) as string[]
  }

  static async writeRunFile(zt: CommandWorld, text: string): Promise<void> {
    await fs.mkdir(directoryOf(zt), {recursive: true, mode: 0o700})
    await fs.writeFile(path.join(directoryOf(zt), 'run.json'), text, {mode: 0o600})
  }

  async end(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

function directoryOf({home}: CommandWorld): string {
  return path.join(home, 'STATE', 'zt', 'sandbox')
}

const PROGRAM = `
const fs = require('fs'), path = require('path'), [directory, ...words] = process.argv.slice(1)
const at = (name) => path.join(directory, name)
const server = require('http').createServer(({headers}, response) => {
  response.writeHead(headers.authorization === 'Bearer ${TOKEN}' ? 200 : 403).end('{}')
})
server.listen(0, '127.0.0.1', () => {
  const info = {pid: process.pid, apiUrl: 'http://127.0.0.1:' + server.address().port, apiToken: '${TOKEN}',
    accountId: 'a'.repeat(32), edge: '127.0.0.1:2', caFile: at('ca.pem'), ssh: '127.0.0.1:3',
    knownHostsFile: at('known_hosts'), origins: {}, stateFile: at('state.json'), logFile: at('log'),
    startedAt: new Date().toISOString()}
  fs.writeFileSync(at('arguments.json'), JSON.stringify(words))
  fs.writeFileSync(at('run.json'), JSON.stringify(info), {mode: 0o600})
  process.stdout.write('ready')
})
`
