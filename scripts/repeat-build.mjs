// Builds what is in dist/ once more, later and with another environment, and fails where a byte of it differs: whoever
// has the sources can tell whether a package is made of them.
import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/** The sum of every file, by its name. */
function sums() {
  const dist = path.join(root, 'dist')
  const files = fs
    .readdirSync(dist, {recursive: true})
    .filter((name) => fs.statSync(path.join(dist, name)).isFile())
  const sum = (name) =>
    createHash('sha256')
      .update(fs.readFileSync(path.join(dist, name)))
      .digest('hex')
  return new Map(files.map((name) => [name, sum(name)]))
}

const before = sums()
const env = {
  ...process.env,
  TZ: 'Pacific/Kiritimati',
  LC_ALL: 'C',
  COLUMNS: '40',
  FORCE_COLOR: '1',
  ZT_PROFILE: 'somebody-else',
}
execFileSync(process.execPath, ['scripts/build.mjs', '--keep-manifest'], {cwd: root, env, stdio: 'inherit'})
const after = sums()
const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
  (name) => before.get(name) !== after.get(name),
)
if (differing.length > 0) {
  console.error(`differs when it is built again: ${differing.sort().join(', ')}`)
  process.exit(1)
}
