import {UserError} from '../../core/errors.js'
import {checkSession} from './input.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {openForEdit} from '../edit/application.js'
import {replaceChange} from '../edit/change.js'
import {nameOf} from '../edit/object.js'
import type {PlannedEdit} from '../edit/planned.js'
import {hasServiceAuth} from './service-auth-401.js'

/** Settings of an application; undefined leaves one as it is. */
export interface ApplicationSettings {
  /** Whether machines that are not admitted get 401 instead of a redirect to a login. */
  serviceAuth401?: boolean | undefined
  /** A Go duration, or days (`7d`). */
  sessionDuration?: string | undefined
}

/** Without changes if the settings are so already. */
export interface SetApplicationPlan extends PlannedEdit {
  application: {id: string; name: string}
}

/**
 * How to change an application's settings. Changes nothing yet.
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
      message: 'Nothing to set was given',
      next: ['Give --service-auth-401, --no-service-auth-401 or --session-duration'],
    })
  }
  const session = sessionDuration === undefined ? undefined : checkSession(sessionDuration)
  const api = await ctx.api()
  ctx.progress.step('Reading the application')
  const {app, notes} = await openForEdit(ctx, api, wanted, await api.listApplications())
  const {target, state, application, policies} = app
  if (serviceAuth401 === true && !hasServiceAuth(policies)) {
    throw new UserError({
      kind: 'conflict',
      code: 'NEEDS_SERVICE_AUTH',
      message: `"${application.name}" has no Service Auth rule`,
      why: 'Cloudflare refuses service_auth_401_redirect without one. Nothing was changed.',
      next: [ztCommand(ctx, 'app', 'add-rule', application, '--service-auth')],
      details: {applicationId: application.id},
    })
  }
  // A missing field means off, so turning it off is no change then.
  const turned = serviceAuth401 !== undefined && serviceAuth401 !== application.serviceAuth401Redirect
  return {
    changes: replaceChange(target, state, {
      ...(turned && {service_auth_401_redirect: serviceAuth401}),
      ...(session !== undefined && {session_duration: session}),
    }),
    application: nameOf(application),
    notes,
  }
}
