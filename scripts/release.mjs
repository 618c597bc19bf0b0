// Makes everything that is published of a version, in dist-release/ or --out DIRECTORY: npm run release (docs/release.md).
// It installs and builds anew, in a checkout without changes.
import {execFile, execFileSync, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import {parseArgs, promisify} from 'node:util'
import {sourceFacts} from './build-facts.mjs'

/** By the executable: Debian's name of its architecture, if there is a package of it. */
const TARGETS = {'linux-x64': 'amd64', 'linux-arm64': 'arm64', 'win-x64': undefined}
const LICENCES = 'LICENSES.txt'
const SUMS = 'SHA256SUMS'
const OPTIONS = {
  url: /^https:\/\/[\w.-]+(:\d+)?(\/[\w.~-]+)*$/,
  homepage: /^https:\/\/[\w.-]+(:\d+)?(\/[\w.~-]+)*\/?$/,
  publisher: /^[A-Za-z0-9-]{2,32}$/,
  maintainer: /^[^<>,'"\n]+ <[\w.+-]+@[\w.-]+>$/,
}

/**
 * Which version the checkout is.
 *
 * @param {string} root of the checkout
 * @returns {{version: string, commit: string, date: Date}}
 * @throws {Refusal} if it must not be published
 */
export function releasable(root) {
  const {version, commit, commitDate} = sourceFacts(root)
  const git = (...args) => execFileSync('git', args, {cwd: root, encoding: 'utf8'}).trim()
  if (commit === null) throw new Refusal('This directory is not a git checkout', 'git clone URL')
  if (git('status', '--porcelain') !== '')
    throw new Refusal('The checkout has changes', 'commit them, or git stash --include-untracked')
  const tag = git('tag', '--list', `v${version}`)
  if (tag !== '' && git('rev-list', '-1', tag) !== commit)
    throw new Refusal(`The tag ${tag} is another commit`, 'raise the version in package.json')
  const {released, unreleased} = changelog(fs.readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8'), version)
  if (!released)
    throw new Refusal(
      `CHANGELOG.md has no changes of ${version}`,
      `move them under the heading ## [${version}] - YYYY-MM-DD, and commit`,
    )
  if (unreleased)
    throw new Refusal(
      `CHANGELOG.md has changes under [Unreleased], which ${version} would contain`,
      'move them under the heading of the version, and commit',
    )
  return {version, commit, date: new Date(commitDate)}
}

/**
 * @param {Record<string, string | undefined>} values of the options
 * @returns {string | undefined} the first one that is missing, or would become something else in a manifest
 */
export const wrongOption = (values) =>
  Object.keys(OPTIONS).find((name) => !OPTIONS[name].test(values[name] ?? ''))

/** A reason not to release, and what to do. */
class Refusal extends Error {
  constructor(message, next) {
    super(message)
    this.next = next
  }
}

function changelog(text, version) {
  const sections = text.split(/^## /m).slice(1)
  const isFilled = (title) => {
    const section = sections.find((one) => one.startsWith(title))
    return section !== undefined && /^- /m.test(section)
  }
  return {released: isFilled(`[${version}] - `), unreleased: isFilled('[Unreleased]')}
}

/**
 * Writes SHA256SUMS, for `sha256sum --check`.
 *
 * @param {string} directory
 * @returns {Record<string, string>} by path below it
 */
export function writeSums(directory) {
  const files = fs
    .readdirSync(directory, {recursive: true, withFileTypes: true})
    .filter((one) => one.isFile() && one.name !== SUMS)
    .map((one) => path.relative(directory, path.join(one.parentPath, one.name)).replaceAll(path.sep, '/'))
    .sort()
  const sums = Object.fromEntries(files.map((file) => [file, sha256(path.join(directory, file))]))
  const lines = Object.entries(sums).map(([file, sum]) => `${sum}  ${file}\n`)
  fs.writeFileSync(path.join(directory, SUMS), lines.join(''))
  return sums
}

const sha256 = (file) => createHash('sha256').update(fs.readFileSync(file)).digest('hex')

async function release(root, {out, url, homepage, publisher, maintainer}) {
  const source = releasable(root)
  const {version, date} = source
  const env = {...process.env, SOURCE_DATE_EPOCH: String(date.getTime() / 1000)}
  const at = (...parts) => path.join(root, ...parts)
  const run = (program, ...args) => {
    console.log(`$ ${[program, ...args].join(' ')}`)
    execFileSync(program, args, {cwd: root, env, stdio: ['ignore', 'inherit', 'inherit']})
  }
  for (const program of ['dpkg-deb', 'lintian'])
    if (spawnSync(program, ['--version']).error !== undefined)
      throw new Refusal(`${program} is not installed`, 'apt-get install dpkg lintian')
  // This builds, too, with the files that are generated and committed.
  run('npm', 'ci')
  run('npm', 'ci', '--prefix', 'executable', '--include=dev')
  if (releasable(root).commit !== source.commit)
    throw new Refusal('The commit has changed', 'npm run release')
  const work = fs.mkdtempSync(`${out}-`)
  try {
    run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', work)
    const archive = `zt-access-${version}.tgz`
    run(process.execPath, 'scripts/executable.mjs', '--all')
    // They need the packages that were installed above.
    const {makeDeb} = await import('./debian.mjs')
    const {licenceText} = await import('./licences.mjs')
    const {makeSbom} = await import('./sbom.mjs')
    const {manifests} = await import('./manifests.mjs')
    fs.writeFileSync(path.join(work, LICENCES), licenceText(root))
    const executables = Object.keys(TARGETS).map((target) => {
      const name = `zt-${target}${target.startsWith('win') ? '.exe' : ''}`
      fs.copyFileSync(at('dist-executable', name), path.join(work, name))
      return {file: path.join(work, name), contents: 'executable', target}
    })
    const forDebian = executables.filter(({target}) => TARGETS[target] !== undefined)
    console.log(`$ dpkg-deb --build (${forDebian.map(({target}) => TARGETS[target]).join(', ')})`)
    const packages = await Promise.all(
      forDebian.map(async ({file: executable, target}) => {
        const what = {
          executable,
          architecture: TARGETS[target],
          into: work,
          version,
          date,
          maintainer,
          homepage,
        }
        return {file: await makeDeb(what), contents: 'executable', executable, target}
      }),
    )
    console.log('$ lintian')
    await Promise.all(
      packages.map(({file}) =>
        promisify(execFile)('lintian', ['--fail-on', 'error,warning', file]).catch(({stdout}) => {
          throw new Refusal(`lintian found:\n${stdout}`, 'correct it in packaging/debian, and commit')
        }),
      ),
    )
    const contents = [{file: path.join(work, archive), contents: 'npm'}, ...executables, ...packages]
    for (const one of contents)
      fs.writeFileSync(`${one.file}.cdx.json`, await makeSbom({...one, version, date}))
    const sums = {
      executable: sha256(path.join(work, 'zt-win-x64.exe')),
      licences: sha256(path.join(work, LICENCES)),
    }
    const texts = manifests({version, date, url, homepage, publisher, sums})
    for (const [name, text] of Object.entries(texts)) {
      fs.mkdirSync(path.dirname(path.join(work, name)), {recursive: true})
      fs.writeFileSync(path.join(work, name), text)
    }
    const all = writeSums(work)
    fs.rmSync(out, {recursive: true, force: true})
    fs.chmodSync(work, 0o755)
    fs.renameSync(work, out)
    for (const [name, sum] of Object.entries(all)) {
      const mb = (fs.statSync(path.join(out, name)).size / 1e6).toFixed(1)
      console.log(`${mb.padStart(6)} MB  ${sum.slice(0, 12)}…  ${name}`)
    }
    console.log(`${path.relative(process.cwd(), out)}: zt ${version} of ${source.commit.slice(0, 12)}`)
  } finally {
    fs.rmSync(work, {recursive: true, force: true})
  }
}

if (process.argv[1] === import.meta.filename) {
  const root = path.resolve(import.meta.dirname, '..')
  try {
    const names = [...Object.keys(OPTIONS), 'out']
    const {values} = parseArgs({options: Object.fromEntries(names.map((name) => [name, {type: 'string'}]))})
    const wrong = wrongOption(values)
    if (wrong !== undefined)
      throw new Refusal(`--${wrong} is missing or has another form`, 'docs/release.md has an example')
    await release(root, {...values, out: path.resolve(values.out ?? path.join(root, 'dist-release'))})
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(`error: ${error.message}\nnext:  ${error.next}`)
    process.exitCode = 1
  }
}
