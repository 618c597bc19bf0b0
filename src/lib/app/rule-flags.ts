import {Flags} from '@oclif/core'
import type {RuleInput} from '../access/rule-input.js'

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
