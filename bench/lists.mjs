// Lists of a large account: whole processes, from spawn to exit, against a sandbox on loopback.
import {spawn, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import {
  largestAccount,
  median,
  requireBuild,
  round1,
  round2,
  setting,
  table,
  withCleanEnvironment,
  zt,
} from './support.mjs'

export const description =
  'lists, reach, audit and report of an account of up to 10,000 applications: time, requests, peak memory'

const COMMANDS = [
  ['app', 'list', 'applications'],
  ['policy', 'list', 'policies'],
  ['group', 'list', 'groups'],
  ['token', 'list', 'tokens'],
]
/** What reads all of the account; the objects are applications. */
const WHOLE = [['token', 'reach', 'machine-0'], ['token', 'audit'], ['report']]
const MOST_MIB = 150
/** The same for what reads all of the account, which has 10,000 applications. */
const MOST_MIB_WHOLE = 350
/** What the API allows in five minutes, without a sixth for the user's other programs (src/lib/api/pace.ts). */
const MOST_REQUESTS = 1000
/** At most this ratio of processor time for twice the list. Linear is 2, or less because of the start. */
const MOST_PER_DOUBLING = 2.1
const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'

export async function run() {
  requireBuild()
  const rounds = setting('BENCH_ROUNDS', 5)
  const doublings = setting('BENCH_DOUBLINGS', 3)
  const rows = []
  for (let left = doublings; left >= 0; left--) {
    const sizes = Object.fromEntries(
      Object.entries(largestAccount()).map(([kind, count]) => [kind, Math.floor(count / 2 ** left)]),
    )
    rows.push(
      ...(await withCleanEnvironment((env, home) => withAccount({env, home, sizes}, measure(rounds)))),
    )
  }
  for (const row of rows) {
    const half = rows.find((one) => one.command === row.command && one.size === Math.floor(row.size / 2))
    row.ratio = half === undefined ? null : round2(row.cpuMs / half.cpuMs)
  }
  const isWhole = ({command}) => WHOLE.some((argv) => command.startsWith(argv.join(' ')))
  const most = (of, field) => Math.max(...of.map((row) => row[field]))
  const peak = most(
    rows.filter((row) => !isWhole(row)),
    'mib',
  )
  const peakWhole = most(rows.filter(isWhole), 'mib')
  const requests = most(rows, 'requests')
  const growth = Math.max(...rows.map(({ratio}) => ratio ?? 0))
  return {
    rounds,
    rows,
    goals: [
      {goal: `peak memory of a list at most ${MOST_MIB} MiB`, value: peak, met: peak <= MOST_MIB},
      {
        goal: `peak memory of reach, audit and report at most ${MOST_MIB_WHOLE} MiB`,
        value: peakWhole,
        met: peakWhole <= MOST_MIB_WHOLE,
      },
      {goal: `at most ${MOST_REQUESTS} requests`, value: requests, met: requests <= MOST_REQUESTS},
      {
        goal: `twice the list in at most ${MOST_PER_DOUBLING} times the processor time`,
        value: growth,
        met: growth <= MOST_PER_DOUBLING,
      },
    ],
  }
}

export function text({rows, goals}) {
  const series = table([
    ['', 'objects', 'ms', 'first row ms', 'CPU ms', 'per doubling', 'requests', 'peak MiB'],
    ...rows
      .toSorted((a, b) => a.command.localeCompare(b.command) || a.size - b.size)
      .map(({command, size, ms, firstMs, cpuMs, ratio, requests, mib}) => [
        `zt ${command}`,
        size,
        ms.toFixed(0),
        firstMs.toFixed(0),
        cpuMs.toFixed(0),
        ratio === null ? '' : `×${ratio.toFixed(2)}`,
        requests,
        mib.toFixed(1),
      ]),
  ])
  const verdicts = goals.map(({goal, value, met}) => `${met ? 'met    ' : 'NOT MET'}  ${goal}: ${value}`)
  return [series, '', ...verdicts].join('\n')
}

/** Medians of each command, as a table and as JSON. */
function measure(rounds) {
  return async ({run: runOnce, sizes}) => {
    const rows = []
    const add = (argv, size, samples) => {
      const of = (name) => median(samples.map((sample) => sample[name]))
      rows.push({
        command: argv.join(' '),
        size,
        ms: round1(of('ms')),
        firstMs: round1(of('firstMs')),
        cpuMs: round1(of('cpuMs')),
        requests: of('requests'),
        mib: round1(Math.max(...samples.map(({mib}) => mib))),
      })
    }
    for (const [topic, verb, kind] of COMMANDS) {
      for (const more of [[], ['--json']]) {
        const samples = []
        for (let round = 0; round <= rounds; round++) {
          const sample = await runOnce([topic, verb, ...more])
          const shown = more.length > 0 ? JSON.parse(sample.stdout)[kind].length : sample.lines - 1
          // A list that shows only some of them is fast.
          if (shown !== sizes[kind])
            throw new Error(`zt ${topic} ${verb} shows ${shown} of ${sizes[kind]} ${kind}`)
          if (round > 0) samples.push(sample)
        }
        add([topic, verb, ...more], sizes[kind], samples)
      }
    }
    for (const argv of WHOLE) {
      const samples = []
      for (let round = 0; round <= rounds; round++) {
        const sample = await runOnce([...argv, '--json'])
        const {counts} = JSON.parse(sample.stdout)
        if (argv[0] === 'report' && counts.applications !== sizes.applications)
          throw new Error(
            `zt ${argv.join(' ')} has ${counts.applications} of ${sizes.applications} applications`,
          )
        if (round > 0) samples.push(sample)
      }
      add([...argv, '--json'], sizes.applications, samples)
    }
    return rows
  }
}

/** A sandbox of these sizes, and a zt that is logged in to it through a relay which counts requests. */
async function withAccount({env, home, sizes}, work) {
  const seed = path.join(home, 'seed.json')
  await writeFile(seed, JSON.stringify(seedFor(sizes)), {mode: 0o600})
  const call = async (args, input = '') => {
    // Not spawnSync: the relay is in this process.
    const child = spawn(process.execPath, [zt, ...args, '--json'], {env, cwd: home})
    const [said] = await Promise.all([outputOf(child), child.stdin.end(input)])
    if (said.code !== 0) throw new Error(`zt ${args.join(' ')} failed: ${said.stderr || said.stdout}`)
    return JSON.parse(said.stdout)
  }
  const {apiUrl} = await call(['sandbox', 'start', '--seed', seed])
  const relay = await startRelay(apiUrl)
  try {
    const {apiToken} = JSON.parse(
      readFileSync(path.join(env.XDG_STATE_HOME, 'zt', 'sandbox', 'run.json'), 'utf8'),
    )
    await call(['login', '--profile', 'bench', '--api-url', relay.url], apiToken)
    const own = {...env, ZT_PROFILE: 'bench', CLOUDFLARE_API_TOKEN: apiToken}
    return await work({sizes, run: (args) => timed(args, {env: own, home, relay})})
  } finally {
    relay.close()
    spawnSync(process.execPath, [zt, 'sandbox', 'stop'], {env, cwd: home})
  }
}

async function timed(args, {env, home, relay}) {
  const used = path.join(home, 'used.json')
  const hook = path.join(import.meta.dirname, 'resources.cjs')
  relay.requests = 0
  const started = performance.now()
  const child = spawn(process.execPath, ['-r', hook, zt, ...args], {
    env: {...env, BENCH_USED_FILE: used},
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let firstMs
  child.stdout.once('data', () => {
    firstMs = performance.now() - started
  })
  const said = await outputOf(child)
  const ms = performance.now() - started
  if (said.code !== 0 || firstMs === undefined) throw new Error(`zt ${args.join(' ')} failed: ${said.stderr}`)
  return {
    ms,
    firstMs,
    stdout: said.stdout,
    lines: said.stdout.trimEnd().split('\n').length,
    requests: relay.requests,
    ...JSON.parse(readFileSync(used, 'utf8')),
  }
}

async function outputOf(child) {
  const said = {stdout: '', stderr: ''}
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8')
    child[name].on('data', (chunk) => (said[name] += chunk))
  }
  const [code] = await once(child, 'close')
  return {...said, code}
}

async function startRelay(apiUrl) {
  const {host, hostname, port, pathname} = new URL(apiUrl)
  const agent = new http.Agent({keepAlive: true})
  const relay = {requests: 0}
  const server = http.createServer((request, response) => {
    relay.requests++
    const {url, method} = request
    // The sandbox answers only requests that name its own address.
    const headers = {...request.headers, host}
    const onward = http.request({hostname, port, path: url, method, headers, agent}, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  relay.url = `http://127.0.0.1:${server.address().port}${pathname}`
  relay.close = () => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  }
  return relay
}

/** The same account whenever it is asked for: every application has two policies, every policy names tokens and a group. */
function seedFor({applications, policies, groups, tokens}) {
  const id = (kind, at) => {
    const hex = createHash('sha256').update(`${kind} ${at}`).digest('hex')
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `8${hex.slice(17, 20)}`,
      hex.slice(20, 32),
    ].join('-')
  }
  const many = (count, make) => Array.from({length: count}, (_, at) => make(at))
  const token = (at) => ({service_token: {token_id: id('token', at % tokens)}})
  return {
    accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
    zones: [{name: 'widgetcorp.tech', account: {id: ACCOUNT}}],
    service_tokens: many(tokens, (at) => ({id: id('token', at), name: `machine-${at}`, duration: '8760h'})),
    groups: many(groups, (at) => ({
      id: id('group', at),
      name: `Machines of team ${at}`,
      include: [token(at), token(at + 1), {geo: {country_code: 'DE'}}],
    })),
    policies: many(policies, (at) => ({
      id: id('policy', at),
      name: `Service Auth for service ${at}`,
      decision: at % 2 === 0 ? 'non_identity' : 'allow',
      include: [token(at), {group: {id: id('group', at % groups)}}, {ip: {ip: '10.0.0.0/8'}}],
      require: [{email_domain: {domain: 'widgetcorp.tech'}}],
    })),
    apps: many(applications, (at) => ({
      id: id('application', at),
      name: `Service ${at}`,
      type: 'self_hosted',
      domain: `service-${at}.widgetcorp.tech`,
      session_duration: '24h',
      allowed_idps: [id('idp', 1)],
      policies: [id('policy', at % policies), id('policy', (at + 1) % policies)],
    })),
  }
}
