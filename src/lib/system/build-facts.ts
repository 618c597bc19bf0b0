import fs from 'node:fs'
import {NAME, VERSION} from '../core/version.js'

/** What dist/build.json says (scripts/build-facts.mjs). */
export interface BuildFacts {
  version: string
  /** In full; null: the build knew of no git checkout. */
  commit: string | null
  /** Whether the checkout had changes that are not in the commit. */
  dirty: boolean | null
  /** ISO 8601, UTC. */
  commitDate: string | null
  /** What the bundles are written for, e.g. `node20.19`; null: the sources run as they are. */
  target: string | null
  /** Versions of the packages that are inside. */
  bundled: Record<string, string>
}

/** What `zt version --json` and `zt --version --json` print. */
export interface VersionReport extends BuildFacts {
  name: string
  node: string
  /** Null: node was built without it. */
  openssl: string | null
  platform: string
  arch: string
  executable: {kind: Origin['kind'] | 'package'}
}

/** Where zt is no package: bin/dev.js, or the single executable. */
interface Origin {
  kind: 'development' | 'single-file'
  facts: () => Partial<BuildFacts>
}

/** They put it here before anything asks. */
const ORIGIN = Symbol.for('zt.origin')
const origin = (): Origin | undefined => (globalThis as {[ORIGIN]?: Origin})[ORIGIN]

function buildFacts(): BuildFacts {
  const nothing = {version: VERSION, commit: null, dirty: null, commitDate: null, target: null, bundled: {}}
  const other = origin()
  if (other) return {...nothing, ...other.facts()}
  try {
    // Every bundle lies one directory below dist/.
    const text = fs.readFileSync(new URL('../build.json', import.meta.url), 'utf8')
    return JSON.parse(text) as BuildFacts
  } catch {
    return nothing
  }
}

export function versionReport(): VersionReport {
  const kind = origin()?.kind ?? 'package'
  const {version, commit, dirty, commitDate, target, bundled} = buildFacts()
  return {
    name: NAME,
    ...{version, commit, dirty, commitDate},
    node: process.versions.node,
    openssl: process.versions.openssl ?? null,
    platform: process.platform,
    arch: process.arch,
    executable: {kind},
    ...{target, bundled},
  }
}

/** `0.1.0 (7e00196, 2026-11-26)`, for people; a `+` behind a commit that was not all. */
export function versionInWords({version, commit, dirty, commitDate}: BuildFacts): string {
  const short = commit === null ? undefined : `${commit.slice(0, 7)}${dirty ? '+' : ''}`
  const facts = [short, commitDate?.slice(0, 10)].filter((fact) => fact !== undefined)
  return facts.length === 0 ? version : `${version} (${facts.join(', ')})`
}
