import os from 'node:os'
import path from 'node:path'
import {files as fs} from '../../system/disk.js'
import {readConfig} from '../../config/profiles.js'
import {UserError, nameOfThrown} from '../../core/errors.js'
import {ENVIRONMENT_VARIABLES} from '../../core/environment-variables.js'
import {patient} from '../../core/patience.js'
import {Secret} from '../../core/secret.js'
import {versionReport} from '../../system/build-facts.js'
import type {Unread} from '../../system/own-json.js'
import {findProgram} from '../../system/programs.js'
import {defaultSshConfig} from '../../tunnel/ssh/config-values.js'
import {
  configLines,
  configWords,
  readConfiguration,
  type Configuration,
} from '../../tunnel/ssh/configuration.js'
import {withoutSecrets} from '../../tunnel/ssh/config/diff.js'
import {commandAndGiven, foreignIn} from '../finding.js'
import {AREAS, type DoctorWorld, type Finding} from '../types.js'
import {commitOf, foreign, label, oneOf, own, prose, type Kind, type Piece} from './piece.js'
import {within} from '../within.js'
import type {Replacer} from './replacer.js'
import {PROGRAMS} from './vocabulary.js'

/** For all of it, in milliseconds. */
const LIMIT_MS = 10_000
const MOST_FILES = 500
const MOST_LINES = 300
const MOST_RECORDS = 20
const STATES = ['ok', 'warn', 'fail', 'skipped'] as const

/** A part of the bundle, and how many things are in it. */
export interface Section {
  name: string
  entries: number
}

export interface BundleDocument {
  /** By the name of the section. */
  pieces: Record<string, Piece>
  sections: Section[]
}

/** All that helps with a bug report, each part by itself: one that cannot be read is left out, and says so. */
export async function documentOf(
  world: DoctorWorld,
  findings: readonly Finding[],
  sshConfig: string | undefined,
): Promise<BundleDocument> {
  const parts: [string, () => Piece | Promise<Piece>][] = [
    ['versions', versions],
    ['findings', () => findings.map(findingPiece)],
    ['settings', () => settingsPiece(world)],
    ['profiles', () => profiles(world)],
    ['environment', () => environment(world)],
    ['programs', () => programs(world)],
    ['tokens', () => tokens(world)],
    ['hosts', () => hosts(world)],
    ['journal', () => journal(world)],
    ['undo', () => undo(world)],
    ['files', () => files(world)],
    ['ssh', () => ssh(world, sshConfig)],
  ]
  const pieces: Record<string, Piece> = {
    about: own`A bug report of zt. Secrets are removed, and names, IDs, hosts, addresses and paths are replaced: the same by the same.`,
  }
  const sections: Section[] = []
  const until = performance.now() + patient(LIMIT_MS)
  const late = (): Piece => ({unreadable: own`no answer`})
  for (const [name, make] of parts) {
    let piece: Piece
    try {
      piece = await within(Math.max(1, until - performance.now()), Promise.resolve(make()), late)
    } catch (error) {
      piece = {unreadable: label(error instanceof UserError ? error.code : nameOfThrown(error))}
    }
    pieces[name] = piece
    sections.push({name, entries: Array.isArray(piece) ? piece.length : Object.keys(piece ?? {}).length})
  }
  return {pieces, sections}
}

function versions(): Piece {
  const {version, commit, dirty, node, openssl, platform, arch, executable, target} = versionReport()
  return {
    zt: prose(version),
    commit: commitOf(commit),
    dirty,
    node: prose(node),
    openssl: prose(openssl ?? undefined) ?? null,
    platform: label(platform),
    arch: label(arch),
    executable: label(executable.kind),
    target: label(target ?? undefined) ?? null,
    system: prose(/^\d+\.\d+/.exec(os.release())?.[0]),
  }
} // prettier-ignore

function findingPiece({id, area, state, title, detail, why, next, facts, fix}: Finding): Piece {
  return {
    id: label(id),
    area: oneOf(area, AREAS),
    state: oneOf(state, STATES),
    title: label(title),
    detail: prose(detail),
    why: prose(why),
    next: next.map((one) => prose(one)),
    facts:
      facts &&
      Object.fromEntries(
        Object.entries(facts).map(([key, value]) => [key, typeof value === 'string' ? prose(value) : value]),
      ),
    fix: prose(fix?.what),
  }
}

/** What a setting is, by its name; a text of any other is replaced as it is. */
const SETTING_KINDS: Readonly<Record<string, Kind>> = {
  profileName: 'profile',
  renamedFrom: 'profile',
  accountId: 'id',
  accountName: 'account',
  credentialHelper: 'name',
  connectTo: 'host',
}
const SETTING_PATHS = /(?:File|config|data|state|cache)$/
const SETTING_LABELS = /(?:Source|[sS]tore)$/

/** The settings in effect. */
function settingsPiece({settings}: DoctorWorld): Piece {
  return valuePiece('', settings)
}

function valuePiece(name: string, value: unknown): Piece {
  if (value instanceof Secret) return own`set`
  if (typeof value === 'string') {
    if (SETTING_LABELS.test(name)) return label(value)
    if (SETTING_PATHS.test(name)) return foreign('path', value)
    if (name === 'apiUrl' || name === 'api' || name === 'edge') return prose(value)
    if (SETTING_KINDS[name] === 'profile') return profileOf(value)
    return foreign(SETTING_KINDS[name] ?? 'text', value)
  }
  if (Array.isArray(value)) return value.map((one) => valuePiece(name, one))
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object') return undefined
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, valuePiece(key, inner)]))
}

/** The name that every profile without one has is zt's. */
function profileOf(name: string): Piece {
  return name === 'default' ? own`default` : foreign('profile', name)
}

async function profiles({paths}: DoctorWorld): Promise<Piece> {
  const config = await readConfig(paths)
  return Object.entries(config.profiles).map(([name, profile]) => ({
    name: profileOf(name),
    ...(valuePiece('', profile) as Record<string, Piece>),
  }))
}

/** Those that zt, node or ssh may look at: that they are set, and never their value. */
const NOTABLE =
  /^(?:ZT_|CLOUDFLARE_|CF_|TUNNEL_|NODE_|SSL_CERT_|XDG_|SSH_|LC_|DBUS_)|^(?:https?|all|no)_proxy$|^(?:LANG|TERM|NO_COLOR|FORCE_COLOR|CI|HOME|PATH|RES_OPTIONS)$/i

function environment({env}: DoctorWorld): Piece {
  const ours = [...ENVIRONMENT_VARIABLES.map(({name}) => name), ...COMMON]
  return Object.keys(env)
    .filter((name) => NOTABLE.test(name))
    .sort()
    .map((name) => {
      const shown = oneOf(name, ours)
      return {
        name: ours.includes(name) ? shown : foreign('variable', name),
        length: env[name]?.length ?? 0,
      }
    })
}

const COMMON = [
  ...['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy'],
  ...['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'NODE_USE_SYSTEM_CA', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['LANG', 'LC_ALL', 'LC_CTYPE', 'TERM', 'NO_COLOR', 'FORCE_COLOR', 'CI', 'HOME', 'PATH', 'RES_OPTIONS'],
  ...['SSH_AUTH_SOCK', 'SSH_CONNECTION', 'SSH_TTY', 'SSH_CLIENT', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'],
  ...['XDG_CACHE_HOME', 'XDG_RUNTIME_DIR', 'XDG_SESSION_TYPE', 'DBUS_SESSION_BUS_ADDRESS'],
] // prettier-ignore

function programs({env, root}: DoctorWorld): Piece {
  return [
    {name: own`zt`, path: foreign('path', root)},
    {name: own`node`, path: foreign('path', process.execPath)},
    ...PROGRAMS.map((name) => ({name: oneOf(name, PROGRAMS), path: foreign('path', findProgram(name, env)) ?? null})),
  ]
} // prettier-ignore

async function tokens({ctx}: DoctorWorld): Promise<Piece> {
  return (await ctx.index.list()).map((entry) => ({
    ...{token: foreign('token', entry.name), id: foreign('id', entry.tokenId), profile: profileOf(entry.profile)},
    ...{account: foreign('id', entry.accountId), store: label(entry.store), storedAt: prose(entry.storedAt)},
    ...{expiresAt: prose(entry.expiresAt), previousUntil: prose(entry.previousUntil)},
    ...{secretVersion: entry.secretVersion, imported: entry.imported},
  }))
} // prettier-ignore

async function hosts({ctx}: DoctorWorld): Promise<Piece> {
  return (await ctx.index.bindings()).map(({host, tokenId, profile, boundAt}) => ({
    ...{host: prose(host), id: foreign('id', tokenId), profile: profileOf(profile)},
    boundAt: prose(boundAt),
  }))
}

async function journal({ctx}: DoctorWorld): Promise<Piece> {
  const {entries, unread} = await ctx.journal.list()
  return [
    ...entries.map((entry) => ({
      ...{kind: oneOf(entry.kind, ['create', 'rotate']), token: foreign('token', entry.name)},
      ...{profile: profileOf(entry.profile), store: label(entry.store)},
      ...{startedAt: prose(entry.startedAt), sentAt: prose(entry.sentAt), storedAt: prose(entry.storedAt)},
      ...{endedAt: prose(entry.endedAt), undone: entry.undone, endsPrevious: entry.endsPrevious},
    })),
    ...unreadPieces(unread),
  ]
}

async function undo({ctx}: DoctorWorld): Promise<Piece> {
  const {records, unread} = await ctx.undo.list()
  return [
    ...records.slice(-MOST_RECORDS).map(({at, state, command, profile, changes}) => ({
      ...{at: prose(at), state: oneOf(state, ['begun', 'done', 'undone']), command: commandPiece(command)},
      profile: profileOf(profile),
      changes: changes.map(({action, target, fields}) => ({
        ...{action: label(action), kind: label(target.kind), name: foreign('name', target.name)},
        fields: fields.map(({field}) => label(field)),
      })),
    })),
    ...unreadPieces(unread),
  ]
}

function unreadPieces({damaged, newer}: Unread): Piece[] {
  return [
    ...damaged.map((file) => ({damaged: foreign('path', file)})),
    ...newer.map((file) => ({newer: foreign('path', file)})),
  ]
}

function commandPiece(line: string): Piece {
  const {command, given} = commandAndGiven(line)
  return [
    prose(command),
    ...given.map((one) => (/^--[a-z-]+$/.test(one) ? prose(one) : foreign('text', one))),
  ]
}

/** Zt's own directories: modes and sizes, and no contents. */
async function files({paths}: DoctorWorld): Promise<Piece> {
  const found: Piece[] = []
  for (const [name, directory] of Object.entries(paths) as [string, string][]) {
    const names = await fs.readdir(directory, {recursive: true}).catch(() => [])
    for (const one of ['', ...names.sort()].slice(0, MOST_FILES)) {
      const stat = await fs.lstat(path.join(directory, one)).catch(() => undefined)
      if (!stat) continue
      const kind = stat.isFile() ? own`file` : stat.isDirectory() ? own`directory` : stat.isSymbolicLink() ? own`link` : own`other`
      found.push({
        ...{in: label(name), path: foreign('path', one), kind},
        mode: prose((stat.mode & 0o7777).toString(8)),
        ...(stat.isFile() && {bytes: stat.size}),
        own: process.getuid === undefined ? undefined : stat.uid === process.getuid(),
      })
    }
  }
  return found
} // prettier-ignore

/** The lines of ssh's configuration, as far as zt reads it. */
function ssh({env}: DoctorWorld, sshConfig: string | undefined): Piece {
  const {files: read, complete} = configurationOf(env, sshConfig)
  const lines = [...read.values()].flatMap(({file, text}) =>
    [...configLines(text)]
      .filter(({keyword, line}) => keyword !== '' || line.startsWith('# zt:'))
      .map(({number, keyword, value, line}) => ({
        ...{file: foreign('path', file), line: number},
        keyword: keyword === '' ? own`zt mark` : label(keyword),
        value: prose(withoutSecrets(Buffer.from(keyword === '' ? line.trim() : value, 'latin1').toString('utf8'))),
      })),
  )
  return {complete, lines: lines.slice(0, MOST_LINES)}
} // prettier-ignore

function configurationOf(env: NodeJS.ProcessEnv, sshConfig: string | undefined): Configuration {
  return readConfiguration({file: sshConfig, ssh: findProgram('ssh', env) ?? 'ssh'})
}

/**
 * What is known to be foreign: it is replaced wherever it is, also in the middle of a text. What this does not know is
 * replaced because it is no word of zt's.
 */
export async function tellForeign(
  replacer: Replacer,
  world: DoctorWorld,
  sshConfig: string | undefined,
): Promise<void> {
  const {env, host} = world
  const quietly = async (look: () => unknown): Promise<void> => {
    try {
      await within(patient(LIMIT_MS), Promise.resolve(look()), () => undefined)
    } catch {
      // What cannot be read is not in the bundle either, but for texts in which no word of it stays.
    }
  }
  await quietly(() => {
    replacer.know('user', os.userInfo().username)
  })
  replacer.know('machine', os.hostname())
  for (const name of ['USER', 'LOGNAME', 'USERNAME']) replacer.know('user', env[name])
  if (host !== undefined) replacer.know('host', host)
  // Also where the settings that it chooses cannot be read.
  if (env['ZT_PROFILE'] !== undefined) knowProfile(replacer, env['ZT_PROFILE'])
  if (world.broken !== undefined) for (const text of foreignIn(world.broken)) replacer.know('name', text)
  await quietly(() => {
    const {profileName, accountId, accountName} = world.settings
    knowProfile(replacer, profileName)
    replacer.know('id', accountId)
    replacer.know('account', accountName)
  })
  await quietly(async () => {
    for (const [name, {accountName, accountId}] of Object.entries((await readConfig(world.paths)).profiles)) {
      knowProfile(replacer, name)
      replacer.know('account', accountName)
      replacer.know('id', accountId)
    }
  })
  await quietly(async () => {
    for (const {name, tokenId, clientId, profile} of await world.ctx.index.list()) {
      knowProfile(replacer, profile)
      replacer.know('token', name)
      replacer.know('id', tokenId)
      replacer.know('id', clientId)
    }
    for (const {host: bound, tokenId, profile} of await world.ctx.index.bindings()) {
      knowProfile(replacer, profile)
      replacer.know('host', bound.split('/')[0])
      replacer.know('id', tokenId)
    }
  })
  await quietly(async () => {
    for (const {name, profile} of (await world.ctx.journal.list()).entries) {
      replacer.know('token', name)
      knowProfile(replacer, profile)
    }
    for (const {changes, profile} of (await world.ctx.undo.list()).records) {
      knowProfile(replacer, profile)
      for (const {target} of changes) {
        replacer.know('name', target.name)
        replacer.know('application', target.application?.name)
      }
    }
  })
  await quietly(() => {
    for (const {text} of configurationOf(env, sshConfig).files.values())
      for (const {keyword, value} of configLines(text))
        if (/^(?:host|hostname|user|proxyjump|hostkeyalias)$/.test(keyword))
          for (const word of configWords(Buffer.from(value, 'latin1').toString('utf8')) ?? [])
            if (!/[*?!%]/.test(word)) replacer.know(keyword === 'user' ? 'user' : 'name', word)
  })
  for (const name of ['HOME', 'USERPROFILE']) replacer.knowPath(env[name])
  for (const directory of [world.root, ...homeOfSsh()]) replacer.knowPath(directory)
  // A value of a variable may be anywhere; those that zt's own words make up say nothing.
  for (const [name, value] of Object.entries(env))
    if (NOTABLE.test(name) && value !== undefined && value.length >= 6) {
      if (/^(?:ZT|CLOUDFLARE|CF|TUNNEL)_/.test(name)) replacer.know('text', value)
    }
}

function knowProfile(replacer: Replacer, name: string): void {
  if (name !== 'default') replacer.know('profile', name)
}

function homeOfSsh(): string[] {
  try {
    return [defaultSshConfig()]
  } catch {
    return []
  }
}
