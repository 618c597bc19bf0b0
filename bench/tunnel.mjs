// The tunnel client on loopback, through a sandbox's edge: time to the first byte of the SSH banner, throughput each
// way, what the process uses for it, and the same below real ssh; cloudflared beside it where there is one.
import {spawnSync} from 'node:child_process'
import {
  alternate,
  median,
  requireBuild,
  round1,
  round2,
  setting,
  table,
  withCleanEnvironment,
  zt,
} from './support.mjs'
import {
  bannerTime,
  clientsFor,
  fill,
  findCloudflared,
  HOST,
  OURS,
  PLAIN,
  program,
  read,
  runZt,
  THEIRS,
  withScene,
} from './tunnel-scene.mjs'
import {NOT_SHARED, secondConnection, SHARED, sshThroughput, startSshd} from './tunnel-ssh.mjs'

export const description =
  'zt ssh proxy through the sandbox: banner, throughput, CPU, memory, second connection, against cloudflared'

const BARE = 'node -e 0'
const FROM_VAULT = 'zt ssh proxy, from a vault'
const BANNER = 'SSH-2.0-bench\r\n'

export async function run() {
  requireBuild()
  const rounds = setting('BENCH_ROUNDS', 7)
  const mib = setting('BENCH_MIB', 64)
  const cloudflared = findCloudflared()
  return withCleanEnvironment(async (env, home) => {
    const sshd = await startSshd(env, home)
    try {
      return await withScene({env, home, sshPort: sshd?.port}, async (scene) => {
        const clients = clientsFor(scene, cloudflared)
        const banner = await alternate(bannersOf(scene, clients), rounds)
        const up = await transfers(clients, 'up', mib, rounds)
        const down = await transfers(clients, 'down', mib, rounds)
        const ssh =
          sshd && (await sshThroughput(scene, sshd, cloudflared, {rounds: Math.min(rounds, 5), mib}))
        const second = sshd && (await secondConnection(scene, sshd, cloudflared, rounds))
        const figures = {
          banner: medians(banner),
          up: medians(up.speed),
          down: medians(down.speed),
          upCpu: medians(up.cpu),
          downCpu: medians(down.cpu),
          upRss: medians(up.rss),
          downRss: medians(down.rss),
          ...(ssh && {sshUp: medians(ssh.up), sshDown: medians(ssh.down)}),
          ...(second && {second: medians(second.samples)}),
        }
        return {
          rounds,
          mib,
          cloudflared: cloudflared === undefined ? null : versionOf(cloudflared),
          sshd: sshd !== undefined,
          sharing: second?.shares ?? null,
          figures,
          aims: aimsOf(figures, cloudflared !== undefined),
        }
      })
    } finally {
      sshd?.stop()
    }
  })
}

/** Whole processes to their first byte; and node alone to its end, as what no client of ours can be faster than. */
function bannersOf(scene, clients) {
  const {env, home} = scene
  const profile = ['--profile', 'sandbox']
  runZt({env, home}, ['token', 'create', 'vaulted', ...profile])
  runZt({env, home}, ['app', 'add-rule', HOST, '--service-auth', '--token', 'vaulted', ...profile])
  const fromVault = program(scene, [process.execPath, zt, 'ssh', 'proxy', ...profile, HOST])
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

function medians(samples) {
  const there = Object.entries(samples).filter(([, values]) => values.length > 0)
  return Object.fromEntries(there.map(([name, values]) => [name, round2(median(values))]))
}

function versionOf(cloudflared) {
  return (
    spawnSync(cloudflared, ['--version'], {encoding: 'utf8', timeout: 5000}).stdout?.trim() || cloudflared
  )
}

/** What we want, as a ratio to cloudflared where nothing else is said. */
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

function aimsOf(figures, hasCloudflared) {
  return AIMS.map(({aim, figure, of = OURS, most, least, unit}) => {
    const ours = figures[figure]?.[of]
    const theirs = figures[figure]?.[THEIRS]
    const wanted =
      most === undefined ? `at least ${unit ? '' : '×'}${least}` : `at most ${unit ? '' : '×'}${most}`
    const result = {aim, wanted: unit ? `${wanted} ${unit}` : wanted}
    if (ours === undefined)
      return {
        ...result,
        value: null,
        met: null,
        why: figure === 'second' ? 'no sshd here' : 'not measured here',
      }
    if (!unit && theirs === undefined)
      return {...result, value: null, met: null, why: hasCloudflared ? 'not measured' : 'no cloudflared here'}
    const value = unit ? ours : round2(ours / theirs)
    return {...result, value, met: most === undefined ? value >= least : value <= most, why: null}
  })
}

/** Two, so that each fits on a terminal. */
const TABLES = [
  {banner: 'banner ms', up: 'up MiB/s', down: 'down MiB/s', sshUp: 'ssh up', sshDown: 'ssh down'},
  {upCpu: 'up CPU s', downCpu: 'down CPU s', upRss: 'up peak MiB', downRss: 'down peak MiB'},
]

/** Undefined where nothing of it was measured. */
function figuresTable(figures, titles) {
  const shown = Object.keys(titles).filter((figure) => Object.keys(figures[figure] ?? {}).length > 0)
  const names = [BARE, PLAIN, OURS, FROM_VAULT, THEIRS].filter((name) =>
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

export function text({rounds, mib, cloudflared, sshd, sharing, figures, aims}) {
  const parts = [
    `${rounds} rounds, ${mib} MiB each way; medians`,
    ...TABLES.map((titles) => figuresTable(figures, titles)).filter((lines) => lines !== undefined),
  ]
  const bare = figures.banner[BARE]
  parts.push(
    `banner of ${OURS}: ×${(figures.banner[OURS] / bare).toFixed(2)} of ${BARE}` +
      (figures.banner[THEIRS] === undefined
        ? ''
        : `, which is ×${(bare / figures.banner[THEIRS]).toFixed(2)} of ${THEIRS}`),
  )
  if (figures.second) {
    const rows = [SHARED, NOT_SHARED, THEIRS].filter((name) => figures.second[name] !== undefined)
    parts.push(
      table([
        ['ssh HOST true, not the first', 'ms'],
        ...rows.map((name) => [name, figures.second[name].toFixed(1)]),
      ]),
    )
    if (!sharing) parts.push('This zt does not share connections: each makes its own.')
  }
  if (!sshd) parts.push('no sshd here (ZT_TEST_SSHD=/path names one): nothing was measured below ssh')
  parts.push(
    `${cloudflared === null ? 'no cloudflared here (CLOUDFLARED=/path names one)' : cloudflared}\n\n` +
      table([
        ['aim', 'wanted', 'measured', 'verdict'],
        ...aims.map(({aim, wanted, value, met, why}) => [
          aim,
          wanted,
          value === null ? '-' : wanted.endsWith('MiB') ? value.toFixed(1) : `×${value.toFixed(2)}`,
          met === null ? `none: ${why}` : met ? 'met' : 'missed',
        ]),
      ]),
  )
  return parts.join('\n\n')
}
