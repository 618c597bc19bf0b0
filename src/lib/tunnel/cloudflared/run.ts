import {spawn} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import {UserError} from '../../core/errors.js'
import {isFullPath} from '../../system/platform.js'
import {withoutSecrets} from '../../secrets/child-environment.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {requireUsableVersion} from './version.js'
import {findProgram, isShim} from '../../system/programs.js'
import type {EdgeAddress} from '../types.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface CloudflaredOptions {
  /** As {@link requireCloudflared} gave it. */
  program: string
  edge: EdgeAddress
  /** Such as the edge has accepted just now: where it refuses, cloudflared would wait ten minutes for a browser login. */
  credentials: ServiceCredentials
  env: Environment
}

/**
 * The absolute path of a cloudflared that can be used: the one that CLOUDFLARED names, or else the first on PATH.
 *
 * @param cacheDirectory where its version is remembered
 * @throws UserError `needs-action` / `CLOUDFLARED_NOT_FOUND`, `CLOUDFLARED_UNUSABLE`, `CLOUDFLARED_BAD_VERSION`
 */
export async function requireCloudflared(
  env: Environment,
  cacheDirectory: string,
  platform: NodeJS.Platform = process.platform,
): Promise<string> {
  const program = findCloudflared(env, platform)
  await requireUsableVersion({program, env: environmentFor(env), cacheDirectory})
  return program
}

function findCloudflared(env: Environment, platform: NodeJS.Platform): string {
  const named = env['CLOUDFLARED']
  if (named === undefined || named === '') {
    const program = findProgram('cloudflared', env, {platform})
    if (program === undefined)
      throw notFound('There is no program of that name on PATH, and --client cloudflared asks for it.')
    return program
  }
  if (!isFullPath(named, platform)) throw notFound('CLOUDFLARED must be an absolute path.')
  if (isShim(named, platform))
    throw notFound('CLOUDFLARED names a batch file; it must be the program itself.')
  try {
    fs.accessSync(named, fs.constants.X_OK)
    if (fs.statSync(named).isFile()) return named
  } catch {
    // Said below.
  }
  throw notFound('CLOUDFLARED names no program.')
}

/**
 * Lets cloudflared carry the connection on our stdin and stdout. The credentials are in its environment alone.
 *
 * @returns cloudflared's exit status, 128 and the signal's number where one ended it
 */
export async function runCloudflared({program, edge, credentials, env}: CloudflaredOptions): Promise<number> {
  const args = ['access', 'ssh', '--hostname', edge.host]
  if (edge.connectTo !== undefined) args.push('--connect-to', edge.connectTo)
  if (edge.destination !== undefined) args.push('--destination', edge.destination)
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: {
      ...environmentFor(env),
      TUNNEL_SERVICE_TOKEN_ID: credentials.clientId,
      TUNNEL_SERVICE_TOKEN_SECRET: credentials.clientSecret.expose(),
      ...(edge.caFile !== undefined && {SSL_CERT_FILE: edge.caFile}),
    },
  })
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 1 : os.constants.signals[signal]))
      })
    })
  } finally {
    for (const signal of signals) process.removeListener(signal, pass)
  }
}

/**
 * cloudflared's own variables would change what it does (its debug log prints the secret), and Go's its TLS, or leave its
 * memory behind; ours are none of its business.
 */
function environmentFor(env: Environment): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(withoutSecrets(env)).filter(
      ([name]) => !/^(TUNNEL_|CF_ACCESS_|CLOUDFLARE|ZT_|GODEBUG$|GOTRACEBACK$)/i.test(name),
    ),
  )
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
