import {colouredDiff} from '../../cli/diff.js'
import {mark, style} from '../../cli/streams.js'
import {shellQuote} from '../../core/command-line.js'
import {canBePasted, quoteForPerson} from '../../core/quote.js'
import {isVisible} from '../../core/text.js'
import type {FileChange} from '../file-edit-command.js'
import type {LeadingAlias, SshConfigOutcome, WrittenWithProfile} from '../../tunnel/types.js'

/** The change, and what to know before it is made. */
export function configChange({file, diff, edited, warnings, others, taken}: SshConfigOutcome): FileChange {
  const lost =
    edited && diff !== '' ? [`Someone has edited zt's block in ${file}; that edit will be lost`] : []
  const shown = new Set(taken.filter((one) => one.file === file).map(({line}) => line))
  return {
    files: [file],
    warnings: [...warnings, ...lost],
    notes: [
      ...taken.map(({file: where, line, text, effect}) =>
        effect === 'kept'
          ? `line ${line} of ${where} is still used: ${text}`
          : `line ${line} of ${where} is no longer used, because zt's block comes before it: ${text}`,
      ),
      ...others
        .filter(({line}) => !shown.has(line))
        .map(({line, section, keyword}) =>
          section === undefined
            ? `line ${line} of ${file} sets ${keyword} for all hosts, and comes before zt's block`
            : `line ${line} of ${file} sets ${keyword} too (${section}); zt's block comes before it`,
        ),
    ],
    text: diff === '' ? undefined : colouredDiff(diff),
  }
}

const ROUTES: Record<LeadingAlias['route'], string> = {
  zt: 'it goes through zt',
  cloudflared: 'it still uses cloudflared',
  other: 'it uses another ProxyCommand or a ProxyJump',
  direct: 'it connects directly, and not through the tunnel',
}

/** For a block that is only printed. */
export function escapedWarnings(block: {text: string} | undefined): string[] {
  return !block || block.text.split('\n').every(isVisible)
    ? []
    : ['It holds characters that are shown as escapes here; --write puts it in as it is']
}

/** What was done, what else leads to the host, and the command line that uses the block. */
export function configResult(
  plan: SshConfigOutcome,
  about: {
    host: string
    /** The name of the block. */
    name: string
    remove: boolean
    dryRun: boolean
    user: string | undefined
    file: string | undefined
  },
): {changed: boolean; done: string[]; notes: string[]; next: string[]} {
  const {host, name, user, remove, dryRun, file} = about
  // No one connects to a pattern.
  const destination = name.includes('*') ? [] : [user === undefined ? name : `${user}@${name}`]
  return {
    changed: plan.action !== 'none' && !dryRun,
    done: plan.action === 'none' || !dryRun ? [configDone(plan, name, remove)] : [],
    notes: plan.aliases.map(
      ({name: other, file: where, line, route}) =>
        `${other} (line ${line} of ${where}) leads to ${host} too: ${ROUTES[route]}`,
    ),
    next:
      remove || dryRun
        ? []
        : [
            ...destination.map((one) => sshCommand(one, file)),
            ...configCommands(
              plan.aliases.filter(canBeTaken).map((one) => one.name),
              file,
              '--write',
            ),
          ],
  }
}

/** A name that `zt ssh config` takes, too, and a way that it changes. */
function canBeTaken({name, route}: LeadingAlias): boolean {
  return route !== 'zt' && canBePasted(name) && /^[\w.-]+$/.test(name)
}

/** The result in one line. */
function configDone({action, file}: SshConfigOutcome, host: string, remove: boolean): string {
  const done = {
    add: `${file} now has a block for ${style.name(host)}`,
    update: `${file} has a new block for ${style.name(host)}`,
    remove: `${file} no longer has a block for ${style.name(host)}`,
    none: `${file} has ${remove ? 'no' : 'this'} block for ${style.name(host)} already`,
  }
  return `${mark.done} ${done[action]}`
}

/** The command line that uses the configuration; its file is named if it is not the usual one. */
function sshCommand(destination: string, file: string | undefined): string {
  return ['ssh', ...(file === undefined ? [] : ['-F', file]), destination]
    .map((word) => quoteForPerson(word))
    .join(' ')
}

/**
 * What in an ssh configuration uses a profile that is gone, and the command lines that help.
 *
 * @param named the configuration as the command line named it
 * @param to the profile's new name; undefined: it has none
 */
export function profileUses(
  {main, written}: {main: string; written: readonly WrittenWithProfile[]},
  named: string | undefined,
  to?: string,
): {hosts: string[]; where: string; next: string[]} {
  const how = to === undefined ? ['--remove'] : ['--write', '--profile', to]
  const adopted = written.flatMap((one) => one.adopted)
  const all = to === undefined ? 'To give all adopted lines back to cloudflared: ' : ''
  return {
    hosts: [...written.flatMap(({blocks}) => blocks), ...adopted],
    where: written.map(({file}) => file).join(', '),
    next: [
      ...written.flatMap(({file, blocks}) => configCommands(blocks, file === main ? named : file, ...how)),
      ...(adopted.length > 0 ? [all + adoptCommand(named, to)] : []),
    ],
  }
}

function adoptCommand(file: string | undefined, to: string | undefined): string {
  const how = to === undefined ? ['--remove'] : ['--profile', to]
  const more = file === undefined ? [] : ['--file', file]
  return ['zt', 'ssh', 'config', '--adopt', ...how, ...more].map(shellQuote).join(' ')
}

/** The command lines that change the blocks of these hosts. */
function configCommands(hosts: readonly string[], file: string | undefined, ...flags: string[]): string[] {
  const more = [...flags, ...(file === undefined ? [] : ['--file', file])]
  return hosts.map((host) => ['zt', 'ssh', 'config', host, ...more].map(shellQuote).join(' '))
}
