import {type Command} from '@oclif/core'
import {TunnelCommand} from './tunnel-command.js'

/** A change of files outside zt, before it is made. */
export interface FileChange {
  files: readonly string[]
  warnings: readonly string[]
  notes: readonly string[]
  /** The difference; undefined if nothing changes. */
  text: string[] | undefined
}

/** A command that changes files of other programs: it shows the change and asks. */
export abstract class FileEditCommand<T extends typeof Command> extends TunnelCommand<T> {
  /** Warnings go first. */
  protected say({warnings, notes}: Pick<FileChange, 'warnings' | 'notes'>): void {
    for (const warning of warnings) this.warn(warning)
    for (const note of notes) this.note(note)
  }

  /**
   * Shows a change and makes it, unless it is a dry run or changes nothing.
   *
   * @returns what `apply` returns; undefined if nothing was done
   * @throws UserError `cancelled` / `CANCELLED` when the answer is no
   */
  protected async review<Done>(
    {files, warnings, notes, text}: FileChange,
    apply: () => Promise<Done>,
  ): Promise<Done | undefined> {
    this.say({warnings, notes})
    if (text === undefined) return undefined
    this.print(text)
    const {yes, 'dry-run': dryRun} = this.flags as {yes?: boolean; 'dry-run'?: boolean}
    if (dryRun) return undefined
    if (!yes) {
      const names = files.join(', ')
      this.prompts.require(`A confirmation that ${names} may be changed`, 'Add --yes to make the change')
      await this.prompts.confirm(`Change ${names}?`)
    }
    return apply()
  }
}
