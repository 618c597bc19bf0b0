// The scene of the tunnel's measurement: a sandbox's edge with a server behind it, and the clients that reach it.
import {spawn, spawnSync} from 'node:child_process'
import {randomBytes, randomUUID} from 'node:crypto'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import {executable, zt} from './support.mjs'

export const HOST = 'bench.widgetcorp.tech'
/** Leads to a real sshd, if there is one. */
export const SSH_HOST = 'bench-ssh.widgetcorp.tech'
export const PLAIN = 'plain TCP'
export const OURS = 'zt ssh proxy'
const TIMEOUT_MS = 60_000

/**
 * Starts the server and the edge, and stops them after `work`.
 *
 * @param sshPort where an sshd listens, for {@link SSH_HOST}
 */
export async function withScene({env, home, sshPort}, work) {
  const origin = spawn(process.execPath, [path.join(import.meta.dirname, 'tunnel-origin.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const port = Number(String((await once(origin.stdout, 'data'))[0]))
    const credentials = {
      id: `${randomBytes(16).toString('hex')}.access`,
      secret: randomBytes(32).toString('hex'),
    }
    const seed = path.join(home, 'seed.json')
    await writeFile(seed, JSON.stringify(seedFor(credentials)), {mode: 0o600})
    const origins = [`${HOST}=127.0.0.1:${port}`, ...(sshPort ? [`${SSH_HOST}=127.0.0.1:${sshPort}`] : [])]
    const {edge, caFile, apiToken} = runZt({env, home}, [
      ...['sandbox', 'start', '--seed', seed],
      ...origins.flatMap((one) => ['--origin', one]),
    ])
    const pair = {CF_ACCESS_CLIENT_ID: credentials.id, CF_ACCESS_CLIENT_SECRET: credentials.secret}
    const node = [process.execPath, ...nodeFlags({env, home})]
    return await work({env, home, port, address: edge, caFile, apiToken, credentials, pair, node})
  } finally {
    spawnSync(process.execPath, [zt, 'sandbox', 'stop'], {env, cwd: home})
    origin.kill()
  }
}

/** The node switches in the ProxyCommand: they determine where CAs come from, which takes much of the start. */
function nodeFlags(place) {
  const {block} = runZt(place, ['ssh', 'config', HOST])
  const words = /^\s*ProxyCommand (.*)$/m.exec(block)[1].split(' ')
  return words.filter((word) => /^--use-[a-z-]+-ca$/.test(word))
}

/** The JSON result of a command that must succeed. */
export function runZt({env, home}, args) {
  const {status, stdout, stderr} = spawnSync(process.execPath, [zt, ...args, '--json'], {
    env,
    cwd: home,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`zt ${args.join(' ')} failed: ${stderr.trim() || stdout.trim()}`)
  return JSON.parse(stdout)
}

/** An account with two applications that admit one service token. */
function seedFor({id, secret}) {
  const account = randomBytes(16).toString('hex')
  const token = randomUUID()
  const policy = randomUUID()
  return {
    accounts: [{id: account, name: 'Bench'}],
    zones: [{id: randomBytes(16).toString('hex'), name: 'widgetcorp.tech', account: {id: account}}],
    service_tokens: [{id: token, name: 'bench', client_id: id, client_secret: secret, duration: 'forever'}],
    policies: [
      {id: policy, name: 'bench', decision: 'non_identity', include: [{service_token: {token_id: token}}]},
    ],
    apps: [HOST, SSH_HOST].map((domain) => ({
      id: randomUUID(),
      name: domain,
      type: 'self_hosted',
      domain,
      policies: [{id: policy, precedence: 1}],
    })),
  }
}

/** zt's proxy for a host, as ssh starts it: its command line, and the variables that it needs. */
const ourProxy = (scene, host) => proxyBy([...scene.node, zt], scene, host)

function proxyBy(program, {address, caFile, pair}, host) {
  const options = ['--token', 'env', '--yes', '--connect-to', address, '--ca-file', caFile]
  return {words: [...program, 'ssh', 'proxy', ...options, host], more: pair}
}

/** A connection to {@link HOST} by the single executable. */
export function executableClient(scene) {
  const {words, more} = proxyBy([executable], scene, HOST)
  return program(scene, words, more)
}

/** zt's proxy and the available peers, by name: `proxy(scene, host)` returns a command line (`words`) and variables (`more`). */
export function proxiesOf(peers) {
  const there = peers.filter(({proxy}) => proxy !== undefined)
  return {[OURS]: ourProxy, ...Object.fromEntries(there.map(({name, proxy}) => [name, proxy]))}
}

/** Each opens a connection to {@link HOST}: two streams, the resources that its process used, and how to end it. */
export function clientsFor(scene, peers = []) {
  const {port} = scene
  const plain = () => {
    const socket = net.connect({host: '127.0.0.1', port, noDelay: true})
    socket.on('error', () => {})
    return {
      input: socket,
      output: socket,
      said: () => '',
      used: () => ({}),
      close: async () => void socket.destroy(),
    }
  }
  const programs = Object.entries(proxiesOf(peers)).map(([name, proxy]) => {
    const {words, more} = proxy(scene, HOST)
    return [name, program(scene, words, more)]
  })
  return {[PLAIN]: plain, ...Object.fromEntries(programs)}
}

/** A client in a separate process. */
export function program({env, home}, [file, ...args], more = {}) {
  return () => {
    const child = spawn(file, args, {env: {...env, ...more}, cwd: home, stdio: ['pipe', 'pipe', 'pipe']})
    let said = ''
    child.stderr.on('data', (chunk) => (said += chunk))
    child.stdin.on('error', () => {})
    return {
      input: child.stdin,
      output: child.stdout,
      said: () => said.trim(),
      used: () => usedBy(child.pid),
      close: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill()
        await once(child, 'exit')
      },
    }
  }
}

/** Linux counts processor time in hundredths of a second. */
const TICKS = 100

/** Processor time in seconds and peak memory in MiB, so far; empty without /proc. */
function usedBy(pid) {
  try {
    // The third field begins after the program's name, which may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ')
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return {cpu: (Number(fields[11]) + Number(fields[12])) / TICKS, rss: Number(peak[1]) / 1024}
  } catch {
    return {}
  }
}

/** Reads exactly that many bytes and returns the last chunk; an error includes the client's stderr. */
export function read({output, said}, bytes) {
  return new Promise((resolve, reject) => {
    let left = bytes
    const timer = setTimeout(() => done(new Error('it took too long')), TIMEOUT_MS)
    const onData = (chunk) => {
      left -= chunk.length
      if (left <= 0) done(undefined, chunk)
    }
    const onEnd = () => done(new Error('it ended early'))
    const done = (error, chunk) => {
      clearTimeout(timer)
      output.off('data', onData).off('close', onEnd)
      output.pause()
      if (error)
        reject(new Error([`a connection failed: ${error.message}`, said()].filter(Boolean).join('\n')))
      else resolve(chunk)
    }
    output.on('data', onData).on('close', onEnd)
    // Attaching a listener does not resume the stream that the previous read paused.
    output.resume()
  })
}

export async function fill(stream, bytes) {
  const block = Buffer.alloc(64 * 1024, 'zt')
  for (let left = bytes; left > 0; left -= block.length) {
    if (!stream.write(block.subarray(0, Math.min(left, block.length)))) await once(stream, 'drain')
  }
}

/** Milliseconds from the start of the client to the first byte of the server's greeting. */
export async function bannerTime(open) {
  const started = performance.now()
  const connection = open()
  try {
    const first = await read(connection, 1)
    const ms = performance.now() - started
    if (String(first.subarray(0, 1)) !== 'S') throw new Error('the first byte is not the banner')
    return ms
  } finally {
    await connection.close()
  }
}
