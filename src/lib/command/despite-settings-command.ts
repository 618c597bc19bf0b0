import type {Command} from '@oclif/core'
import type {Settings} from '../config/types.js'
import {UserError} from '../core/errors.js'
import {AccessCommand} from './access-command.js'

/** A command that also runs if the settings cannot be read: it is what one runs when nothing works. */
export abstract class DespiteSettingsCommand<T extends typeof Command> extends AccessCommand<T> {
  #broken: UserError | undefined

  /** The settings as they are now, or why there are none. */
  protected async settingsOrError(): Promise<Settings | UserError> {
    try {
      return await this.loadSettings()
    } catch (error) {
      if (error instanceof UserError) return error
      throw error
    }
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
