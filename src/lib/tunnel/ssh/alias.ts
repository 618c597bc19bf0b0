import type {Settings} from '../../config/types.js'
import type {Environment} from '../../config/paths.js'
import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'
import {IndexFiles} from '../../secrets/index-files.js'
import {findProgram} from '../../system/programs.js'
import {settingsFromSsh, sshNotFound, type SshSilence} from './ask-ssh.js'
import {isNameless, requireName} from './user-name.js'
import {meaningOf, type Meaning} from './route.js'

/** A name that ssh's configuration has for a host. */
export interface Alias extends Meaning {
  /** As it is written on the command line: ssh compares the case. */
  name: string
}

export interface AliasOptions {
  settings: Settings
  /** The host of the command line, as `normaliseHostname` makes it. */
  host: string
  /** The argument that it is in. */
  written: string
  /** The value of ssh's -F. */
  file?: string | undefined
  /** Other options of ssh that may change what a name means. */
  options?: readonly string[] | undefined
  env: Environment
}

/**
 * What ssh's configuration says that a name means. Asks ssh, and so takes as long as its start, unless the host is bound to
 * a token: a host that zt knows is that host. Undefined if the name is a host name, and the configuration has no other
 * host of Access for it.
 *
 * @throws UserError `not-found` / `ALIAS_NOT_FOUND`: a name without a dot, which no public host has, and no alias either;
 *   `config` / `ALIAS_NOT_PUBLIC`, `SSH_CONFIG_BROKEN`; `needs-action` / `SSH_NOT_FOUND`, `USER_WITHOUT_NAME`
 */
export async function aliasFor(options: AliasOptions): Promise<Alias | undefined> {
  const {settings, host, written, file, options: more = [], env} = options
  const isBound = async (one: string): Promise<boolean> =>
    (await new IndexFiles(settings.paths.data).bindingFor(settings.profileName, one)) !== undefined
  if (await isBound(host)) return undefined
  const dotted = host.includes('.')
  const ssh = findProgram('ssh', env)
  if (ssh === undefined) {
    if (dotted) return undefined
    throw sshNotFound()
  }
  if (isNameless() && dotted) return undefined
  requireName()
  const name = asWritten(written, host)
  const answer = await settingsFromSsh({ssh, args: [name, ...more], file, env})
  if ('failed' in answer) {
    if (dotted) return undefined
    throw broken(name, answer)
  }
  const meaning = meaningOf(answer, name)
  const there = hostNameIn(meaning.host)
  if (there === host) {
    if (dotted) return undefined
    throw notFound(name)
  }
  if (there === undefined || !there.includes('.')) {
    if (dotted) return undefined
    throw notPublic(name, meaning.host)
  }
  // A host name keeps its meaning where nothing but its address is another.
  const leads = !dotted || meaning.route === 'zt' || meaning.route === 'cloudflared' || (await isBound(there))
  return leads ? {...meaning, host: there, name} : undefined
}

/** For people. */
export function aliasText({name, host}: Alias): string {
  return `${name} is ${host}`
}

/** The host in an argument, in the case in which it is there. */
function asWritten(written: string, host: string): string {
  const at = written.toLowerCase().lastIndexOf(host)
  return at < 0 ? host : written.slice(at, at + host.length)
}

function hostNameIn(text: string): string | undefined {
  try {
    return normaliseHostname(text)
  } catch {
    return undefined
  }
}

function notFound(name: string): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'ALIAS_NOT_FOUND',
    message: `"${name}" is neither a public host name nor an alias in ssh's configuration`,
    why: `Access protects public host names, such as gitlab-ssh.example.com, and ssh's configuration has no HostName and no ProxyCommand for ${name}.`,
    next: ['zt app list'],
    details: {name},
  })
}

function notPublic(name: string, host: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'ALIAS_NOT_PUBLIC',
    message: `ssh's configuration says that ${name} is ${host}, which is not a public host name`,
    why: 'Access protects public host names, such as gitlab-ssh.example.com. zt connects to no other.',
    next: [`For a host without Access: ssh ${name}`],
    details: {name, host},
  })
}

function broken(name: string, {failed: why, quotes}: SshSilence): UserError {
  return new UserError({
    kind: 'config',
    code: 'SSH_CONFIG_BROKEN',
    message: `zt cannot find out what ${name} means in ssh's configuration`,
    why,
    next: ['Correct that line', 'Or name the host itself: zt ssh HOST'],
    details: {name},
    quotes,
  })
}
