import {openAccess} from '../access/account/context.js'
import type {AskForNames} from '../completion/complete-main.js'
import {loadSettings} from '../config/settings.js'
import {USER_AGENT} from '../core/version.js'
import {nameKeeper, readNames} from './keep-names.js'

/**
 * Asks the API for names while somebody waits at a TAB: nobody is asked anything, no store is unlocked, and no pause that
 * Cloudflare asks for is waited for. The names are in the cache then.
 *
 * @throws UserError where that does not do
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
      environment: {
        dbusAddress: env['DBUS_SESSION_BUS_ADDRESS'],
        runtimeDir: env['XDG_RUNTIME_DIR'],
      },
    },
  )
  await readNames(await ctx.api(), kind)
}
