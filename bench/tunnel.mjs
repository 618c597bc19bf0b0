// The tunnel client on loopback: time to the first byte of the SSH banner, throughput each way, what each process uses, the
// same under real ssh, and many connections of zt forward; and the same for each peer that is available.
import {spawnSync} from 'node:child_process'
import os from 'node:os'
import {
  alternate,
  median,
  quartiles,
  requireBuild,
  round2,
  setting,
  startWarmups,
  table,
  withCleanEnvironment,
  zt,
} from './support.mjs'
import {FORWARD, FORWARD_EXECUTABLE, forwards, NODE_PROXY} from './tunnel-forward.mjs'
import {CLOUDFLARED, findPeers, PEERS} from './tunnel-peers.mjs'
import {
  BANNER,
  bannerOf,
  clientsFor,
  connectOnce,
  EXECUTABLE,
  HOST,
  OURS,
  runZt,
  TLS_ONLY,
  tlsClient,
  withScene,
} from './tunnel-scene.mjs'
import {DIRECT, NOT_SHARED, secondConnection, SHARED, sshThroughput, startSshd} from './tunnel-ssh.mjs'

export const description =
  'zt ssh proxy and zt forward beside their peers: start, throughput, latency, CPU, memory'

const BARE = 'node -e 0'
const FROM_VAULT = 'zt ssh proxy, from a vault'
const NO_FLAGS = 'zt ssh proxy, without node flags'
/** Suffix for a client that gets the edge's CA as one of many in SSL_CERT_FILE. */
const BUNDLE = ', SSL_CERT_FILE'
/** A start is short, and varies more than a transfer. */
const STARTS_PER_ROUND = 3
/** A round of many connections takes ten times as long as one of a transfer. */
const MOST_FORWARDS = 5

export async function run() {
  requireBuild()
  const rounds = setting('BENCH_ROUNDS', 7)
  const mib = setting('BENCH_MIB', 256)
  return withCleanEnvironment(async (env, home) => {
    const load = round2(os.loadavg()[0])
    const peers = await findPeers(env, home)
    const sshd = await startSshd(env, home)
    try {
      return await withScene({env, home, sshPort: sshd?.port}, async (scene) => {
        const proxies = clientsFor(scene, peers)
        const clients = {...tlsClient(scene), ...proxies}
        const starts = rounds * STARTS_PER_ROUND
        const starting = await alternate(bannersOf(scene, proxies), starts, startWarmups(rounds))
        const up = await transfers(scene, clients, 'up', {mib, rounds})
        const down = await transfers(scene, clients, 'down', {mib, rounds})
        const forwarded = await forwards(scene, peers, Math.min(rounds, MOST_FORWARDS))
        const ssh = sshd && (await sshThroughput(scene, sshd, peers, {rounds: Math.min(rounds, 5), mib}))
        const second = sshd && (await secondConnection(scene, sshd, peers, rounds))
        const samples = {
          ...figuresOf(starting, {banner: ({ms}) => ms, bannerCpuMs: ({cpuMs}) => cpuMs}),
          ...up,
          ...down,
          ...forwarded.figures,
          ...ssh,
          ...second?.samples,
        }
        const figures = ofEach(samples, (values) => round2(median(values)))
        return {
          rounds,
          starts,
          mib,
          connections: forwarded.connections,
          load: {start: load, end: round2(os.loadavg()[0])},
          edge: scene.edge,
          peers: peers.map(({name, version = null, why = null}) => ({name, version, why})),
          sshd: sshd !== undefined,
          sharing: second?.shares ?? null,
          figures,
          quartiles: ofEach(samples, quartiles),
          aims: aimsOf(figures),
        }
      })
    } finally {
      sshd?.stop()
    }
  })
}

/** Whole processes to their first byte; and bare node to its exit, which no node client can beat. */
function bannersOf(scene, proxies) {
  const {env, home, credentials, pair, trust} = scene
  const profile = ['--profile', 'sandbox']
  const copied = JSON.stringify({client_id: credentials.id, client_secret: credentials.secret})
  runZt({env, home}, ['token', 'import', '--host', HOST, ...profile], copied)
  const edge = ['--connect-to', scene.address, '--ca-file', scene.caFile]
  const {[OURS]: ours} = proxies
  const clients = {
    ...tlsClient(scene),
    ...proxies,
    ...(scene.node.length > 1 && {
      [NO_FLAGS]: {...ours, words: [process.execPath, ...ours.words.slice(scene.node.length)]},
    }),
    [FROM_VAULT]: {words: [...scene.node, zt, 'ssh', 'proxy', ...profile, ...edge, HOST], more: {}},
  }
  // A client that has a flag for a CA does not get it there.
  const withBundle = {...clientsFor({...scene, caFile: undefined}), [CLOUDFLARED]: proxies[CLOUDFLARED]}
  for (const name of [OURS, EXECUTABLE, CLOUDFLARED]) {
    if (withBundle[name] === undefined) continue
    const {words, more} = withBundle[name]
    clients[`${name}${BUNDLE}`] = {words, more: {...more, SSL_CERT_DIR: undefined, ...trust.bundle}}
  }
  return {
    [BARE]: () => {
      const started = performance.now()
      const {status} = spawnSync(process.execPath, ['-e', '0'], {env: {...env, ...pair}, cwd: home})
      if (status !== 0) throw new Error(`${BARE} ended with ${status}`)
      return {ms: performance.now() - started}
    },
    ...Object.fromEntries(
      Object.entries(clients).map(([name, client]) => [name, () => bannerOf(scene, client)]),
    ),
  }
}

/**
 * Figures of one direction by name: MiB per second between the greeting and the last byte's arrival, and the seconds that
 * it took; processor seconds of each process, and the client's peak memory in MiB. The client's include its start.
 */
async function transfers(scene, clients, direction, {mib, rounds}) {
  const bytes = mib * 1024 * 1024
  const say = `${direction} ${bytes}\n`
  const [send, receive] = direction === 'up' ? [bytes, 'ok\n'.length] : [0, bytes]
  const task = {greeting: BANNER.length, say, send, receive}
  const samples = await alternate(
    Object.fromEntries(
      Object.entries(clients).map(([name, client]) => [name, () => connectOnce(scene, client, task)]),
    ),
    rounds,
  )
  return figuresOf(samples, {
    [direction]: ({seconds}) => mib / seconds,
    [`${direction}Seconds`]: ({seconds}) => seconds,
    [`${direction}Cpu`]: ({client}) => client?.cpu,
    [`${direction}EdgeCpu`]: ({cpu}) => cpu?.edge,
    [`${direction}OriginCpu`]: ({cpu}) => cpu?.origin,
    [`${direction}DriverCpu`]: ({cpu}) => cpu?.driver,
    [`${direction}Rss`]: ({client}) => client?.peak,
  })
}

/** {figure: {name: values}} of {name: samples}: each figure is what its function gets from a sample. */
function figuresOf(samples, figures) {
  return Object.fromEntries(
    Object.entries(figures).map(([figure, get]) => [
      figure,
      Object.fromEntries(
        Object.entries(samples).map(([name, all]) => [
          name,
          all.map(get).filter((value) => value !== undefined),
        ]),
      ),
    ]),
  )
}

/** {figure: {name: values}} with `of(values)` in place of each list; empty lists are left out. */
function ofEach(samples, of) {
  return Object.fromEntries(
    Object.entries(samples).map(([figure, byName]) => [
      figure,
      Object.fromEntries(
        Object.entries(byName)
          .filter(([, values]) => values.length > 0)
          .map(([name, values]) => [name, of(values)]),
      ),
    ]),
  )
}

/** The targets, as ratios to cloudflared unless they have a unit. `of` and `to` are the names that are compared. */
const AIMS = [
  {aim: 'banner', figure: 'banner', most: 1.1},
  {aim: 'banner, SSL_CERT_FILE', figure: 'banner', suffix: BUNDLE, most: 1.1},
  {aim: 'banner, executable', figure: 'banner', of: EXECUTABLE, most: 1},
  {aim: 'banner, executable, SSL_CERT_FILE', figure: 'banner', of: EXECUTABLE, suffix: BUNDLE, most: 1},
  {aim: 'up', figure: 'up', least: 1.5},
  {aim: 'down', figure: 'down', least: 1.5},
  {aim: 'up, CPU', figure: 'upCpu', most: 0.8},
  {aim: 'down, CPU', figure: 'downCpu', most: 0.8},
  {aim: 'up, memory', figure: 'upRss', most: 90, unit: 'MiB'},
  {aim: 'down, memory', figure: 'downRss', most: 90, unit: 'MiB'},
  {aim: 'second connection', figure: 'session', of: SHARED, most: 0.3},
  {aim: 'forward, memory of a connection', figure: 'perConnection', of: FORWARD, most: 1, unit: 'MiB'},
  ...[
    ['forward, pauses', 'paced'],
    ['forward, busy', 'busy'],
    ['forward --http, pauses', 'httpPaced'],
    ['forward --http, busy', 'http'],
  ].flatMap(([aim, figure]) => [
    {aim: `${aim}, median`, figure: `${figure}Median`, of: FORWARD, most: 1.2},
    {aim: `${aim}, 99th percentile`, figure: `${figure}P99`, of: FORWARD, most: 1.2},
  ]),
]

/** What to do to measure a figure that is missing. */
const NEEDS = {
  session: 'no sshd',
  ...Object.fromEntries(
    ['httpPacedMedian', 'httpPacedP99', 'httpMedian', 'httpP99'].map((name) => [name, 'no wrk']),
  ),
}

function aimsOf(figures) {
  return AIMS.map(({aim, figure, of = OURS, suffix = '', most, least, unit}) => {
    const bound = `${unit ? '' : '×'}${most ?? least}${unit ? ` ${unit}` : ''}`
    const wanted = `at ${most === undefined ? 'least' : 'most'} ${bound}`
    const ours = figures[figure]?.[`${of}${suffix}`]
    const theirs = figures[figure]?.[`${CLOUDFLARED}${suffix}`]
    const none = (why) => ({aim, wanted, value: null, met: null, why})
    if (ours === undefined)
      return none(NEEDS[figure] ?? (of === EXECUTABLE ? 'no executable' : 'not measured'))
    if (!unit && theirs === undefined) return none('no cloudflared')
    const value = unit ? ours : round2(ours / theirs)
    return {aim, wanted, value, met: most === undefined ? value >= least : value <= most, why: null}
  })
}

/** Each fits on a terminal. */
const TABLES = [
  {
    banner: 'banner ms',
    bannerCpuMs: 'CPU ms',
    up: 'up MiB/s',
    down: 'down MiB/s',
    sshUp: 'ssh up',
    sshDown: 'ssh down',
  },
  ...['up', 'down'].map((way) => ({
    [`${way}Seconds`]: `${way}: s`,
    [`${way}Cpu`]: 'CPU s',
    [`${way}EdgeCpu`]: 'of the edge',
    [`${way}OriginCpu`]: 'the server',
    [`${way}DriverCpu`]: 'the driver',
    [`${way}Rss`]: 'peak MiB',
  })),
  {
    pacedMedian: 'pauses: ms',
    pacedP99: '99 %',
    busyMedian: 'busy: ms',
    busyP99: '99 %',
  },
  {
    httpPacedMedian: 'HTTP, pauses: ms',
    httpPacedP99: '99 %',
    httpMedian: 'busy: ms',
    httpP99: '99 %',
    httpPerSecond: 'per s',
  },
  {forwardCpu: 'CPU s', forwardEdgeCpu: 'of the edge', perConnection: 'MiB a connection'},
  {second: 'ssh HOST true, again: ms', session: 'without a login shell'},
]

const ORDER = [
  ...[
    BARE,
    DIRECT,
    TLS_ONLY,
    OURS,
    `${OURS}${BUNDLE}`,
    NO_FLAGS,
    FROM_VAULT,
    EXECUTABLE,
    `${EXECUTABLE}${BUNDLE}`,
  ],
  ...[
    FORWARD,
    FORWARD_EXECUTABLE,
    SHARED,
    NOT_SHARED,
    CLOUDFLARED,
    `${CLOUDFLARED}${BUNDLE}`,
    NODE_PROXY,
    ...PEERS.slice(1),
  ],
]

/** Undefined if none of the figures was measured. */
function figuresTable(figures, titles) {
  const shown = Object.keys(titles).filter((figure) => Object.keys(figures[figure] ?? {}).length > 0)
  const names = ORDER.filter((name) => shown.some((figure) => figures[figure][name] !== undefined))
  if (names.length === 0) return undefined
  const cell = (figure, name) => {
    const value = figures[figure][name]
    if (value === undefined) return ''
    return /(Cpu|Seconds|perConnection|Median|P99)$/.test(figure) ? value.toFixed(2) : value.toFixed(1)
  }
  return table([
    ['', ...shown.map((figure) => titles[figure])],
    ...names.map((name) => [name, ...shown.map((figure) => cell(figure, name))]),
  ])
}

export function text({rounds, starts, mib, connections, load, edge, peers, sshd, sharing, figures, aims}) {
  const parts = [
    `${rounds} rounds, ${starts} of the banner; ${mib} MiB each way; ${connections} connections of a forward; medians`,
    `load ${load.start.toFixed(1)} at the start, ${load.end.toFixed(1)} at the end; edge: ${edge}`,
    ...TABLES.map((titles) => figuresTable(figures, titles)).filter((lines) => lines !== undefined),
    `banner of ${OURS}: ×${(figures.banner[OURS] / figures.banner[BARE]).toFixed(2)} of ${BARE}`,
    ...limitsText(figures),
  ]
  if (sharing === false)
    parts.push(`Connections cannot be shared on this machine: each ${SHARED} made its own.`)
  if (!sshd) parts.push('no sshd (set ZT_TEST_SSHD=/path): nothing was measured under ssh')
  parts.push(
    peers
      .map(({name, version, why}) =>
        version === null ? `${name}: not available (${why})` : `${name}: ${version}`,
      )
      .join('\n'),
    table([
      ['figure', 'target', 'verdict'],
      ...aims.map(({aim, wanted, ...verdict}) => [aim, wanted, verdictText(verdict, wanted)]),
    ]),
  )
  return parts.join('\n\n')
}

/** What TLS alone takes, by openssl. */
function limitsText({up, down, upCpu, downCpu}) {
  if (up[TLS_ONLY] === undefined) return []
  const ratio = (by) => (by?.[TLS_ONLY] ? `×${(by[OURS] / by[TLS_ONLY]).toFixed(2)}` : 'not measured')
  return [
    `${OURS} against ${TLS_ONLY}: up ${ratio(up)} with ${ratio(upCpu)} of its CPU, down ${ratio(down)} with ${ratio(downCpu)}`,
  ]
}

function verdictText({value, met, why}, wanted) {
  if (met === null) return `none: ${why}`
  const measured = wanted.endsWith('MiB') ? value.toFixed(2) : `×${value.toFixed(2)}`
  return `${measured} ${met ? 'met' : 'missed'}`
}
