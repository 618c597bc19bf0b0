import {UserError} from '../../core/errors.js'
import {checkSession} from './input.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {readForEdit} from '../edit/application.js'
import {replaceChange, type Change} from '../edit/change.js'
import {findApplication, requireMeant} from '../account/resolve.js'
import {hasServiceAuth} from './service-auth-401.js'

/** Settings of an application; undefined: it stays. */
export interface ApplicationSettings {
  /** Machines that are not admitted get 401 and no redirect to a login. */
  serviceAuth401?: boolean | undefined
  /** A Go duration, or days (`7d`). */
  sessionDuration?: string | undefined
}

export interface SetApplicationPlan {
  /** None: it is so already. */
  changes: Change[]
  application: {id: string; name: string}
  notes: string[]
}

/**
 * How an application's settings are changed. Changes nothing yet.
 *
 * @throws UserError `usage` / `NOTHING_TO_SET`, `BAD_DURATION`; `not-found`, `ambiguous`; `conflict` / `NEEDS_SERVICE_AUTH`
 */
export async function planSetApplication(
  ctx: AccessContext,
  wanted: string,
  {serviceAuth401, sessionDuration}: ApplicationSettings,
): Promise<SetApplicationPlan> {
  if (serviceAuth401 === undefined && sessionDuration === undefined) {
    throw new UserError({
      kind: 'usage',
      code: 'NOTHING_TO_SET',
      message: 'What is to be set is missing',
      next: ['Give --service-auth-401, --no-service-auth-401 or --session-duration'],
    })
  }
  const session = sessionDuration === undefined ? undefined : checkSession(sessionDuration)
  const api = await ctx.api()
  ctx.progress.step('Reading the application')
  const {application: found, note} = findApplication(ctx, wanted, await api.listApplications())
  const {target, state, application, policies} = await readForEdit(api, found.id)
  requireMeant(ctx, 'app', found, wanted, application)
  if (serviceAuth401 === true && !hasServiceAuth(policies)) {
    throw new UserError({
      kind: 'conflict',
      code: 'NEEDS_SERVICE_AUTH',
      message: `"${application.name}" has no Service Auth rule`,
      why: 'Cloudflare refuses service_auth_401_redirect without one. Nothing was changed.',
      next: [ztCommand(ctx, 'app', 'add-rule', application, '--service-auth', '--token', 'NAME')],
      details: {applicationId: application.id},
    })
  }
  // Left out is off: that is no change.
  const turned = serviceAuth401 !== undefined && serviceAuth401 !== application.serviceAuth401Redirect
  return {
    changes: replaceChange(target, state, {
      ...(turned && {service_auth_401_redirect: serviceAuth401}),
      ...(session !== undefined && {session_duration: session}),
    }),
    application: {id: application.id, name: application.name},
    notes: note === undefined ? [] : [note.replace(/\.$/, '')],
  }
}
