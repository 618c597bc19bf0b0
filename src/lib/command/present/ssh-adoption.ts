import {colouredDiff} from '../../cli/diff.js'
import {mark} from '../../cli/streams.js'
import {quoteForPerson} from '../../core/quote.js'
import type {AdoptionOutcome} from '../../tunnel/types.js'
import type {FileChange} from '../file-edit-command.js'

/** The change, and each line that stays with cloudflared. */
export function adoptionChange({diff, left, warnings, adopted}: AdoptionOutcome): FileChange {
  return {
    files: [...new Set(adopted.map(({file}) => file))],
    warnings: [
      ...warnings,
      ...left.map(({file, line, section, why, next}) => {
        const where = `line ${line} of ${file}${section === undefined ? '' : ` (${section})`}`
        return `${where} stays as it is: ${why}${next[0] === undefined ? '' : `. Next: ${next[0]}`}`
      }),
    ],
    notes: [],
    text: diff === '' ? undefined : colouredDiff(diff),
  }
}

/** The result in one line. */
export function adoptionDone(
  {file, adopted, left}: AdoptionOutcome,
  {remove, dryRun, file: named}: {remove: boolean; dryRun: boolean; file: string | undefined},
): string {
  const lines = `${adopted.length} ${adopted.length === 1 ? 'ProxyCommand' : 'ProxyCommands'}`
  if (adopted.length === 0) {
    const others = left.length > 0 ? ' that zt can move' : ''
    return remove
      ? `No ProxyCommand in ${file} is one that zt adopted`
      : `No ProxyCommand of cloudflared${others} is in ${file} or a file that it includes, or zt has adopted it already`
  }
  if (dryRun) return `Would ${remove ? `give back ${lines}` : `move ${lines} to zt`}`
  if (remove) return `${mark.done} Gave back ${lines}`
  return `${mark.done} Moved ${lines} to zt. To undo it: zt ssh config --adopt --remove${named === undefined ? '' : ` --file ${quoteForPerson(named)}`}`
}

/** The JSON shape. */
export function adoptionJson({file, adopted, left, diff}: AdoptionOutcome, dryRun: boolean): object {
  const described = left.map(({section, ...one}) => ({...one, ...(section !== undefined && {section})}))
  return {file, adopted, left: described, changed: adopted.length > 0 && !dryRun, dryRun, diff}
}
