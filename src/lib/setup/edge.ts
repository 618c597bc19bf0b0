import {explainFailure} from '../access/explain/explain.js'
import {ztCommand} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import {patient} from '../core/patience.js'
import {TIMEOUT_MS} from '../tunnel/carrier/deadlines.js'
import {checkTunnel, isOpen} from '../tunnel/check/check.js'
import {RefusedError} from '../tunnel/failure/refusal.js'
import {findTarget, type Target} from '../tunnel/target/target.js'
import type {SetupWorld} from './world.js'

/** Changes are known to need up to about 85 seconds (a public report); others speak of minutes. */
const LIMIT_MS = 5 * 60_000
/** From here on it takes longer than usual, and zt says so. */
const LONG_MS = 60_000
const SOON_MS = 20_000
/** How long the edge may know nothing of a host that was set up just now: neither its application nor its tunnel. */
const NEW_HOST_MS = 90_000

export interface Accepted {
  /** How long it took from the first try, in whole seconds. */
  seconds: number
  /** What the SSH server said. */
  banner: string
}

/**
 * Connects as `zt ssh check` does until the edge accepts the token. Ends at once with what waiting cannot cure. Until the
 * edge enforces a new application, it lets in anyone: so it must refuse a client without credentials, too.
 *
 * @param isNew its application was created a short while ago, and perhaps its tunnel too
 * @param isClosed by the rules, no one gets in without credentials
 * @throws UserError of `findTarget`; the failure of the connection, explained; `refused` / `ACCESS_NOT_ENFORCED`
 */
export async function untilAccepted(
  world: SetupWorld,
  host: string,
  {isNew, isClosed}: {isNew: boolean; isClosed: boolean},
): Promise<Accepted> {
  const {ctx, settings, reading, env} = world
  const target = await findTarget({...reading, settings, host, confirm: () => false})
  const limit = patient(LIMIT_MS)
  // The connections take time, too.
  const begun = performance.now()
  let said = 0
  for (let tries = 0; ; tries++) {
    const way = {environment: env, timeoutMs: patient(TIMEOUT_MS)}
    const {steps, failure} = await checkTunnel({target, ...way})
    const open = !failure && isNew && isClosed && (await isOpen({edge: target.edge, ...way})) !== false
    const waited = tries === 0 ? 0 : performance.now() - begun
    if (!failure && !open) {
      const banner = steps.find(({step}) => step === 'ssh')?.detail ?? ''
      return {seconds: Math.round(waited / 1000), banner}
    }
    if (failure && !(failure instanceof RefusedError)) throw failure
    const noTunnel = failure?.answer.reason === 'origin-down'
    if (failure && noTunnel && (!isNew || waited >= NEW_HOST_MS)) throw failure
    // Why is asked once, and again where it took too long: it takes several requests.
    if (!failure && waited >= limit) throw notEnforced(ctx, host, waited)
    if (failure && (tries === 0 || waited >= limit)) {
      const explained = await explain(world, target, failure)
      if (waited >= limit) throw tooLong(explained, waited)
      if (!noTunnel && !mayPass(explained)) throw explained
    }
    if (said === 0) {
      ctx.progress.wait('Waiting until the edge enforces the rule, which takes up to about 85 seconds')
      said = 1
    } else if (said === 1 && waited >= LONG_MS) {
      ctx.progress.wait('The edge has not enforced the rule for over a minute; zt waits up to 5 minutes')
      said = 2
    } else ctx.progress.step(`Waiting until the edge enforces the rule: ${Math.round(waited / 1000)} s`)
    await ctx.sleep(waited < SOON_MS ? 1000 : 3000)
  }
}

function explain({ctx}: SetupWorld, target: Target, error: UserError): Promise<UserError> {
  const {edge, tokenId, credentials} = target
  return explainFailure(ctx, {host: edge.host, tokenId, clientId: credentials.clientId, error})
}

/** Whether a refusal may be only that the edge does not know a change yet. */
function mayPass(error: UserError): boolean {
  if (!(error instanceof RefusedError)) return false
  const {reason} = error.answer
  if (reason === 'rate-limited') return true
  if (reason === 'challenged') return false
  const causes = error.details['causes'] as {id: string; certain: boolean}[] | undefined
  // Without the API, only time will tell.
  if (!causes) return true
  return causes.some(({id}) => id === 'edge-delay') && !causes.some(({certain}) => certain)
}

function notEnforced(ctx: SetupWorld['ctx'], host: string, waited: number): UserError {
  return new UserError({
    kind: 'refused',
    code: 'ACCESS_NOT_ENFORCED',
    message: `The edge does not refuse clients without credentials at ${host}`,
    why: [
      `zt has waited ${Math.round(waited / 1000)} s for the edge to enforce the new application.`,
      'Cloudflare may not proxy the host, or another application may answer for it by now.',
    ],
    next: [ztCommand(ctx, 'app', 'explain', host)],
    details: {host},
  })
}

function tooLong(error: UserError, waited: number): UserError {
  return error.with({
    why: [
      `zt has waited ${Math.round(waited / 1000)} s for the edge to enforce the rule.`,
      ...error.whyLines,
    ],
  })
}
