import {filesSync as fs} from './disk.js'
import {NAME, VERSION} from '../core/version.js'

/** The content of dist/build.json (scripts/build-facts.mjs). */
export interface BuildFacts {
  version: string
  /** In full; null if there was no git checkout. */
  commit: string | null
  /** Whether the checkout had uncommitted changes. */
  dirty: boolean | null
  /** ISO 8601, UTC. */
  commitDate: string | null
  /** The node that the bundles are written for, for example `node20.19`; null when the sources run as they are. */
  target: string | null
  /** Versions of the bundled packages. */
  bundled: Record<string, string>
}

/** Set where zt does not run from its package: by bin/dev.cjs and the single executable, before anything asks. */
interface Origin {
  kind: 'development' | 'single-file'
  facts: () => Partial<BuildFacts>
}

const ORIGIN = Symbol.for('zt.origin')
const origin = (): Origin | undefined => (globalThis as {[ORIGIN]?: Origin})[ORIGIN]

function buildFacts(): BuildFacts {
  const nothing = {version: VERSION, commit: null, dirty: null, commitDate: null, target: null, bundled: {}}
  const other = origin()
  if (other) return {...nothing, ...other.facts()}
  try {
    // Every bundle is one directory below dist/.
    const text = fs.readFileSync(new URL('../build.json', import.meta.url), 'utf8')
    return JSON.parse(text) as BuildFacts
  } catch {
    return nothing
  }
}

/** The output of `zt version --json` and `zt --version --json`. `openssl` is null if node was built without it. */
export function versionReport() {
  const kind = origin()?.kind ?? 'package'
  const {version, commit, dirty, commitDate, target, bundled} = buildFacts()
  return {
    name: NAME,
    version,
    commit,
    dirty,
    commitDate,
    node: process.versions.node,
    openssl: process.versions.openssl ?? null,
    platform: process.platform,
    arch: process.arch,
    executable: {kind},
    target,
    bundled,
  }
}

/** `0.1.0 (7e00196, 2026-11-26)`, for people; a `+` after a commit with uncommitted changes. */
export function versionInWords({version, commit, dirty, commitDate}: BuildFacts): string {
  const short = commit === null ? undefined : `${commit.slice(0, 7)}${dirty ? '+' : ''}`
  const facts = [short, commitDate?.slice(0, 10)].filter((fact) => fact !== undefined)
  return facts.length === 0 ? version : `${version} (${facts.join(', ')})`
}
