// Packs the build and reports its contents: npm run package (--json; -- --into DIRECTORY keeps the package there).
import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {parseArgs} from 'node:util'
import {Chalk} from 'chalk'
import {packagesIn} from './third-party.mjs'

const root = path.resolve(import.meta.dirname, '..')
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8')
const {values} = parseArgs({options: {json: {type: 'boolean'}, into: {type: 'string'}}})

/**
 * @param {string} directory where to put the package
 * @returns sizes in bytes; `parts` by size, as paths
 */
function report(directory) {
  // npm's own output is not needed here, and the build exists already.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory]
  const npm = execFileSync('npm', args, {cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']})
  const [{filename, size, unpackedSize, files}] = JSON.parse(npm)
  const {name, version, dependencies} = JSON.parse(read('package.json'))
  const {packages} = JSON.parse(read('package-lock.json'))
  const bundled = packagesIn(read('dist/THIRD-PARTY-LICENSES.txt'))
  return {
    name,
    version,
    file: filename,
    packed: size,
    unpacked: unpackedSize,
    files: files.length,
    parts: sums(files.map((file) => [partOf(file.path), file.size])),
    dependencies: {
      direct: Object.keys(dependencies),
      all: Object.keys(packages).filter((where) => where !== '' && !packages[where].dev).length,
    },
    bundled: {packages: bundled.length, licences: sums(bundled.map(({licence}) => [licence, 1]))},
  }
}

/** Source maps are one part, whatever they belong to. */
function partOf(file) {
  if (file.endsWith('.map')) return 'source maps'
  const [first, second, ...more] = file.split('/')
  if (first === 'dist' && second !== undefined) return more.length > 0 ? `dist/${second}` : file
  return second === undefined ? file : first
}

/** The largest first. */
function sums(entries) {
  const sum = {}
  for (const [key, value] of entries) sum[key] = (sum[key] ?? 0) + value
  return Object.fromEntries(Object.entries(sum).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)))
}

function text({name, version, packed, unpacked, files, parts, dependencies, bundled}) {
  const {bold, dim} = new Chalk({level: process.stdout.isTTY && !process.env.NO_COLOR ? 1 : 0})
  const row = (label, figure, what = '') => `${label.padEnd(12)}${figure.padStart(10)}  ${what}`.trimEnd()
  const size = (bytes) => `${Math.round(bytes / 1000).toLocaleString('en')} kB`
  const detail = (figure, what) => dim(row('', figure, what))
  return [
    bold(`${name} ${version}`),
    row('packed', size(packed)),
    row('unpacked', size(unpacked), `in ${files} files`),
    ...Object.entries(parts)
      .filter(([, bytes]) => bytes > unpacked / 100)
      .map(([part, bytes]) => detail(size(bytes), part)),
    row(
      'depends on',
      String(dependencies.all),
      `packages, ${dependencies.direct.length} directly: ${dependencies.direct.join(', ')}`,
    ),
    row('bundles', String(bundled.packages), 'packages, with their licences'),
    ...Object.entries(bundled.licences).map(([licence, count]) => detail(String(count), licence)),
  ].join('\n')
}

const temporary =
  values.into === undefined ? fs.mkdtempSync(path.join(os.tmpdir(), 'zt-package-')) : undefined
try {
  const found = report(path.resolve(values.into ?? temporary))
  console.log(values.json ? JSON.stringify(found, null, 2) : text(found))
} finally {
  if (temporary !== undefined) fs.rmSync(temporary, {recursive: true})
}
