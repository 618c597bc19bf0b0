import {Flags} from '@oclif/core'
import {completing} from '../cli/completing.js'
import {several} from './flags.js'
import type {RuleInput} from '../access/rules/wanted.js'
import type {Decision} from '../api/types.js'
import {UserError} from '../core/errors.js'

export const serviceAuthFlag = Flags.boolean({
  description: 'use the action Service Auth: a service token is enough, no login',
})

/** The machines that a rule includes. */
export const machineFlags = {
  token: completing('token', several('service token: name, ID or client ID', 'NAME')),
  group: completing('group', several('Access group: name or ID', 'NAME')),
  'any-token': Flags.boolean({description: 'any valid service token of the account'}),
}

/** Who else a rule can include. */
export const includeFlags = {
  everyone: Flags.boolean({description: 'everyone'}),
  email: several('person, for --action allow or block', 'ADDRESS'),
  'email-domain': several('everyone with an email address in this domain', 'DOMAIN'),
  'include-ip': several('IP address or range', 'CIDR'),
  'include-country': several('country, by its two-letter code', 'CC'),
}

/** What narrows a rule: every requirement must be met, and no exclusion. */
export const narrowingFlags = {
  'require-ip': several('only from this IP address or range', 'CIDR'),
  'require-country': several('only from this country', 'CC'),
  'require-group': completing('group', several('only members of this Access group', 'NAME')),
  'exclude-ip': several('not from this IP address or range', 'CIDR'),
  'exclude-country': several('not from this country', 'CC'),
  'exclude-group': completing('group', several('no members of this Access group', 'NAME')),
}

type RuleFlags = Readonly<Record<string, unknown>>

/** The rule that the flags above describe. A flag that a command does not have counts as not given. */
export function ruleInputOf(flags: RuleFlags): RuleInput {
  const list = (name: string): string[] => (flags[name] as string[] | undefined) ?? []
  return {
    tokens: list('token'),
    groups: list('group'),
    anyToken: flags['any-token'] === true,
    everyone: flags['everyone'] === true,
    emails: list('email'),
    emailDomains: list('email-domain'),
    ips: list('include-ip'),
    countries: list('include-country'),
    require: {
      ips: list('require-ip'),
      countries: list('require-country'),
      groups: list('require-group'),
    },
    exclude: {
      ips: list('exclude-ip'),
      countries: list('exclude-country'),
      groups: list('exclude-group'),
    },
  }
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

/** What an Access group can include. */
export const memberFlags = {
  token: machineFlags.token,
  group: machineFlags.group,
  ip: includeFlags['include-ip'],
  country: includeFlags['include-country'],
}

/** The rule that {@link memberFlags} describe. */
export function memberInputOf({ip, country, ...flags}: RuleFlags): RuleInput {
  return ruleInputOf({...flags, 'include-ip': ip, 'include-country': country})
}
