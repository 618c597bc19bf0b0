// Everything that can be said about the sources without running them. Each part runs; all failures are shown.
import {spawnSync} from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const tool = (name) => path.join(root, 'node_modules', '.bin', name)

const parts = [
  ['types', tool('tsc'), '-p', '.', '--noEmit'],
  ['lint', tool('eslint'), '.', '--max-warnings', '0'],
  ['format', tool('prettier'), '--check', '--log-level', 'warn', '.'],
  ['unused code', tool('knip'), '--no-progress'],
  ['arrows between rooms', tool('depcruise'), '--config', '.dependency-cruiser.cjs', 'src'],
  ['build', process.execPath, 'scripts/build.mjs', '--keep-manifest'],
  ['manifest', process.execPath, 'scripts/build.mjs', '--check'],
]

let failed = 0
for (const [name, command, ...args] of parts) {
  const started = performance.now()
  const {status, stdout, stderr} = spawnSync(command, args, {cwd: root, encoding: 'utf8'})
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (status === 0) {
    console.log(`ok      ${name} (${seconds} s)`)
  } else {
    failed++
    console.log(`FAILED  ${name} (${seconds} s)\n${stdout}${stderr}`)
  }
}
process.exitCode = failed > 0 ? 1 : 0
