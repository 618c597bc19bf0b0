import type {Environment} from '../../config/paths.js'
import {UserError} from '../../core/errors.js'
import {CLOUDFLARED_PAIR} from '../../core/pair-variables.js'
import {isFullPath} from '../../system/platform.js'
import {environmentFor} from '../../system/child-environment.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {runChild} from '../exec/child.js'
import {requireUsableVersion} from './version.js'
import {findProgram, isProgramFile, isShim} from '../../system/programs.js'
import type {EdgeAddress} from '../types.js'

export interface CloudflaredOptions {
  /** From {@link requireCloudflared}. */
  program: string
  edge: EdgeAddress
  /** A pair that the edge has just accepted: if it is refused, cloudflared waits ten minutes for a browser login. */
  credentials: ServiceCredentials
  env: Environment
}

/**
 * The absolute path of a usable cloudflared: the one that CLOUDFLARED names, or else the first on PATH.
 *
 * @param cacheDirectory where its version is cached
 * @throws UserError `needs-action` / `CLOUDFLARED_NOT_FOUND`, `CLOUDFLARED_UNUSABLE`, `CLOUDFLARED_BAD_VERSION`
 */
export async function requireCloudflared(
  env: Environment,
  cacheDirectory: string,
  platform: NodeJS.Platform = process.platform,
): Promise<string> {
  const program = findCloudflared(env, platform)
  await requireUsableVersion({program, env: cloudflaredEnvironment(env), cacheDirectory})
  return program
}

function findCloudflared(env: Environment, platform: NodeJS.Platform): string {
  const named = env['CLOUDFLARED']
  if (named === undefined || named === '') {
    const program = findProgram('cloudflared', env, {platform})
    if (program === undefined)
      throw notFound('--client cloudflared needs it, and there is no program called cloudflared on PATH.')
    return program
  }
  if (!isFullPath(named, platform)) throw notFound('CLOUDFLARED must be an absolute path.')
  if (isShim(named, platform)) throw notFound('CLOUDFLARED is a batch file; it must be the program itself.')
  if (isProgramFile(named, platform)) return named
  throw notFound('CLOUDFLARED is not the path of a program.')
}

/**
 * Lets cloudflared carry the connection on this process's stdin and stdout. It gets the credentials by its environment.
 *
 * @returns cloudflared's exit status, or 128 plus the number of the signal that ended it
 * @throws UserError `usage` / `CLOUDFLARED_NO_IPV6`
 */
export async function runCloudflared({program, edge, credentials, env}: CloudflaredOptions): Promise<number> {
  if (edge.connectTo?.startsWith('[') === true) throw noIpv6(edge.connectTo)
  const args = ['access', 'ssh', '--hostname', edge.host]
  if (edge.connectTo !== undefined) args.push('--connect-to', edge.connectTo)
  if (edge.destination !== undefined) args.push('--destination', edge.destination)
  for (const header of edge.headers ?? []) args.push('--header', header)
  const end = await runChild({
    program,
    args,
    stdio: 'inherit',
    env: {
      ...cloudflaredEnvironment(env),
      [CLOUDFLARED_PAIR.id]: credentials.clientId,
      [CLOUDFLARED_PAIR.secret]: credentials.clientSecret.expose(),
      ...(edge.caFile !== undefined && {SSL_CERT_FILE: edge.caFile}),
    },
  })
  return end.exitCode
}

/**
 * Without cloudflared's own variables, which change its behaviour (its debug log prints the secret), Go's, which change its
 * TLS or make it dump its memory, and zt's.
 */
function cloudflaredEnvironment(env: Environment): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environmentFor('cloudflared', env)).filter(
      ([name]) => !/^(TUNNEL_|CF_ACCESS_|CLOUDFLARE|ZT_|GODEBUG$|GOTRACEBACK$)/i.test(name),
    ),
  )
}

/** It splits the address at every colon (its source, access/carrier.go). */
function noIpv6(connectTo: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'CLOUDFLARED_NO_IPV6',
    message: `cloudflared cannot connect to ${connectTo}`,
    why: 'Its --connect-to takes no IPv6 address.',
    next: ["Use zt's own client: --client builtin"],
  })
}

function notFound(why: string): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'CLOUDFLARED_NOT_FOUND',
    message: 'cloudflared is not installed',
    why,
    next: ["Use zt's own client: --client builtin", 'Install cloudflared'],
  })
}
