// Everything that can be checked without running zt. Every part runs, and all failures are shown.
import {execFile} from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const tool = (name) => path.join(root, 'node_modules', '.bin', name)

const parts = [
  ['types', tool('tsc'), '-p', '.', '--noEmit'],
  ['lint', tool('eslint'), '.', '--max-warnings', '0'],
  ['words', process.execPath, 'scripts/words.mjs'],
  ['format', tool('prettier'), '--check', '--log-level', 'warn', '.'],
  ['unused code', tool('knip'), '--no-progress'],
  ['arrows between rooms', tool('depcruise'), '--config', '.dependency-cruiser.cjs', 'src'],
  ['build', process.execPath, 'scripts/build.mjs', '--keep-manifest'],
  ['reproducible build', process.execPath, 'scripts/repeat-build.mjs'],
  ['manifest', process.execPath, 'scripts/build.mjs', '--check'],
]

let failed = 0
/** In parallel: linting takes as long as all the rest. */
const lanes = [parts.filter(([name]) => name === 'lint'), parts.filter(([name]) => name !== 'lint')]
await Promise.all(
  lanes.map(async (lane) => {
    for (const part of lane) await look(part)
  }),
)
process.exitCode = failed > 0 ? 1 : 0

async function look([name, command, ...args]) {
  const started = performance.now()
  const {failure, output} = await run(command, args)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (failure) failed++
  console.log(failure ? `FAILED  ${name} (${seconds} s)\n${output}` : `ok      ${name} (${seconds} s)`)
}

function run(command, args) {
  return new Promise((resolve) => {
    execFile(command, args, {cwd: root, maxBuffer: 1 << 26}, (failure, stdout, stderr) => {
      resolve({failure, output: `${stdout}${stderr}`})
    })
  })
}
