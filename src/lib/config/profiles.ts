import fs from 'node:fs/promises'
import path from 'node:path'
import {isDeepStrictEqual} from 'node:util'
import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {brokenFile, parseOwnJson, readFileIfThere, writeFileAtomic} from '../system/files.js'
import {Locks} from '../system/lock.js'
import {tidy} from '../core/tidy.js'
import {firstFault} from '../core/schema.js'
import {isKeepingStoreKind, type KeepingStoreKind} from '../secrets/stores.js'
import type {Paths} from './paths.js'
import type {Profile} from './types.js'

export const DEFAULT_PROFILE = 'default'

const profileSchema = v.looseObject({
  apiUrl: v.optional(v.string()),
  accountId: v.optional(v.string()),
  accountName: v.optional(v.string()),
  store: v.optional(v.custom<KeepingStoreKind>(isKeepingStoreKind, 'no secret store')),
  apiTokenStore: v.optional(v.custom<KeepingStoreKind>(isKeepingStoreKind, 'no secret store')),
  vaultRecipients: v.optional(v.array(v.string())),
  connectTo: v.optional(v.string()),
  caFile: v.optional(v.string()),
  knownHostsFile: v.optional(v.string()),
  sandbox: v.optional(v.boolean()),
})

const fileSchema = v.looseObject({
  version: v.literal(1),
  currentProfile: v.optional(v.string()),
  profiles: v.record(v.string(), profileSchema),
})

/** The user's `config.json`. Unknown fields are kept, so that an older zt does not undo what a newer one wrote. */
export interface ConfigFile {
  version: 1
  currentProfile?: string | undefined
  profiles: Record<string, Profile>
}

export function configFile(paths: Paths): string {
  return path.join(paths.config, 'config.json')
}

/** Far more than a person's profiles take. */
const MOST_BYTES = 1024 * 1024

/**
 * Reads `config.json`; an absent file is an empty configuration. It may be a link, as people keep such files in a
 * repository of their own: then what it leads to must be theirs.
 *
 * @throws UserError `config` / `BROKEN_FILE`, `FILE_NOT_READABLE`; `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function readConfig(paths: Paths): Promise<ConfigFile> {
  const file = configFile(paths)
  const text = await readFileIfThere(file, {links: 'follow', maxBytes: MOST_BYTES})
  if (text === undefined) return {version: 1, profiles: {}}
  const parsed = v.safeParse(fileSchema, parseOwnJson(text, file))
  if (parsed.success) return parsed.output
  throw brokenFile(file, firstFault(parsed.issues))
}

/** Changes one profile, making it if it is new; the rest of the file stays as it is. */
export async function updateProfile(paths: Paths, name: string, change: Partial<Profile>): Promise<Profile> {
  checkProfileName(name)
  return changeConfig(paths, (config) => {
    refuseTwin(name, config)
    const profile = {...config.profiles[name], ...change}
    return [{...config, profiles: {...config.profiles, [name]: profile}}, profile]
  })
}

/**
 * Makes a profile the one that is used when none is named.
 *
 * @throws UserError `not-found` / `PROFILE_NOT_FOUND`
 */
export async function useProfile(paths: Paths, name: string): Promise<Profile> {
  checkProfileName(name)
  return changeConfig(paths, (config) => {
    refuseTwin(name, config)
    const profile = config.profiles[name]
    if (!profile) throw profileNotFound(name, Object.keys(config.profiles))
    return [{...config, currentProfile: name}, profile]
  })
}

export function profileNotFound(name: string, known: string[]): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'PROFILE_NOT_FOUND',
    message: `There is no profile "${name}"`,
    why: known.length > 0 ? `Profiles here: ${known.join(', ')}.` : 'No profile has been made yet.',
    next: [
      'zt login --profile ' + (/^[\w.-]+$/.test(name) ? name : 'NAME'),
      'To try zt without an account: zt sandbox start',
    ],
  })
}

/**
 * A profile's name goes into command lines, file names and the keychain, so it is kept plain.
 *
 * @throws UserError `usage` / `BAD_PROFILE_NAME`
 */
export function checkProfileName(name: string): string {
  // "constructor" and its like are in every object of the language, made or not.
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !(name in {})) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_PROFILE_NAME',
    message: `"${name}" cannot be a profile's name`,
    why:
      name in {}
        ? 'JavaScript has another use for this word.'
        : 'A name is 1 to 64 letters, digits, dots, dashes or underscores, and begins with a letter or digit.',
  })
}

/**
 * Refuses a new name that differs from an old one by case only. Files, and on Windows entries of the keychain, are named
 * by it, and for those systems the two are one. Both of an older file stay usable.
 *
 * @throws UserError `conflict` / `PROFILE_NAME_TAKEN`
 */
export function refuseTwin(name: string, {profiles}: Pick<ConfigFile, 'profiles'>): void {
  if (Object.hasOwn(profiles, name)) return
  const twin = Object.keys(profiles).find((one) => one.toLowerCase() === name.toLowerCase())
  if (twin === undefined) return
  throw new UserError({
    kind: 'conflict',
    code: 'PROFILE_NAME_TAKEN',
    message: `There is a profile "${twin}", which differs by case only`,
    why: 'macOS and Windows do not tell such names apart, and would keep the secrets of both in one place.',
    next: [`Use it: --profile ${twin}`, 'Choose another name'],
  })
}

/** As long as many processes of zt at once take to write it, one after the other. */
const PATIENCE_MS = 30_000

/** Reads, changes and writes the file, while no other zt does: of two changes at once neither is lost. */
async function changeConfig(
  paths: Paths,
  change: (config: ConfigFile) => [ConfigFile, Profile],
): Promise<Profile> {
  const file = configFile(paths)
  const lock = await new Locks(path.join(paths.state, 'locks')).acquire(`config/${file}`, PATIENCE_MS)
  if (!lock) {
    throw new UserError({
      kind: 'conflict',
      code: 'CONFIG_BUSY',
      message: `Another zt is changing ${file}`,
      why: `It has not ended within ${PATIENCE_MS / 1000} s. Nothing was changed there.`,
      next: ['Try again when it has ended'],
    })
  }
  try {
    const config = await readConfig(paths)
    const [changed, profile] = change(config)
    // Where it is a link, the link stays.
    const real = await fs.realpath(file).catch(() => file)
    if (!isDeepStrictEqual(changed, config))
      await writeFileAtomic(real, JSON.stringify(changed, null, 2) + '\n')
    return profile
  } finally {
    // What was to be done is done; the lock ends with this process.
    await tidy(
      '',
      () => lock.release(),
      () => undefined,
    )
  }
}
