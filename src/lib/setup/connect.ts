import {explainFailure} from '../access/explain/explain.js'
import {UserError} from '../core/errors.js'
import {errorOf} from '../tunnel/failure/report.js'
import {openSsh, type SshEnd} from '../tunnel/ssh/run.js'
import {portArguments} from '../tunnel/target/destination.js'
import {chooseToken} from '../tunnel/target/target.js'
import type {SetupPlan} from './plan.js'
import type {SetupWorld} from './world.js'

/**
 * Opens SSH on this terminal, as `zt ssh` does.
 *
 * @param root the package's directory
 * @returns how ssh ended, and why the connection failed, if it did
 * @throws UserError of `openSsh`
 */
export async function connect(
  {ctx, settings, env}: SetupWorld,
  {host, ssh: {name}, user, port}: SetupPlan,
  root: string,
): Promise<{end: SshEnd; failure: Error | undefined}> {
  const chosen = await chooseToken({settings, host})
  const end = await openSsh({
    ...{settings, host, user, chosen, root, env},
    alias: name === host ? undefined : name,
    ...{share: true, client: 'auto', sshArgs: portArguments(port)},
  })
  if (!end.report) return {end, failure: undefined}
  const {tokenId, clientId} = end.report
  const error = errorOf(end.report)
  // The proxy has no API token, and knows only how the edge answered.
  const failure =
    error instanceof UserError ? await explainFailure(ctx, {host, tokenId, clientId, error}) : error
  return {end, failure}
}
