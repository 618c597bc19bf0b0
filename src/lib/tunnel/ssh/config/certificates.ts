import path from 'node:path'
import {UserError} from '../../../core/errors.js'
import type {Environment} from '../../../config/paths.js'
import {findProgram} from '../../../system/programs.js'
import {settingIn, settingsFromSsh, type SshAnswer} from '../ask-ssh.js'
import {isNameless} from '../user-name.js'
import {makesCertificate} from '../match-exec.js'
import type {HostBlockOptions} from './block.js'

/**
 * HostName and HostKeyAlias for a block that keeps ssh from running what `cloudflared access ssh-config --short-lived-cert`
 * prints, `Match host H exec "cloudflared access ssh-gen …"`. ssh compares H with HostName, which comes first in the block,
 * and runs no program after a criterion that does not match: so HostName is H with a dot at its end. Nothing connects to
 * it, because the ProxyCommand names the host. HostKeyAlias keeps the name of the key in known_hosts (sshconnect.c,
 * `get_hostfile_hostname_ipaddr`).
 *
 * @param name of the block
 * @param file the value of ssh's -F
 */
export async function otherName({
  name,
  host,
  file,
  env,
}: {
  name: string
  host: string
  file: string | undefined
  env: Environment
}): Promise<NonNullable<HostBlockOptions['names']>> {
  const ssh = findProgram('ssh', env)
  const answer =
    ssh === undefined || isNameless() ? undefined : await settingsFromSsh({ssh, args: [name], file, env})
  const of = (keyword: string): string | undefined =>
    answer && !('failed' in answer) ? settingIn(answer, keyword) : undefined
  const hostName = (of('hostname') ?? host).replace(/\.$/, '')
  const port = of('port') ?? '22'
  const hostKeyAlias = of('hostkeyalias') ?? (port === '22' ? hostName : `[${hostName}]:${port}`)
  return {hostName: `${hostName}.`, hostKeyAlias}
}

/** Each line that makes ssh ask for a short-lived certificate, in a file to which the block may have been added. */
export function certificateLines(
  {execs}: SshAnswer,
  {file, before, after}: {file: string; before: string; after: string},
): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const same = now.findIndex((line, at) => line !== old[at])
  const added = now.length - old.length
  return execs.filter(makesCertificate).map(({file: where, line}) => {
    const moved = where === path.resolve(file) && same >= 0 && line > same
    return `line ${moved ? line - added : line} of ${where}`
  })
}

/** Which settings another HostName changes: those of a section that compares it. ControlPath has it in %C. */
export function changedBy(before: SshAnswer, after: SshAnswer): string[] {
  const [was, is] = [linesIn(before), linesIn(after)]
  const changed = [...was].filter((line) => !is.has(line)).concat([...is].filter((line) => !was.has(line)))
  return [...new Set(changed.map((line) => line.split(' ')[0] ?? ''))].filter(
    (keyword) => !/^(host|hostname|hostkeyalias|controlpath)$/.test(keyword),
  )
}

function linesIn({settings}: SshAnswer): Set<string> {
  return new Set(settings.split(/\r?\n/).filter((line) => line !== ''))
}

export function stillRuns(file: string, host: string, lines: readonly string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SSH_GEN_STILL_RUNS',
    message: `Even with its block in ${file}, ssh would run cloudflared access ssh-gen for ${host}`,
    why: `The HostName of the block cannot prevent ${lines.join(', ')}: it does not compare the host before exec, or with another pattern. Nothing was changed.`,
    next: [`Write !originalhost ${host} before exec in ${lines.join(', ')}`],
    details: {file, host},
  })
}
