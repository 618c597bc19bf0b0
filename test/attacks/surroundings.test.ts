import {spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs'
import net, {type AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {bin} from '../support/built-zt.js'
import {RawTlsEdge} from '../support/raw-tls-edge.js'
import {tally} from './tally.js'

const FAMILY = "node's and the shell's surroundings"
const HOST = 'app.example.com'
const API_TOKEN = 'v1.0-0a1b2c3d4e5f60718293a4b5-attacked-api-token-0a1b2c3d4e5f'
const CLIENT_ID = '1c7b9bd1f00d4ab5a1c5b9d0e1f2a3b4.access'
const CLIENT_SECRET = '5ec7e70123456789abcdef0123456789abcdef0123456789abcdef0123456789'
const child = path.resolve(import.meta.dirname, '../../dist/keychain/child.cjs')

let home: string
/** It has a certificate that nothing here trusts, and records what it receives. */
let stranger: RawTlsEdge
/** It accepts connections and sends nothing. */
let silent: net.Server
const heard: Buffer[] = []
const running = new Set<ChildProcess>()

beforeAll(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-attacks-around-'))
  stranger = await RawTlsEdge.start(path.join(home, 'stranger'))
  silent = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => heard.push(chunk))
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const profile = (apiUrl: string): object => ({apiUrl, accountId: '0'.repeat(32)})
  fs.mkdirSync(path.join(home, 'CONFIG', 'zt'), {recursive: true, mode: 0o700})
  fs.writeFileSync(
    path.join(home, 'CONFIG', 'zt', 'config.json'),
    JSON.stringify({
      version: 1,
      profiles: {
        stranger: profile(`https://localhost:${stranger.port}`),
        silent: profile(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`),
      },
    }),
    {mode: 0o600},
  )
})
afterAll(() => {
  for (const one of running) one.kill('SIGKILL')
  stranger.close()
  silent.close()
  fs.rmSync(home, {recursive: true, force: true})
})

function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const directories = ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [
    `XDG_${kind}_HOME`,
    path.join(home, kind),
  ])
  return {
    ...{PATH: process.env['PATH'], HOME: home, NO_COLOR: '1', ...(Object.fromEntries(directories) as object)},
    ...{CF_ACCESS_CLIENT_ID: CLIENT_ID, CF_ACCESS_CLIENT_SECRET: CLIENT_SECRET},
    ...{CLOUDFLARE_API_TOKEN: API_TOKEN, ZT_PROFILE: 'silent', ...more},
  }
}

class Running {
  stdout = ''
  stderr = ''
  readonly ended: Promise<number | null>

  constructor(
    readonly process: ChildProcess,
    readonly pid: number,
  ) {
    running.add(process)
    process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    process.stdin?.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      process.once('close', (code, signal) => {
        running.delete(process)
        resolve(signal === null ? code : 128 + os.constants.signals[signal])
      })
    })
  }

  get lives(): boolean {
    return running.has(this.process)
  }
}

function start(words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const one = spawn(process.execPath, [...words], {
    cwd: home,
    env: environment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  if (one.pid === undefined) throw new Error('it did not start')
  return new Running(one, one.pid)
}

const zt = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Running => start([bin, ...words], env)

/** Waits as long as the test may take. */
async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** The ports on which a process and its children listen. */
function listeningPorts(pid: number): number[] {
  let inodes: Set<string>
  try {
    const links = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return fs.readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return ''
      }
    })
    inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  } catch {
    return []
  }
  const own = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => fs.readFileSync(file, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
  return [...own, ...childrenOf(pid).flatMap(listeningPorts)].sort((a, b) => a - b)
}

function childrenOf(pid: number): number[] {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** A process and all its descendants. */
function killAll(pid: number): void {
  const below = childrenOf(pid)
  process.kill(pid, 'SIGKILL')
  for (const one of below) killAll(one)
}

/** Checks for a while whether something begins to listen: a slow machine shows less, never more. */
async function portsFor(pid: number, ms: number): Promise<number[]> {
  const end = Date.now() + ms
  const seen = new Set<number>()
  while (Date.now() < end) {
    for (const port of listeningPorts(pid)) seen.add(port)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return [...seen].sort((a, b) => a - b)
}

/** Every kind of process that sends a credential, with a server that it must not trust. */
const KINDS: Readonly<Record<string, () => string[]>> = {
  'token list': () => ['token', 'list', '--profile', 'stranger'],
  whoami: () => ['whoami', '--profile', 'stranger'],
  'ssh proxy': () => ['ssh', 'proxy', HOST, ...atStranger(), '--timeout', '60'],
  'ssh check': () => ['ssh', 'check', HOST, ...atStranger()],
  forward: () => ['forward', HOST, ...atStranger(), '--http'],
  curl: () => ['curl', `https://${HOST}/`, ...atStranger(), '--', '-sS'],
}

/** The address of a forward, for TCP and for the web. */
const LISTENS = /(?:127\.0\.0\.1|\.localhost):(\d+)/

function atStranger(): string[] {
  return ['--token', 'env', '--yes', '--connect-to', `127.0.0.1:${stranger.port}`]
}

/** What node's variables can do to TLS. The last is set after zt has checked it. */
function surroundings(): Readonly<Record<string, NodeJS.ProcessEnv>> {
  const late = path.join(home, 'late.cjs')
  fs.writeFileSync(
    late,
    `const tls = require('node:tls'); const {connect} = tls
     tls.connect = (...words) => { process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; return connect(...words) }`,
  )
  return {
    'NODE_TLS_REJECT_UNAUTHORIZED=0': {NODE_TLS_REJECT_UNAUTHORIZED: '0'},
    'NODE_TLS_REJECT_UNAUTHORIZED=0, too late for a refusal': {NODE_OPTIONS: `--require=${late}`},
    'weak TLS': {NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=ALL:eNULL:@SECLEVEL=0'},
    'a debug log': {NODE_DEBUG: 'http,https,tls,net', SSLKEYLOGFILE: path.join(home, 'keys')},
    'keys in a file': {NODE_OPTIONS: `"--tls\\-keylog=${path.join(home, 'keys')}"`},
  }
}

function holdsCredential(bytes: string): boolean {
  return [API_TOKEN, CLIENT_ID, CLIENT_SECRET].some((secret) => bytes.includes(secret))
}

describe('a server with an untrusted certificate receives nothing', () => {
  it.each(Object.keys(KINDS))('by %s, whatever the environment says', async (kind) => {
    for (const [name, env] of Object.entries(surroundings())) {
      const one = zt(KINDS[kind]?.() ?? [], env)
      if (kind === 'forward') {
        await until(() => !one.lives || LISTENS.test(one.stdout + one.stderr))
        const port = LISTENS.exec(one.stdout + one.stderr)?.[1]
        if (one.lives && port !== undefined) await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
        one.process.kill('SIGTERM')
      }
      const code = await one.ended
      const {connections, elsewhere} = stranger.take()
      const told = Buffer.concat([...connections, elsewhere]).toString('latin1')
      expect({name, told: holdsCredential(told)}).toEqual({name, told: false})
      expect(holdsCredential(one.stdout + one.stderr), name).toBe(false)
      if (kind !== 'forward') expect(code, `${name}: ${one.stderr}`).not.toBe(0)
      if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
        expect(code).toBe(2)
        expect(one.stderr).toContain('zt always checks certificates')
        expect(one.stderr).toContain('next:  unset NODE_TLS_REJECT_UNAUTHORIZED')
        expect(connections).toEqual([])
      }
      tally(FAMILY, 1)
    }
    expect(fs.existsSync(path.join(home, 'keys'))).toBe(false)
  })

  it('under --json the refusal is JSON, and another value of the variable is node\u2019s own affair', async () => {
    const refused = zt(['token', 'list', '--json'], {NODE_TLS_REJECT_UNAUTHORIZED: '0'})
    expect(await refused.ended).toBe(2)
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: {code: 'CERTIFICATES_UNCHECKED', next: ['unset NODE_TLS_REJECT_UNAUTHORIZED']},
    })
    const works = zt(['profile', 'list'], {NODE_TLS_REJECT_UNAUTHORIZED: '1'})
    expect(await works.ended).toBe(0)
    tally(FAMILY, 2)
  })
})

/** For a shell that reports when it gets the signal. */
const WAITING = 'trap "echo got" USR1; echo ready; while :; do sleep 0.1; done'

/** Processes that may hold a secret, and how to know that each is at work. */
const LONG: Readonly<Record<string, {begin: () => Running; ready: (one: Running) => boolean}>> = {
  'a command that waits for the API': {
    begin: () => zt(['token', 'list']),
    ready: () => heard.length > 0,
  },
  'the ssh proxy': {
    begin: () => zt(['ssh', 'proxy', HOST, ...atSilent(), '--timeout', '600']),
    ready: () => heard.length > 0,
  },
  forward: {
    begin: () => zt(['forward', HOST, ...atSilent()]),
    ready: ({stdout, stderr}) => LISTENS.test(stdout + stderr),
  },
  'the sandbox': {
    begin: () => zt(['sandbox', 'start', '--foreground'], {ZT_PROFILE: undefined, ZT_STORE: 'vault'}),
    ready: ({stdout, stderr}) => /sandbox is running/.test(stdout + stderr),
  },
  "the keychain's process": {
    begin: () => start(['--require', preload('setTimeout(() => process.stderr.write("ready"))'), child]),
    ready: ({stderr}) => stderr.includes('ready'),
  },
  'exec, and what starts zt again': {
    begin: () =>
      zt(['exec', 'env', '--', 'sh', '-c', WAITING], {
        NODE_DEBUG: 'http',
      }),
    ready: ({stdout}) => stdout.includes('ready'),
  },
  'ssh, and what runs it': {
    begin: () => {
      const bin = path.join(home, 'bin')
      fs.mkdirSync(bin, {recursive: true})
      fs.writeFileSync(path.join(bin, 'ssh'), `#!/bin/sh\n${WAITING}\n`, {mode: 0o755})
      return zt(['ssh', HOST, '--no-share', ...atSilent()], {PATH: `${bin}:${process.env['PATH'] ?? ''}`})
    },
    ready: ({stdout}) => stdout.includes('ready'),
  },
  'exec alone': {
    begin: () => zt(['exec', 'env', '--', 'sh', '-c', WAITING]),
    ready: ({stdout}) => stdout.includes('ready'),
  },
}

function atSilent(): string[] {
  return ['--token', 'env', '--yes', '--connect-to', `127.0.0.1:${(silent.address() as AddressInfo).port}`]
}

/** A file for node's --require. */
function preload(program: string): string {
  const file = path.join(home, 'preload.cjs')
  fs.writeFileSync(file, program)
  return file
}

describe.skipIf(process.platform !== 'linux')('SIGUSR1 opens no debugger', () => {
  it.each(Object.keys(LONG))('in %s, and it goes on', async (name) => {
    const kind = LONG[name]
    if (!kind) throw new Error('unreachable')
    heard.length = 0
    const one = kind.begin()
    await until(() => !one.lives || kind.ready(one))
    expect(one.lives, one.stderr).toBe(true)
    const before = listeningPorts(one.pid)
    for (const pid of [one.pid, ...childrenOf(one.pid)])
      if (fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'node' || pid === one.pid)
        process.kill(pid, 'SIGUSR1')
    expect(await portsFor(one.pid, 700)).toEqual(before)
    expect(one.stderr).not.toContain('Debugger')
    expect(one.lives).toBe(true)
    if (/^(exec|ssh,)/.test(name)) await until(() => one.stdout.includes('got'))
    killAll(one.pid)
    await one.ended
    tally(FAMILY, 1)
  })

  it('at whatever moment of the start it comes', async () => {
    for (let at = 0; at < 24; at++) {
      heard.length = 0
      const one = zt(['token', 'list'])
      const from = process.hrtime.bigint()
      await until(() => Number(process.hrtime.bigint() - from) / 1e6 >= at * 4)
      one.process.kill('SIGUSR1')
      await until(() => !one.lives || heard.length > 0)
      // Before node has a handler, the signal ends it as it does any program.
      if (one.lives) expect(await portsFor(one.pid, 60)).toEqual([])
      one.process.kill('SIGKILL')
      await one.ended
    }
    tally(FAMILY, 24)
  })

  it.each([
    '--inspect=127.0.0.1:0',
    '--in"spe"ct=127.0.0.1:0',
    '"--in\\spect=127.0.0.1:0"',
    '--inspect=0 --inspect-publish-uid=http',
  ])('nor does %s in NODE_OPTIONS leave one open', async (NODE_OPTIONS) => {
    heard.length = 0
    const one = zt(['token', 'list'], {NODE_OPTIONS})
    await until(() => !one.lives || heard.length > 0)
    expect(one.lives, one.stderr).toBe(true)
    expect(await portsFor(one.pid, 100)).toEqual([])
    expect(one.stderr).toContain('--inspect is ignored: node would expose credentials to others')
    killAll(one.pid)
    await one.ended
    tally(FAMILY, 1)
  })

  it('and what exec starts writes down no keys of TLS', async () => {
    const one = zt(['exec', 'env', '--', 'env'], {SSLKEYLOGFILE: path.join(home, 'keys'), QLOGDIR: home})
    expect(await one.ended).toBe(0)
    expect(one.stdout).toContain(`CF_ACCESS_CLIENT_SECRET=${CLIENT_SECRET}`)
    expect(one.stdout).not.toMatch(/^(SSLKEYLOGFILE|QLOGDIR)=/m)
    tally(FAMILY, 1)
  })

  it('and children find it as any program does: neither ignored nor blocked', async () => {
    const one = zt(['exec', 'env', '--', 'cat', '/proc/self/status'])
    expect(await one.ended).toBe(0)
    for (const field of ['SigIgn', 'SigBlk', 'SigCgt']) {
      const mask = BigInt(`0x${new RegExp(`${field}:\\s+([0-9a-f]+)`).exec(one.stdout)?.[1] ?? ''}`)
      expect(mask & (1n << 9n), field).toBe(0n)
    }
    tally(FAMILY, 1)
  })
})
