import {openAccess} from '../access/account/context.js'
import type {AskForNames} from '../completion/complete-main.js'
import {loadSettings} from '../config/settings.js'
import {USER_AGENT} from '../core/version.js'
import {nameKeeper, readNames} from './keep-names.js'

/**
 * Asks the API for names at TAB and puts them into the cache. It never prompts, unlocks no store and waits for no pause
 * that Cloudflare asks for.
 *
 * @throws UserError if the names cannot be read under these conditions
 */
export async function askForNames({kind, env, cwd, flags}: AskForNames): Promise<void> {
  const settings = await loadSettings({env, cwd, flags})
  const ctx = openAccess(
    {...settings, rateLimitWait: 0},
    {
      userAgent: USER_AGENT,
      names: nameKeeper(settings),
      command: 'completion',
      interactive: false,
      quiet: true,
      proxies: env,
      environment: {
        dbusAddress: env['DBUS_SESSION_BUS_ADDRESS'],
        runtimeDir: env['XDG_RUNTIME_DIR'],
      },
    },
  )
  await readNames(await ctx.api(), kind)
}
