import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import {UserError} from '../../../core/errors.js'
import {patient} from '../../../core/patience.js'
import {quoteForPerson} from '../../../core/quote.js'
import {temporaryPlace} from '../../connections/run-files.js'
import {forwardsIn} from '../configured-forwards.js'

/** A Match exec of the person's may take its time. */
const PATIENCE_MS = 10_000

export interface VerifyOptions {
  /** Absolute path of ssh. */
  ssh: string
  env: Readonly<Record<string, string | undefined>>
  /** For messages. */
  file: string
  /** The configuration as it would be, latin1. */
  text: string
  host: string
  proxyCommand: string
  user: string | undefined
  /** How the socket's path begins; undefined: the block shares no connection. */
  socket: string | undefined
}

/**
 * Asks ssh itself what a configuration means for a host, before the file is written.
 *
 * @returns what is in effect besides, though our block says otherwise; for people
 * @throws UserError `conflict` / `SSH_CONFIG_NOT_EFFECTIVE` when ssh would not use our ProxyCommand
 */
export async function verifyBlock(options: VerifyOptions): Promise<string[]> {
  const {file, host, proxyCommand, user, socket} = options
  const answer = await asSshReads(options)
  if (typeof answer !== 'string') throw notEffective(options, answer.failed)
  const valueOf = (keyword: string): string | undefined =>
    answer
      .split(/\r?\n/)
      .find((line) => line.startsWith(`${keyword} `))
      ?.slice(keyword.length + 1)
      .trim()
  const used = valueOf('proxycommand')
  if (used !== proxyCommand) {
    throw notEffective(
      options,
      used === undefined
        ? `ssh would use no ProxyCommand for ${host}.`
        : `ssh takes the first value that it meets, and for ${host} that is "ProxyCommand ${used}". It stands before the first Host line, or in a file that is included there.`,
    )
  }
  const warnings: string[] = []
  const otherUser = valueOf('user')
  if (user !== undefined && otherUser !== user)
    warnings.push(`ssh uses the user ${otherUser ?? ''} for ${host}: it is set before zt's block in ${file}`)
  const path = valueOf('controlpath')
  const shares = path !== undefined && path !== 'none'
  if (shares && (socket === undefined || !path.replaceAll('%%', '%').startsWith(socket)))
    warnings.push(
      `ssh shares connections to ${host} by ${path}, whichever token opened them: it is set before zt's block in ${file}`,
    )
  else if (shares && forwardsIn(answer))
    warnings.push(
      `ssh forwards for ${host} by its configuration, and a shared connection keeps that for a while after the session; --no-share shares none`,
    )
  return warnings
}

async function asSshReads({ssh, env, file, text, host}: VerifyOptions): Promise<string | {failed: string}> {
  const {file: copy, remove} = await temporaryPlace(env, 'config')
  try {
    await fs.writeFile(copy, text, {encoding: 'latin1', mode: 0o600, flag: 'wx'})
    return await new Promise((resolve) => {
      execFile(
        ssh,
        ['-T', '-G', '-F', copy, host],
        {env, timeout: patient(PATIENCE_MS), encoding: 'utf8', maxBuffer: 16 * 1024 * 1024},
        (error, stdout, stderr) => {
          if (!error) resolve(stdout)
          else if (error.killed)
            resolve({failed: `ssh -G did not answer within ${patient(PATIENCE_MS) / 1000} s.`})
          else
            resolve({failed: `ssh says: ${stderr.trim().replaceAll(copy, file).split(/\r?\n/).join('; ')}`})
        },
      )
    })
  } finally {
    await remove()
  }
}

function notEffective({file, host}: VerifyOptions, why: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SSH_CONFIG_NOT_EFFECTIVE',
    message: `With its block in ${file} ssh would still not use zt for ${host}`,
    why: `${why} Nothing was changed.`,
    next: [`ssh -G -F ${quoteForPerson(file)} ${host}`],
    details: {file, host},
  })
}
