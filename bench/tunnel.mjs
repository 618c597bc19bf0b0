// The tunnel client on loopback, through a sandbox's edge: time to the first byte of the SSH banner, throughput each
// way, what the process uses, and the same under real ssh; and the same for each peer that is available.
import {spawnSync} from 'node:child_process'
import os from 'node:os'
import {
  alternate,
  median,
  quartiles,
  requireBuild,
  round1,
  round2,
  setting,
  START_WARMUPS,
  table,
  withCleanEnvironment,
  zt,
} from './support.mjs'
import {
  bannerTime,
  clientsFor,
  fill,
  HOST,
  OURS,
  PLAIN,
  program,
  read,
  runZt,
  withScene,
} from './tunnel-scene.mjs'
import {CLOUDFLARED, findPeers, GORILLA, PEERS} from './tunnel-peers.mjs'
import {NOT_SHARED, secondConnection, SHARED, sshThroughput, startSshd} from './tunnel-ssh.mjs'

export const description = 'zt ssh proxy beside its peers: start, throughput, CPU, memory'

const BARE = 'node -e 0'
const FROM_VAULT = 'zt ssh proxy, from a vault'
const BANNER = 'SSH-2.0-bench\r\n'
/** A start is short, and varies more than a transfer. */
const STARTS_PER_ROUND = 3

export async function run() {
  requireBuild()
  const rounds = setting('BENCH_ROUNDS', 7)
  const mib = setting('BENCH_MIB', 64)
  return withCleanEnvironment(async (env, home) => {
    const load = round2(os.loadavg()[0])
    const peers = await findPeers(env, home)
    const sshd = await startSshd(env, home)
    try {
      return await withScene({env, home, sshPort: sshd?.port}, async (scene) => {
        const clients = clientsFor(scene, peers)
        const starts = rounds * STARTS_PER_ROUND
        const banner = await alternate(bannersOf(scene, clients), starts, START_WARMUPS)
        const up = await transfers(clients, 'up', mib, rounds)
        const down = await transfers(clients, 'down', mib, rounds)
        const ssh = sshd && (await sshThroughput(scene, sshd, peers, {rounds: Math.min(rounds, 5), mib}))
        const second = sshd && (await secondConnection(scene, sshd, peers, rounds))
        const samples = {
          banner,
          up: up.speed,
          down: down.speed,
          upCpu: up.cpu,
          downCpu: down.cpu,
          upRss: up.rss,
          downRss: down.rss,
          ...(ssh && {sshUp: ssh.up, sshDown: ssh.down}),
          ...(second && {second: second.samples}),
        }
        const figures = ofEach(samples, (values) => round2(median(values)))
        return {
          rounds,
          starts,
          mib,
          load,
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
function bannersOf(scene, clients) {
  const {env, home} = scene
  const profile = ['--profile', 'sandbox']
  runZt({env, home}, ['token', 'create', 'vaulted', ...profile])
  runZt({env, home}, ['app', 'add-rule', HOST, '--service-auth', '--token', 'vaulted', ...profile])
  const fromVault = program(scene, [...scene.node, zt, 'ssh', 'proxy', ...profile, HOST])
  return {
    [BARE]: () => {
      const started = performance.now()
      const {status} = spawnSync(process.execPath, ['-e', '0'], {env, cwd: home})
      if (status !== 0) throw new Error(`${BARE} ended with ${status}`)
      return performance.now() - started
    },
    ...Object.fromEntries(Object.entries(clients).map(([name, open]) => [name, () => bannerTime(open)])),
    [FROM_VAULT]: () => bannerTime(fromVault),
  }
}

/** MiB per second between the greeting and the last byte's arrival; CPU seconds and MiB of the process until then. */
async function transfers(clients, direction, mib, rounds) {
  const cpu = Object.fromEntries(Object.keys(clients).map((name) => [name, []]))
  const rss = structuredClone(cpu)
  const bytes = mib * 1024 * 1024
  const one = (name, open) => async () => {
    const connection = open()
    try {
      await read(connection, BANNER.length)
      const started = performance.now()
      connection.input.write(`${direction} ${bytes}\n`)
      if (direction === 'up')
        await Promise.all([fill(connection.input, bytes), read(connection, 'ok\n'.length)])
      else await read(connection, bytes)
      const seconds = (performance.now() - started) / 1000
      const used = connection.used()
      if (used.cpu !== undefined) {
        cpu[name].push(used.cpu)
        rss[name].push(used.rss)
      }
      return mib / seconds
    } finally {
      await connection.close()
    }
  }
  const speed = await alternate(
    Object.fromEntries(Object.entries(clients).map(([name, open]) => [name, one(name, open)])),
    rounds,
  )
  return {speed, cpu, rss}
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

/** The targets, as ratios to cloudflared unless they have a unit. */
const AIMS = [
  {aim: 'banner', figure: 'banner', most: 1.1},
  {aim: 'up', figure: 'up', least: 1.5},
  {aim: 'down', figure: 'down', least: 1.2},
  {aim: 'up, CPU', figure: 'upCpu', most: 0.8},
  {aim: 'down, CPU', figure: 'downCpu', most: 0.8},
  {aim: 'up, memory', figure: 'upRss', most: 90, unit: 'MiB'},
  {aim: 'down, memory', figure: 'downRss', most: 90, unit: 'MiB'},
  {aim: 'second connection', figure: 'second', of: SHARED, most: 0.3},
]

/**
 * Whether each target is met, and whether it would be met if gorilla/websocket, which cloudflared is built on, were
 * cloudflared. The second is another question, and never answers the first.
 */
function aimsOf(figures) {
  return AIMS.map(({aim, figure, of = OURS, most, least, unit}) => {
    const bound = `${unit ? '' : '×'}${most ?? least}${unit ? ` ${unit}` : ''}`
    const wanted = `at ${most === undefined ? 'least' : 'most'} ${bound}`
    const against = (peer, absent) => {
      const ours = figures[figure]?.[of]
      const theirs = figures[figure]?.[peer]
      const why = ours === undefined ? (figure === 'second' ? 'no sshd' : 'not measured') : absent
      if (ours === undefined || (!unit && theirs === undefined)) return {value: null, met: null, why}
      const value = unit ? ours : round2(ours / theirs)
      return {value, met: most === undefined ? value >= least : value <= most, why: null}
    }
    return {
      aim,
      wanted,
      ...against(CLOUDFLARED, 'no cloudflared'),
      againstGorilla: unit ? null : against(GORILLA, 'not available'),
    }
  })
}

/** Two tables, so that each fits on a terminal. */
const TABLES = [
  {banner: 'banner ms', up: 'up MiB/s', down: 'down MiB/s', sshUp: 'ssh up', sshDown: 'ssh down'},
  {upCpu: 'up CPU s', downCpu: 'down CPU s', upRss: 'up peak MiB', downRss: 'down peak MiB'},
]

/** Undefined if none of the figures was measured. */
function figuresTable(figures, titles) {
  const shown = Object.keys(titles).filter((figure) => Object.keys(figures[figure] ?? {}).length > 0)
  const names = [BARE, PLAIN, OURS, FROM_VAULT, ...PEERS].filter((name) =>
    shown.some((figure) => figures[figure][name] !== undefined),
  )
  const cell = (figure, name) => {
    const value = figures[figure][name]
    if (value === undefined) return ''
    return figure.endsWith('Cpu') ? value.toFixed(2) : round1(value).toFixed(1)
  }
  if (names.length === 0) return undefined
  return table([
    ['', ...shown.map((figure) => titles[figure])],
    ...names.map((name) => [name, ...shown.map((figure) => cell(figure, name))]),
  ])
}

export function text({rounds, starts, mib, load, peers, sshd, sharing, figures, aims}) {
  const parts = [
    `${rounds} rounds, ${starts} of the banner, ${mib} MiB each way; medians; load ${load.toFixed(1)} at the start`,
    ...TABLES.map((titles) => figuresTable(figures, titles)).filter((lines) => lines !== undefined),
    `banner of ${OURS}: ×${(figures.banner[OURS] / figures.banner[BARE]).toFixed(2)} of ${BARE}`,
  ]
  if (figures.second) {
    const rows = [SHARED, NOT_SHARED, ...PEERS].filter((name) => figures.second[name] !== undefined)
    parts.push(
      table([
        ['ssh HOST true, not the first', 'ms'],
        ...rows.map((name) => [name, figures.second[name].toFixed(1)]),
      ]),
    )
    if (!sharing) parts.push(`Connections cannot be shared on this machine: each ${SHARED} made its own.`)
  }
  if (!sshd) parts.push('no sshd (set ZT_TEST_SSHD=/path): nothing was measured under ssh')
  parts.push(
    peers
      .map(({name, version, why}) =>
        version === null ? `${name}: not available (${why})` : `${name}: ${version}`,
      )
      .join('\n'),
  )
  const hasGorilla = figures.banner[GORILLA] !== undefined
  parts.push(
    table([
      ['figure', 'target', 'verdict', ...(hasGorilla ? ['against Go/gorilla'] : [])],
      ...aims.map(({aim, wanted, againstGorilla, ...verdict}) => [
        aim,
        wanted,
        verdictText(verdict, wanted),
        ...(hasGorilla ? [againstGorilla === null ? '' : verdictText(againstGorilla, wanted)] : []),
      ]),
    ]),
  )
  if (hasGorilla) parts.push('Go/gorilla is not cloudflared: its column is no verdict on a target.')
  return parts.join('\n\n')
}

function verdictText({value, met, why}, wanted) {
  if (met === null) return `none: ${why}`
  const measured = wanted.endsWith('MiB') ? value.toFixed(1) : `×${value.toFixed(2)}`
  return `${measured} ${met ? 'met' : 'missed'}`
}
