import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** git sets these while it runs a hook: they lead to another checkout or index than the directory's own. */
const GIT = /^GIT_/

/**
 * Which sources these are. The result does not depend on the clock, the machine or the directory, so that a build can be
 * repeated byte for byte.
 *
 * @param {string} root of the project
 * @returns {{version: string, commit: string | null, dirty: boolean | null, commitDate: string | null}} null: the
 *   directory is not a git checkout, e.g. unpacked from an archive. `commitDate` is SOURCE_DATE_EPOCH if that is set
 *   (https://reproducible-builds.org/specs/source-date-epoch/)
 */
export function sourceFacts(root, env = process.env) {
  const {version} = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  const git = (...args) => {
    try {
      const own = Object.fromEntries(Object.entries(env).filter(([name]) => !GIT.test(name)))
      const options = {cwd: root, env: own, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}
      return execFileSync('git', ['--no-optional-locks', ...args], options).trim()
    } catch {
      return undefined
    }
  }
  // A package inside another project's checkout does not belong to it.
  const top = git('rev-parse', '--show-toplevel')
  const own = top !== undefined && fs.realpathSync(top) === fs.realpathSync(root)
  const [commit, seconds] = own ? (git('log', '-1', '--format=%H %ct')?.split(' ') ?? []) : []
  // The build writes the manifest itself.
  const changes = commit && git('status', '--porcelain', '--', '.', ':!oclif.manifest.json')
  return {
    version,
    commit: commit ?? null,
    dirty: changes === undefined ? null : changes !== '',
    commitDate: dateOf(env.SOURCE_DATE_EPOCH || seconds),
  }
}

function dateOf(seconds) {
  if (seconds === undefined) return null
  const date = new Date(/^\d{1,12}$/.test(seconds) ? Number(seconds) * 1000 : NaN)
  if (Number.isNaN(date.getTime()))
    throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds, not ${seconds}`)
  return date.toISOString().replace('.000Z', 'Z')
}

/**
 * Writes dist/build.json, for `zt version` (src/lib/system/build-facts.ts).
 *
 * @param {string} root of the project
 * @param {string} target that esbuild was given
 * @param {{name: string, version: string}[]} packages those with code in the bundles
 */
export function writeBuildFacts(root, target, packages) {
  const {devDependencies} = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  // Direct dependencies only; of the bundler the bundles contain just a few helpers.
  const chosen = packages.filter(({name}) => name in devDependencies && name !== 'esbuild')
  const bundled = Object.fromEntries(chosen.map(({name, version}) => [name, version]))
  const facts = {...sourceFacts(root), target, bundled}
  fs.writeFileSync(path.join(root, 'dist', 'build.json'), `${JSON.stringify(facts, null, 2)}\n`)
}
