import {randomBytes} from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import {isJsonObject} from '../core/json.js'
import {hasCode} from '../core/errors.js'
import {writeFileAtomic} from '../system/files.js'
import {readOwnText, refuseOthers} from '../system/own-files.js'
import {NAME_KINDS, type NameKind, type Named} from './types.js'

/** Whose names they are. Nobody else is shown them, also where it is the same account. */
export interface NamesOf {
  apiUrl: string
  accountId: string
  profile: string
}

const VERSION = 1
const FRESH_MS = 5 * 60_000
/** What is older is of no use even where nothing else is to be had. */
const OLD_MS = 24 * 3_600_000
const ASK_AGAIN_MS = 30_000

/**
 * The names that the shells offer, for a short while: names and ids, no secrets, one private file for each kind of one
 * profile's account. It exists once the first TAB has asked for names; whoever never completes has none.
 *
 * A list that was read before a change and is kept after it would be wrong for as long as it is fresh. So each change
 * leaves a mark, and a list is kept only where the mark is still the one that was there before it was read.
 */
export class NameCache {
  readonly #directory: string
  readonly #now: () => number

  /** @param cache where zt may lose things: `pathsFrom(env).cache` */
  constructor(cache: string, now = Date.now) {
    this.#directory = path.join(cache, 'names')
    this.#now = now
  }

  /**
   * Makes the directories, 0700.
   *
   * @throws where one of ours is a link, another user's, or open to others: what is there may be written over
   */
  open(of: NamesOf): void {
    // Not by node's `recursive`, which never ends where a file system refuses directories as /proc does.
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

  /** Whether anybody completes here. */
  get isThere(): boolean {
    return fs.existsSync(this.#directory)
  }

  /** @returns undefined where there are none, or they are more than a day old */
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
    // A clock that was put back says nothing of their age.
    return age < 0 || age > OLD_MS ? undefined : {names, fresh: age < FRESH_MS}
  }

  /** What {@link NameCache.keep} is to be given: taken before the list is read. */
  mark(of: NamesOf, kind: NameKind): string | undefined {
    try {
      return readOwnText(this.#mark(of, kind))
    } catch {
      return undefined
    }
  }

  /** Keeps a whole list, unless something was changed while it was read. Where nothing can be written, nothing is kept. */
  async keep(of: NamesOf, kind: NameKind, list: Iterable<Named>, mark: string | undefined): Promise<void> {
    const names = Array.from(list, ({id, name, domains}) => ({id, name, domains}))
    const file = this.#file(of, kind)
    try {
      this.open(of)
      await writeFileAtomic(file, JSON.stringify({version: VERSION, ...of, kind, at: this.#now(), names}))
      if (this.mark(of, kind) !== mark) fs.rmSync(file, {force: true})
    } catch {
      // It is a cache.
    }
  }

  /** After a change: every profile's names of that kind in the account. */
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
      // A change that is done does not fail for this: the names are old in five minutes.
    }
  }

  /**
   * Takes it on to ask the API: false where somebody else is about to, or has asked in vain within half a minute, or where
   * nothing could be kept.
   */
  claim(of: NamesOf, kind: NameKind): boolean {
    const file = this.#claim(of, kind)
    try {
      this.open(of)
      try {
        // The file system's clock may be another machine's.
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

  /** The API has answered. */
  release(of: NamesOf, kind: NameKind): void {
    try {
      fs.rmSync(this.#claim(of, kind), {force: true})
    } catch {
      // It is old in half a minute.
    }
  }

  /** At once, and never by a link that is in its place. */
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
    // Another zt was first.
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

/** Tells accounts apart in a directory's name (FNV-1a); which one it is stands in the files. */
function sum(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash.toString(36)
}
