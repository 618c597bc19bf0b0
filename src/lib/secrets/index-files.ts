import {createHash} from 'node:crypto'
import path from 'node:path'
import * as v from 'valibot'
import {namesIn, readFileIfThere, removeFile, writeFileAtomic} from '../system/files.js'
import {parseVersioned} from '../system/own-json.js'
import {DEVICE_NAME} from '../system/platform.js'
import {isId} from '../core/id.js'
import {normalisePath} from '../core/normalise-url.js'
import {bySpecificity, covers} from '../core/public-address.js'
import {isKeepingStoreKind, type KeepingStoreKind} from './stores.js'

/** What the index records of a stored service token. No secrets in it. */
export interface IndexEntry {
  /** Service token's UUID. */
  tokenId: string
  clientId: string
  name: string
  profile: string
  accountId: string
  store: KeepingStoreKind
  /** ISO 8601. */
  storedAt: string
  /** ISO 8601; undefined for `forever`. */
  expiresAt: string | undefined
  /** When the previous secret ends, after a rotation. ISO 8601. */
  previousUntil?: string | undefined
  /**
   * Cloudflare's number of the stored secret (`client_secret_version`). Undefined: not known, or another secret is the
   * token's current one although this one works.
   */
  secretVersion?: number | undefined
  /** The secret came from a person: the number is then the current one of that moment, and no API says whose it is. */
  imported?: boolean | undefined
  /** The operation of the journal that created the token, as long as it has its first secret. */
  operation?: string | undefined
}

/** Which token opens a host, or a path of it, for one profile. */
export interface HostBinding {
  profile: string
  /** As Access writes the domain of an application (`plainDomain`): `host`, `*.host`, `host/path`. */
  host: string
  tokenId: string
  /** ISO 8601. */
  boundAt: string
}

const entrySchema = v.object({
  version: v.literal(1),
  tokenId: v.pipe(
    v.string(),
    v.check((id) => isId(id), 'no id'),
  ),
  clientId: v.string(),
  name: v.string(),
  profile: v.string(),
  accountId: v.string(),
  store: v.custom<KeepingStoreKind>(isKeepingStoreKind, 'the name of a secret store'),
  storedAt: v.string(),
  expiresAt: v.optional(v.string()),
  previousUntil: v.optional(v.string()),
  secretVersion: v.optional(v.pipe(v.number(), v.integer())),
  imported: v.optional(v.boolean()),
  operation: v.optional(v.string()),
})

const bindingSchema = v.object({
  // 2: with a path, which a zt that knows only 1 would take for the whole host.
  version: v.picklist([1, 2]),
  profile: v.string(),
  host: v.string(),
  tokenId: v.pipe(
    v.string(),
    v.check((id) => isId(id), 'no id'),
  ),
  boundAt: v.string(),
})

/**
 * Which secret is in which store, and which hosts may receive it. One file per entry, so that concurrent writers cannot
 * lose each other's. No secrets.
 */
export class IndexFiles {
  readonly #dataDir: string

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  async put(entry: IndexEntry): Promise<void> {
    await write(this.#entryFile(entry.profile, entry.tokenId), entry)
  }

  remove(profile: string, tokenId: string): Promise<boolean> {
    return removeFile(this.#entryFile(profile, tokenId))
  }

  async list(profile?: string): Promise<IndexEntry[]> {
    const entries = await readAll(path.join(this.#dataDir, 'index'), profile, entrySchema)
    return entries.map((entry) => ({...entry, expiresAt: entry.expiresAt}))
  }

  async bind(binding: HostBinding): Promise<{previous: HostBinding | undefined}> {
    const file = this.#hostFile(binding.profile, binding.host)
    const previous = await read(file, bindingSchema)
    await write(file, binding, binding.host.includes('/') ? 2 : 1)
    return {previous}
  }

  unbind(profile: string, host: string): Promise<boolean> {
    return removeFile(this.#hostFile(profile, host))
  }

  bindings(profile?: string): Promise<HostBinding[]> {
    return readAll(path.join(this.#dataDir, 'hosts'), profile, bindingSchema)
  }

  /** The binding for an address in this profile: the most specific that covers it, as Access chooses an application. */
  async bindingFor(profile: string, host: string, path = '/'): Promise<HostBinding | undefined> {
    const normal = normalisePath(path)
    const matching = (await this.bindings(profile)).filter((binding) => covers(binding.host, host, normal))
    return matching.sort((a, b) => bySpecificity(b.host, a.host))[0]
  }

  #entryFile(profile: string, tokenId: string): string {
    return path.join(this.#dataDir, 'index', fileName(profile), `${fileName(tokenId)}.json`)
  }

  #hostFile(profile: string, host: string): string {
    return path.join(this.#dataDir, 'hosts', fileName(profile), `${hostFileName(host)}.json`)
  }
}

/**
 * Reversible, and never a path or a hidden file. On Windows also never a pattern (`encodeURIComponent` leaves `*` as it
 * is), a device, or a name with a dot at its end, which Windows would drop.
 */
export function fileName(text: string, platform: NodeJS.Platform = process.platform): string {
  const name = encodeURIComponent(text).replaceAll('*', '%2A').replace(/^\./, '%2E')
  if (platform !== 'win32') return name
  const encoded = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`
  return name.replace(DEVICE_NAME, (device) => encoded(device) + device.slice(1)).replace(/\.$/, encoded)
}

/** Longer names are cut: file systems allow 255 bytes, and a temporary file has a longer one. */
const LONGEST_NAME = 180

/** The file name of a bound host. Two paths that differ only in case have two, also where the file system ignores case. */
function hostFileName(host: string): string {
  const slash = host.indexOf('/')
  if (slash < 0) return fileName(host.toLowerCase())
  const upper = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`
  const below = encodeURIComponent(host.slice(slash)).replaceAll(/(?<!%|%[0-9A-F])[A-Z]/g, upper)
  const name = `${fileName(host.slice(0, slash).toLowerCase())}${below.replaceAll('*', '%2A')}`
  if (name.length <= LONGEST_NAME) return name.replace(/\.$/, '%2E')
  return `${name.slice(0, LONGEST_NAME - 64)}${createHash('sha256').update(host).digest('hex')}`
}

async function write(file: string, entry: object, version = 1): Promise<void> {
  await writeFileAtomic(file, JSON.stringify({version, ...entry}, null, 2) + '\n')
}

async function read<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
  const text = await readFileIfThere(file)
  return text === undefined ? undefined : parseVersioned(text, file, schema)
}

async function readAll<T extends {profile: string}>(
  directory: string,
  profile: string | undefined,
  schema: v.GenericSchema<unknown, T>,
): Promise<T[]> {
  const profiles = profile === undefined ? await namesIn(directory) : [fileName(profile)]
  const files = await Promise.all(
    profiles.map(async (one) =>
      (await namesIn(path.join(directory, one)))
        .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
        .sort()
        .map((name) => path.join(directory, one, name)),
    ),
  )
  const entries = (await Promise.all(files.flat().map((file) => read(file, schema)))) as (T | undefined)[]
  // On a file system that ignores case, another profile may have the same directory.
  return entries.filter(
    (entry): entry is T => entry !== undefined && (profile === undefined || entry.profile === profile),
  )
}
