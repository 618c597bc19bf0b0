import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** Set while git runs a hook: they lead to another checkout or index than that of a directory. */
const GIT = /^GIT_/

/**
 * Which sources these are. Nothing of it depends on the clock, the machine or the directory, so that a build can be
 * repeated to the byte.
 *
 * @param {string} root of the project
 * @returns {{version: string, commit: string | null, dirty: boolean | null, commitDate: string | null}} null: the
 *   directory is no git checkout of its own, e.g. unpacked from an archive. `commitDate` is SOURCE_DATE_EPOCH where that
 *   is set (https://reproducible-builds.org/specs/source-date-epoch/)
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
  // A package that lies in another project's checkout is no part of it.
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
  if (Number.isNaN(date.getTime())) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${seconds}`)
  return date.toISOString().replace('.000Z', 'Z')
}

/**
 * Writes dist/build.json, for `zt version` (src/lib/system/build-facts.ts).
 *
 * @param {string} root of the project
 * @param {string} target that esbuild was given
 * @param {{name: string, version: string}[]} packages all of which something is in the bundles
 */
export function writeBuildFacts(root, target, packages) {
  const {devDependencies} = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  // Those that we chose, and not what they bring; of the bundler there are only a few helpers.
  const chosen = packages.filter(({name}) => name in devDependencies && name !== 'esbuild')
  const bundled = Object.fromEntries(chosen.map(({name, version}) => [name, version]))
  const facts = {...sourceFacts(root), target, bundled}
  fs.writeFileSync(path.join(root, 'dist', 'build.json'), `${JSON.stringify(facts, null, 2)}\n`)
}
