import {patient} from '../../core/patience.js'
import {askProgram} from '../../system/ask-program.js'
import {environmentFor} from '../../system/child-environment.js'

/** What curls differ in. */
export interface AboutCurl {
  /** Whether `--write-out` can write to stderr (7.63). */
  writesToStderr: boolean
  /** What makes a private CA work, which names no place where revoked certificates are listed. */
  forPrivateCa: readonly string[]
}

export const NEW_CURL: AboutCurl = {writesToStderr: true, forPrivateCa: []}

const ASK_MS = 5000

/**
 * Windows' own curl checks certificates by Schannel, which refuses those of a private CA where it cannot learn whether they
 * were revoked (curl issues 5766, 7664 and 12239). `--ssl-revoke-best-effort` (7.70) accepts these, and still refuses one
 * that is known to be revoked; before it there was only `--ssl-no-revoke`. Windows 10 came with curl 7.55.
 */
export function readCurlVersion(text: string): AboutCurl {
  const [, major = '8', minor = '0'] = /^curl (\d+)\.(\d+)/.exec(text) ?? []
  const since = (wanted: number): boolean => Number(major) > 7 || Number(minor) >= wanted
  const usesSchannel = /(?<!\()\b(?:Schannel|WinSSL)\b/i.test(text.split('\n')[0] ?? '')
  return {
    writesToStderr: since(63),
    forPrivateCa: usesSchannel ? [since(70) ? '--ssl-revoke-best-effort' : '--ssl-no-revoke'] : [],
  }
}

/** Asked on Windows only: elsewhere curl has OpenSSL or its like, and asking takes as long as a request on this machine. */
export async function aboutCurl(
  program: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Promise<AboutCurl> {
  if (platform !== 'win32') return NEW_CURL
  const limits = {env: environmentFor('tool', env), deadlineMs: patient(ASK_MS), maxBytes: 64 * 1024}
  const {end, stdout} = await askProgram(program, ['-q', '--version'], limits)
  return end === 'answered' ? readCurlVersion(stdout) : NEW_CURL
}
