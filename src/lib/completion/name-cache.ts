import {randomBytes} from 'node:crypto'
import path from 'node:path'
import {filesSync as fs} from '../system/disk.js'
import {isJsonObject} from '../core/json.js'
import {hasCode} from '../core/errors.js'
import {writeFileAtomic} from '../system/files.js'
import {readOwnText, refuseOthers} from '../system/own-files.js'
import {NAME_KINDS, type NameKind, type Named} from './types.js'

/** Whom the names belong to. Another profile does not see them, even for the same account. */
export interface NamesOf {
  apiUrl: string
  accountId: string
  profile: string
}

const VERSION = 1
const FRESH_MS = 5 * 60_000
/** Older names are not used at all. */
const OLD_MS = 24 * 3_600_000
const ASK_AGAIN_MS = 30_000

/**
 * A short-lived cache of the names that the shells offer: names and IDs, no secrets, in one private file per kind,
 * profile and account. It is created when the first TAB asks for names.
 *
 * A list that was read before a change and stored after it would be wrong while it is fresh. So every change writes a
 * mark, and a list is stored only if the mark has not changed since before the list was read.
 */
export class NameCache {
  readonly #directory: string
  readonly #now: () => number

  /** @param cache the cache directory: `pathsFrom(env).cache` */
  constructor(cache: string, now = Date.now) {
    this.#directory = path.join(cache, 'names')
    this.#now = now
  }

  /**
   * Makes the directories, 0700.
   *
   * @throws if one of zt's is a link, belongs to another user or is open to others: files in it will be overwritten
   */
  open(of: NamesOf): void {
    // Node's `recursive` never ends on a file system that refuses directories as /proc does.
    const zt = path.dirname(this.#directory)
    const [base, ...ours] = [path.dirname(zt), zt, this.#directory, this.#account(of)] as const
    if (!fs.existsSync(base)) makeDirectory(base)
    for (const one of ours) {
      if (!fs.existsSync(one)) makeDirectory(one)
      const stat = fs.lstatSync(one)
      if (!stat.isDirectory()) throw new Error('not a directory')
      refuseOthers(one, stat)
    }
  }

  /** Whether completion is in use. */
  get isThere(): boolean {
    return fs.existsSync(this.#directory)
  }

  /** @returns undefined if there are none, or they are more than a day old */
  read(of: NamesOf, kind: NameKind): {names: Named[]; fresh: boolean} | undefined {
    let content: unknown
    try {
      content = JSON.parse(readOwnText(this.#file(of, kind)) ?? '')
    } catch {
      return undefined
    }
    if (!isJsonObject(content) || !isOf(content, of, kind)) return undefined
    const {at, names} = content
    if (typeof at !== 'number' || !Array.isArray(names) || !names.every(isNamed)) return undefined
    const age = this.#now() - at
    // A negative age: the clock was set back.
    return age < 0 || age > OLD_MS ? undefined : {names, fresh: age < FRESH_MS}
  }

  /** The mark for {@link NameCache.keep}, to be read before the list. */
  mark(of: NamesOf, kind: NameKind): string | undefined {
    try {
      return readOwnText(this.#mark(of, kind))
    } catch {
      return undefined
    }
  }

  /** Stores a complete list, unless something changed while it was read, or the cache cannot be written. */
  async keep(of: NamesOf, kind: NameKind, list: Iterable<Named>, mark: string | undefined): Promise<void> {
    const names = Array.from(list, ({id, name, domains}) => ({id, name, domains}))
    const file = this.#file(of, kind)
    try {
      this.open(of)
      await writeFileAtomic(file, JSON.stringify({version: VERSION, ...of, kind, at: this.#now(), names}))
      if (this.mark(of, kind) !== mark) fs.rmSync(file, {force: true})
    } catch {
      // A cache may be missing.
    }
  }

  /** After a change: drops every profile's names of these kinds in the account. */
  drop(of: Omit<NamesOf, 'profile'>, kinds: readonly NameKind[] = NAME_KINDS): void {
    if (!this.isThere) return
    try {
      this.open({...of, profile: ''})
      for (const kind of kinds) {
        this.#replace(this.#mark(of, kind), randomBytes(8).toString('hex'))
        for (const name of fs.readdirSync(this.#account(of)))
          if (name.endsWith(`.${kind}.json`)) fs.rmSync(path.join(this.#account(of), name), {force: true})
      }
    } catch {
      // The change itself was made. The names are out of date in five minutes.
    }
  }

  /**
   * Claims the request to the API: false if another process is asking, if a request failed within the last 30 seconds, or
   * if the cache cannot be written.
   */
  claim(of: NamesOf, kind: NameKind): boolean {
    const file = this.#claim(of, kind)
    try {
      this.open(of)
      try {
        // The file system may use another machine's clock.
        if (Math.abs(this.#now() - fs.lstatSync(file).mtimeMs) < ASK_AGAIN_MS) return false
        fs.rmSync(file, {force: true})
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) return false
      }
      fs.writeFileSync(file, '', {mode: 0o600, flag: 'wx'})
      return true
    } catch {
      return false
    }
  }

  /** Ends the claim, because the API has answered. */
  release(of: NamesOf, kind: NameKind): void {
    try {
      fs.rmSync(this.#claim(of, kind), {force: true})
    } catch {
      // The claim expires in 30 seconds.
    }
  }

  /** Atomically, and without following a link in its place. */
  #replace(file: string, text: string): void {
    const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
    try {
      fs.writeFileSync(temporary, text, {mode: 0o600, flag: 'wx'})
      fs.renameSync(temporary, file)
    } finally {
      fs.rmSync(temporary, {force: true})
    }
  }

  #account({apiUrl, accountId}: Omit<NamesOf, 'profile'>): string {
    return path.join(this.#directory, sum(`${apiUrl} ${accountId}`))
  }

  #file(of: NamesOf, kind: NameKind): string {
    return path.join(this.#account(of), `${of.profile}.${kind}.json`)
  }

  #claim(of: NamesOf, kind: NameKind): string {
    return path.join(this.#account(of), `${of.profile}.${kind}.asked`)
  }

  #mark(of: Omit<NamesOf, 'profile'>, kind: NameKind): string {
    return path.join(this.#account(of), `${kind}.changed`)
  }
}

function makeDirectory(directory: string): void {
  try {
    fs.mkdirSync(directory, {mode: 0o700})
  } catch (error) {
    // Another zt was faster.
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function isOf(content: Record<string, unknown>, of: NamesOf, kind: NameKind): boolean {
  return (
    content['version'] === VERSION &&
    content['kind'] === kind &&
    content['apiUrl'] === of.apiUrl &&
    content['accountId'] === of.accountId &&
    content['profile'] === of.profile
  )
}

function isNamed(one: unknown): one is Named {
  if (!isJsonObject(one) || typeof one['id'] !== 'string' || typeof one['name'] !== 'string') return false
  const {domains} = one
  return (
    domains === undefined || (Array.isArray(domains) && domains.every((text) => typeof text === 'string'))
  )
}

/** A directory name for an account (FNV-1a). The files in it say which account it is. */
function sum(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash.toString(36)
}
