import {type Command} from '@oclif/core'
import {BaseCommand} from '../cli/base-command.js'
import type {ZtLine} from '../tunnel/types.js'

/**
 * A command that is given a command line of cloudflared's, and runs zt's own that does the same. Its flags are for the help:
 * they are read as cloudflared reads them.
 */
export abstract class DropInCommand<T extends typeof Command> extends BaseCommand<T> {
  static override jsonOutput: 'stderr' | undefined = 'stderr'
  #line: ZtLine | undefined

  /** The command line in zt's words. */
  protected abstract read(): ZtLine

  override async init(): Promise<void> {
    this.#line = this.read()
    this.argv = this.#line.own
    await super.init()
  }

  async run(): Promise<void> {
    if (!this.#line) return
    const {command, words, notes} = this.#line
    for (const note of notes) this.note(note)
    await this.config.runCommand(command, words)
  }
}
