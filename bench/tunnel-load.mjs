// Many connections through one listener, in a process of its own: starts the client that listens, and measures how long
// answers take and how much memory a connection takes. What to do comes from stdin as JSON; it prints what it measured.
import {execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import net from 'node:net'
import {promisify} from 'node:util'
import {quantile} from './support.mjs'
import {cpuOf, usedBy} from './tunnel-used.mjs'

const PING = Buffer.alloc(64, 'zt')
const PAGE = 'ok\n'
/** Between two pings of a connection that is not busy. */
const PAUSE_MS = 100
const START_MS = 60_000

/** `port` is where the client of `words` listens. `http`: requests, and wrk for `seconds`, instead of pings. */
const {words, env, cwd, port, connections, pings, http, seconds, watched} = JSON.parse(
  readFileSync(0, 'utf8'),
)

const REQUEST = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`

const child = spawn(words[0], words.slice(1), {env, cwd, stdio: ['ignore', 'pipe', 'pipe']})
let said = ''
for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
try {
  const first = await untilItAnswers()
  const before = {...usedBy(child.pid), edge: cpuOf(watched.edge)}
  const result = {...(await askAll()), ...(http && (await wrk()))}
  const after = usedBy(child.pid)
  console.log(
    JSON.stringify({
      ...result,
      ...(after && {
        cpu: after.cpu - before.cpu,
        edgeCpu: cpuOf(watched.edge) - before.edge,
        driverCpu: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
        perConnection: (result.memory - before.memory) / connections,
      }),
    }),
  )
  first.destroy()
} catch (error) {
  console.error(`${error.message}\n${said}`.trim())
  process.exitCode = 1
} finally {
  child.kill()
}
process.exit()

/** The first connection, which is not counted: the client loads code for it. */
async function untilItAnswers() {
  const until = Date.now() + START_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error('the client ended')
    try {
      const socket = await connect()
      await ask(socket)
      return socket
    } catch (error) {
      if (Date.now() > until) throw error
      await pause(20)
    }
  }
}

async function connect() {
  const socket = net.connect({host: '127.0.0.1', port, noDelay: true})
  await once(socket, 'connect')
  socket.on('error', () => socket.destroy())
  return socket
}

/** Milliseconds until the answer to a ping or a request is there. */
function ask(socket) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    let answer = ''
    const onData = (chunk) => {
      answer += chunk.toString('latin1')
      if (http ? !answer.endsWith(PAGE) : answer.length < PING.length) return
      socket.off('data', onData).off('close', onClose)
      if (http && !answer.startsWith('HTTP/1.1 200 '))
        reject(new Error(`an answer is ${answer.split('\r\n')[0]}`))
      else resolve(performance.now() - started)
    }
    const onClose = () => reject(new Error('a connection ended'))
    socket.on('data', onData).on('close', onClose)
    socket.write(http ? REQUEST : PING)
  })
}

async function askAll() {
  const sockets = []
  for (let count = 0; count < connections; count++) {
    const socket = await connect()
    await ask(socket)
    sockets.push(socket)
  }
  const paced = await each(sockets, Math.ceil(pings / 5), async (socket, count) => {
    // Not all of them at once.
    await pause(count === 0 ? Math.random() * PAUSE_MS : PAUSE_MS)
    return ask(socket)
  })
  const busy = http ? undefined : await each(sockets, pings, ask)
  const {memory} = usedBy(child.pid) ?? {}
  for (const socket of sockets) socket.destroy()
  return {paced: latency(paced), ...(busy && {busy: latency(busy)}), memory}
}

async function each(sockets, times, once) {
  const all = await Promise.all(
    sockets.map(async (socket) => {
      const values = []
      for (let count = 0; count < times; count++) values.push(await once(socket, count))
      return values
    }),
  )
  return all.flat()
}

function latency(values) {
  return {median: quantile(values, 0.5), p99: quantile(values, 0.99)}
}

/** wrk's figures: all connections ask again as soon as they have an answer. */
async function wrk() {
  const load = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '60s']
  const args = [...load, '--latency', `http://127.0.0.1:${port}/`]
  const {stdout} = await promisify(execFile)('wrk', args, {env})
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk: ${stdout}`)
  const of = (share) => {
    const found = new RegExp(`^\\s+${share}%\\s+([\\d.]+)(us|ms|s)\\s*$`, 'm').exec(stdout)
    if (!found) throw new Error(`wrk: ${stdout}`)
    const [, value, unit] = found
    return Number(value) * {us: 0.001, ms: 1, s: 1000}[unit]
  }
  return {busy: {median: of(50), p99: of(99)}, perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1])}
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
