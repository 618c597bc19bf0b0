import type {Application, Policy} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'

/** Whether one of these is a Service Auth policy: without, Cloudflare refuses `service_auth_401_redirect`. */
export function hasServiceAuth(policies: readonly Pick<Policy, 'decision'>[]): boolean {
  return policies.some(({decision}) => decision === 'non_identity')
}

/**
 * Cloudflare takes `service_auth_401_redirect` with a Service Auth policy only.
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
    why: 'It answers 401 to machines (service_auth_401_redirect), which Cloudflare allows only with such a rule. Nothing was changed.',
    next: [
      `Admit another token first: ${ztCommand(ctx, 'app', 'add-rule', application, '--service-auth', '--token', 'NAME')}`,
      `Or turn that off: ${ztCommand(ctx, 'app', 'set', application, '--no-service-auth-401')}`,
    ],
    details: {applicationId: id},
  })
}
