import {Args} from '@oclif/core'
import type {Arg} from '@oclif/core/interfaces'
import {completing} from '../cli/completing.js'
import {SETTING_NAMES, type SettingName} from '../config/profile-settings.js'
import {KEEPING_STORES} from '../secrets/stores.js'

// Arguments that several commands take. oclif reads a missing argument from stdin unless `ignoreStdin` is set.

export const tokenArg = completing(
  'token',
  Args.string({description: 'service token: name, ID or client ID', ignoreStdin: true}),
)

export const applicationArg = completing(
  'application',
  Args.string({description: 'application: name, domain or ID', ignoreStdin: true}),
)

/** An application, or an address that one covers. */
export const explainedArg = completing(
  'application-or-host',
  Args.string({
    description: 'application: name or ID; or a host or URL, for the application that answers there',
    ignoreStdin: true,
  }),
)

export const policyArg = completing(
  'policy',
  Args.string({description: 'policy: name or ID', ignoreStdin: true}),
)

export const groupArg = completing(
  'group',
  Args.string({description: 'Access group: name or ID', ignoreStdin: true}),
)

/** A rule of the application before it. */
export const ruleArg = Args.string({description: 'rule: name, ID or precedence', ignoreStdin: true})

export const hostArg = completing(
  'host',
  Args.string({description: 'public host name', ignoreStdin: true, required: true}),
)

export const destinationArg = completing(
  'destination',
  Args.string({description: '[USER@]HOST', ignoreStdin: true}),
)

export const storeArg = completing('store', Args.string({description: KEEPING_STORES, ignoreStdin: true}))

export const profileArg = completing(
  'profile',
  Args.string({description: 'name of the profile', ignoreStdin: true}),
)

/** A setting of a profile. */
export const settingArg = Args.custom<SettingName>({
  description: 'name of the setting',
  options: SETTING_NAMES,
  ignoreStdin: true,
})()

/** The name of an object that the command creates. */
export const newNameArg = (object: string) =>
  Args.string({description: `name of the new ${object}`, ignoreStdin: true})

/** The same argument, without which the command fails. */
export function required<T>(arg: Arg<T | undefined>): Arg<T> {
  return {...arg, required: true} as Arg<T>
}
