import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {UserError} from '../../core/errors.js'
import {quoteForPerson} from '../../core/quote.js'

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
}

/**
 * Asks ssh itself what a configuration means for a host, before the file is written.
 *
 * @returns what is in effect besides, though our block says otherwise; for people
 * @throws UserError `conflict` / `SSH_CONFIG_NOT_EFFECTIVE` when ssh would not use our ProxyCommand
 */
export async function verifyBlock(options: VerifyOptions): Promise<string[]> {
  const {file, host, proxyCommand, user} = options
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
  const otherUser = valueOf('user')
  return user === undefined || otherUser === user
    ? []
    : [`ssh uses the user ${otherUser ?? ''} for ${host}: it stands before zt's block in ${file}`]
}

async function asSshReads({ssh, env, file, text, host}: VerifyOptions): Promise<string | {failed: string}> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ssh-config-'))
  const copy = path.join(directory, 'config')
  try {
    await fs.writeFile(copy, text, {encoding: 'latin1', mode: 0o600})
    return await new Promise((resolve) => {
      execFile(
        ssh,
        ['-T', '-G', '-F', copy, host],
        {env, timeout: PATIENCE_MS, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024},
        (error, stdout, stderr) => {
          if (!error) resolve(stdout)
          else if (error.killed) resolve({failed: `ssh -G did not answer within ${PATIENCE_MS / 1000} s.`})
          else
            resolve({failed: `ssh says: ${stderr.trim().replaceAll(copy, file).split(/\r?\n/).join('; ')}`})
        },
      )
    })
  } finally {
    await fs.rm(directory, {recursive: true, force: true})
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
