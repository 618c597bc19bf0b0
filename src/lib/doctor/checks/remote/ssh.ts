import type {Stats} from 'node:fs'
import {connectCommand} from '../../../access/account/connect.js'
import path from 'node:path'
import {filesSync as fs} from '../../../system/disk.js'
import {ztCommand} from '../../../core/command-line.js'
import {UserError, hasCode} from '../../../core/errors.js'
import {hostMatches} from '../../../core/hostname.js'
import {hostOf} from '../../../core/public-address.js'
import {quoteForPerson} from '../../../core/quote.js'
import {takeRights} from '../../../system/own-files.js'
import {findProgram} from '../../../system/programs.js'
import {ztProgram} from '../../../system/zt-program.js'
import {readConfig} from '../../../config/profiles.js'
import {settingIn, settingsFromSsh, type SshAnswer} from '../../../tunnel/ssh/ask-ssh.js'
import {aliasesOf} from '../../../tunnel/ssh/config/aliases.js'
import {findBlocks, type FoundBlock} from '../../../tunnel/ssh/config/edit.js'
import {readConfigFile} from '../../../tunnel/ssh/config/file.js'
import {defaultSshConfig, sampleOf} from '../../../tunnel/ssh/config-values.js'
import {
  configLines,
  configWords,
  readConfiguration,
  type Configuration,
} from '../../../tunnel/ssh/configuration.js'
import {meaningOf} from '../../../tunnel/ssh/route.js'
import {isNameless} from '../../../tunnel/ssh/user-name.js'
import {requireDirectories} from '../local/files.js'
import type {Says} from '../../finding.js'
import type {DoctorWorld, Finding} from '../../types.js'
import type {Facts} from './facts.js'
import {counted, type RemoteCheck} from './finding.js'
import {listing} from '../../../core/shell-words.js'

/** What ssh is set to do for the hosts that this profile has a token for, and for HOST. */
export const sshChecks: readonly RemoteCheck[] = [
  {
    ...{id: 'ssh-files', area: 'ssh', title: 'Files of ssh', doing: "Looking at ssh's files", local: true},
    look: (facts, _world, says) => Promise.resolve(sshFiles(facts, says)),
  },
  {
    ...{id: 'ssh-config', area: 'ssh', title: 'Configuration of ssh', doing: 'Asking ssh', local: true},
    look: sshConfig,
  },
]

/** Files of ssh that it refuses, or that others may use, by the checks of ssh itself (readconf.c, authfile.c). */
function sshFiles(facts: Facts, says: Says): Finding[] {
  const config = configFile(facts)
  if (config === undefined) return [says.skipped('ssh has no configuration for a user without a name')]
  if (process.platform === 'win32') return [says.skipped('Windows has no modes for them')]
  const directory = path.dirname(config)
  const findings = [
    ...modeFinding(says, directory, 0o022),
    ...modeFinding(says, config, 0o022),
    ...identitiesIn(directory).flatMap((file) => modeFinding(says, file, 0o077)),
  ]
  return findings.length > 0 ? findings : [says.ok('their owners and modes are as ssh requires')]
}

function configFile({sshConfig: file}: Facts): string | undefined {
  try {
    return file ?? defaultSshConfig()
  } catch {
    return undefined
  }
}

/** Keys by their usual names (ssh(1), FILES). */
function identitiesIn(directory: string): string[] {
  return ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_ed25519_sk', 'id_ecdsa_sk'].map((name) => path.join(directory, name))
} // prettier-ignore

function modeFinding(says: Says, file: string, forbidden: number): Finding[] {
  let stat: Stats
  try {
    stat = fs.statSync(file)
  } catch {
    return []
  }
  const quoted = quoteForPerson(file)
  const own = process.getuid?.() ?? 0
  if (stat.uid !== 0 && stat.uid !== own && own !== 0)
    return [
      says.fail(`${file} belongs to another user`, {
        at: 'owner',
        why: 'ssh refuses it.',
        next: [`sudo chown "$USER" ${quoted}`],
      }),
    ]
  if ((stat.mode & forbidden) === 0) return []
  const who = forbidden === 0o022 ? 'go-w' : 'go='
  return [
    says.fail(`Others may ${forbidden === 0o022 ? 'write to' : 'read'} ${file}`, {
      at: 'mode',
      why: `Its mode is ${(stat.mode & 0o777).toString(8)}, and ssh refuses that.`,
      next: [`chmod ${who} ${quoted}`],
      fix: {
        what: `Set the mode of ${file} so that only you may ${forbidden === 0o022 ? 'write to' : 'use'} it`,
        // ssh follows links, too: its configuration may be one to a directory of such files.
        apply: async () => {
          await Promise.resolve()
          takeRights(file, forbidden, {links: 'follow'})
        },
      },
    }),
  ]
}

/** What zt's blocks, aliases and other lines do for the hosts of this profile. */
async function sshConfig(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const {env} = world
  const ssh = findProgram('ssh', env)
  if (ssh === undefined) return [says.skipped('ssh is not installed')]
  if (isNameless()) return [says.skipped('ssh does not run for a user without a name')]
  const file = configFile(facts) ?? ''
  const configuration = readConfiguration({file: facts.sshConfig, ssh})
  const question = {ssh, env, file: facts.sshConfig, configuration}
  const unread = unreadable(configuration, says)
  const blocks = await blocksOf(file)
  if (blocks === 'unsafe') return [...unread, says.skipped('others may write to it: Files of ssh')]
  if (blocks instanceof UserError) return [says.error(blocks, {at: 'damaged'})]
  // Where ssh itself stops, nothing else can be found out.
  const works = await settingsFromSsh({...question, args: ['zt-doctor.invalid']})
  if ('failed' in works && works.late)
    return [
      ...unread,
      says.fail('ssh does not answer what its configuration is', {at: 'hangs', 
        why: `${works.failed} A file that it reads, or a program that it starts, waits.`,
        next: ['ssh -G zt-doctor.invalid'],
      }),
    ]
  if ('failed' in works)
    return [
      ...(unread.length > 0 ? unread : []),
      says.fail('ssh does not accept its configuration', {at: 'refused', 
        why: works.failed,
        foreign: works.quotes,
        next: [/bad owner or permissions/i.test(works.failed) ? 'Let only its owner write to that file' : 'Correct that line'],
      }),
    ]
  // OpenSSH always says it; of another program the check of ssh tells.
  if (settingIn(works, 'hostname') === undefined) return [...unread, says.skipped('ssh does not answer as OpenSSH does: ssh')]
  const profiles = Object.keys((await readConfig(world.paths)).profiles)
  const text = blocks.text
  const findings = [...unread]
  const named = new Set<string>()
  for (const block of blocks.found) {
    named.add(block.host)
    const stale = staleness(block, text, profiles, world, says)
    findings.push(...stale)
    // What replaces a block that is to be written anew is seen when it is.
    if (stale.length === 0)
      findings.push(...(await overriding(block, text, question, says)))
  }
  const unknown = await requireDirectories(world.paths).catch(asUserError)
  if (unknown) return [...findings, says.error(unknown)]
  const bindings = await facts.bindings()
  const asked = world.host === undefined ? undefined : await facts.host().catch(() => undefined)
  const hosts = new Set([...bindings.map(({host}) => hostOf(host)), ...(asked === undefined ? [] : [asked])])
  for (const host of hosts)
    if (!host.includes('*')) findings.push(...(await ofHost(host, named, {question, world, says})))
  if (findings.length > 0) return findings
  const many = blocks.found.length
  return [says.ok(many === 0 ? 'zt has no block in it; zt ssh needs none' : `${counted(many, 'block')} of zt, in effect`)]
} // prettier-ignore

function asUserError(error: unknown): UserError {
  if (error instanceof UserError) return error
  throw error
}

/** @returns `unsafe` where the mode alone is wrong: {@link sshFiles} says so */
async function blocksOf(file: string): Promise<{text: string; found: FoundBlock[]} | UserError | 'unsafe'> {
  try {
    const {text = ''} = await readConfigFile(file)
    return {text, found: findBlocks(text, file)}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.code === 'FILE_NOT_WRITABLE') return {text: '', found: []}
    return error.code === 'UNSAFE_PERMISSIONS' ? 'unsafe' : error
  }
}

/** Includes that cannot be read: ssh may stop there, and zt does not see what is in them. */
function unreadable({files, complete}: Configuration, says: Says): Finding[] {
  if (complete) return []
  const included = [...files.values()].flatMap(({includes}) => [...includes.values()].flatMap((one) => one ?? []))
  const missing = included.filter((one) => !files.has(one) && !mayRead(one))
  if (missing.length === 0) return []
  return [
    says.fail(`An included file cannot be read: ${missing.join(', ')}`, {at: 'include', 
      why: 'ssh ends there with an error, and zt cannot see what it sets.',
      next: missing.map((one) => listing(one)),
    }),
  ]
} // prettier-ignore

function mayRead(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK)
    return fs.statSync(file).isFile()
  } catch (error) {
    return hasCode(error, 'ENOENT')
  }
}

/** Whether a block starts what no longer exists: an earlier zt or node, or a profile. */
function staleness(
  {host, start, end}: FoundBlock,
  text: string,
  profiles: readonly string[],
  {ctx, root}: DoctorWorld,
  says: Says,
): Finding[] {
  const [command] = [...configLines(text.slice(start, end))].filter(({keyword}) => keyword === 'proxycommand')
  const words = configWords(command?.value ?? '') ?? []
  const at = words.indexOf('ssh')
  if (at < 1) return []
  const program = words.slice(0, at).map((word) => word.replaceAll('%%', '%'))
  const next = [ztCommand(ctx, 'ssh', 'config', host, '--write')]
  const gone = program.find((word) => path.isAbsolute(word) && !fs.existsSync(word))
  if (gone !== undefined)
    return [
      says.fail(`zt's block for ${host} starts ${gone}, which does not exist`, {at: 'old-program', 
        why: 'node or zt was moved or updated since the block was written.',
        next,
      }),
    ]
  const profile = words[words.indexOf('--profile') + 1] ?? ''
  if (words.includes('--profile') && profile !== 'default' && !profiles.includes(profile))
    return [
      says.fail(`zt's block for ${host} uses the profile ${profile}, which does not exist`, {at: 'profile', 
        why: 'It was renamed or deleted since the block was written.',
        next: [`zt ssh config ${quoteForPerson(host)} --write --profile ${quoteForPerson(ctx.profile)}`],
        foreign: [host, profile, ctx.profile],
      }),
    ] // prettier-ignore
  const own = ztProgram(root).at(-1)
  const script = program.at(-1)
  if (own !== undefined && script !== undefined && fs.existsSync(own) && !isSame(own, script))
    return [
      says.warn(`zt's block for ${host} starts another zt: ${script}`, {at: 'other-zt', 
        why: `This one is ${own}.`,
        next,
      }),
    ]
  return []
} // prettier-ignore

function isSame(one: string, other: string): boolean {
  try {
    return fs.realpathSync(one) === fs.realpathSync(other)
  } catch {
    return false
  }
}

interface Question {
  ssh: string
  env: NodeJS.ProcessEnv
  file: string | undefined
  configuration: Configuration
}

/** Lines that ssh takes before those of a block. */
async function overriding(
  {host, start, end}: FoundBlock,
  text: string,
  question: Question,
  says: Says,
): Promise<Finding[]> {
  const own = new Map([...configLines(text.slice(start, end))].map(({keyword, value}) => [keyword, value]))
  const name = sampleOf(host)
  const answer = await settingsFromSsh({...question, args: [name]})
  if ('failed' in answer) return []
  const used = settingIn(answer, 'proxycommand')
  const wanted = own.get('proxycommand')
  const ask = `ssh -G ${quoteForPerson(name)}`
  if (wanted !== undefined && used !== wanted && !sameWords(used, wanted))
    return [
      says.fail(`ssh does not use zt's block for ${host}`, {
        at: 'overridden',
        why: `ssh uses the first value that it finds: a line before the block, in a Host or Match section or an included file, sets another ${used === undefined ? 'way (ProxyJump, or ProxyCommand none)' : 'ProxyCommand'}.`,
        next: [ask, `zt ssh config ${quoteForPerson(host)} --write --dry-run`],
      }),
    ]
  const shared = settingIn(answer, 'controlpath')
  const mine = own.get('controlpath')
  const shares = shared !== undefined && shared !== 'none'
  if (shares && (mine === undefined || mine === 'none' || !shared.startsWith(beginningOf(mine))))
    return [
      says.warn(`ssh shares connections to ${host} in its own way`, {
        at: 'control-path',
        why: `It uses ${shared}, whichever token opened the connection: a line before zt's block sets ControlPath.`,
        next: [ask],
      }),
    ]
  return tooLong(answer, host, says)
}

function sameWords(used: string | undefined, wanted: string): boolean {
  return used !== undefined && configWords(used)?.join('\0') === configWords(wanted)?.join('\0')
}

/** What a ControlPath begins with, before what ssh fills in. */
function beginningOf(value: string): string {
  return (configWords(value)?.[0] ?? value).replaceAll('%%', '%').split('%')[0] ?? ''
}

/** sun_path has 108 bytes on Linux and 104 elsewhere, with a null byte; ssh first binds the path with 17 more characters. */
function tooLong(answer: SshAnswer, host: string, says: Says): Finding[] {
  const socket = settingIn(answer, 'controlpath')
  if (socket === undefined || socket === 'none') return []
  const filled = socket
    .replaceAll('%C', 'h'.repeat(40))
    .replaceAll(/%[hnk]/g, host)
    .replaceAll('%p', '22')
  const most = process.platform === 'linux' ? 107 : 103
  if (Buffer.byteLength(filled) + 17 <= most) return []
  return [
    says.fail(`The ControlPath for ${host} is too long for a socket`, {
      at: 'control-path-length',
      why: `${socket} has ${Buffer.byteLength(filled)} bytes, and a socket's path at most ${most - 17}.`,
      next: ['Shorten ControlPath, for example to ~/.ssh/%C'],
    }),
  ]
}

/** How ssh reaches a host that this profile has a token for, by its own name and by aliases. */
async function ofHost(
  host: string,
  named: ReadonlySet<string>,
  {question, world, says}: {question: Question; world: DoctorWorld; says: Says},
): Promise<Finding[]> {
  const findings: Finding[] = []
  const {ctx} = world
  const covered = [...named].some((block) => block === host || hostMatches(block, host))
  const answer = await settingsFromSsh({...question, args: [host]})
  if ('failed' in answer) return []
  const {route} = meaningOf(answer, host)
  const adopt = ztCommand(ctx, 'ssh', 'config', '--adopt', '--dry-run')
  if (!covered && route === 'cloudflared')
    findings.push(
      says.warn(`ssh reaches ${host} through cloudflared`, {at: 'cloudflared', 
        why: 'Plain ssh then asks a person to log in, and does not use the service token.',
        next: [adopt],
      }),
    )
  if (!covered && route === 'other')
    findings.push(
      says.warn(`ssh reaches ${host} by another ProxyCommand or ProxyJump`, {at: 'other-way', 
        why: 'Plain ssh then does not go through Access. zt ssh does all the same.',
        next: [`ssh -G ${quoteForPerson(host)}`],
      }),
    )
  if (!covered) findings.push(...tooLong(answer, host, says))
  for (const {name, file, line, route: by} of await aliasesOf(question, host, host)) {
    if (by === 'zt' || named.has(name)) continue
    findings.push(
      says.warn(`The alias ${name} (${file}:${line}) leads to ${host} ${BY[by]}`, {at: 'alias', 
        why: `${connectCommand(ctx, 'ssh', name)} uses the service token; plain ssh ${name} does not.`,
        next: [by === 'cloudflared' ? adopt : ztCommand(ctx, 'ssh', 'config', name, '--write')],
      }),
    )
  }
  return findings
} // prettier-ignore

const BY = {
  zt: 'through zt',
  cloudflared: 'through cloudflared',
  other: 'by another command or host',
  direct: 'directly, past Access',
}
