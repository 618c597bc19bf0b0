import path from 'node:path'
import {isDeepStrictEqual} from 'node:util'
import * as v from 'valibot'
import {files as fs} from '../system/disk.js'
import {UserError} from '../core/errors.js'
import {readFileIfThere, writeFileAtomic} from '../system/files.js'
import {Locks} from '../system/lock.js'
import {parseVersioned} from '../system/own-json.js'
import {tidy} from '../core/tidy.js'
import {isKeepingStoreKind, type KeepingStoreKind} from '../secrets/stores.js'
import type {Paths} from './paths.js'
import type {Profile, Settings} from './types.js'

export const DEFAULT_PROFILE = 'default'

const profileSchema = v.looseObject({
  apiUrl: v.optional(v.string()),
  accountId: v.optional(v.string()),
  accountName: v.optional(v.string()),
  store: v.optional(v.custom<KeepingStoreKind>(isKeepingStoreKind, 'the name of a secret store')),
  apiTokenStore: v.optional(v.custom<KeepingStoreKind>(isKeepingStoreKind, 'the name of a secret store')),
  vaultRecipients: v.optional(v.array(v.string())),
  connectTo: v.optional(v.string()),
  caFile: v.optional(v.string()),
  knownHostsFile: v.optional(v.string()),
  sandbox: v.optional(v.boolean()),
  renamedFrom: v.optional(v.string()),
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

/** Settings in the file that zt keeps but does not know, as `profile.setting`; with the known ones of the same place. */
export function unknownSettings({profiles, ...file}: ConfigFile): {name: string; known: string[]}[] {
  const strange = (place: string, object: object, known: string[]): {name: string; known: string[]}[] =>
    Object.keys(object)
      .filter((name) => !known.includes(name))
      .map((name) => ({name: `${place}${name}`, known: known.map((one) => `${place}${one}`)}))
  const ofProfile = Object.keys(profileSchema.entries)
  return [
    ...strange('', {...file, profiles}, Object.keys(fileSchema.entries)),
    ...Object.entries(profiles).flatMap(([name, profile]) =>
      strange(`profiles.${name}.`, profile, ofProfile),
    ),
  ]
}

export function configFile(paths: Paths): string {
  return path.join(paths.config, 'config.json')
}

/** Far more than anyone's profiles need. */
const MOST_BYTES = 1024 * 1024

/**
 * Reads `config.json`; an absent file is an empty configuration. It may be a link, because people keep
 * such files in a repository; its target must be the user's.
 *
 * @throws UserError `config` / `BROKEN_FILE`, `NEWER_FILE`, `FILE_NOT_READABLE`; `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function readConfig(paths: Paths): Promise<ConfigFile> {
  const file = configFile(paths)
  const text = await readFileIfThere(file, {links: 'follow', maxBytes: MOST_BYTES})
  return text === undefined ? {version: 1, profiles: {}} : parseVersioned(text, file, fileSchema)
}

/** Changes or creates one profile; the rest of the file stays as it is. */
export async function updateProfile(paths: Paths, name: string, change: Partial<Profile>): Promise<Profile> {
  checkProfileName(name)
  return changeConfig(paths, (config) => {
    refuseTwin(name, config)
    const profile = {...config.profiles[name], ...change}
    return [{...config, profiles: {...config.profiles, [name]: profile}}, profile]
  })
}

/**
 * Records the chosen store in a profile that had none, so that the next command uses the same one. Called once a secret is
 * saved in it.
 */
export async function rememberStore(
  {paths, profileName, profileStore}: Pick<Settings, 'paths' | 'profileName' | 'profileStore'>,
  {kind}: {kind: string},
): Promise<void> {
  if (isKeepingStoreKind(kind) && profileStore === undefined)
    await updateProfile(paths, profileName, {store: kind})
}

/**
 * Makes a profile the current one, which is used if none is named.
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

/**
 * Takes a profile out of the file. If it was the current one, the default one is.
 *
 * @throws UserError `not-found` / `PROFILE_NOT_FOUND`
 */
export async function removeProfile(paths: Paths, name: string): Promise<Profile> {
  return changeConfig(paths, (config) => {
    const {[name]: profile, ...profiles} = config.profiles
    if (!profile) throw profileNotFound(name, Object.keys(profiles))
    const {currentProfile, ...rest} = config
    return [{...rest, ...(currentProfile !== name && {currentProfile}), profiles}, profile]
  })
}

/**
 * Gives a profile another name; its settings and its place in the file stay. Until {@link endRenaming}, the profile says
 * which name it had.
 *
 * @throws UserError `not-found` / `PROFILE_NOT_FOUND`; `conflict` / `PROFILE_NAME_TAKEN`; `usage` / `BAD_PROFILE_NAME`
 */
export async function renameProfile(paths: Paths, from: string, to: string): Promise<Profile> {
  return changeConfig(paths, (config) => {
    refuseTaken(to, config)
    const profile = config.profiles[from]
    if (!profile) throw profileNotFound(from, Object.keys(config.profiles))
    const profiles = Object.fromEntries(
      Object.entries(config.profiles).map(([name, one]) =>
        name === from ? [to, {...one, renamedFrom: from}] : [name, one],
      ),
    )
    const currentProfile = config.currentProfile === from ? to : config.currentProfile
    return [{...config, ...(currentProfile !== undefined && {currentProfile}), profiles}, profile]
  })
}

/** The profile has left nothing under its previous name. */
export async function endRenaming(paths: Paths, name: string): Promise<void> {
  await updateProfile(paths, name, {renamedFrom: undefined})
}

/**
 * Refuses a name that a profile has, in any case, and one that cannot be a profile's.
 *
 * @throws UserError `conflict` / `PROFILE_NAME_TAKEN`; `usage` / `BAD_PROFILE_NAME`
 */
export function refuseTaken(name: string, config: Pick<ConfigFile, 'profiles'>): void {
  checkProfileName(name)
  refuseTwin(name, config)
  if (!Object.hasOwn(config.profiles, name)) return
  throw new UserError({
    kind: 'conflict',
    code: 'PROFILE_NAME_TAKEN',
    message: `There is a profile "${name}" already`,
    next: ['zt profile list'],
  })
}

export function profileNotFound(name: string, known: string[]): UserError {
  // Another name than these cannot be a profile's.
  const login = /^[\w.-]+$/.test(name) ? `zt login --profile ${name}` : 'zt login'
  return new UserError({
    kind: 'not-found',
    code: 'PROFILE_NOT_FOUND',
    message: `There is no profile "${name}"`,
    why: known.length > 0 ? `Profiles here: ${known.join(', ')}.` : 'There is no profile yet.',
    next:
      known.length > 0
        ? ['zt profile list', ...(login === 'zt login' ? [] : [`To add it: ${login}`])]
        : [login, 'To try zt without an account: zt sandbox start'],
  })
}

/**
 * A profile's name goes into command lines, file names and the keychain, so it is kept plain.
 *
 * @throws UserError `usage` / `BAD_PROFILE_NAME`
 */
export function checkProfileName(name: string): string {
  // Every JavaScript object has "constructor" and the like.
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !(name in {})) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_PROFILE_NAME',
    message: `"${name}" cannot be a profile's name`,
    why:
      name in {}
        ? 'This word is reserved in JavaScript.'
        : 'A name is 1 to 64 letters, digits, dots, dashes or underscores, and begins with a letter or digit.',
  })
}

/**
 * Refuses a new name that differs from an existing one only by case: files, and on Windows keychain entries, are named
 * after it, and are not case-sensitive on some systems. Two such names from an older file stay usable. Also refuses the
 * previous name of a profile whose renaming was interrupted: what is left under it would become the new profile's.
 *
 * @throws UserError `conflict` / `PROFILE_NAME_TAKEN`
 */
export function refuseTwin(name: string, {profiles}: Pick<ConfigFile, 'profiles'>): void {
  if (Object.hasOwn(profiles, name)) return
  const renamed = Object.keys(profiles).find((one) => profiles[one]?.renamedFrom === name)
  if (renamed !== undefined) {
    throw new UserError({
      kind: 'conflict',
      code: 'PROFILE_NAME_TAKEN',
      message: `The profile "${renamed}" was called "${name}", and its renaming was interrupted`,
      why: 'What this machine keeps under that name belongs to it. Nothing was changed.',
      next: [`zt profile rename ${name} ${renamed}`],
    })
  }
  const twin = Object.keys(profiles).find((one) => one.toLowerCase() === name.toLowerCase())
  if (twin === undefined) return
  throw new UserError({
    kind: 'conflict',
    code: 'PROFILE_NAME_TAKEN',
    message: `There is a profile "${twin}", which differs only by case`,
    why: 'macOS and Windows treat the two names as one, and would keep both secrets in one place.',
    next: [`Use it: --profile ${twin}`, 'Choose another name'],
  })
}

/** Long enough for many zt processes to write it one after the other. */
const PATIENCE_MS = 30_000

/** Reads, changes and writes the file under a lock, so that no concurrent change is lost. */
async function changeConfig(
  paths: Paths,
  change: (config: ConfigFile) => [ConfigFile, Profile],
): Promise<Profile> {
  const file = configFile(paths)
  const now = await readConfig(paths)
  const [wanted, unchanged] = change(now)
  // Nothing to write, and so no lock, which must be written.
  if (isDeepStrictEqual(wanted, now)) return unchanged
  const lock = await new Locks(path.join(paths.state, 'locks')).acquire(`config/${file}`, PATIENCE_MS)
  if (!lock) {
    throw new UserError({
      kind: 'conflict',
      code: 'CONFIG_BUSY',
      message: `Another zt is changing ${file}`,
      why: `It did not finish within ${PATIENCE_MS / 1000} s. Nothing was changed.`,
      next: ['Try again when it has finished'],
    })
  }
  try {
    const config = await readConfig(paths)
    const [changed, profile] = change(config)
    // A link stays a link.
    const real = await fs.realpath(file).catch(() => file)
    if (!isDeepStrictEqual(changed, config))
      await writeFileAtomic(real, JSON.stringify(changed, null, 2) + '\n')
    return profile
  } finally {
    // The work is done; the lock ends with this process anyway.
    await tidy(
      '',
      () => lock.release(),
      () => undefined,
    )
  }
}
