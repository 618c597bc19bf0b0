import {Flags} from '@oclif/core'
import type {Client} from '../access/explain/application.js'
import {checkAddress, checkCountry, checkEmail} from '../access/rules/input.js'
import {completing} from '../cli/completing.js'

const CLIENTS = ['token', 'email', 'no-credentials', 'all']
const without = (name: string): string[] => CLIENTS.filter((one) => one !== name)

/** Who asks, and from where. */
export const clientFlags = {
  token: completing(
    'token',
    Flags.string({
      description: 'service token: name, ID or client ID',
      helpValue: 'NAME',
      exclusive: without('token'),
    }),
  ),
  email: Flags.string({
    description: 'person with this email address, who logs in',
    helpValue: 'ADDRESS',
    exclusive: without('email'),
    parse: (text) => Promise.resolve(checkEmail(text, [])),
  }),
  group: completing(
    'none',
    Flags.string({
      description: "group of the person at the identity provider; given once for each of the person's",
      helpValue: 'GROUP',
      multiple: true,
      dependsOn: ['email'],
    }),
  ),
  'no-credentials': Flags.boolean({
    description: 'client that sends no credentials',
    exclusive: without('no-credentials'),
  }),
  ip: Flags.string({
    description: 'address from which the client connects',
    helpValue: 'ADDRESS',
    parse: (text) => Promise.resolve(checkAddress(text)),
  }),
  country: Flags.string({
    description: 'country from which the client connects, by its two-letter code',
    helpValue: 'CC',
    parse: (text) => Promise.resolve(checkCountry(text)),
  }),
}

interface ClientFlags {
  token?: string | undefined
  email?: string | undefined
  group?: readonly string[] | undefined
  'no-credentials': boolean
}

/** The client that the flags name; undefined: none. */
export function clientOf({token, email, group, 'no-credentials': none}: ClientFlags): Client | undefined {
  if (token !== undefined) return {kind: 'token', wanted: token}
  if (email !== undefined) return {kind: 'person', email, groups: group}
  return none ? {kind: 'none'} : undefined
}
