import path from 'node:path'
import type {Environment} from '../../../config/paths.js'
import {UserError} from '../../../core/errors.js'
import {Locks, type Lock} from '../../../system/lock.js'
import {patient} from '../../../core/patience.js'
import {tidy} from '../../../core/tidy.js'
import {findProgram} from '../../../system/programs.js'
import {settingsFromSsh} from '../ask-ssh.js'
import {bytesOf, sampleOf} from '../config-values.js'
import {configLines, readConfiguration} from '../configuration.js'
import {identityOf} from '../sharing.js'
import {isNameless} from '../user-name.js'
import {aliasesOf, linesAbout} from './aliases.js'
import {hostBlock, type HostBlockOptions} from './block.js'
import {certificateLines, changedBy, stillRuns} from './certificates.js'
import {unifiedDiff} from './diff.js'
import {findBlocks, otherSettings, withBlock, withoutBlock} from './edit.js'
import {readConfigFile, replaceConfigFile, type ConfigFile} from './file.js'
import {verifyBlock} from './verify.js'
import type {SshConfigOutcome} from '../../types.js'

/** How long to wait for another zt that writes the same file, which takes as long as `ssh -G`. */
const PATIENCE_MS = 20_000

/** The keywords of zt's block that the rest of the file may set as well. */
const KEYWORDS = [
  'ProxyCommand',
  'ProxyJump',
  'User',
  'ServerAliveInterval',
  'ControlMaster',
  'ControlPath',
  'ControlPersist',
  'UserKnownHostsFile',
]

export interface SshConfigChange {
  /** The configuration file, or a link to it. */
  file: string
  /** The name of the block: the host, or an alias of it. */
  host: string
  /** Undefined: the host's block is removed. */
  block: HostBlockOptions | undefined
  env: Environment
}

export interface SshConfigPlan extends SshConfigOutcome {
  current: ConfigFile
  /** The block that is there, if there is one. */
  own: string | undefined
  /** The new text of the file, latin1. */
  after: string
}

/**
 * Works out a change, and asks ssh itself whether the block would take effect. Writes nothing.
 *
 * @throws UserError `conflict` / `SSH_CONFIG_DAMAGED`, `SSH_CONFIG_NOT_EFFECTIVE`; `config` / `FILE_NOT_READABLE`,
 *   `FILE_NOT_WRITABLE`; `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function planSshConfig({file, host: name, block, env}: SshConfigChange): Promise<SshConfigPlan> {
  const current = await readConfigFile(file)
  const before = current.text ?? ''
  const found = findBlocks(before, file)
  // A host is given in lower case, and an alias may be in another.
  const fits = (one: {host: string}): boolean => !block && one.host.toLowerCase() === name.toLowerCase()
  const own = found.find((one) => one.host === name) ?? found.find(fits)
  const host = own?.host ?? name
  const textWith = (wanted: HostBlockOptions): string =>
    withBlock(before, found, host, bytesOf(hostBlock(wanted)))
  const after = block ? textWith(block) : withoutBlock(before, found, host)
  const changes = after !== before
  const effect = block
    ? await effectOf(block, {file, env, before, after, textWith})
    : {warnings: [], taken: [], aliases: []}
  return {
    file,
    action: !changes ? 'none' : !block ? 'remove' : own ? 'update' : 'add',
    edited: own?.edited ?? false,
    diff: unifiedDiff(file, before, after),
    ...effect,
    others: block ? otherSettings(before, found, host, KEYWORDS) : [],
    current,
    own: own && before.slice(own.start, own.end),
    after,
  }
}

/** What ssh itself says of a block in its place. */
async function effectOf(
  block: HostBlockOptions,
  {
    file,
    env,
    before,
    after,
    textWith,
  }: {
    file: string
    env: Environment
    before: string
    after: string
    textWith: (block: HostBlockOptions) => string
  },
): Promise<Pick<SshConfigPlan, 'warnings' | 'taken' | 'aliases'>> {
  const ssh = findProgram('ssh', env)
  const unchecked =
    ssh === undefined
      ? 'ssh is not installed'
      : isNameless()
        ? 'ssh does not run for a user without a name'
        : undefined
  if (ssh === undefined || unchecked !== undefined)
    return {
      warnings: [`${unchecked}, so zt could not check that the block takes effect`],
      taken: [],
      aliases: [],
    }
  const {host, alias, proxyCommand, user, sharing, names} = block
  const pattern = host.includes('*')
  const name = alias ?? sampleOf(host)
  const configuration = readConfiguration({file, ssh, text: after})
  const about = linesAbout(readConfiguration({file, ssh, text: before}), name, keywordsOf(hostBlock(block)))
  const elsewhere = about.find(
    (one) => one.file !== path.resolve(file) && /^"?ProxyCommand\b/i.test(one.text),
  )
  const question = {ssh, env, file, text: after, configuration}
  const answer = await settingsFromSsh({...question, args: [name]})
  const socket = sharing && path.join(sharing.directory, `${identityOf(sharing.key)}-`)
  const places = 'failed' in answer ? [] : certificateLines(answer, {file, before, after})
  const warnings = verifyBlock({
    answer,
    file,
    host: name,
    proxyCommand,
    user,
    socket,
    elsewhere: elsewhere?.file,
  })
  if (places.length > 0)
    warnings.push(
      `${places.join(', ')}: each connection to ${name} first runs cloudflared access ssh-gen, which asks a person to log in and knows no service token. --no-short-lived-cert switches it off for ${name}; ssh then needs another key than its certificate`,
    )
  if (!configuration.complete)
    warnings.push(`zt could not read every file that ${file} includes, and checked the block without them`)
  if (names && !('failed' in answer)) {
    if (places.length > 0) throw stillRuns(file, name, places)
    const plain = await settingsFromSsh({
      ...{ssh, env, file, args: [name]},
      text: textWith({...block, names: undefined}),
    })
    const changed = 'failed' in plain ? [] : changedBy(plain, answer)
    if (changed.length > 0)
      warnings.push(
        `HostName ${names.hostName} also changes ${changed.join(', ')}: a Match section for ${name} no longer applies`,
      )
  }
  return {
    warnings,
    taken: alias === undefined ? [] : about,
    aliases: pattern ? [] : await aliasesOf(question, host, name),
  }
}

/** What a block sets, in lower case. Its ProxyCommand makes ssh ignore a ProxyJump. */
function keywordsOf(block: string): ReadonlySet<string> {
  const keywords = [...configLines(block)].map(({keyword}) => keyword).filter((one) => one !== 'host')
  return new Set([...keywords, 'proxyjump'])
}

/**
 * Makes a planned change in one step, while no other zt writes the file.
 *
 * @param again whether to plan again if the file has changed since, because no one was shown the plan
 * @returns the plan that was carried out
 * @throws UserError as {@link planSshConfig}; `conflict` / `SSH_CONFIG_CHANGED`, `SSH_CONFIG_BUSY`
 */
export async function applySshConfig(
  plan: SshConfigPlan,
  change: SshConfigChange,
  {state, again}: {state: string; again: boolean},
): Promise<SshConfigPlan> {
  return whileLocked(plan, state, async () => {
    const now = await readConfigFile(plan.file)
    let carriedOut = plan
    if (now.text !== plan.current.text || now.real !== plan.current.real) {
      if (!again) throw changed(plan.file)
      carriedOut = await planSshConfig(change)
    }
    if (carriedOut.action !== 'none') await replaceUnchanged(carriedOut)
    return carriedOut
  })
}

/**
 * Replaces files as planned, if none has changed since, while no other zt writes them.
 *
 * @throws UserError `config` / `FILE_NOT_WRITABLE`; `conflict` / `SSH_CONFIG_CHANGED`, `SSH_CONFIG_BUSY`
 */
export async function replaceAsPlanned(files: readonly PlannedFile[], state: string): Promise<void> {
  for (const {file, current} of files) {
    if ((await readConfigFile(file)).text !== current.text) throw changed(file)
  }
  for (const one of files) await whileLocked(one, state, () => replaceUnchanged(one))
}

/** A file, as it is and as it will be. */
export type PlannedFile = Pick<SshConfigPlan, 'file' | 'current' | 'after'>

async function whileLocked<T>(
  {file, current}: PlannedFile,
  state: string,
  work: () => Promise<T>,
): Promise<T> {
  const locks = new Locks(path.join(state, 'locks'))
  const lock = await locks.acquire(`ssh-config/${current.real}`, PATIENCE_MS).catch(unlocked)
  if (!lock) throw busy(file)
  try {
    return await work()
  } finally {
    // The change is made; the lock ends with this process at the latest.
    await tidy(
      '',
      () => lock.release(),
      () => undefined,
    )
  }
}

async function replaceUnchanged({file, current, after}: PlannedFile): Promise<void> {
  await replaceConfigFile(current, after, async () => {
    if ((await readConfigFile(file)).text !== current.text) throw changed(file)
  })
}

/**
 * With a home that cannot be written, as in many containers, no zt can lock anything: then only the comparison before the
 * file is replaced keeps another one's change.
 */
function unlocked(error: unknown): Lock {
  if (error instanceof UserError && error.code === 'FILE_NOT_WRITABLE')
    return {release: () => Promise.resolve()}
  throw error
}

function changed(file: string): UserError {
  return new UserError({
    kind: 'conflict',
    details: {file},
    code: 'SSH_CONFIG_CHANGED',
    message: `${file} has changed in the meantime`,
    why: 'Another program has written it since zt read it. zt changed nothing.',
    next: ['Run the command again'],
  })
}

function busy(file: string): UserError {
  return new UserError({
    kind: 'conflict',
    details: {file},
    code: 'SSH_CONFIG_BUSY',
    message: `Another zt is writing ${file}`,
    why: `It has not finished after ${patient(PATIENCE_MS) / 1000} s. This one changed nothing.`,
    next: ['Run the command again when the other one has ended'],
  })
}
