import type {Prompts} from '../cli/prompts.js'
import type {Settings} from '../config/types.js'

/** What reading a stored secret needs of the settings, of the person and of the environment. */
export function targetOptions(settings: Settings, prompts: Prompts) {
  return {
    settings,
    askPassphrase: prompts.possible ? (label: string) => prompts.secret(label) : undefined,
    environment: {
      dbusAddress: process.env['DBUS_SESSION_BUS_ADDRESS'],
      runtimeDir: process.env['XDG_RUNTIME_DIR'],
    },
  }
}
