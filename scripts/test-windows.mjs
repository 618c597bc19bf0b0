// npm run test:windows [-- FILE…]: zt on Windows' node, which test/windows/node/package.json names, under wine.
import {spawnSync} from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const home = path.join(root, 'test', 'windows', 'node')
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')

// --force: npm refuses packages for another system.
run('npm', ['ci', '--ignore-scripts', '--force', '--no-audit', '--no-fund', '--prefix', home])
run(process.execPath, [vitest, 'run', '--config', 'vitest.windows.config.ts', ...process.argv.slice(2)])

function run(program, args) {
  const {status, error} = spawnSync(program, args, {cwd: root, stdio: 'inherit'})
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
