import type {Command} from '@oclif/core'
import type {Settings} from '../config/types.js'
import {UserError} from '../core/errors.js'
import {AccessCommand} from './access-command.js'

/** A command that also runs if the settings cannot be read: it is what one runs when nothing works. */
export abstract class DespiteSettingsCommand<T extends typeof Command> extends AccessCommand<T> {
  #broken: UserError | undefined

  /** Why there are no settings. */
  protected get broken(): UserError | undefined {
    return this.#broken
  }

  protected override async loadSettings(profile?: string): Promise<Settings> {
    try {
      return await super.loadSettings(profile)
    } catch (error) {
      if (error instanceof UserError) this.#broken = error
      throw error
    }
  }

  /** The settings are read last, so all else is there. */
  override async init(): Promise<void> {
    await super.init().catch((error: unknown) => {
      if (error !== this.#broken || error === undefined) throw error
    })
  }
}
