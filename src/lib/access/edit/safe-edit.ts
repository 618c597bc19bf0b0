import {isDeepStrictEqual} from 'node:util'
import type {AccessApi, Application, Policy} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {eventually} from '../account/outcome.js'

/** An application as it was read, its policies in order. */
export interface ApplicationSnapshot {
  application: Application
  policies: readonly Policy[]
}

/** An application names its policies so; the same form for both kinds. */
export interface PolicyLink {
  id: string
  precedence: number
}

/** The references that stand for an application's present policies. */
export function linksOf(policies: readonly Policy[]): PolicyLink[] {
  return policies.map((one, at) => ({id: one.id, precedence: one.precedence ?? at + 1}))
}

/**
 * Gives an application other policies. It goes back exactly as it came, unknown fields included, with `policies` as
 * references; it is read again just before.
 *
 * @throws UserError `conflict` / `APPLICATION_CHANGED` when it is not as it was; ApiError
 */
export async function replacePolicyLinks(
  ctx: AccessContext,
  api: AccessApi,
  before: ApplicationSnapshot,
  links: readonly PolicyLink[],
): Promise<void> {
  const {application, policies} = before
  const now = await readApplication(api, application.id)
  if (
    !isUntouched(application.raw, now.application.raw, ['policies']) ||
    !isDeepStrictEqual(now.policies.map(idOf), policies.map(idOf))
  ) {
    throw changedMeanwhile(ctx, application)
  }
  await api.replaceApplication(application.id, {...application.raw, policies: links})
}

/**
 * Reads an application again after its policies were replaced.
 *
 * @param done what was done, a clause: `The rule was added to "GitLab"`
 * @throws UserError `conflict` / `APPLICATION_NOT_AS_EXPECTED`
 */
export async function verifyPolicyLinks(
  ctx: AccessContext,
  api: AccessApi,
  before: ApplicationSnapshot,
  links: readonly PolicyLink[],
  done: string,
): Promise<void> {
  const {id, raw} = before.application
  const {changed, same} = await eventually(
    ctx,
    async () => {
      const after = await readApplication(api, id)
      return {
        changed: differingFields(raw, after.application.raw, ['policies', 'updated_at']),
        same: isDeepStrictEqual(after.policies.map(idOf), links.map(idOf)),
      }
    },
    (seen) => seen.changed.length === 0 && seen.same,
  )
  if (changed.length === 0 && same) return
  throw new UserError({
    kind: 'conflict',
    code: 'APPLICATION_NOT_AS_EXPECTED',
    message: `${done}, and the application is not as it should be now`,
    why:
      changed.length > 0
        ? `These fields differ from before: ${changed.join(', ')}. Somebody may have edited it at the same moment.`
        : 'Its policies are others, or in another order. Somebody may have edited it at the same moment.',
    next: [ztCommand(ctx, 'app', 'show', before.application)],
    details: {applicationId: id, fields: changed},
  })
}

/** An application and its policies of both kinds. */
export async function readApplication(api: AccessApi, id: string): Promise<ApplicationSnapshot> {
  const [application, policies] = await Promise.all([api.getApplication(id), api.listApplicationPolicies(id)])
  return {application, policies}
}

/** The names of the fields in which two objects of the API differ, sorted. */
export function differingFields(
  before: JsonObject,
  after: JsonObject,
  notCompared: readonly string[],
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => !notCompared.includes(field))
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .sort()
}

/** Whether an object of the API is as it was, by its own date of change as well. */
export function isUntouched(before: JsonObject, now: JsonObject, notCompared: readonly string[]): boolean {
  return differingFields(before, now, notCompared).length === 0
}

function changedMeanwhile(ctx: AccessContext, application: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'APPLICATION_CHANGED',
    message: `Somebody else is changing "${application.name}" at this moment`,
    why: 'It was read twice, and is not the same. It was left as it is.',
    next: [`Look at it (${ztCommand(ctx, 'app', 'show', application)}), then run the command again`],
  })
}

function idOf({id}: {id: string}): string {
  return id
}
