import {execFile, spawn, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'

// Command lines of cloudflared, run by zt and beside it by the real program, where CLOUDFLARED names one
// (cloudflared.test.ts says that there is none).

const ID = '0123456789abcdef0123456789abcdef.access'
const SECRET = 'a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4'
const ECHO = 'echo.widgetcorp.tech'
const SSH = 'ssh.widgetcorp.tech'
const LOGIN = 'login.widgetcorp.tech'
const PAIR = {TUNNEL_SERVICE_TOKEN_ID: ID, TUNNEL_SERVICE_TOKEN_SECRET: SECRET}
const MESSAGE = 'what comes back\n'

const admits = (id: string) => ({
  name: id,
  decision: 'non_identity',
  include: [{service_token: {token_id: id}}],
})
const SEED = {
  service_tokens: [{id: 'token-ci', name: 'ci', client_id: ID, client_secret: SECRET}],
  apps: [
    {name: 'Echo', domain: ECHO, policies: [admits('token-ci')]},
    {name: 'SSH', domain: SSH, policies: [admits('token-ci')]},
    {name: 'Login', domain: LOGIN, policies: [admits('token-other')]},
  ],
}

const real = process.env['CLOUDFLARED']
const programs: [name: string, words: () => readonly string[]][] = [
  ['zt', () => zt.program],
  ...(real === undefined ? [] : [['cloudflared', () => [real]] as [string, () => string[]]]),
]

let zt: BuiltZt
let edge: string
let bare: NodeJS.ProcessEnv
/** Ends after the message: zt waits for what may still come after the end of stdin, and cloudflared does not. */
const echo = net.createServer((socket) => {
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    if (chunk.toString() === MESSAGE) socket.end(chunk)
    else socket.write(chunk)
  })
})

beforeAll(async () => {
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  await fs.writeFile(seed, JSON.stringify(SEED))
  const origin = `${ECHO}=127.0.0.1:${(echo.address() as AddressInfo).port}`
  const started = await zt.json<{edge: string; caFile: string}>([
    ...['sandbox', 'start', '--seed', seed, '--origin', origin],
  ])
  edge = started.edge
  // A job's: no configuration of zt's.
  const home = path.join(zt.home, 'job')
  await fs.mkdir(home)
  bare = {PATH: process.env['PATH'], HOME: home, SSL_CERT_FILE: started.caFile, ZT_PATIENCE: '40'}
})
afterAll(async () => {
  echo.close()
  await zt.end()
})

function start(words: readonly string[], env: NodeJS.ProcessEnv): {child: ChildProcess; end: Promise<End>} {
  const [program = '', ...args] = words
  const child = spawn(program, args, {env: {...bare, ...env}, cwd: zt.home, stdio: ['pipe', 'pipe', 'pipe']})
  const end: End = {code: null, stdout: '', stderr: ''}
  child.stdin?.on('error', () => undefined)
  child.stdout?.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
  return {
    child,
    end: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        resolve({...end, code})
      })
    }),
  }
}

/** Says the message, and hears it. */
async function exchange(words: readonly string[], env: NodeJS.ProcessEnv): Promise<End> {
  const {child, end} = start(words, env)
  child.stdin?.write(MESSAGE)
  return end
}

describe.each(programs)('%s', (name, program) => {
  const there = (): string[] => ['--connect-to', edge]
  const withPair = {...PAIR, TUNNEL_SERVICE_HOSTNAME: ''}

  it.each<[line: string[], env?: NodeJS.ProcessEnv]>([
    [['access', 'ssh', '--hostname', ECHO]],
    [['access', 'tcp', `--hostname=${ECHO}`]],
    [['access', 'rdp', '-hostname', ECHO]],
    [['access', 'smb', '-T', ECHO]],
    [['access', 'tcp', '--tunnel-host', `https://${ECHO}`, '--log-level', 'fatal']],
    [['access', 'ssh', '-hostname', ECHO, '-H', 'X-Client: build', '-H=X-Other:1']],
    [['access', 'ssh', '--hostname', ECHO, '--destination', '10.0.0.7:22']],
    [['access', 'ssh'], {TUNNEL_SERVICE_HOSTNAME: ECHO}],
    [['access', '--fedramp', 'ssh', '--hostname', ECHO]],
    [['--no-autoupdate', 'access', 'tcp', '--hostname', ECHO]],
    [['--loglevel', 'fatal', 'access', 'smb', '--hostname', ECHO]],
  ])('carries stdin and stdout: %j', async (line, env) => {
    const end = await exchange([...program(), ...line, ...there()], {...withPair, ...env})
    expect(end).toEqual({code: 0, stdout: MESSAGE, stderr: ''})
  })

  it.each<[line: string[], env?: NodeJS.ProcessEnv]>([
    [['access', 'tcp', '--hostname', ECHO, '--url', 'localhost:PORT']],
    [['access', 'tcp', '-T', ECHO, '-L', '127.0.0.1:PORT']],
    [['access', 'rdp', '--hostname', ECHO, '--url', 'rdp://localhost:PORT']],
    [['access', 'ssh', '--hostname', ECHO, '--listener=tcp://127.0.0.1:PORT/']],
    [['access', 'tcp', '--hostname', ECHO], {TUNNEL_SERVICE_URL: 'localhost:PORT'}],
  ])('carries a local port: %j', async (line, env = {}) => {
    const port = String(await freePort())
    const words = [...line, ...there()].map((word) => word.replace('PORT', port))
    const variables = Object.entries(env).map(([key, value]): [string, string] => [
      key,
      (value ?? '').replace('PORT', port),
    ])
    const {child, end} = start([...program(), ...words], {...withPair, ...Object.fromEntries(variables)})
    const sent = Buffer.alloc(200_000, 'line after line\n')
    expect((await throughPort(Number(port), sent, end)).equals(sent)).toBe(true)
    child.kill('SIGTERM')
    // cloudflared dies of it.
    expect((await end).code).toBe(name === 'zt' ? 0 : null)
  })

  it('is the ProxyCommand of the commonest configuration of ssh', async () => {
    const file = path.join(zt.home, `config-${name}`)
    const command = [...program(), 'access', 'ssh', '--hostname', '%h', ...there()].join(' ')
    const lines = [
      `Host ${SSH}`,
      `ProxyCommand ${command}`,
      'StrictHostKeyChecking no',
      'UserKnownHostsFile /dev/null',
    ]
    await fs.writeFile(file, lines.join('\n'), {mode: 0o600})
    const args = ['-F', file, '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', `git@${SSH}`, 'x']
    const code = await new Promise((resolve) => {
      execFile('ssh', args, {env: {...bare, ...PAIR}}, (error) => {
        resolve(error?.code ?? 0)
      })
    })
    // The session was open: the server of the sandbox runs no command. ssh itself would have ended with 255.
    expect(code).toBe(1)
  })

  it.each([
    ['a token that no rule admits', LOGIN, PAIR],
    ['a wrong secret', ECHO, {...PAIR, TUNNEL_SERVICE_TOKEN_SECRET: SECRET.replaceAll('a1', 'b2')}],
  ])('fails, and says why where it is zt: %s', async (_what, host, env) => {
    const {child, end} = start([...program(), 'access', 'ssh', '--hostname', host, ...there()], env)
    child.stdin?.end()
    const {code, stdout, stderr} = await end
    expect(stdout).toBe('')
    if (name === 'zt') {
      expect(code).toBe(10)
      expect(stderr).toContain(`Access refused the service token for ${host}`)
    } else {
      expect(code).toBe(1)
    }
  })
})

describe('zt', () => {
  it('takes the way of zt ssh proxy, without the framework', async () => {
    const cache = path.join(zt.home, 'cache')
    const end = await exchange([...zt.program, 'access', 'ssh', '-T', ECHO, '--connect-to', edge], {
      ...PAIR,
      XDG_CACHE_HOME: cache,
    })
    expect(end.code).toBe(0)
    const compiled = await fs.readdir(path.join(cache, 'zt', 'code'))
    expect(compiled.map((file) => file.replace(/-v\d.*/, ''))).toEqual(['proxy-main'])
  })

  it('answers the line of the tutorial, which has the secret in it, with the one that works', async () => {
    const line = ['access', 'ssh', '--hostname', ECHO, '--connect-to', edge]
    const {child, end} = start([...zt.program, ...line, '--id', ID, '--secret', SECRET], {})
    child.stdin?.end()
    const {code, stdout, stderr} = await end
    expect({code, stdout}).toEqual({code: 2, stdout: ''})
    expect(stderr).not.toContain(SECRET)
    const next = /^next: +With TUNNEL_SERVICE_TOKEN_ID and TUNNEL_SERVICE_TOKEN_SECRET .*: (zt .*)$/m.exec(
      stderr,
    )?.[1]
    expect(next).toBe(`zt access ssh --hostname ${ECHO}`)
    expect(
      await exchange([...zt.program, ...(next ?? '').split(' ').slice(1), '--connect-to', edge], PAIR),
    ).toMatchObject({
      code: 0,
      stdout: MESSAGE,
    })
  })
})

/** A port that is free now; both programs get the same command line, and cloudflared does not say which it took. */
async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What comes back, from as soon as something listens. */
async function throughPort(port: number, sent: Buffer, ended: Promise<End>): Promise<Buffer> {
  let over = false
  void ended.then(() => (over = true))
  for (;;) {
    const socket = net.connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
    } catch (error) {
      if (over) throw error
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    socket.write(sent)
    const pieces: Buffer[] = []
    let length = 0
    for await (const piece of socket) {
      pieces.push(piece as Buffer)
      length += (piece as Buffer).length
      if (length >= sent.length) break
    }
    socket.destroy()
    return Buffer.concat(pieces)
  }
}
