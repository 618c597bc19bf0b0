// Makes everything that is published of a version, in dist-release/ or --out DIRECTORY: npm run release (docs/release.md).
// It installs and builds in a checkout of its own.
import {execFile, execFileSync, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {pathToFileURL} from 'node:url'
import {parseArgs, promisify} from 'node:util'
import {sourceFacts} from './build-facts.mjs'
import {inspectNode} from './node-binary.mjs'

/** By the executable: Debian's name of its architecture, if there is a package of it. */
const TARGETS = {'linux-x64': 'amd64', 'linux-arm64': 'arm64', 'win-x64': undefined}
const SUMS = 'SHA256SUMS'
const OPTIONS = {
  url: /^https:\/\/[\w.-]+(:\d+)?(\/[\w.~-]+)*$/,
  homepage: /^https:\/\/[\w.-]+(:\d+)?(\/[\w.~-]+)*\/?$/,
  publisher: /^[A-Za-z0-9-]{2,32}$/,
  maintainer: /^[^<>,'"\n]+ <[\w.+-]+@[\w.-]+>$/,
  'windows-node': /./,
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
  if (commit === null) throw new Refusal('This directory is not a git checkout', 'git clone URL')
  if (git(root, 'status', '--porcelain', '--untracked-files=normal') !== '')
    throw new Refusal('The checkout has changes', 'git stash --include-untracked')
  if (!/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version))
    throw new Refusal(
      `No file can be named after version ${version}`,
      'npm version --no-git-tag-version VERSION',
    )
  const tag = git(root, 'tag', '--list', `v${version}`)
  if (tag !== '' && git(root, 'rev-list', '-1', `refs/tags/${tag}`) !== commit)
    throw new Refusal(`The tag ${tag} is another commit`, 'npm version --no-git-tag-version VERSION')
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
 * The files of a commit with the line ends and modes that they have everywhere, because npm packs both; without what else is
 * in the checkout: files that git ignores, a `dist/` of another commit, packages that were changed. Sets the umask.
 *
 * @param {string} root of the checkout
 * @param {string} commit
 * @param {string} into a directory that does not exist. {@link leave} removes it
 */
export function checkOut(root, commit, into) {
  process.umask(0o022)
  const plain = ['core.autocrlf=false', 'core.eol=lf', `core.hooksPath=${os.devNull}`]
  git(
    root,
    ...plain.flatMap((setting) => ['-c', setting]),
    'worktree',
    'add',
    '--quiet',
    '--detach',
    into,
    commit,
  )
}

/** @param {string} checkout of {@link checkOut} */
export const leave = (root, checkout) => void git(root, 'worktree', 'remove', '--force', checkout)

/**
 * @param {Record<string, string | undefined>} values of the options
 * @param {string} version
 * @returns {string | undefined} the first one that is missing, would become something else in a manifest, or is of another
 *   version
 */
export const wrongOption = (values, version) =>
  Object.keys(OPTIONS).find((name) => !OPTIONS[name].test(values[name] ?? '')) ??
  (values.url.split('/').some((part) => [version, `v${version}`].includes(part)) ? undefined : 'url')

/** A reason not to release, and what to do. */
class Refusal extends Error {
  constructor(message, next) {
    super(message)
    this.next = next
  }
}

/** git sets variables while it runs a hook, which lead to another checkout. */
function git(root, ...args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')))
  return execFileSync('git', args, {cwd: root, env, encoding: 'utf8'}).trim()
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

const example = (version) =>
  `npm run release -- --url https://github.com/OWNER/zt/releases/download/v${version} --homepage https://github.com/OWNER/zt --publisher OWNER --maintainer 'NAME <ADDRESS>' --windows-node PATH`

const targetOf = (node) => (fs.existsSync(node) ? inspectNode(fs.readFileSync(node)).target : undefined)

async function release(root, {out, url, homepage, publisher, maintainer, 'windows-node': windowsNode}) {
  const {version, date, commit} = releasable(root)
  const wrong = wrongOption({url, homepage, publisher, maintainer, 'windows-node': windowsNode}, version)
  if (wrong !== undefined)
    throw new Refusal(
      `--${wrong} is missing or has not the form that it needs for ${version}`,
      example(version),
    )
  if (windowsNode !== 'npm' && targetOf(windowsNode) !== 'win-x64')
    throw new Refusal(`${windowsNode} is not a node for Windows`, example(version))
  // Nothing is ever replaced: it may be anything.
  if (fs.existsSync(out))
    throw new Refusal(`${out} exists`, `move it away, or add --out ${path.join(out, `zt-${version}`)}`)
  for (const program of ['dpkg-deb', 'lintian'])
    if (spawnSync(program, ['--version']).error !== undefined)
      throw new Refusal(`${program} is not installed`, 'apt-get install dpkg lintian')
  fs.mkdirSync(path.dirname(out), {recursive: true})
  const work = fs.mkdtempSync(`${out}-`)
  const source = path.join(work, 'source')
  const files = path.join(work, 'files')
  try {
    checkOut(root, commit, source)
    fs.mkdirSync(files)
    await make({source, files, version, date, url, homepage, publisher, maintainer, windowsNode})
    const all = writeSums(files)
    fs.renameSync(files, out)
    for (const [name, sum] of Object.entries(all)) {
      const mb = (fs.statSync(path.join(out, name)).size / 1e6).toFixed(1)
      console.log(`${mb.padStart(6)} MB  ${sum.slice(0, 12)}…  ${name}`)
    }
    console.log(`${path.relative(process.cwd(), out)}: zt ${version} of ${commit.slice(0, 12)}`)
  } finally {
    if (fs.existsSync(source)) leave(root, source)
    fs.rmSync(work, {recursive: true, force: true})
  }
}

/** @param {string} source a checkout of its own */
async function make({source, files, version, date, url, homepage, publisher, maintainer, windowsNode}) {
  const env = {...process.env, SOURCE_DATE_EPOCH: String(date.getTime() / 1000)}
  const run = (program, ...args) => {
    console.log(`$ ${[program, ...args].join(' ')}`)
    execFileSync(program, args, {cwd: source, env, stdio: ['ignore', 'inherit', 'inherit']})
  }
  const runNode = (...args) => run(process.execPath, ...args)
  const load = (script) => import(pathToFileURL(path.join(source, 'scripts', script)).href)
  const install = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund']
  run('npm', ...install)
  run('npm', ...install, '--prefix', 'executable')
  runNode('scripts/build.mjs')
  if (git(source, 'status', '--porcelain') !== '')
    throw new Refusal('The build writes other files than the commit has', 'npm run build, and commit')
  run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', files)
  const archive = path.join(files, `zt-access-${version}.tgz`)
  const [windows, linux] = ['win-x64', 'linux'].map((system) =>
    Object.keys(TARGETS).filter((target) => target.startsWith(system)),
  )
  runNode('scripts/executable.mjs', ...linux.flatMap((target) => ['--target', target]))
  const other = windowsNode === 'npm' ? [] : ['--node', path.resolve(windowsNode)]
  runNode('scripts/executable.mjs', ...windows.flatMap((target) => ['--target', target]), ...other)
  const built = (name) => {
    const file = path.join(files, name)
    fs.copyFileSync(path.join(source, 'dist-executable', name), file)
    return file
  }
  const executables = Object.keys(TARGETS).map((target) => ({
    file: built(`zt-${target}${target.startsWith('win') ? '.exe' : ''}`),
    ...{contents: 'executable', target},
  }))
  // They need the packages that were installed above.
  const {makeDeb} = await load('debian.mjs')
  const {makeSbom} = await load('sbom.mjs')
  const {manifests} = await load('manifests.mjs')
  const forDebian = executables.filter(({target}) => TARGETS[target] !== undefined)
  console.log(`$ dpkg-deb --build (${forDebian.map(({target}) => TARGETS[target]).join(', ')})`)
  const packages = await Promise.all(
    forDebian.map(async ({file: executable, target}) => {
      const what = {
        executable,
        architecture: TARGETS[target],
        into: files,
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
  const contents = [{file: archive, contents: 'npm'}, ...executables, ...packages]
  for (const one of contents)
    fs.writeFileSync(`${one.file}.cdx.json`, await makeSbom({...one, version, date}))
  const withSum = (file) => ({name: path.basename(file), sum: sha256(file)})
  const licences = withSum(built('LICENSES.txt'))
  const executable = withSum(executables.find(({target}) => target === 'win-x64').file)
  const texts = manifests({version, date, url, homepage, publisher, executable, licences})
  for (const [name, text] of Object.entries(texts)) {
    fs.mkdirSync(path.dirname(path.join(files, name)), {recursive: true})
    fs.writeFileSync(path.join(files, name), text)
  }
}

if (process.argv[1] === import.meta.filename) {
  const root = path.resolve(import.meta.dirname, '..')
  try {
    const names = [...Object.keys(OPTIONS), 'out']
    const {values} = parseArgs({options: Object.fromEntries(names.map((name) => [name, {type: 'string'}]))})
    await release(root, {...values, out: path.resolve(values.out ?? path.join(root, 'dist-release'))})
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(`error: ${error.message}\nnext:  ${error.next}`)
    process.exitCode = 1
  }
}
