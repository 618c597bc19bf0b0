import type {AccessContext} from '../access/account/context.js'
import {setupLock, type SetupKey} from '../access/account/setup-records.js'
import {withLock} from '../access/tokens/lock.js'
import type {Settings} from '../config/types.js'
import type {Reading} from '../tunnel/target/target.js'
import type {SetupStep} from './types.js'

/** What a setup works with: what the use-cases of the account and of the tunnel need. */
export interface SetupWorld {
  ctx: AccessContext
  settings: Settings
  /** What reading a secret needs. */
  reading: Reading
  /** The command that starts zt, as ssh's configuration has it. */
  program: readonly string[]
  env: NodeJS.ProcessEnv
  /** The ssh configuration. */
  file: string
  /** Called for each step that begins, with its text as a present participle, and for each that ends. */
  onStep?: ((step: SetupStep) => void) | undefined
}

/** Under which the setup of a host is recorded. */
export async function keyOf({ctx}: Pick<SetupWorld, 'ctx'>, host: string): Promise<SetupKey> {
  const {accountId = '', zoneId} = await ctx.api()
  return {profile: ctx.profile, host, accountId, ...(zoneId !== undefined && {zoneId})}
}

/**
 * Runs while no other zt sets up the same host, or takes that back.
 *
 * @throws UserError `conflict` / `SETUP_BUSY`
 */
export function withSetupLock<T>({ctx}: SetupWorld, host: string, run: () => Promise<T>): Promise<T> {
  return withLock(ctx, setupLock({profile: ctx.profile, host}), run, {
    code: 'SETUP_BUSY',
    message: `Another zt is setting up ${host}`,
  })
}
