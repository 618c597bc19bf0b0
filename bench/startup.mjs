// How long a user waits before a command does anything: whole processes, from spawn to exit; for a connection, to its
// first byte.
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import path from 'node:path'
import {
  alternate,
  executable,
  median,
  quartiles,
  requireBuild,
  round1,
  round2,
  setting,
  startWarmups,
  table,
  withCleanEnvironment,
  zt,
} from './support.mjs'
import {bannerOf, clientsFor, EXECUTABLE, HOST, OURS, withScene} from './tunnel-scene.mjs'

export const description = 'start-up of zt against bare node, whole processes'

const BARE = 'node -e 0'
const LISTS = 'zt token list, 1 request'
const PROXY = `${OURS}, first byte`
/** What the proxy's start would take with nothing but the connection. */
const HANDSHAKE = 'node, only the handshake'
const COMPLETES = 'zt token show TAB, names from the cache'
const COMMANDS = {
  'zt --version': ['--version'],
  'zt --help': ['--help'],
  'zt token list --help': ['token', 'list', '--help'],
  'zt profile list': ['profile', 'list'],
  'zt token TAB': ['__complete', 'fish', '--', 'token', ''],
}
/** Suffix for what the single executable ran, if it was built. */
const ALONE = ', single executable'
/** Measured if they are installed. */
const PEERS = {
  'gh --version': ['gh', '--version'],
  'gh --help': ['gh', '--help'],
  'wrangler --version': ['wrangler', '--version'],
  'wrangler --help': ['wrangler', '--help'],
}

export async function run() {
  requireBuild()
  const rounds = setting('BENCH_ROUNDS', 15)
  return withCleanEnvironment(async (env, home) => {
    const time = (name, [program, ...args], more = {}) => {
      const options = {env: {...env, ...more}, cwd: home, encoding: 'utf8'}
      return () => {
        const started = performance.now()
        const {status, stdout, stderr} = spawnSync(program, args, options)
        const ms = performance.now() - started
        // A command that fails at once is fast.
        if (status !== 0 || (name !== BARE && stdout === ''))
          throw new Error(`${name} failed: ${stderr.trim()}`)
        return ms
      }
    }
    const samples = await withScene({env, home}, (scene) => {
      const lists = ['token', 'list', '--profile', 'sandbox']
      const withToken = {CLOUDFLARE_API_TOKEN: scene.apiToken}
      // The first one asks the API, and is a warm-up; its answer stays fresh for longer than all of this takes.
      const tab = ['__complete', 'fish', '--', '--profile', 'sandbox', 'token', 'show', '']
      const commandsOf = (program, suffix = '') => ({
        ...Object.fromEntries(
          Object.entries(COMMANDS).map(([name, args]) => [name + suffix, time(name, [...program, ...args])]),
        ),
        [COMPLETES + suffix]: time(COMPLETES, [...program, ...tab], withToken),
        [LISTS + suffix]: time(LISTS, [...program, ...lists], withToken),
      })
      const peers = Object.entries(PEERS).filter(([, [program]]) => !spawnSync(program, ['--version']).error)
      return alternate(
        {
          [BARE]: time(BARE, [process.execPath, '-e', '0']),
          ...commandsOf([process.execPath, zt]),
          [PROXY]: () => bannerOf(scene, clientsFor(scene)[OURS]).ms,
          [HANDSHAKE]: () => bannerOf(scene, handshake(scene)).ms,
          ...(existsSync(executable) && {
            ...commandsOf([executable], ALONE),
            [`${PROXY}${ALONE}`]: () => bannerOf(scene, clientsFor(scene)[EXECUTABLE]).ms,
          }),
          ...Object.fromEntries(peers.map(([name, command]) => [name, time(name, command)])),
        },
        rounds,
        startWarmups(rounds),
      )
    })
    const bare = median(samples[BARE])
    const most = targets(median(samples[HANDSHAKE]) / bare)
    const rows = Object.entries(samples).map(([name, values]) => ({
      name,
      ms: round1(median(values)),
      ratio: round2(median(values) / bare),
      quartiles: quartiles(values),
      ...(name in most && {atMost: round2(most[name])}),
    }))
    return {rounds, rows}
  })
}

/** The highest ratios to bare node that meet the targets (docs/performance.md). */
function targets(handshake) {
  return {
    'zt --version': 1.2,
    'zt --help': 2,
    'zt token list --help': 2,
    [LISTS]: 4,
    // 1.4, plus what the handshake takes more than bare node.
    [PROXY]: 1.4 + (handshake - 1),
  }
}

function handshake(scene) {
  const {node, address, caFile, pair} = scene
  const file = path.join(import.meta.dirname, 'handshake.cjs')
  return {words: [...node, file, HOST, address, caFile], more: pair}
}

export function text({rows}) {
  return table([
    ['', 'ms', 'ratio', 'target', ''],
    ...rows.map(({name, ms, ratio, atMost}) => [
      name,
      ms.toFixed(1),
      `×${ratio.toFixed(2)}`,
      atMost === undefined ? '' : `≤ ×${atMost.toFixed(2)}`,
      atMost === undefined ? '' : ratio <= atMost ? 'met' : 'missed',
    ]),
  ])
}
