import type {AccessContext} from '../access/account/context.js'
import {actionName} from '../access/rules/action-name.js'
import type {Prompts} from '../cli/prompts.js'
import {UserError} from '../core/errors.js'

interface Asking {
  ctx: AccessContext
  prompts: Prompts
  /** The command line to suggest where nobody can be asked. */
  usage: string
}

/** The policy that was named, or that is chosen from the account's. */
export async function chosenPolicy(
  named: string | undefined,
  {ctx, prompts, usage}: Asking,
): Promise<string> {
  if (named !== undefined) return named
  prompts.require('The policy', usage)
  const policies = await (await ctx.api()).listPolicies()
  return choose(prompts, 'Policy', policies, ({decision}) => actionName(decision), 'zt policy create')
}

/** The Access group that was named, or that is chosen from the account's. */
export async function chosenGroup(named: string | undefined, {ctx, prompts, usage}: Asking): Promise<string> {
  if (named !== undefined) return named
  prompts.require('The Access group', usage)
  const groups = await (await ctx.api()).listGroups()
  return choose(prompts, 'Access group', groups, () => '', 'zt group create')
}

/** The service token that was named, or that is chosen from the account's. */
export async function chosenToken(named: string | undefined, {ctx, prompts, usage}: Asking): Promise<string> {
  if (named !== undefined) return named
  prompts.require('The service token', usage)
  const tokens = await (await ctx.api()).listServiceTokens()
  return choose(prompts, 'Service token', tokens, () => '', 'zt token create')
}

/** The application that was named, or that is chosen from the account's. */
export async function chosenApplication(
  named: string | undefined,
  {ctx, prompts, usage}: Asking,
): Promise<string> {
  if (named !== undefined) return named
  prompts.require('The application', usage)
  const applications = await (await ctx.api()).listApplications()
  return choose(prompts, 'Application', applications, ({domain}) => domain ?? '', 'zt app create')
}

async function choose<T extends {id: string; name: string}>(
  prompts: Prompts,
  what: string,
  all: readonly T[],
  detail: (one: T) => string,
  next: string,
): Promise<string> {
  if (all.length === 0) {
    throw new UserError({
      kind: 'not-found',
      code: 'NOTHING_TO_CHOOSE',
      message: `The account has no ${what === 'Access group' ? what : what.toLowerCase()}`,
      next: [next],
    })
  }
  const sorted = [...all].sort((a, b) => a.name.localeCompare(b.name))
  return prompts.choose(
    what,
    sorted.map((one) => ({name: `${one.name}  ${detail(one)}`.trimEnd(), value: one.id})),
  )
}
