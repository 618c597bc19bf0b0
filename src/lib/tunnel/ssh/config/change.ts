import path from 'node:path'
import type {Environment} from '../../../config/paths.js'
import {UserError} from '../../../core/errors.js'
import {Locks, type Lock} from '../../../system/lock.js'
import {patient} from '../../../core/patience.js'
import {tidy} from '../../../core/tidy.js'
import {findProgram} from '../../../system/programs.js'
import {identityOf} from '../sharing.js'
import {isNameless} from '../user-name.js'
import {bytesOf, hostBlock, type HostBlockOptions} from './block.js'
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
  host: string
  /** Undefined: the host's block is removed. */
  block: HostBlockOptions | undefined
  env: Environment
}

export interface SshConfigPlan extends SshConfigOutcome {
  current: ConfigFile
  /** The new text of the file, latin1. */
  after: string
}

/**
 * Works out a change, and asks ssh itself whether the block would take effect. Writes nothing.
 *
 * @throws UserError `conflict` / `SSH_CONFIG_DAMAGED`, `SSH_CONFIG_NOT_EFFECTIVE`; `config` / `FILE_NOT_READABLE`,
 *   `FILE_NOT_WRITABLE`; `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function planSshConfig({file, host, block, env}: SshConfigChange): Promise<SshConfigPlan> {
  const current = await readConfigFile(file)
  const before = current.text ?? ''
  const found = findBlocks(before, file)
  const own = found.find((one) => one.host === host)
  const after = block
    ? withBlock(before, found, host, bytesOf(hostBlock(block)))
    : withoutBlock(before, found, host)
  const changes = after !== before
  const warnings: string[] = []
  if (block) {
    const ssh = findProgram('ssh', env)
    const {proxyCommand, user, sharing} = block
    const socket = sharing && path.join(sharing.directory, `${identityOf(sharing.key)}-`)
    if (ssh === undefined)
      warnings.push('ssh is not installed, so zt could not check that the block takes effect')
    else if (isNameless())
      warnings.push(
        'ssh does not run for a user without a name, so zt could not check that the block takes effect',
      )
    else
      warnings.push(...(await verifyBlock({ssh, env, file, text: after, host, proxyCommand, user, socket})))
  }
  return {
    file,
    action: !changes ? 'none' : !block ? 'remove' : own ? 'update' : 'add',
    edited: own?.edited ?? false,
    diff: unifiedDiff(file, before, after),
    warnings,
    others: block ? otherSettings(before, found, host, KEYWORDS) : [],
    current,
    after,
  }
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
  const locks = new Locks(path.join(state, 'locks'))
  const lock = await locks.acquire(`ssh-config/${plan.current.real}`, PATIENCE_MS).catch(unlocked)
  if (!lock) throw busy(plan.file)
  try {
    const now = await readConfigFile(plan.file)
    let carriedOut = plan
    if (now.text !== plan.current.text || now.real !== plan.current.real) {
      if (!again) throw changed(plan.file)
      carriedOut = await planSshConfig(change)
    }
    if (carriedOut.action === 'none') return carriedOut
    const {text} = carriedOut.current
    await replaceConfigFile(carriedOut.current, carriedOut.after, async () => {
      if ((await readConfigFile(plan.file)).text !== text) throw changed(plan.file)
    })
    return carriedOut
  } finally {
    // The change is made; the lock ends with this process at the latest.
    await tidy(
      '',
      () => lock.release(),
      () => undefined,
    )
  }
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
