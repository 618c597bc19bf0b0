import {Transform, type TransformCallback} from 'node:stream'
import {files as fs} from '../../system/disk.js'
import {hasCode, UserError} from '../../core/errors.js'
import type {Environment} from '../../config/paths.js'
import {unusable} from '../../system/own-files.js'
import {temporaryPlace} from '../connections/run-files.js'
import {isAccessCookie} from '../edge/access-cookies.js'

/** More than curl or Cloudflare takes for all headers of an answer. */
const LONGEST_HEAD = 1024 * 1024
const START = 'HTTP/'

/** Headers as curl writes them, one or more answers, without those that set one of Access's session cookies. */
export function headersWithoutSession(text: string): string {
  const headers: string[] = []
  for (const line of text.split(/(?<=\n)/)) {
    // A line that continues a header (RFC 9112, section 5.2).
    if (/^[ \t]/.test(line)) headers.push((headers.pop() ?? '') + line)
    else headers.push(line)
  }
  const kept = headers.filter((header) => {
    const name = /^set-cookie[ \t]*:([^=;]*)/i.exec(header)?.[1]
    return name === undefined || !isAccessCookie(name.trim())
  })
  return kept.join('')
}

/** A cookie jar as curl writes it (curl.se, "HTTP Cookies": seven fields, tabs between them), without the same cookies. */
export function jarWithoutSession(text: string): string {
  const lines = text.split(/(?<=\n)/)
  return lines.filter((line) => !isAccessCookie(line.split('\t')[5] ?? '')).join('')
}

/** Takes the same headers out of curl's stdout with `-i` or `-I`: the heads of all answers, then a body, which stays as it is. */
export class HeadsWithoutSession extends Transform {
  #held = ''
  #inBody = false

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#inBody) {
      done(null, chunk)
      return
    }
    this.#held += chunk.toString('latin1')
    // Provisional answers, those of a proxy and those that ask for a password have heads of their own.
    while (this.#held.startsWith(START)) {
      const end = /\n\r?\n/.exec(this.#held)
      if (!end && this.#held.length < LONGEST_HEAD) break
      this.#pass(end ? end.index + end[0].length : this.#held.length)
    }
    const started = this.#held.startsWith(START) || START.startsWith(this.#held)
    if (!started) {
      this.#inBody = true
      this.#pass(this.#held.length)
    }
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#pass(this.#held.length)
    done()
  }

  #pass(length: number): void {
    const head = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    const kept = head.startsWith(START) ? headersWithoutSession(head) : head
    if (kept !== '') this.push(Buffer.from(kept, 'latin1'))
  }
}

/** A file that curl is to write with cookies in it. */
export interface WantedFile {
  /** curl's option, by its long name. */
  option: 'cookie-jar' | 'dump-header'
  /** Where the person wants it. */
  file: string
}

export interface KeptBack {
  /** For curl. */
  args: string[]
  /** Writes the files that the person wanted, without Access's session cookies. @throws UserError `config` / `FILE_NOT_WRITABLE` */
  handOver(stdout: (text: string) => void): Promise<void>
  remove(): Promise<void>
}

/** Lets curl write files with cookies in them to a private place first. */
export async function keepBack(wanted: readonly WantedFile[], env: Environment): Promise<KeptBack> {
  const all = await Promise.all(
    wanted.map(async (one) => ({...one, place: await temporaryPlace(env, 'cookies')})),
  )
  return {
    args: all.flatMap(({option, place}) => [`--${option}`, place.file]),
    async handOver(stdout) {
      for (const {option, file, place} of all) {
        const text = await fs.readFile(place.file, 'latin1').catch((error: unknown) => {
          if (hasCode(error, 'ENOENT')) return undefined
          throw error
        })
        // curl has ended before it wrote it.
        if (text === undefined) continue
        const kept = option === 'cookie-jar' ? jarWithoutSession(text) : headersWithoutSession(text)
        if (file === '-') stdout(kept)
        else await writeWanted(file, kept)
      }
    },
    async remove() {
      await Promise.all(all.map(({place}) => place.remove()))
    },
  }
}

async function writeWanted(file: string, text: string): Promise<void> {
  try {
    await fs.writeFile(file, text, {encoding: 'latin1', mode: 0o600})
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw unusable(error, 'write', file)
    throw new UserError({
      kind: 'not-written',
      code: 'FILE_NOT_WRITABLE',
      message: `Cannot write ${file}`,
      why: 'Its directory does not exist. curl itself has ended, and its answer is complete.',
      details: {file},
    })
  }
}
