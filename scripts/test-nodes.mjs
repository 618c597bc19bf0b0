// npm run test:nodes [-- 22 26]: the tests on other versions of node (test/nodes/package.json). A version that is named runs
// everything of npm test, and the tests of the built zt that depend on node. Without a name these tests run on all versions,
// and those of npm test on the newest only: the oldest has them with npm test itself. There they run without the use-cases,
// the evaluation, doctor, the sandbox, the search for slow expressions and what needs a browser, which depend on little of
// node and take longer than all other tests.
// Those between the oldest and the newest run fewer (BETWEEN).
import {spawnSync} from 'node:child_process'
import {readdirSync} from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const home = path.join(root, 'test', 'nodes')
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')

/** Tests of loading and compiling, TLS and its trust, node's switches, the native addon, child processes. */
const BUILT = ['code-cache', 'node-switches', 'package', 'quick-ssh', 'trust', 'tutorial', 'version']
/** On a version in between: its switches, its trust, and the ways into zt. */
const BETWEEN = ['node-switches', 'quick-ssh', 'trust', 'version']

const LEFT_OUT = [
  'access/**',
  'commands/**',
  'live/**',
  'policy/**',
  'report/**',
  'setup/**',
  'core/regular-expressions.test.ts',
  'doctor/**',
  'sandbox/**',
  'tunnel/forward/browser.test.ts',
].flatMap((which) => ['--exclude', `test/${which}`])

const wanted = process.argv.slice(2)
if (run('npm', ['ci', '--ignore-scripts', '--prefix', home], process.env) !== 0) process.exit(1)
const all = readdirSync(path.join(home, 'node_modules'))
  .filter((name) => /^node\d+$/.test(name))
  .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
const chosen = all.filter((name) => wanted.length === 0 || wanted.includes(name.slice('node'.length)))
if (chosen.length < Math.max(1, wanted.length)) {
  console.error(
    `error: there is no node ${wanted.join(', ')} for ${process.platform}-${process.arch} in test/nodes`,
  )
  console.error(`next:  npm run test:nodes -- ${all.map((name) => name.slice('node'.length)).join(' ')}`)
  process.exit(2)
}

const failed = chosen.filter((name) => {
  const bin = path.join(home, 'node_modules', name, 'bin')
  const node = path.join(bin, 'node')
  const env = {...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}`}
  console.log(`\n--- node ${spawnSync(node, ['--version'], {encoding: 'utf8'}).stdout.trim()}`)
  const whole = wanted.length > 0 || name === all.at(-1)
  const files = (whole ? BUILT : BETWEEN).map((file) => `test/e2e/${file}.test.ts`)
  const short = ['--reporter=dot', '--reporter=./test/support/count-reporter.ts']
  const unit = wanted.length > 0 ? [[]] : name === all.at(-1) ? [LEFT_OUT] : []
  return [...unit, ['--config', 'vitest.e2e.config.ts', ...files]]
    .map((words) => run(node, [vitest, 'run', ...short, ...words], env))
    .some((status) => status !== 0)
})
if (failed.length > 0) {
  console.error(`\nerror: tests failed on ${failed.join(', ')}`)
  process.exitCode = 1
}

function run(program, args, env) {
  const {status, error} = spawnSync(program, args, {cwd: root, env, stdio: 'inherit'})
  if (error) throw error
  return status
}
