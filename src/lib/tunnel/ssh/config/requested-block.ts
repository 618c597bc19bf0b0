import {filesSync as fs} from '../../../system/disk.js'
import type {Environment} from '../../../config/paths.js'
import {parseDestination, type Destination} from '../../target/destination.js'
import {findProgram} from '../../../system/programs.js'
import {aliasFor, aliasText, type Alias} from '../alias.js'
import {readConfiguration} from '../configuration.js'
import {namesWithRoutes} from './aliases.js'
import {otherName} from './certificates.js'
import {blockFor, type WantedBlock, type WrittenBlock} from './wanted-block.js'

export interface RequestedBlock extends Omit<
  WantedBlock,
  'host' | 'user' | 'alias' | 'names' | 'mayUseEnvironment'
> {
  /** `[USER@]HOST`, or an alias in place of the host. */
  destination: string
  /** The ssh configuration, if it is not the usual one. */
  file: string | undefined
  /** False: `Match … exec "cloudflared access ssh-gen …"` is switched off for the host. */
  shortLivedCert: boolean
  /** The block of this name is to be removed. */
  remove: boolean
  /** Whether the block may send the environment's pair to a host to which no token is bound. */
  mayUseEnvironment: (host: string) => boolean | Promise<boolean>
  env: Environment
}

export interface BlockAsRequested {
  host: string
  user: string | undefined
  /** The name of the block: the host, or an alias of it. */
  name: string
  alias: Alias | undefined
  block: Pick<WrittenBlock, 'options' | 'text'> | undefined
  warnings: string[]
  notes: string[]
}

/**
 * The block that a command line asks for. A name that ssh's configuration has for a host gets a block of its own, which
 * connects to that host: one that took the name itself for a host could not connect.
 *
 * @throws UserError as `parseDestination` and {@link aliasFor}
 */
export async function requestedBlock(requested: RequestedBlock): Promise<BlockAsRequested> {
  const {destination, shortLivedCert, remove, env, mayUseEnvironment, ...wanted} = requested
  const given = parseDestination(destination, 'zt ssh config [USER@]HOST', {pattern: true})
  if (remove) return {...given, name: given.host, alias: undefined, block: undefined, warnings: [], notes: []}
  // ssh fails for a file that does not exist, which the block may be the first to be in.
  const file = requested.file === undefined || fs.existsSync(requested.file) ? requested.file : 'none'
  if (given.host.includes('*')) return patternBlock(given, {...requested, file})
  const alias = await aliasFor({settings: wanted.settings, host: given.host, written: destination, file, env})
  const host = alias?.host ?? given.host
  const name = alias?.name ?? host
  const names = shortLivedCert ? undefined : await otherName({name, host, file, env})
  const block = await blockFor({
    ...wanted,
    ...{host, alias: alias?.name, user: given.user, port: given.port, names},
    mayUseEnvironment: () => mayUseEnvironment(host),
  })
  const {warnings, notes} = block
  const all = alias ? [aliasText(alias), ...notes] : notes
  return {host, user: given.user, name, alias, block, warnings, notes: all}
}

/** For all hosts of a wildcard application; those with a section of their own keep it. */
async function patternBlock(
  {host, user, port}: Destination,
  {destination: _, file, shortLivedCert, remove: __, env, mayUseEnvironment, ...wanted}: RequestedBlock,
): Promise<BlockAsRequested> {
  const ssh = findProgram('ssh', env) ?? ''
  const except = namesWithRoutes(readConfiguration({file, ssh}), host)
  const block = await blockFor({
    ...{...wanted, host, user, port, except},
    mayUseEnvironment: () => mayUseEnvironment(host),
  })
  const warnings = [
    ...block.warnings,
    ...(except.length > 0
      ? [
          `The block leaves out ${except.join(', ')}: ssh's configuration has sections of their own. To move those of cloudflared: zt ssh config --adopt`,
        ]
      : []),
    ...(shortLivedCert ? [] : ['--no-short-lived-cert has no effect on a pattern; give one host']),
  ]
  return {host, user, name: host, alias: undefined, block, warnings, notes: block.notes}
}
