import type {AccessContext} from '../access/account/context.js'
import {actionName} from '../access/rules/action-name.js'
import type {AccessApi} from '../api/types.js'
import type {Prompts} from '../cli/prompts.js'
import {UserError} from '../core/errors.js'

interface Asking {
  ctx: AccessContext
  prompts: Prompts
  /** The command line to suggest if zt cannot prompt. */
  usage: string
}

type Given = string | undefined

/** The policy that was given, or one that the person chooses. */
export async function chosenPolicy(given: Given, asking: Asking): Promise<string> {
  return (
    given ??
    choose(
      asking,
      'policy',
      (api) => api.listPolicies(),
      (one) => actionName(one.decision),
    )
  )
}

/** The Access group that was given, or one that the person chooses. */
export async function chosenGroup(given: Given, asking: Asking): Promise<string> {
  return given ?? choose(asking, 'Access group', (api) => api.listGroups())
}

/** The service token that was given, or one that the person chooses. */
export async function chosenToken(given: Given, asking: Asking): Promise<string> {
  return given ?? choose(asking, 'service token', (api) => api.listServiceTokens())
}

/** The application that was given, or one that the person chooses. */
export async function chosenApplication(given: Given, asking: Asking): Promise<string> {
  return (
    given ??
    choose(
      asking,
      'application',
      (api) => api.listApplications(),
      (one) => one.domain ?? '',
    )
  )
}

/** The command that creates an object, by what the object is. */
const CREATE = {
  policy: 'zt policy create',
  'Access group': 'zt group create',
  'service token': 'zt token create',
  application: 'zt app create',
}

async function choose<T extends {id: string; name: string}>(
  {ctx, prompts, usage}: Asking,
  what: keyof typeof CREATE,
  list: (api: AccessApi) => Promise<T[]>,
  detail: (one: T) => string = () => '',
): Promise<string> {
  prompts.require(`The ${what}`, usage)
  const all = await list(await ctx.api())
  if (all.length === 0) {
    throw new UserError({
      kind: 'not-found',
      code: 'NOTHING_TO_CHOOSE',
      message: `The account has no ${what}`,
      next: [CREATE[what]],
    })
  }
  const sorted = all.sort((a, b) => a.name.localeCompare(b.name))
  return prompts.choose(
    what.charAt(0).toUpperCase() + what.slice(1),
    sorted.map((one) => ({name: `${one.name}  ${detail(one)}`.trimEnd(), value: one.id})),
  )
}

/** The host that was given, or one that the person types. */
export async function givenHost(given: Given, prompts: Prompts, usage: string): Promise<string> {
  if (given !== undefined) return given
  prompts.require('The host', usage)
  return prompts.text('Host')
}
