import {rememberStore, updateProfile} from '../../config/profiles.js'
import type {Profile, Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import type {AccessContext} from './context.js'
import {saveApiToken} from './login.js'

/** The profile with which other commands use the sandbox. */
export const SANDBOX_PROFILE = 'sandbox'

interface Options {
  paths: Settings['paths']
  profile: Profile
  apiToken: Secret
  /** Called once the profile exists. */
  open: () => Promise<{ctx: AccessContext; settings: Settings}>
}

/**
 * Makes the profile of a sandbox, and saves its API token there.
 *
 * @returns why the API token could not be saved; undefined if it was
 */
export async function makeSandboxProfile({
  paths,
  profile,
  apiToken,
  open,
}: Options): Promise<UserError | undefined> {
  await updateProfile(paths, SANDBOX_PROFILE, profile)
  const {ctx, settings} = await open()
  try {
    const kept = settings.apiTokenStore === undefined ? undefined : await ctx.apiToken()
    if (kept?.source !== 'store' || !kept.token.equals(apiToken))
      await rememberStore(settings, await saveApiToken(ctx, apiToken))
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}
