import {Flags} from '@oclif/core'
import type {RuleInput} from '../access/rules/input.js'
import type {Decision} from '../api/types.js'
import {UserError} from '../core/errors.js'

const several = (description: string, helpValue: string) =>
  Flags.string({description, helpValue, multiple: true, default: []})

/** Whom a rule means: what machines have. */
export const machineFlags = {
  token: several('service token by name, id or Client ID; may be repeated', 'NAME'),
  group: several('Access group by name or id; may be repeated', 'NAME'),
  'any-token': Flags.boolean({description: 'any valid service token of the account'}),
}

/** Whom else a rule can mean. */
export const includeFlags = {
  everyone: Flags.boolean({description: 'everyone'}),
  email: several('a person, under --action allow or block; may be repeated', 'ADDRESS'),
  'email-domain': several('all e-mail addresses of a domain; may be repeated', 'DOMAIN'),
  'include-ip': several('an address or a block of them; may be repeated', 'CIDR'),
  'include-country': several('a country by its two letters; may be repeated', 'CC'),
}

/** What narrows a rule: all that is required must hold, nothing that is excluded may. */
export const narrowingFlags = {
  'require-ip': several('only from this address or block', 'CIDR'),
  'require-country': several('only from this country', 'CC'),
  'require-group': several('only who is in this Access group, too; may be repeated', 'NAME'),
  'exclude-ip': several('not from this address or block; may be repeated', 'CIDR'),
  'exclude-country': several('not from this country; may be repeated', 'CC'),
  'exclude-group': several('nobody who is in this Access group; may be repeated', 'NAME'),
}

type RuleFlags = Readonly<Record<string, unknown>>

/** What the flags above ask for; those that a command does not have ask for nothing. */
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

/** Whom an Access group can include. */
export const memberFlags = {
  token: machineFlags.token,
  group: several('another Access group by name or id; may be repeated', 'NAME'),
  ip: includeFlags['include-ip'],
  country: includeFlags['include-country'],
}

/** What {@link memberFlags} ask for. */
export function memberInputOf({ip, country, ...flags}: RuleFlags): RuleInput {
  return ruleInputOf({...flags, 'include-ip': ip, 'include-country': country})
}
