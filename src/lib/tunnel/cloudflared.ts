import {spawn} from 'node:child_process'
import os from 'node:os'
import {UserError} from '../core/errors.js'
import type {ServiceCredentials} from '../secrets/types.js'
import {findProgram} from './programs.js'
import type {EdgeAddress} from './types.js'

export interface CloudflaredOptions {
  edge: EdgeAddress
  /** Such as the edge has accepted just now: where it refuses, cloudflared would wait ten minutes for a browser login. */
  credentials: ServiceCredentials
  env: Readonly<Record<string, string | undefined>>
}

/**
 * The absolute path of cloudflared.
 *
 * @throws UserError `needs-action` / `CLOUDFLARED_NOT_FOUND`
 */
export function requireCloudflared(env: CloudflaredOptions['env']): string {
  const program = findProgram('cloudflared', env)
  if (program === undefined) throw notFound()
  return program
}

/**
 * Lets cloudflared carry the connection on our stdin and stdout. The credentials are in its environment alone.
 *
 * @returns cloudflared's exit status
 * @throws UserError as {@link requireCloudflared}
 */
export async function runCloudflared({edge, credentials, env}: CloudflaredOptions): Promise<number> {
  const program = requireCloudflared(env)
  const args = ['access', 'ssh', '--hostname', edge.host]
  if (edge.connectTo !== undefined) args.push('--connect-to', edge.connectTo)
  if (edge.destination !== undefined) args.push('--destination', edge.destination)
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: {
      ...withoutTunnelSettings(env),
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

/** Its own variables would change what it does, and its debug log prints the secret. */
function withoutTunnelSettings(env: CloudflaredOptions['env']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(TUNNEL_|CF_ACCESS_|CLOUDFLARE_API|ZT_)/.test(name)),
  )
}

function notFound(): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'CLOUDFLARED_NOT_FOUND',
    message: 'cloudflared is not installed',
    why: 'There is no program of that name on PATH, and --client cloudflared asks for it.',
    next: ['Leave --client away: zt has a client of its own', 'Install cloudflared'],
  })
}
