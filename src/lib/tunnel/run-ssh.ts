import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import * as v from 'valibot'
import type {Settings} from '../config/types.js'
import {UserError} from '../core/errors.js'
import {readFileIfThere} from '../core/files.js'
import {ztProgram} from '../core/program.js'
import {findProgram} from './programs.js'
import {REPORT_VARIABLE} from './proxy.js'
import {trustFlags} from './carrier/trust.js'
import {proxyCommand} from './proxy-command.js'
import {ALIVE_INTERVAL_S, openSharingDirectory, sharingLines} from './sharing.js'
import {sharingWishes} from './ssh-arguments.js'
import {knownHosts} from './ssh-words.js'
import type {ProxyReport, TunnelClient} from './types.js'

export interface OpenSshOptions {
  settings: Settings
  host: string
  user?: string | undefined
  /** Id of another token than the bound one, confirmed for this call; or `env`. */
  token?: string | undefined
  /** Whose connection it is: the token's id; of the environment's pair, its Client ID. */
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

export interface SshEnd {
  exitCode: number
  /** The signal that ended ssh. */
  signal: NodeJS.Signals | undefined
  /** What the proxy had to say when it could not connect. */
  report: ProxyReport | undefined
}

const reportSchema = v.object({
  version: v.literal(1),
  host: v.string(),
  tokenId: v.optional(v.string()),
  clientId: v.optional(v.string()),
  code: v.string(),
  message: v.string(),
  why: v.array(v.string()),
  next: v.array(v.string()),
  refusal: v.optional(
    v.object({
      status: v.number(),
      reason: v.picklist([
        'login',
        'unauthenticated',
        'forbidden',
        'challenged',
        'rate-limited',
        'origin-down',
        'redirect',
        'other',
      ]),
      ray: v.optional(v.string()),
      location: v.optional(v.string()),
    }),
  ),
})

/**
 * Runs the system's ssh with `zt ssh proxy` as its ProxyCommand, on our own terminal. No secret passes through here:
 * the proxy reads it itself.
 *
 * @throws UserError `needs-action` / `SSH_NOT_FOUND`
 */
export async function openSsh(options: OpenSshOptions): Promise<SshEnd> {
  const {settings, host, user, env} = options
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
  const args = ['-o', `ProxyCommand=${command}`]
  if (settings.knownHostsFile !== undefined)
    args.push('-o', `UserKnownHostsFile=${knownHosts(settings.knownHostsFile)}`)
  for (const line of await sharingOptions(options)) args.push('-o', line)
  args.push(user === undefined ? host : `${user}@${host}`, ...options.sshArgs)

  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ssh-'))
  try {
    const reportFile = path.join(directory, 'report.json')
    const {code, signal} = await run(program, args, {...env, [REPORT_VARIABLE]: reportFile})
    return {
      exitCode: code ?? 128 + (signal === undefined ? 1 : os.constants.signals[signal]),
      signal,
      report: await readReport(reportFile),
    }
  } finally {
    await fs.rm(directory, {recursive: true, force: true})
  }
}

/** ssh takes the first value: these stand before what the person gave, so they are left out where that says otherwise. */
async function sharingOptions({
  settings,
  sharedBy,
  share,
  client,
  sshArgs,
}: OpenSshOptions): Promise<string[]> {
  const wishes = sharingWishes(sshArgs)
  // Ctrl-C in one session would end cloudflared, and with it those of the others.
  if (!share || !wishes.share || client === 'cloudflared') return []
  const directory = await openSharingDirectory({state: settings.paths.state})
  if (directory === undefined) return []
  const {profileName: profile, connectTo, caFile} = settings
  const key = {profile, tokenId: sharedBy, connectTo, caFile, more: wishes.connection}
  const lines = sharingLines(directory, key)
  const said = wishes.connection.some((option) => /^o\s*serveralive/i.test(option))
  return said ? lines : [...lines, `ServerAliveInterval ${ALIVE_INTERVAL_S}`]
}

function run(
  program: string,
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{code: number | undefined; signal: NodeJS.Signals | undefined}> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {stdio: 'inherit', env})
    // Ctrl-C reaches ssh by itself, as it is in the terminal's foreground; the others are passed on.
    const ignore = (): void => undefined
    const pass = (signal: NodeJS.Signals): void => {
      child.kill(signal)
    }
    process.on('SIGINT', ignore)
    process.on('SIGTERM', pass)
    process.on('SIGHUP', pass)
    const settle = (): void => {
      process.removeListener('SIGINT', ignore)
      process.removeListener('SIGTERM', pass)
      process.removeListener('SIGHUP', pass)
    }
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    child.once('close', (code, signal) => {
      settle()
      resolve({code: code ?? undefined, signal: signal ?? undefined})
    })
  })
}

async function readReport(file: string): Promise<ProxyReport | undefined> {
  const text = await readFileIfThere(file)
  if (text === undefined) return undefined
  const parsed = v.safeParse(reportSchema, JSON.parse(text))
  if (!parsed.success) return undefined
  const {tokenId, clientId, refusal, ...rest} = parsed.output
  return {
    ...rest,
    tokenId,
    clientId,
    refusal: refusal && {...refusal, ray: refusal.ray, location: refusal.location},
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
