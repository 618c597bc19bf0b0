import type {Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import {withoutVariables} from '../../system/platform.js'
import {ztProgram} from '../../system/program.js'
import {runChild, type ChildEnd} from '../exec/child.js'
import {findProgram} from '../../system/programs.js'
import {REPORT_VARIABLE, readReport, type ProxyReport} from '../failure/report.js'
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
import {sharingWishes} from './arguments.js'
import {forwardsByConfiguration} from './forwards.js'
import {knownHosts} from './words.js'
import type {TunnelClient} from '../types.js'

export interface OpenSshOptions {
  settings: Settings
  host: string
  user?: string | undefined
  /** Id of another token than the bound one, confirmed for this call; or `env`. */
  token?: string | undefined
  /** Whose connection it is, as {@link import('../target/target.js').sharedBy} says it. */
  sharedBy: string
  /** Leave the connection open for a while, and use one that is. */
  share: boolean
  client: TunnelClient
  /** For ssh, behind the host. */
  sshArgs: string[]
  /** The package's directory: from there ssh starts `zt ssh proxy`. */
  root: string
  env: Readonly<Record<string, string | undefined>>
}

export interface SshEnd extends ChildEnd {
  /** What the proxy had to say when it could not connect. */
  report: ProxyReport | undefined
}

/**
 * Runs the system's ssh with `zt ssh proxy` as its ProxyCommand, on our own terminal. No secret passes through here:
 * the proxy reads it itself.
 *
 * @throws UserError `needs-action` / `SSH_NOT_FOUND`
 */
export async function openSsh(options: OpenSshOptions): Promise<SshEnd> {
  const {settings, host, user} = options
  // What may not go to an edge that a project's file chose: the proxy is given the profile by name, and would take it.
  const withheld = settings.withheld.credentials ? ['CF_ACCESS_CLIENT_ID', 'CF_ACCESS_CLIENT_SECRET'] : []
  const env = withoutVariables(options.env, withheld)
  const program = findProgram('ssh', env)
  if (program === undefined) throw sshNotFound()
  const command = proxyCommand({
    program: ztProgram(options.root, trustFlags()),
    profile: settings.profileName,
    token: options.token,
    client: options.client,
    connectTo: settings.connectTo,
    caFile: settings.caFile,
    host,
  })
  // A configuration that wants a descriptor instead of bytes is about another ProxyCommand.
  const args = ['-o', `ProxyCommand=${command}`, '-o', 'ProxyUseFdpass=no']
  if (settings.knownHostsFile !== undefined)
    args.push('-o', `UserKnownHostsFile=${knownHosts(settings.knownHostsFile)}`)
  const last = [user === undefined ? host : `${user}@${host}`, ...options.sshArgs]
  for (const line of await sharingOptions(options, program, last)) args.push('-o', line)
  args.push(...last)

  const {state} = settings.paths
  sweep(state)
  const reportFile = ownFile(state, 'report')
  try {
    const withReport = {...env, [REPORT_VARIABLE]: reportFile}
    const end = await runChild({program, args, env: withReport, stdio: 'inherit'})
    return {...end, report: await readReport(reportFile)}
  } finally {
    drop(reportFile)
  }
}

/**
 * What ssh is told of sharing, whatever a configuration says of it: ssh takes the first value, and the command line's is
 * that. Nothing where the person has said by what to share: these stand before it.
 */
async function sharingOptions(
  {settings, host, sharedBy, share, client, sshArgs, env}: OpenSshOptions,
  ssh: string,
  last: readonly string[],
): Promise<readonly string[]> {
  const wishes = sharingWishes(sshArgs)
  if (wishes.said) return []
  // Ctrl-C in one session would end cloudflared, and with it those of the others.
  if (!share || !wishes.share || client === 'cloudflared') return OWN_CONNECTION
  const {state} = settings.paths
  const directory = await openSharingDirectory({state})
  if (directory === undefined) return OWN_CONNECTION
  const {profileName: profile, connectTo, caFile} = settings
  const key = {profile, tokenId: sharedBy, connectTo, caFile}
  if (wishes.connection.length === 0 && (await takenByAnother(state, host, key))) return OWN_CONNECTION
  const lines = sharingLines(directory, {...key, more: wishes.connection})
  const file = wishes.connection.find((option) => option.startsWith('F'))?.slice(1)
  const args = [...lines.flatMap((line) => ['-o', line]), ...last]
  if (await forwardsByConfiguration({ssh, args, file, env})) return OWN_CONNECTION
  const said = wishes.connection.some((option) => /^o\s*serveralive/i.test(option))
  return said ? lines : [...lines, `ServerAliveInterval ${ALIVE_INTERVAL_S}`]
}

/**
 * Whether the socket's name may lead to another one's connection. zt ssh names each by its token; a block that was written
 * before the host was bound to another token gives plain ssh the name of that time.
 */
async function takenByAnother(state: string, host: string, key: ConnectionKey): Promise<boolean> {
  try {
    const open = openConnections(state)
    const identity = identityOf(key)
    return open.some(
      (one) => one.plainSsh && one.profile === key.profile && one.host === host && one.identity !== identity,
    )
  } catch {
    // Who else carries what cannot be told.
    return true
  }
}

function sshNotFound(): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'SSH_NOT_FOUND',
    message: 'ssh is not installed',
    why: 'There is no program of that name on PATH.',
    next: ['apt-get install openssh-client, or the like for this system'],
  })
}
