import type {AccessContext} from '../access/account/context.js'
import {withLock} from '../access/tokens/lock.js'
import type {Settings} from '../config/types.js'
import type {Reading} from '../tunnel/target/target.js'
import {SetupRecords} from './record.js'
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

export function recordsOf({settings}: SetupWorld): SetupRecords {
  return new SetupRecords(settings.paths.state)
}

/**
 * Runs while no other zt sets up the same host, or takes that back.
 *
 * @throws UserError `conflict` / `SETUP_BUSY`
 */
export function withSetupLock<T>({ctx}: SetupWorld, host: string, run: () => Promise<T>): Promise<T> {
  return withLock(ctx, `setup/${ctx.profile}/${host}`, run, {
    code: 'SETUP_BUSY',
    message: `Another zt is setting up ${host}`,
  })
}
