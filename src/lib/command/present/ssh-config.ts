import {colouredDiff} from '../../cli/diff.js'
import {style} from '../../cli/streams.js'
import {shellQuote} from '../../core/command-line.js'
import {quoteForPerson} from '../../core/quote.js'
import type {SshConfigOutcome} from '../../tunnel/types.js'

/** The change, and what to know before it is made. */
export function configChange({file, diff, edited, warnings, others}: SshConfigOutcome): {
  warnings: string[]
  notes: string[]
  text: string[] | undefined
} {
  const lost =
    edited && diff !== '' ? [`Someone has edited zt's block in ${file}; that edit will be lost`] : []
  return {
    warnings: [...warnings, ...lost],
    notes: others.map(({line, section, keyword}) =>
      section === undefined
        ? `line ${line} of ${file} sets ${keyword} for all hosts, and comes before zt's block`
        : `line ${line} of ${file} sets ${keyword} too (${section}); zt's block comes before it`,
    ),
    text: diff === '' ? undefined : colouredDiff(diff),
  }
}

/** The result in one line. */
export function configDone({action, file}: SshConfigOutcome, host: string, remove: boolean): string {
  const done = {
    add: `${file} now has a block for ${style.bold(host)}`,
    update: `${file} has a new block for ${style.bold(host)}`,
    remove: `${file} no longer has a block for ${style.bold(host)}`,
    none: `${file} has ${remove ? 'no' : 'this'} block for ${style.bold(host)} already`,
  }
  return `${style.green('✓')} ${done[action]}`
}

/** The command line that uses the configuration; its file is named if it is not the usual one. */
export function sshCommand(destination: string, file: string | undefined): string {
  return file === undefined ? `ssh ${destination}` : `ssh -F ${quoteForPerson(file)} ${destination}`
}

/** The command lines that change the blocks of these hosts. */
export function configCommands(
  hosts: readonly string[],
  file: string | undefined,
  ...flags: string[]
): string[] {
  const more = [...flags, ...(file === undefined ? [] : ['--file', file])]
  return hosts.map((host) => ['zt', 'ssh', 'config', host, ...more].map(shellQuote).join(' '))
}
