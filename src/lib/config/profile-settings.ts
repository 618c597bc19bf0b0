import path from 'node:path'
import {filesSync as fs} from '../system/disk.js'
import {shellQuote} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import {namedFile} from '../system/platform.js'
import {readConfig, updateProfile} from './profiles.js'
import {checkConnectTo} from './settings.js'
import {type Profile, type Settings, type SettingSource} from './types.js'

interface Row {
  field: keyof Profile & keyof Settings
  about: string
  /** The value to keep. Undefined: another command sets it. */
  check?: (text: string, cwd: string) => string
  /** The command that sets it. */
  instead?: string
  source: (settings: Settings, profile: Profile) => SettingSource | undefined
}

/** Flags of `zt config` set none of these, so what is not the profile's comes from the environment. */
const fromEnvironment =
  (field: 'connectTo' | 'caFile') =>
  (settings: Settings, profile: Profile): SettingSource | undefined =>
    settings[field] === undefined ? undefined : settings[field] === profile[field] ? 'profile' : 'environment'

/** The settings of a profile, by the name of the flag that overrides each. */
const ROWS = {
  account: {
    field: 'accountId',
    about: 'ID of the Cloudflare account',
    check: checkAccount,
    source: ({accountSource}) => accountSource,
  },
  'api-url': {
    field: 'apiUrl',
    about: "address of Cloudflare's API; the API token goes there",
    instead: 'zt login --api-url URL',
    source: (_, {apiUrl}) => (apiUrl === undefined ? 'default' : 'profile'),
  },
  store: {
    field: 'store',
    about: 'where secrets are kept',
    instead: 'zt store use STORE',
    source: ({storeSource}) => storeSource,
  },
  'connect-to': {
    field: 'connectTo',
    about: "HOST:PORT to reach the edge at, instead of the host's own address; secrets go there",
    check: (text) => checkConnectTo(text) ?? text,
    source: fromEnvironment('connectTo'),
  },
  'ca-file': {
    field: 'caFile',
    about: 'PEM file of a CA to trust for the edge',
    check: checkFile,
    source: fromEnvironment('caFile'),
  },
  'known-hosts-file': {
    field: 'knownHostsFile',
    about: "known_hosts file that ssh reads before the user's",
    check: checkFile,
    source: ({knownHostsFile}) => (knownHostsFile === undefined ? undefined : 'profile'),
  },
} as const satisfies Record<string, Row>

export type SettingName = keyof typeof ROWS
export const SETTING_NAMES = Object.keys(ROWS) as SettingName[]

/**
 * Each setting, what it is and which command sets it, if `zt config set` does not: for the reference.
 *
 * @public scripts/reference-pages.mjs
 */
export function settingRows(): {name: string; about: string; instead: string | undefined}[] {
  return Object.entries(ROWS as Record<string, Row>).map(([name, {about, instead}]) => ({
    name,
    about,
    instead,
  }))
}

/** A setting as the next command has it. */
export interface SettingInUse {
  name: SettingName
  about: string
  /** Undefined: not set. */
  value: string | undefined
  source: SettingSource | undefined
}

/** The settings of the profile, as flags, environment and project leave them. */
export async function settingsInUse(settings: Settings): Promise<SettingInUse[]> {
  const {profiles} = await readConfig(settings.paths)
  const profile = profiles[settings.profileName] ?? {}
  return Object.entries(ROWS as Record<string, Row>).map(([name, {field, about, source}]) => {
    const value = settings[field] as string | undefined
    return {
      name: name as SettingName,
      about,
      value,
      source: value === undefined ? undefined : source(settings, profile),
    }
  })
}

/**
 * Sets one setting of the profile; an empty text removes it.
 *
 * @param cwd what a relative path is relative to
 * @returns what the profile has now
 * @throws UserError `usage` / `PROFILE_NOT_NAMED`, `SET_ELSEWHERE`, `SANDBOX_SETTING`, `BAD_VALUE`; `BAD_CONNECT_TO`
 */
export async function setSetting(
  {paths, profileName, profileSource, sandbox}: Settings,
  {name, text, cwd}: {name: SettingName; text: string; cwd: string},
): Promise<string | undefined> {
  const {field, check, instead}: Row = ROWS[name]
  if (profileSource === 'project') {
    throw new UserError({
      kind: 'usage',
      code: 'PROFILE_NOT_NAMED',
      message: `The project's .zt.json chose the profile ${profileName}`,
      why: 'What is set here counts wherever the profile is used, and secrets go where it says.',
      next: [`Name the profile: --profile ${profileName}`],
    })
  }
  if (check === undefined) {
    throw new UserError({
      kind: 'usage',
      code: 'SET_ELSEWHERE',
      message: `zt config set does not change ${name}`,
      why: 'Secrets depend on it, and zt store use takes care of them.',
      next: [withValue(instead ?? '', text.trim())],
    })
  }
  if (sandbox) {
    throw new UserError({
      kind: 'usage',
      code: 'SANDBOX_SETTING',
      message: `The settings of ${profileName} are the sandbox's`,
      why: 'zt sandbox start sets them.',
      next: ['zt profile list'],
    })
  }
  const value = text.trim() === '' ? undefined : check(text.trim(), cwd)
  // The name of an account is that of its ID.
  const also: Partial<Profile> = field === 'accountId' ? {accountName: undefined} : {}
  await updateProfile(paths, profileName, {...also, [field]: value})
  return value
}

/** A command line with the value in place of its last word. */
function withValue(command: string, value: string): string {
  return value === '' ? command : [...command.split(' ').slice(0, -1), shellQuote(value)].join(' ')
}

function checkAccount(text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text
  throw badValue('The account is not an ID', 'An ID is 32 letters and digits: zt whoami shows it.')
}

function checkFile(text: string, cwd: string): string {
  const file = path.resolve(cwd, namedFile(text))
  if (fs.statSync(file, {throwIfNoEntry: false})?.isFile() === true) return file
  throw badValue(`There is no file ${file}`, 'The setting would break every connection of the profile.')
}

function badValue(message: string, why: string): UserError {
  return new UserError({kind: 'usage', code: 'BAD_VALUE', message, why, next: ['zt config list']})
}
