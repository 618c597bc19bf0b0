// How long a person waits before a command does anything: whole processes, from spawn to exit; what carries a
// connection, to its first byte.
import {spawnSync} from 'node:child_process'
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
import {bannerTime, clientsFor, OURS, withScene} from './tunnel-scene.mjs'

export const description = 'start-up of zt against bare node, whole processes'

const BARE = 'node -e 0'
const LISTS = 'zt token list, 1 request'
const COMPLETES = 'zt token show TAB, names of the cache'
const COMMANDS = {
  'zt --version': [zt, '--version'],
  'zt --help': [zt, '--help'],
  'zt token list --help': [zt, 'token', 'list', '--help'],
  'zt profile list': [zt, 'profile', 'list'],
  'zt token TAB': [zt, '__complete', 'fish', '--', 'token', ''],
}
/** Measured where they are installed. */
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
        // What fails at once is fast.
        if (status !== 0 || (name !== BARE && stdout === ''))
          throw new Error(`${name} failed: ${stderr.trim()}`)
        return ms
      }
    }
    const samples = await withScene({env, home}, (scene) => {
      const loggedIn = {CLOUDFLARE_API_TOKEN: scene.apiToken}
      // The first one asks the API, and is a warm-up; what it was told is fresh for longer than all of this takes.
      const tab = [zt, '__complete', 'fish', '--', '--profile', 'sandbox', 'token', 'show', '']
      const ofNode = ([name, args]) => [name, time(name, [process.execPath, ...args])]
      const peers = Object.entries(PEERS).filter(([, [program]]) => !spawnSync(program, ['--version']).error)
      return alternate(
        {
          [BARE]: time(BARE, [process.execPath, '-e', '0']),
          ...Object.fromEntries(Object.entries(COMMANDS).map(ofNode)),
          [COMPLETES]: time(COMPLETES, [process.execPath, ...tab], loggedIn),
          [LISTS]: time(LISTS, [process.execPath, zt, 'token', 'list', '--profile', 'sandbox'], loggedIn),
          [`${OURS}, first byte`]: () => bannerTime(clientsFor(scene)[OURS]),
          ...Object.fromEntries(peers.map(([name, command]) => [name, time(name, command)])),
        },
        rounds,
        START_WARMUPS,
      )
    })
    const bare = median(samples[BARE])
    const rows = Object.entries(samples).map(([name, values]) => ({
      name,
      ms: round1(median(values)),
      ratio: round2(median(values) / bare),
      quartiles: quartiles(values),
    }))
    return {rounds, rows}
  })
}

export function text({rows}) {
  return table([
    ['', 'ms', 'ratio'],
    ...rows.map(({name, ms, ratio}) => [name, ms.toFixed(1), `×${ratio.toFixed(2)}`]),
  ])
}
