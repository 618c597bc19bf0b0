import {sameJson} from '../core/canonical-json.js'
import {ztCommand} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import {filesSync as fs} from '../system/disk.js'
import type {SetupRecord} from '../access/account/setup-records.js'
import {removeFile} from '../system/files.js'
import {findProgram} from '../system/programs.js'
import {settingsFromSsh} from '../tunnel/ssh/ask-ssh.js'
import {applyAdoption, planAdoption, type AdoptionOptions} from '../tunnel/ssh/config/adopt.js'
import {applySshConfig, planSshConfig, type SshConfigChange} from '../tunnel/ssh/config/change.js'
import {configLines, configWords} from '../tunnel/ssh/configuration.js'
import {bytesOf} from '../tunnel/ssh/config-values.js'
import {profileIn} from '../tunnel/ssh/config/of-profile.js'
import {requestedBlock} from '../tunnel/ssh/config/requested-block.js'
import {meaningOf} from '../tunnel/ssh/route.js'
import {identityOf} from '../tunnel/ssh/sharing.js'
import type {SetupWorld} from './world.js'
import type {SetupStep} from './types.js'

type ConfigRecord = SetupRecord['sshConfig'][number]

/** Which host, and by which name ssh is called with it. */
export interface SshName {
  host: string
  /** The host, or an alias of it. */
  name: string
  /** As on the command line: `[USER@]HOST`, or an alias. */
  destination: string
}

/** What becomes of ssh's configuration. */
export interface SshConfigPart {
  how: 'there' | 'block' | 'adopt'
  text: string
  diff: string
  warnings: string[]
}

/** Whether ssh's configuration is to be changed; `ask`: a person decides, with the plan before them. */
export type SshConfigWish = boolean | 'ask'

/**
 * How ssh is to reach the host: as it does already through zt; by a ProxyCommand of cloudflared that zt takes over; or by a
 * block of zt's. A block that is there already is left as it is, unless this setup wrote it.
 *
 * @param token undefined: its ID is not known yet
 * @returns why ssh's configuration cannot be changed, where that was not asked for
 * @throws UserError as `planSshConfig` and `planAdoption`, where it was
 */
export async function planSshPart(
  world: SetupWorld,
  ssh: SshName,
  {wish, record, token}: {wish: SshConfigWish; record: SetupRecord | undefined; token: string | undefined},
): Promise<SshConfigPart | {not: string}> {
  if (wish === false) return {not: 'ssh is not configured'}
  try {
    return await partOf(world, ssh, record, token)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (wish === true)
      throw error.with({next: [...error.next, `To leave it alone: ${withoutSsh(world, ssh)}`]})
    return {not: `ssh is not configured. ${[error.message, ...error.whyLines].join('. ')}`}
  }
}

function withoutSsh({ctx}: SetupWorld, {destination}: SshName): string {
  const line = ctx.commandLine ?? ztCommand(ctx, 'setup', destination)
  const asked = / --ssh-config(?= |$)/
  return asked.test(line) ? line.replace(asked, ' --no-ssh-config') : `${line} --no-ssh-config`
}

async function partOf(
  world: SetupWorld,
  {host, name, destination}: SshName,
  record: SetupRecord | undefined,
  token: string | undefined,
): Promise<SshConfigPart> {
  const {file, env} = world
  const there: SshConfigPart = {
    how: 'there',
    text: `ssh uses zt for ${name} (${file})`,
    diff: '',
    warnings: [],
  }
  const ssh = findProgram('ssh', env)
  const answer =
    ssh === undefined || !fs.existsSync(file)
      ? undefined
      : await settingsFromSsh({ssh, args: [name], file, env})
  const meaning = answer && !('failed' in answer) ? meaningOf(answer, name) : undefined
  const {change} = await blockOf(world, destination, token)
  const usesZt = meaning?.route === 'zt' && meaning.host.toLowerCase() === host
  const profile = usesZt ? await otherProfile(world, host, meaning.proxyCommand) : undefined
  if (profile !== undefined)
    return {...there, text: `ssh uses zt for ${name}, with profile ${profile} (${file})`}
  const ours = record?.sshConfig.some((one) => one.how === 'block' && one.name === change.host) ?? false
  if (usesZt && !ours) return there
  const planned = await planSshConfig(change)
  if (usesZt && !isOutdated(world, planned.own, change.block)) return there
  const byAlias = planned.aliases.find(({route}) => route === 'zt')
  if (byAlias) return {...there, text: `ssh uses zt for ${host} as ${byAlias.name} (${file})`}
  const leads = planned.aliases.some(({route}) => route === 'cloudflared')
  if (ssh !== undefined && (meaning?.route === 'cloudflared' || leads)) {
    const adoption = await planAdoption({...adoptionOf(world, host), assumed: host})
    if (adoption.adopted.length > 0) {
      const {diff, warnings} = adoption
      return {
        how: 'adopt',
        text: `Let ssh use zt instead of cloudflared for ${host} in ${file}`,
        diff,
        warnings,
      }
    }
  }
  const text = `${planned.action === 'update' ? 'Update the' : 'Write a'} block for ${name} in ${file}`
  const key = change.block?.sharing?.key
  const diff = key && token === undefined ? withoutToken(planned.diff, identityOf(key)) : planned.diff
  const lost = planned.edited ? [`Someone has edited zt's block in ${file}; that edit will be lost`] : []
  return {how: 'block', text, diff, warnings: [...lost, ...planned.warnings]}
}

/** Whether a block starts another zt, or is of another profile or token, than a new one: what else differs, someone wants so. */
function isOutdated(
  {program, ctx}: SetupWorld,
  own: string | undefined,
  block: SshConfigChange['block'],
): boolean {
  if (own === undefined) return false
  const values = new Map([...configLines(own)].map(({keyword, value}) => [keyword, value]))
  const words = configWords(values.get('proxycommand') ?? '') ?? []
  const starts = words.slice(0, words.indexOf('ssh')).map((word) => word.replaceAll('%%', '%'))
  const socket = values.get('controlpath') ?? 'none'
  const key = block?.sharing?.key
  const sharesByAnother = key !== undefined && socket !== 'none' && !socket.includes(identityOf(key))
  return !sameJson(starts, program.map(bytesOf)) || profileIn(own) !== ctx.profile || sharesByAnother
}

/** The name of the socket follows from the ID of the token, and the sum at the end of the block from that. */
function withoutToken(diff: string, identity: string): string {
  return diff.replaceAll(identity, '<token>').replace(/^(\+# zt: end .* )[0-9a-f]+$/m, '$1<sum>')
}

/** Makes the change, which the record has before. */
export async function applySshPart(
  world: SetupWorld,
  {host, destination}: SshName,
  {how}: SshConfigPart,
  record: SetupRecord,
): Promise<{text: string; warnings: string[]}> {
  const {file, settings} = world
  const {state} = settings.paths
  if (how === 'adopt') {
    const plan = await planAdoption(adoptionOf(world, host))
    await note(world, record, {how: 'adopt', file, keys: plan.keys})
    await applyAdoption(plan, state)
    return {text: `ssh uses zt instead of cloudflared for ${host} (${file})`, warnings: []}
  }
  const {change, warnings} = await blockOf(world, destination, undefined)
  const planned = await planSshConfig(change)
  const created = planned.current.text === undefined
  await note(world, record, {how: 'block', file, name: change.host, created})
  await applySshConfig(planned, change, {state, again: true})
  return {text: `${file} has a block for ${change.host}`, warnings}
}

/** What a record says of a part of ssh's configuration, once. */
async function note(world: SetupWorld, record: SetupRecord, part: ConfigRecord): Promise<void> {
  const {sshConfig} = record
  const same = sshConfig.find((one) =>
    one.how === 'block'
      ? part.how === 'block' && one.file === part.file && one.name === part.name
      : one.how === part.how && one.file === part.file,
  )
  if (same?.how === 'adopt' && part.how === 'adopt') same.keys = [...new Set([...same.keys, ...part.keys])]
  else if (!same) sshConfig.push(part)
  await world.ctx.setups.write(record)
}

/** @param token the one that the host will be bound to; undefined: the one that it is bound to */
async function blockOf(
  {settings, program, env, file}: SetupWorld,
  destination: string,
  token: string | undefined,
): Promise<{change: SshConfigChange; warnings: string[]}> {
  const requested = await requestedBlock({
    ...{destination, file: undefined, remove: false, client: 'auto', share: true, shortLivedCert: true},
    ...{settings, program, env},
    mayUseEnvironment: () => false,
  })
  const {name, block, warnings} = requested
  const options = block?.options
  if (options?.sharing && token !== undefined) options.sharing.key.tokenId = token
  return {change: {file, host: name, block: options, env}, warnings}
}

function adoptionOf({settings, program, env, file}: SetupWorld, host: string): AdoptionOptions {
  return {
    ...{file, remove: false, settings, client: 'auto', program, env},
    isWanted: (_, hosts) => hosts.size === 1 && hosts.has(host),
  }
}

interface SshRemoval extends Pick<SetupStep, 'state' | 'text' | 'why'> {
  diff: string
  apply: () => Promise<void>
}

/**
 * How a part of ssh's configuration is taken back: nothing else of the file changes.
 *
 * @returns undefined if it is gone already
 */
export async function planSshRemoval(
  world: SetupWorld,
  host: string,
  part: ConfigRecord,
): Promise<SshRemoval | undefined> {
  const {settings, env} = world
  const {state} = settings.paths
  const {file} = part
  if (part.how === 'adopt') return planLinesBack(world, host, part)
  const {name, created} = part
  const change: SshConfigChange = {file, host: name, block: undefined, env}
  const plan = await planSshConfig(change)
  if (plan.action === 'none') {
    // Between the removal of the block and that of the file.
    if (!created || plan.current.text !== '') return undefined
    return {
      state: 'todo',
      text: `Remove the empty ${file}`,
      diff: '',
      apply: async () => void (await removeFile(plan.current.real)),
    }
  }
  const text = `Remove the block for ${name} from ${file}`
  const profile = await otherProfile(world, host, plan.own)
  if (profile !== undefined) return kept(text, `It is of profile ${profile} by now`)
  if (plan.edited) return kept(text, 'Someone has edited the block')
  return {
    ...{state: 'todo', text, diff: plan.diff},
    apply: async () => {
      const {after, current} = await applySshConfig(plan, change, {state, again: false})
      if (created && after === '') await removeFile(current.real)
    },
  }
}

/** Gives the ProxyCommands of cloudflared back that a setup has moved to zt. */
async function planLinesBack(
  world: SetupWorld,
  host: string,
  {file, keys}: Extract<ConfigRecord, {how: 'adopt'}>,
): Promise<SshRemoval | undefined> {
  const options = {...adoptionOf(world, host), file, remove: true}
  const known = (key: string): boolean => keys.includes(key)
  const itself = await planAdoption({...options, isWanted: known})
  // A line whose section has another beginning by now is found by the host that it leads to.
  const isWhole = itself.left.length > 0 || keys.every((key) => itself.keys.includes(key))
  const isWanted: AdoptionOptions['isWanted'] = (key, hosts) =>
    known(key) || (hosts.size === 1 && hosts.has(host))
  const plan = isWhole ? itself : await planAdoption({...options, isWanted})
  const {left, adopted, edited, diff} = plan
  const text = `Give ${adopted.length > 1 ? 'the ProxyCommands' : 'the ProxyCommand'} of cloudflared back to ${file}`
  const [stays] = left
  if (stays) return kept(text, stays.why)
  if (adopted.length === 0) return undefined
  if (edited) return kept(text, "Someone has edited zt's ProxyCommand")
  return {state: 'todo', text, diff, apply: () => applyAdoption(plan, world.settings.paths.state)}
}

/** The profile that a ProxyCommand or a block works with, where that is another one, which has the host bound to a token. */
async function otherProfile({ctx}: SetupWorld, host: string, text = ''): Promise<string | undefined> {
  const named = profileIn(text)
  if (named === undefined || named === ctx.profile) return undefined
  return (await ctx.index.bindingFor(named, host)) && named
}

function kept(text: string, why: string): SshRemoval {
  return {state: 'kept', text, why, diff: '', apply: () => Promise.resolve()}
}
