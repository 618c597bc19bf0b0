import {requireInZones} from '../access/applications/create.js'
import {requirePermissions} from '../access/account/permissions.js'
import {UserError} from '../core/errors.js'
import {patient} from '../core/patience.js'
import {TIMEOUT_MS} from '../tunnel/carrier/deadlines.js'
import {isOpen} from '../tunnel/check/check.js'
import {secretGone} from '../tunnel/target/target.js'
import type {PlannedToken} from './token.js'
import type {SetupWorld} from './world.js'

/** What of a plan the steps depend on. */
interface RehearsedPlan {
  host: string
  token: PlannedToken
  /** Without an ID, it is to be created. */
  application: {id: string | undefined}
  /** Undefined: no application and no policy changes. */
  admission: object | undefined
}

/**
 * Tries before the first change what the steps of a plan need, so that none of them fails for what can be known by now: the
 * permissions of the API token, the zone of a new application, the secret of the token, and the way to the edge. Changes
 * nothing.
 *
 * @throws UserError `permission` / `PERMISSION_MISSING`; `usage` / `DOMAIN_OUTSIDE_ZONES`; `not-found` / `SECRET_NOT_FOUND`;
 *   why the edge cannot be reached
 */
export async function rehearse(
  world: SetupWorld,
  {host, token, application, admission}: RehearsedPlan,
): Promise<void> {
  const {ctx, settings, env} = world
  ctx.progress.step('Trying what the steps need')
  await requirePermissions(ctx, {serviceTokens: token.how !== 'there', applications: admission !== undefined})
  if (application.id === undefined) await requireInZones(ctx, [host])
  if (token.how === 'there') await requireSecret(world, token.token)
  const edge = {host, connectTo: settings.connectTo, caFile: settings.caFile}
  try {
    await isOpen({edge, environment: env, timeoutMs: patient(TIMEOUT_MS)})
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw error.with({why: [...error.whyLines, 'Nothing was changed.']})
  }
}

/** The index says that a store has it. */
async function requireSecret({ctx}: SetupWorld, {id, name}: {id: string; name: string}): Promise<void> {
  const entry = (await ctx.index.list(ctx.profile)).find(({tokenId}) => tokenId === id)
  if (!entry) return
  const store = await ctx.storeOf(entry.store)
  if (!(await store.has({kind: 'service-token', id})))
    throw secretGone({tokenId: id, store: entry.store, name}, store.label)
}
