import {permissionsOf} from '../../api/permissions.js'
import {ztCommand} from '../../core/command-line.js'
import {ApiError} from '../../core/errors.js'
import type {AccessContext} from './context.js'

/**
 * Checks before the first of several changes that the API token may make all of them. Says nothing of what it cannot find
 * out, and of the objects of a zone.
 *
 * @throws ApiError `permission` / `PERMISSION_MISSING`, with all that are missing
 */
export async function requirePermissions(
  ctx: AccessContext,
  changes: {serviceTokens: boolean; applications: boolean},
): Promise<void> {
  const api = await ctx.api()
  const groups = [
    ...(changes.serviceTokens ? permissionsOf('createServiceToken') : []),
    ...(changes.applications ? permissionsOf('replaceApplication') : []),
  ]
  if (groups.length === 0 || api.zoneId !== undefined) return
  const states = await api.probePermissions(groups)
  const missing = states.filter(({group, state}) => state === 'no' && groups.includes(group))
  if (missing.length === 0) return
  const names = missing.map(({group}) => group)
  throw new ApiError({
    kind: 'permission',
    code: 'PERMISSION_MISSING',
    message: `The API token lacks ${names.length === 1 ? 'a permission' : 'permissions'} that this needs`,
    why: `It lacks ${names.map((name) => `"${name}"`).join(' and ')}. Nothing was changed.`,
    next: [
      ztCommand(ctx, 'whoami'),
      `Add what is missing to the API token in the dashboard, or log in with another: ${ztCommand(ctx, 'login')}`,
    ],
    missingPermissions: names,
  })
}
