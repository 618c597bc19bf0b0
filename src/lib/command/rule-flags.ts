import {Flags} from '@oclif/core'
import {ASKABLE, type AskedPart, type RuleInput} from '../access/rules/wanted.js'
import type {Decision} from '../api/types.js'
import {UserError} from '../core/errors.js'

const several = (description: string, helpValue: string) =>
  Flags.string({description, helpValue, multiple: true, default: []})
const single = (description: string) => Flags.boolean({description})

type SelectorRow = (typeof ASKABLE)[number]
type Place = 'include' | 'require' | 'exclude' | 'member'

/** The flags of some selectors, for one part of a rule or for the members of a group. */
function flagsOf(rows: readonly SelectorRow[], place: Place) {
  return Object.fromEntries(
    rows.flatMap(({value, [place]: flag}) => {
      if (!flag) return []
      const [name, description] = flag
      return [[name, value === undefined ? single(description) : several(description, value)]]
    }),
  ) as Record<string, ReturnType<typeof several> | ReturnType<typeof single>>
}

/** Whom a rule means: what machines have. */
export const machineFlags = flagsOf(
  ASKABLE.filter(({machines}) => machines),
  'include',
)

/** Whom else a rule can mean. */
export const includeFlags = flagsOf(
  ASKABLE.filter(({machines}) => !machines),
  'include',
)

/** What narrows a rule: all that is required must hold, nothing that is excluded may. */
export const narrowingFlags = {...flagsOf(ASKABLE, 'require'), ...flagsOf(ASKABLE, 'exclude')}

/** Whom an Access group can include. */
export const memberFlags = flagsOf(ASKABLE, 'member')

type RuleFlags = Readonly<Record<string, unknown>>

/** What the flags above ask for; those that a command does not have ask for nothing. */
export function ruleInputOf(flags: RuleFlags): RuleInput {
  return {
    include: askedPart(flags, 'include'),
    require: askedPart(flags, 'require'),
    exclude: askedPart(flags, 'exclude'),
  }
}

/** What {@link memberFlags} ask for. */
export function memberInputOf(flags: RuleFlags): RuleInput {
  return {include: askedPart(flags, 'member'), require: {}, exclude: {}}
}

function askedPart(flags: RuleFlags, place: Place): AskedPart {
  return Object.fromEntries(
    ASKABLE.flatMap(({selector, [place]: flag}): [string, string[]][] => {
      const given = flag === undefined ? undefined : flags[flag[0]]
      const values = given === true ? [''] : Array.isArray(given) ? given.map(String) : []
      return values.length > 0 ? [[selector, values]] : []
    }),
  )
}

const ACTIONS: Record<string, Decision> = {
  'service-auth': 'non_identity',
  allow: 'allow',
  block: 'deny',
  bypass: 'bypass',
}

/** What a policy does with whom it means. */
export const actionFlags = {
  'service-auth': Flags.boolean({
    description: 'the action Service Auth, which is the default: no login',
  }),
  action: Flags.option({
    description: 'what it does: service-auth, allow, block or bypass',
    options: Object.keys(ACTIONS),
    helpValue: 'ACTION',
  })(),
}

/** @throws UserError `usage` / `SEVERAL_ACTIONS` */
export function decisionOf({action, 'service-auth': serviceAuth}: RuleFlags): Decision {
  const decision = ACTIONS[typeof action === 'string' ? action : 'service-auth'] ?? 'non_identity'
  if (serviceAuth !== true || decision === 'non_identity') return decision
  throw new UserError({
    kind: 'usage',
    code: 'SEVERAL_ACTIONS',
    message: 'A policy has one action',
    why: `Both --service-auth and --action ${String(action)} were given.`,
  })
}
