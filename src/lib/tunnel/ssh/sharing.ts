import {createHash} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {requireOwnDirectory} from '../../system/own-files.js'
import {homeDirectory} from '../../system/platform.js'
import {configWord} from './config-values.js'

/**
 * How long a connection stays when its last session has ended, in seconds. Long enough for what comes in a row (git's
 * next command, an Ansible play, scp after ssh), short enough that access ends soon after the work.
 */
const PERSIST_S = 60

/** A tunnel that is idle for some minutes is dropped on the way, and a dead one must not be shared for long. */
export const ALIVE_INTERVAL_S = 30

/** Whose connection it is: two that differ in any of these never share one. ssh adds host, port and user (%C). */
export interface ConnectionKey {
  profile: string
  /** As {@link import('../target/target.js').sharedBy} says it. Undefined: no token is bound yet. */
  tokenId: string | undefined
  connectTo: string | undefined
  caFile: string | undefined
  /** What else was asked of ssh that makes it another connection. */
  more?: readonly string[] | undefined
}

const HASH_LENGTH = 10
/** ssh binds CONTROLPATH.RANDOM first, with 16 random characters; %C is 40. */
const NAME_LENGTH = `/${'h'.repeat(HASH_LENGTH)}-${'C'.repeat(40)}.${'r'.repeat(16)}`.length

/** The longest path of a socket: sun_path holds 108 bytes on Linux and 104 elsewhere, one of them the end. */
function longestPath(platform: NodeJS.Platform): number {
  return platform === 'linux' ? 107 : 103
}

export interface SharingPlace {
  /** Our state directory. */
  state: string
  /** This user's home. */
  home?: string | undefined
  /** Where a private directory is made when the others are too long or cannot be written. */
  temporary?: string | undefined
  platform?: NodeJS.Platform | undefined
  /** This user's id. */
  uid?: number | undefined
}

/**
 * Where the sockets lie that a line of ~/.ssh/config may name. The state directory: it is there for cron and after a
 * restart, as $XDG_RUNTIME_DIR is not, and nobody else can make it, as in /tmp. Where its path is too long for a socket,
 * or holds what ssh would read as something else, a directory of ours in ~/.ssh. Undefined when that does not fit either,
 * and on Windows, whose ssh shares no connections.
 */
export function lastingDirectory({
  state,
  home = homeDirectory(),
  platform = process.platform,
}: Pick<SharingPlace, 'state' | 'home' | 'platform'>): string | undefined {
  if (platform === 'win32') return undefined
  return [path.join(state, 'ssh'), path.join(home, '.ssh', 'zt')].find((one) => fits(one, platform))
}

/**
 * Makes the directory for the sockets of this one call and looks whether it is safe: the lasting one, or else a private
 * one under the system's directory for temporary files. Undefined when there can be none.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`, `NOT_OUR_DIRECTORY`: whoever else can write there could play
 *   the connection
 */
export async function openSharingDirectory({
  state,
  home,
  // Not os.tmpdir(): on macOS that is too long itself.
  temporary = '/tmp',
  platform = process.platform,
  uid = process.getuid?.() ?? 0,
}: SharingPlace): Promise<string | undefined> {
  if (platform === 'win32') return undefined
  const candidates = [lastingDirectory({state, home, platform}), path.join(temporary, `zt-ssh-${uid}`)]
  for (const directory of candidates) {
    if (directory === undefined || !fits(directory, platform)) continue
    if (!(await make(directory))) continue
    requireOwnDirectory(directory, WHOSE, {secret: true, as: {uid, platform}})
    return directory
  }
  return undefined
}

/** The options of ssh by which connections are shared, each `Keyword value` as ssh_config has it. */
export function sharingLines(directory: string, key: ConnectionKey): string[] {
  const file = path.join(directory.replaceAll('%', '%%'), `${identityOf(key)}-%C`)
  return ['ControlMaster auto', `ControlPath ${configWord(file)}`, `ControlPersist ${PERSIST_S}`]
}

/**
 * The options of ssh by which a session has a connection of its own. They have to be said: ssh would take what a
 * configuration says of sharing, for whichever token, and the session would be another one's.
 */
export const OWN_CONNECTION: readonly string[] = ['ControlMaster no', 'ControlPath none', 'ControlPersist no']

/** Whose connection it is, in a few characters. */
export function identityOf(key: ConnectionKey): string {
  const parts = [key.profile, key.tokenId, key.connectTo, key.caFile, key.more ?? []]
  return createHash('sha256')
    .update(JSON.stringify(parts.map((part) => part ?? null)))
    .digest('hex')
    .slice(0, HASH_LENGTH)
}

function fits(directory: string, platform: NodeJS.Platform): boolean {
  // ssh puts variables in for ${…}, and there is no way to write that otherwise.
  if (directory.includes('${') || /[\r\n]/.test(directory)) return false
  return Buffer.byteLength(directory) + NAME_LENGTH <= longestPath(platform)
}

/** False when it cannot be made here. */
async function make(directory: string): Promise<boolean> {
  return fs.mkdir(directory, {recursive: true, mode: 0o700}).then(
    () => true,
    () => false,
  )
}

const WHOSE =
  'Connections are shared through sockets in it; whoever owns it could take them over. --no-share does without.'
