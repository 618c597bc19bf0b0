import {UserError} from '../../../core/errors.js'
import {quoteForPerson} from '../../../core/quote.js'
import {settingIn, type SshAnswer, type SshSilence} from '../ask-ssh.js'
import {forwardsIn} from '../configured-forwards.js'
import {withoutSecrets} from './diff.js'

export interface VerifyOptions {
  /** What ssh answers for the configuration as it would be. */
  answer: SshAnswer | SshSilence
  /** For messages. */
  file: string
  host: string
  proxyCommand: string
  user: string | undefined
  /** How the socket's path begins; undefined if the block shares no connection. */
  socket: string | undefined
  /** An included file with a section for the host that sets a ProxyCommand. */
  elsewhere: string | undefined
}

/**
 * Whether a block takes effect, by what ssh itself says of the configuration before the file is written.
 *
 * @returns warnings about settings that override those of zt's block
 * @throws UserError `conflict` / `SSH_CONFIG_NOT_EFFECTIVE` if ssh would not use the block's ProxyCommand
 */
export function verifyBlock(options: VerifyOptions): string[] {
  const {answer, file, host, proxyCommand, user, socket} = options
  if ('failed' in answer) throw notEffective(options, answer.failed, answer.quotes)
  const used = settingIn(answer, 'proxycommand')
  if (used !== proxyCommand) {
    throw notEffective(
      options,
      used === undefined
        ? `ssh would use no ProxyCommand for ${host}.`
        : `ssh uses the first value that it finds, and for ${host} that is "ProxyCommand ${withoutSecrets(used)}". It is set before the first Host line, or in a file that is included there.`,
    )
  }
  const warnings: string[] = []
  const otherUser = settingIn(answer, 'user')
  if (user !== undefined && otherUser !== user)
    warnings.push(`ssh uses the user ${otherUser ?? ''} for ${host}: it is set before zt's block in ${file}`)
  const path = settingIn(answer, 'controlpath')
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

function notEffective(
  {file, host, elsewhere}: VerifyOptions,
  why: string,
  quotes: readonly string[] = [],
): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SSH_CONFIG_NOT_EFFECTIVE',
    message: `Even with its block in ${file}, ssh would not use zt for ${host}`,
    why: `${why} Nothing was changed.`,
    next: [
      elsewhere === undefined
        ? `ssh -G -F ${quoteForPerson(file)} ${host}`
        : `zt ssh config ${host} --write --file ${quoteForPerson(elsewhere)}`,
    ],
    details: {file, host},
    quotes,
  })
}
