import {Flags} from '@oclif/core'
import {completing} from '../cli/completing.js'
import {ASKABLE, type AskedPart, type RuleInput} from '../access/rules/input.js'
import type {Decision} from '../api/types.js'
import {UserError} from '../core/errors.js'
import {several} from './flags.js'

const serviceAuthFlag = Flags.boolean({
  description: 'use the action Service Auth: a service token is enough, no login',
})

const single = (description: string) => Flags.boolean({description})

type SelectorRow = (typeof ASKABLE)[number]
type Place = 'include' | 'require' | 'exclude' | 'member'

function nameIn({member, ...row}: SelectorRow, place: Place): string | undefined {
  return place === 'member' ? member : row[place]?.[0]
}

/** The flags of some selectors, for one part of a rule or for the members of a group. */
function flagsOf(rows: readonly SelectorRow[], place: Place) {
  return Object.fromEntries(
    rows.flatMap((row): [string, ReturnType<typeof several> | ReturnType<typeof single>][] => {
      const name = nameIn(row, place)
      if (name === undefined) return []
      const [, description = ''] = (place === 'member' ? row.include : row[place]) ?? []
      if (row.value === undefined) return [[name, single(description)]]
      return [[name, completing(row.completes ?? 'none', several(description, row.value))]]
    }),
  )
}

/** The machines that a rule includes. */
export const machineFlags = flagsOf(
  ASKABLE.filter(({machines}) => machines),
  'include',
)

/** Who else a rule can include. */
export const includeFlags = flagsOf(
  ASKABLE.filter(({machines}) => !machines),
  'include',
)

/** What narrows a rule: every requirement must be met, and no exclusion. */
export const narrowingFlags = {...flagsOf(ASKABLE, 'require'), ...flagsOf(ASKABLE, 'exclude')}

/** A Service Auth rule of an application. */
export const serviceAuthRuleFlags = {'service-auth': serviceAuthFlag, ...machineFlags, ...narrowingFlags}

/** What an Access group can include. */
export const memberFlags = flagsOf(ASKABLE, 'member')

type RuleFlags = Readonly<Record<string, unknown>>

/** The rule that the flags above describe. A flag that a command does not have counts as not given. */
export function ruleInputOf(flags: RuleFlags): RuleInput {
  return {
    include: askedPart(flags, 'include'),
    require: askedPart(flags, 'require'),
    exclude: askedPart(flags, 'exclude'),
  }
}

/** The rule that {@link memberFlags} describe. */
export function memberInputOf(flags: RuleFlags): RuleInput {
  return {include: askedPart(flags, 'member'), require: {}, exclude: {}}
}

function askedPart(flags: RuleFlags, place: Place): AskedPart {
  return Object.fromEntries(
    ASKABLE.flatMap((row): [string, string[]][] => {
      const given = flags[nameIn(row, place) ?? '']
      const values = given === true ? [''] : Array.isArray(given) ? given.map(String) : []
      return values.length > 0 ? [[row.selector, values]] : []
    }),
  )
}

const ACTIONS: Record<string, Decision> = {
  'service-auth': 'non_identity',
  allow: 'allow',
  block: 'deny',
  bypass: 'bypass',
}

export const actionFlags = {
  'service-auth': serviceAuthFlag,
  action: Flags.option({
    description: 'action of the policy (default: service-auth)',
    options: Object.keys(ACTIONS),
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
