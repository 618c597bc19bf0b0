import path from 'node:path'
import {files as fs} from '../../system/disk.js'
import type {Environment} from '../../config/paths.js'
import {UserError} from '../../core/errors.js'
import {askProgram} from '../../system/ask-program.js'
import {readFileIfThere, writeFileAtomic} from '../../system/files.js'
import {patient} from '../../core/patience.js'

/** Releases that cannot carry a connection with a service token, and why. */
const BAD: ReadonlyMap<string, string> = new Map([
  [
    '2026.6.0',
    'This release ignores service tokens and asks for a login in a browser (cloudflared issue 1674).',
  ],
])

/** Older releases also read the tunnel's configuration file for `access`, which may send the connection elsewhere. */
const OLDEST = '2021.3.2'
const DEADLINE_MS = 3000

export interface VersionCheck {
  /** Absolute path of cloudflared. */
  program: string
  /** Its environment, without zt's variables. */
  env: Environment
  /** Where the version is cached. */
  cacheDirectory: string
  deadlineMs?: number | undefined
}

/**
 * Makes sure that this cloudflared can carry a connection with a service token. It is asked for its version once per file:
 * path, size and modification time.
 *
 * @returns its version; `DEV` for a build without one
 * @throws UserError `needs-action` / `CLOUDFLARED_UNUSABLE`, `CLOUDFLARED_BAD_VERSION`
 */
export async function requireUsableVersion(check: VersionCheck): Promise<string> {
  const version = await knownVersion(check)
  const why =
    BAD.get(version) ??
    (version !== 'DEV' && order(version) < order(OLDEST)
      ? `It is older than ${OLDEST}. Such releases also read the tunnel's configuration file, which may send the connection elsewhere.`
      : undefined)
  if (why === undefined) return version
  throw new UserError({
    kind: 'needs-action',
    code: 'CLOUDFLARED_BAD_VERSION',
    message: `cloudflared ${version} cannot be used`,
    why,
    next: ["Use zt's own client: --client builtin", `Update ${check.program}`],
    details: {program: check.program, version},
  })
}

async function knownVersion(check: VersionCheck): Promise<string> {
  const {program, cacheDirectory} = check
  const {mtimeMs, size} = await fs.stat(program)
  const file = path.join(cacheDirectory, 'cloudflared.json')
  const key = {program, mtimeMs, size}
  const cached = await readFileIfThere(file).then(
    (text) => cachedVersion(text, key),
    () => undefined,
  )
  if (cached !== undefined) return cached
  const version = await askVersion(check)
  // If the cache cannot be written, the next start only takes some milliseconds longer.
  await writeFileAtomic(file, JSON.stringify({...key, version})).catch(() => undefined)
  return version
}

function cachedVersion(text = '', key: object): string | undefined {
  try {
    const {version, ...rest} = JSON.parse(text) as {version?: unknown}
    return JSON.stringify(rest) === JSON.stringify(key) && typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

async function askVersion({program, env, deadlineMs = patient(DEADLINE_MS)}: VersionCheck): Promise<string> {
  const limits = {env: {...env}, deadlineMs, maxBytes: 64 * 1024}
  const {end, stdout} = await askProgram(program, ['--version'], limits)
  if (end === 'late')
    throw unusable(program, `\`cloudflared --version\` did not answer within ${deadlineMs / 1000} s.`)
  if (end === 'failed') throw unusable(program, '`cloudflared --version` fails.')
  const version = /^cloudflared version (\d{4}\.\d{1,2}\.\d{1,3}|DEV)\b/m.exec(stdout)?.[1]
  if (version !== undefined) return version
  throw unusable(program, 'The output of `cloudflared --version` is not that of cloudflared.')
}

/** `2026.6.0` as a number for comparison. */
function order(version: string): number {
  return version.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0)
}

function unusable(program: string, why: string): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'CLOUDFLARED_UNUSABLE',
    message: `${program} cannot be used as cloudflared`,
    why,
    next: [
      "Use zt's own client: --client builtin",
      'Install cloudflared again, or name another in CLOUDFLARED',
    ],
    details: {program},
  })
}
