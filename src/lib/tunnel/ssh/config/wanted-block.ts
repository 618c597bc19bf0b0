import type {Settings} from '../../../config/types.js'
import {UserError} from '../../../core/errors.js'
import {proxyCommand} from '../../proxy/command.js'
import {lastingDirectory} from '../sharing.js'
import {chooseToken, sharedBy} from '../../target/target.js'
import type {TunnelClient} from '../../types.js'
import {hostBlock, type HostBlockOptions} from './block.js'

export interface WantedBlock {
  settings: Settings
  host: string
  /** The name that ssh is called with, if it is another. */
  alias?: string | undefined
  user: string | undefined
  port?: number | undefined
  except?: readonly string[] | undefined
  client: TunnelClient
  share: boolean
  /** The command that starts zt (system/zt-program.ts), with absolute paths. */
  program: readonly string[]
  names?: HostBlockOptions['names']
  platform?: NodeJS.Platform | undefined
  /** Whether the block may send the environment's pair to this host, to which no token is bound. */
  mayUseEnvironment: () => boolean | Promise<boolean>
}

export interface WrittenBlock {
  options: HostBlockOptions
  text: string
  warnings: string[]
  notes: string[]
}

/**
 * The block for a host, or for all hosts of a pattern that is bound to a token. It contains the host name, not `%h`, so that
 * a HostName elsewhere in the file does not send the proxy to another host; only for a pattern ssh fills it in. The token is
 * not in the command, as the proxy uses the one that the host is bound to at that time, but in the name of the socket. For a
 * host without a binding it may take the pair that the environment of ssh has at that time; its sessions then share no
 * connection, which may be another pair's.
 *
 * @throws UserError as `chooseToken`, for a pattern; for a host it is a warning
 */
export async function blockFor(wanted: WantedBlock): Promise<WrittenBlock> {
  const {settings, host, alias, user, port, except, client, share, program, names} = wanted
  const {platform = process.platform} = wanted
  const pattern = host.includes('*')
  const {profileName: profile, connectTo, caFile, knownHostsFile} = settings
  const warnings: string[] = []
  const notes: string[] = []
  let fromEnvironment = false
  // Only the binding counts later, not this shell's environment.
  const lasting = {...settings, environmentCredentials: undefined}
  const tokenId = await chooseToken({settings: lasting, host}).then(
    (chosen) => sharedBy(chosen, lasting),
    async (error: unknown) => {
      // It would take over every host that the pattern covers.
      if (pattern || !(error instanceof UserError)) throw error
      const chosen = await chooseToken({settings, host}).catch(() => undefined)
      if (chosen?.by === 'environment' && (await wanted.mayUseEnvironment())) {
        fromEnvironment = true
        notes.push(
          `The block sends the service token of ssh's environment (${chosen.name}) to ${host}, and holds no secret`,
        )
      } else {
        warnings.push(`${error.message}. Until you fix that, ssh is refused: ${error.next[0] ?? ''}`)
      }
      return undefined
    },
  )
  const shares = share && client !== 'cloudflared' && !fromEnvironment
  const directory = shares ? lastingDirectory({state: settings.paths.state, platform}) : undefined
  if (shares && directory === undefined && platform !== 'win32')
    warnings.push(
      `Connections are not shared: ${settings.paths.state} and ~/.ssh are too long for the path of a socket`,
    )
  const token = fromEnvironment ? 'env' : undefined
  const options: HostBlockOptions = {
    host,
    alias,
    user,
    port,
    except,
    proxyCommand: proxyCommand({program, profile, client, host: pattern ? '%h' : host, platform, token}),
    names,
    knownHostsFile,
    platform,
    sharing:
      directory === undefined ? undefined : {directory, key: {profile, tokenId, alias, connectTo, caFile}},
  }
  return {options, text: hostBlock(options), warnings, notes}
}
