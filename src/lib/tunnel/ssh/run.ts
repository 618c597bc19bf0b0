import type {Settings} from '../../config/types.js'
import {environmentFor} from '../../system/child-environment.js'
import {ztProgram} from '../../system/zt-program.js'
import {runChild, type ChildEnd} from '../exec/child.js'
import {findProgram} from '../../system/programs.js'
import {readReport, type ProxyReport} from '../failure/report.js'
import {trustFlags} from '../carrier/trust.js'
import {drop, ownFile, sweep} from '../connections/run-files.js'
import {openConnections} from '../connections/read.js'
import {proxyCommand} from '../proxy/command.js'
import {
  ALIVE_INTERVAL_S,
  identityOf,
  openSharingDirectory,
  OWN_CONNECTION,
  sharingLines,
  type ConnectionKey,
} from './sharing.js'
import {sshNotFound} from './ask-ssh.js'
import {optionsIn, sharingWishes} from './sharing-arguments.js'
import {forwardsByConfiguration} from './configured-forwards.js'
import {knownHosts} from './config-values.js'
import {withShell} from './shell.js'
import {requireName} from './user-name.js'
import {sharedBy, type ChosenToken} from '../target/target.js'
import type {TunnelClient} from '../types.js'

export interface OpenSshOptions {
  settings: Settings
  host: string
  /** The name by which ssh's configuration knows the host; ssh is called with it, so that its section applies. */
  alias?: string | undefined
  user?: string | undefined
  /** The token, confirmed for this call if the host is not bound to it. */
  chosen: ChosenToken
  /** Keep the connection open for a while, and use one that is open. */
  share: boolean
  client: TunnelClient
  /** For ssh, after the host. */
  sshArgs: string[]
  /** The package's directory, from which ssh starts `zt ssh proxy`. */
  root: string
  env: Readonly<Record<string, string | undefined>>
}

export interface SshEnd extends ChildEnd {
  /** What the proxy reported if it could not connect. */
  report: ProxyReport | undefined
}

/**
 * Runs the system's ssh on this terminal, with `zt ssh proxy` as its ProxyCommand. The proxy reads the secret itself; none
 * passes through here.
 *
 * @throws UserError `needs-action` / `SSH_NOT_FOUND`, `USER_WITHOUT_NAME`
 */
export async function openSsh(options: OpenSshOptions): Promise<SshEnd> {
  const {settings, host, user, alias = host, chosen, sshArgs} = options
  // The proxy loads the profile by name, and would use a pair that is withheld because a project's file chose the edge.
  const env = withShell(environmentFor(chosen.store === 'env' ? 'sshWithPair' : 'ssh', options.env))
  const program = findProgram('ssh', env)
  if (program === undefined) throw sshNotFound()
  requireName()
  const command = proxyCommand({
    program: ztProgram(options.root, trustFlags()),
    profile: settings.profileName,
    token: chosen.by === 'binding' ? undefined : chosen.tokenId,
    client: options.client,
    connectTo: settings.connectTo,
    caFile: settings.caFile,
    host,
  })
  // A configuration that sets ProxyUseFdpass means another ProxyCommand.
  const args = ['-o', `ProxyCommand=${command}`, '-o', 'ProxyUseFdpass=no']
  if (settings.knownHostsFile !== undefined)
    args.push('-o', `UserKnownHostsFile=${knownHosts(settings.knownHostsFile)}`)
  const destination = user === undefined ? alias : `${user}@${alias}`
  for (const line of await sharingOptions(options, program, destination)) args.push('-o', line)
  args.push(destination, ...sshArgs)

  const {state} = settings.paths
  sweep(state)
  const reportFile = ownFile(state, 'report')
  try {
    const withReport = {...env, ZT_SSH_REPORT: reportFile}
    const end = await runChild({program, args, env: withReport, stdio: 'inherit'})
    return {...end, report: await readReport(reportFile)}
  } finally {
    drop(reportFile)
  }
}

/**
 * ssh's options for sharing. They override the configuration, because ssh uses the first value and the command line comes
 * first. None if the user's arguments name a socket: these options would override that too.
 */
async function sharingOptions(
  {settings, host, alias, chosen, share, client, sshArgs, env}: OpenSshOptions,
  ssh: string,
  destination: string,
): Promise<readonly string[]> {
  const wishes = sharingWishes(sshArgs)
  if (wishes.said) return []
  // Ctrl-C in one session would end cloudflared, and the other sessions with it.
  if (!share || !wishes.share || client === 'cloudflared') return OWN_CONNECTION
  const {state} = settings.paths
  const directory = await openSharingDirectory({state})
  if (directory === undefined) return OWN_CONNECTION
  const {profileName: profile, connectTo, caFile} = settings
  const key = {profile, tokenId: sharedBy(chosen, settings), connectTo, caFile}
  if (wishes.connection.length === 0 && (await takenByAnother(state, host, key))) return OWN_CONNECTION
  const lines = sharingLines(directory, {...key, alias, more: wishes.connection})
  const {options, file} = optionsIn(sshArgs)
  const args = [...lines.flatMap((line) => ['-o', line]), destination, ...options]
  if (await forwardsByConfiguration({ssh, args, file, env})) return OWN_CONNECTION
  const said = wishes.connection.some((option) => /^o\s*serveralive/i.test(option))
  return said ? lines : [...lines, `ServerAliveInterval ${ALIVE_INTERVAL_S}`]
}

/**
 * Whether a connection to the host with another key may be open. zt ssh names each socket by its token. Plain ssh uses the
 * name in the configuration file, which is outdated if the host has been bound to another token since.
 */
async function takenByAnother(state: string, host: string, key: ConnectionKey): Promise<boolean> {
  try {
    const open = openConnections(state)
    const identity = identityOf(key)
    return open.some(
      (one) => one.plainSsh && one.profile === key.profile && one.host === host && one.identity !== identity,
    )
  } catch {
    // Unknown: do not share.
    return true
  }
}
