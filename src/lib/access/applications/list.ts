import type {Application, ApplicationQuery, Page} from '../../api/types.js'
import type {AccessContext} from '../account/context.js'
import {withProgress} from '../account/listing.js'
import {resolveApplication} from '../account/resolve.js'

/** The applications of the account or zone, page by page in the API's order. */
export async function* streamApplications(
  ctx: AccessContext,
  query: ApplicationQuery = {},
): AsyncGenerator<Page<Application>> {
  const api = await ctx.api()
  yield* withProgress(ctx, 'Listing the applications', api.applications(query))
}

/** One application with its policies, by name, ID or domain. */
export async function showApplication(ctx: AccessContext, wanted: string): Promise<Application> {
  const api = await ctx.api()
  ctx.progress.step('Reading the application')
  const {id} = resolveApplication(ctx, wanted, await api.listApplications()).application
  const [application, policies] = await Promise.all([api.getApplication(id), api.listApplicationPolicies(id)])
  return {...application, policies}
}
