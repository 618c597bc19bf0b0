import type {Application, Policy} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'

/** Whether one of these is a Service Auth policy: without one, Cloudflare refuses `service_auth_401_redirect`. */
export function hasServiceAuth(policies: readonly Pick<Policy, 'decision'>[]): boolean {
  return policies.some(({decision}) => decision === 'non_identity')
}

/**
 * Cloudflare accepts `service_auth_401_redirect` only with a Service Auth policy.
 *
 * @param left the application's policies as they would be
 * @throws UserError `conflict` / `LAST_SERVICE_AUTH_RULE`
 */
export function refuseLastServiceAuth(
  ctx: AccessContext,
  application: Application,
  left: readonly Policy[],
): void {
  const {id, name, serviceAuth401Redirect} = application
  if (!serviceAuth401Redirect || hasServiceAuth(left)) return
  throw new UserError({
    kind: 'conflict',
    code: 'LAST_SERVICE_AUTH_RULE',
    message: `"${name}" would lose its last Service Auth rule`,
    why: 'It answers 401 to machines (service_auth_401_redirect), which Cloudflare allows only with a Service Auth rule. Nothing was changed.',
    next: [
      `First admit another token: ${ztCommand(ctx, 'app', 'add-rule', application, '--service-auth')}`,
      `Or turn the setting off: ${ztCommand(ctx, 'app', 'set', application, '--no-service-auth-401')}`,
    ],
    details: {applicationId: id},
  })
}
