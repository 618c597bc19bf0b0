import {createHash} from 'node:crypto'
import path from 'node:path'
import {files as fs} from '../../system/disk.js'
import {requireOwnDirectory} from '../../system/own-files.js'
import {posixPath} from '../../core/posix-path.js'
import {homeDirectory} from '../../system/platform.js'
import {configWord} from './config-values.js'

/**
 * How long a connection stays open after its last session, in seconds. Long enough for commands in a row (git, an Ansible
 * play, scp after ssh), short enough that access ends soon after the work.
 */
const PERSIST_S = 60

/** Keeps alive a tunnel that would be dropped after some idle minutes, and detects a dead one before it is shared for long. */
export const ALIVE_INTERVAL_S = 30

/** Whose connection it is: sessions that differ in any of these never share one. ssh adds host, port and user (%C). */
export interface ConnectionKey {
  profile: string
  /** From {@link import('../target/target.js').sharedBy}. Undefined: no token is bound yet. */
  tokenId: string | undefined
  connectTo: string | undefined
  caFile: string | undefined
  /** The name that ssh is called with, if it is not the host: its section may have another identity for the same host. */
  alias?: string | undefined
  /** ssh's options that make it another connection. */
  more?: readonly string[] | undefined
}

const HASH_LENGTH = 10
/** ssh first binds CONTROLPATH.RANDOM, with 16 random characters; %C has 40. */
const NAME_LENGTH = `/${'h'.repeat(HASH_LENGTH)}-${'C'.repeat(40)}.${'r'.repeat(16)}`.length

export interface SharingPlace {
  /** zt's state directory. */
  state: string
  /** This user's home. */
  home?: string | undefined
  /** Where to create a private directory if the others are too long or cannot be written. */
  temporary?: string | undefined
  platform?: NodeJS.Platform | undefined
  /** This user's id. */
  uid?: number | undefined
}

/**
 * The directory for sockets that ~/.ssh/config may name. In the state directory, which unlike $XDG_RUNTIME_DIR exists for
 * cron and after a restart, and which unlike in /tmp no one else can create. If its path is too long for a socket, or
 * contains what ssh would expand, it is in ~/.ssh. Undefined if that does not fit either, and on Windows, whose ssh does
 * not share connections.
 */
export function lastingDirectory({
  state,
  home,
  platform = process.platform,
}: Pick<SharingPlace, 'state' | 'home' | 'platform'>): string | undefined {
  if (platform === 'win32') return undefined
  const ofState = path.join(state, 'ssh')
  if (fits(ofState, platform)) return ofState
  const ofHome = path.join(home ?? homeDirectory(), '.ssh', 'zt')
  return fits(ofHome, platform) ? ofHome : undefined
}

/**
 * Creates the directory for this session's sockets and checks that it is safe: the lasting one, or else a private one in
 * /tmp. Undefined if neither is possible.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`, `NOT_OUR_DIRECTORY`: others who can write there could take over
 *   the connection
 */
export async function openSharingDirectory(place: SharingPlace): Promise<string | undefined> {
  const {platform = process.platform, uid = process.getuid?.() ?? 0} = place
  for (const directory of sharingDirectories({...place, platform, uid})) {
    try {
      await fs.mkdir(directory, {recursive: true, mode: 0o700})
    } catch {
      continue
    }
    requireOwnDirectory(directory, WHOSE, {secret: true, as: {uid, platform}})
    return directory
  }
  return undefined
}

/** Where sockets can be, in the order in which it is tried: the lasting directory, or else a private one in /tmp. */
export function sharingDirectories({
  state,
  home,
  // Not os.tmpdir(), which is too long on macOS.
  temporary = posixPath('/tmp'),
  platform = process.platform,
  uid = process.getuid?.() ?? 0,
}: SharingPlace): string[] {
  if (platform === 'win32' || temporary === undefined) return []
  const lasting = lastingDirectory({state, home, platform})
  return [lasting, path.join(temporary, `zt-ssh-${uid}`)].filter(
    (directory): directory is string => directory !== undefined && fits(directory, platform),
  )
}

/** The options that make ssh share connections, each as `Keyword value`. */
export function sharingLines(directory: string, key: ConnectionKey): string[] {
  const file = path.join(directory.replaceAll('%', '%%'), `${identityOf(key)}-%C`)
  return ['ControlMaster auto', `ControlPath ${configWord(file)}`, `ControlPersist ${PERSIST_S}`]
}

/**
 * The options that give a session its own connection. Without them, ssh would share as the configuration says, whichever
 * token opened the connection.
 */
export const OWN_CONNECTION: readonly string[] = ['ControlMaster no', 'ControlPath none', 'ControlPersist no']

/** A short hash of a connection's key. */
export function identityOf(key: ConnectionKey): string {
  const more = [...(key.alias === undefined ? [] : [`alias ${key.alias}`]), ...(key.more ?? [])]
  const parts = [key.profile, key.tokenId, key.connectTo, key.caFile, more]
  return createHash('sha256')
    .update(JSON.stringify(parts.map((part) => part ?? null)))
    .digest('hex')
    .slice(0, HASH_LENGTH)
}

function fits(directory: string, platform: NodeJS.Platform): boolean {
  // ssh expands ${…}, and there is no way to quote it.
  if (directory.includes('${') || /[\r\n]/.test(directory)) return false
  // sun_path has 108 bytes on Linux and 104 elsewhere, with a null byte at its end.
  return Buffer.byteLength(directory) + NAME_LENGTH < (platform === 'linux' ? 108 : 104)
}

const WHOSE =
  'Connections are shared through sockets in it, and its owner could take them over. With --no-share it is not used.'
