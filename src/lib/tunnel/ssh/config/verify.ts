import fs from 'node:fs/promises'
import {UserError} from '../../../core/errors.js'
import {quoteForPerson} from '../../../core/quote.js'
import {temporaryPlace} from '../../connections/run-files.js'
import {settingsFromSsh} from '../ask-ssh.js'
import {forwardsIn} from '../configured-forwards.js'

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
  /** How the socket's path begins; undefined if the block shares no connection. */
  socket: string | undefined
}

/**
 * Asks ssh itself what a configuration means for a host, before the file is written.
 *
 * @returns warnings about settings that override those of zt's block
 * @throws UserError `conflict` / `SSH_CONFIG_NOT_EFFECTIVE` if ssh would not use the block's ProxyCommand
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
        : `ssh uses the first value that it finds, and for ${host} that is "ProxyCommand ${used}". It is set before the first Host line, or in a file that is included there.`,
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
      `The configuration makes ssh forward something for ${host}, and a shared connection keeps that open for a while after the session; --no-share prevents it`,
    )
  return warnings
}

async function asSshReads({ssh, env, file, text, host}: VerifyOptions): ReturnType<typeof settingsFromSsh> {
  const {file: copy, remove} = await temporaryPlace(env, 'config')
  try {
    await fs.writeFile(copy, text, {encoding: 'latin1', mode: 0o600, flag: 'wx'})
    const answer = await settingsFromSsh(ssh, ['-F', copy, host], env)
    return typeof answer === 'string' ? answer : {failed: answer.failed.replaceAll(copy, file)}
  } finally {
    await remove()
  }
}

function notEffective({file, host}: VerifyOptions, why: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SSH_CONFIG_NOT_EFFECTIVE',
    message: `Even with its block in ${file}, ssh would not use zt for ${host}`,
    why: `${why} Nothing was changed.`,
    next: [`ssh -G -F ${quoteForPerson(file)} ${host}`],
    details: {file, host},
  })
}
