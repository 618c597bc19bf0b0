// Many connections through `zt forward`: how long an answer takes, and the memory of a connection.
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import path from 'node:path'
import {alternate, executable, freePort, setting, zt} from './support.mjs'
import {ECHO_HOST, edgeOptions} from './tunnel-scene.mjs'

export const FORWARD = 'zt forward'
export const FORWARD_EXECUTABLE = 'zt forward, executable'
export const NODE_PROXY = 'Node, HTTP proxy'
const LOAD_MS = 300_000
/** Ten seconds for 500 pings: the first requests, each with a handshake, are then below one in a hundred. */
const PINGS_PER_SECOND = 50

/**
 * Figures by name: milliseconds at the median and the 99th percentile, of connections that pause before they ask again and
 * of connections that do not (with HTTP, wrk's); and the memory of a connection in MiB.
 */
export async function forwards(scene, peers, rounds) {
  const connections = setting('BENCH_CONNECTIONS', 100)
  const pings = setting('BENCH_PINGS', 500)
  const load = {connections, pings}
  const tcp = await measure(scene, listenersOf(peers), rounds, load)
  const hasWrk = !spawnSync('wrk', ['--version']).error
  const withHttp = {...load, http: true, seconds: Math.ceil(pings / PINGS_PER_SECOND)}
  const listeners = {...listenersOf(peers, '--http'), [NODE_PROXY]: nodeProxy}
  const http = hasWrk && (await measure(scene, listeners, rounds, withHttp))
  const of = (samples, get) =>
    Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, all.map(get)]))
  return {
    connections,
    figures: {
      pacedMedian: of(tcp, ({paced}) => paced.median),
      pacedP99: of(tcp, ({paced}) => paced.p99),
      busyMedian: of(tcp, ({busy}) => busy.median),
      busyP99: of(tcp, ({busy}) => busy.p99),
      forwardCpu: of(tcp, ({cpu}) => cpu),
      forwardEdgeCpu: of(tcp, ({edgeCpu}) => edgeCpu),
      perConnection: of(tcp, ({perConnection}) => perConnection),
      ...(http && {
        httpPacedMedian: of(http, ({paced}) => paced.median),
        httpPacedP99: of(http, ({paced}) => paced.p99),
        httpMedian: of(http, ({busy}) => busy.median),
        httpP99: of(http, ({busy}) => busy.p99),
        httpPerSecond: of(http, ({perSecond}) => perSecond),
      }),
    },
  }
}

/** The least that node can do, which reads and writes HTTP on both sides. */
function nodeProxy({address, caFile, pair}, port) {
  const file = path.join(import.meta.dirname, 'peers', 'http-proxy.mjs')
  return {words: [process.execPath, file, String(port), address, caFile, ECHO_HOST], more: pair}
}

const addressOf = (port) => `127.0.0.1:${port}`

/** By name: `(scene, port)` returns a command line (`words`) and variables (`more`). */
function listenersOf(peers, ...flags) {
  const ours = (program) => (scene, port) => ({
    words: [...program, 'forward', ECHO_HOST, ...flags, '--listen', addressOf(port), ...edgeOptions(scene)],
    more: scene.pair,
  })
  const there = peers.filter(({forward}) => forward !== undefined)
  return {
    [FORWARD]: ours([process.execPath, zt]),
    ...(existsSync(executable) && {[FORWARD_EXECUTABLE]: ours([executable])}),
    ...Object.fromEntries(
      there.map(({name, forward}) => [name, (scene, port) => forward(scene, ECHO_HOST, port)]),
    ),
  }
}

function measure(scene, listeners, rounds, load) {
  const {env, home, watched} = scene
  const once = (listener) => async () => {
    const port = await freePort()
    const {words, more} = listener(scene, port)
    const order = {words, env: {...env, ...more}, cwd: home, watched, port, ...load}
    const {status, stdout, stderr, error} = spawnSync(
      process.execPath,
      [path.join(import.meta.dirname, 'tunnel-load.mjs')],
      {env, encoding: 'utf8', input: JSON.stringify(order), timeout: LOAD_MS},
    )
    if (status !== 0) throw new Error(stderr.trim() || `${words[0]}: ${error?.message ?? 'the load failed'}`)
    return JSON.parse(stdout)
  }
  const candidates = Object.entries(listeners).map(([name, listener]) => [name, once(listener)])
  return alternate(Object.fromEntries(candidates), rounds)
}
