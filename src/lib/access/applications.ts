import type {Application} from '../api/types.js'
import type {AccessContext} from './context.js'
import {resolveApplication} from './resolve.js'

/** All applications of the account, by name. */
export async function listApplications(ctx: AccessContext): Promise<Application[]> {
  const api = await ctx.api()
  ctx.progress.step('Listing the applications')
  return (await api.listApplications()).sort((a, b) => a.name.localeCompare(b.name))
}

/** One application with its policies, by name, id or domain. */
export async function showApplication(ctx: AccessContext, wanted: string): Promise<Application> {
  const api = await ctx.api()
  ctx.progress.step('Reading the application')
  const {id} = resolveApplication(ctx, wanted, await api.listApplications())
  const [application, policies] = await Promise.all([api.getApplication(id), api.listApplicationPolicies(id)])
  return {...application, policies}
}
