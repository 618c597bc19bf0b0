import {randomBytes} from 'node:crypto'
import {Transform, type TransformCallback} from 'node:stream'
import {readAnswer} from '../failure/refusal.js'
import type {EdgeAnswer} from '../types.js'

/** The headers that curl writes behind the status, in this order. */
const FIELDS = [
  'location',
  'cf-ray',
  'www-authenticate',
  'cf-access-domain',
  'cf-access-aud',
  'cf-mitigated',
] as const

/**
 * Takes out of curl's stderr (of its stdout, if curl cannot write there) what zt asked curl to write there about the answer; everything else passes unchanged. stdout
 * is curl's alone.
 */
export class StatusLine extends Transform {
  readonly #mark = Buffer.from(`\x1E${randomBytes(12).toString('hex')}`)
  #held: Buffer = Buffer.alloc(0)
  #found: string | undefined
  readonly #on: 'stdout' | 'stderr'

  constructor(on: 'stdout' | 'stderr' = 'stderr') {
    super()
    this.#on = on
  }

  /** For `--write-out`, before the person's own format. A curl without `%header` writes the name itself. */
  get writeOut(): string {
    const mark = this.#mark.toString()
    const headers = FIELDS.slice(1).map((name) => `%header{${name}}`)
    const line = `${mark}${['%{http_code}', '%{redirect_url}', ...headers].join('\t')}${mark}`
    return this.#on === 'stderr' ? `%{stderr}${line}%{stdout}` : line
  }

  /** Undefined when curl got no answer. */
  get answer(): EdgeAnswer | undefined {
    const [code = '', ...values] = (this.#found ?? '').split('\t')
    if (!/^[1-9]\d\d$/.test(code)) return undefined
    const headers = new Map<string, string>()
    FIELDS.forEach((name, at) => {
      const value = values[at] ?? ''
      if (value !== '' && !value.includes('header{')) headers.set(name, value)
    })
    return readAnswer(Number(code), headers)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#held = Buffer.concat([this.#held, chunk])
    // Once for each attempt that curl made.
    for (;;) {
      const start = this.#held.indexOf(this.#mark)
      if (start < 0) break
      const from = start + this.#mark.length
      const end = this.#held.indexOf(this.#mark, from)
      if (end < 0) {
        done()
        return
      }
      this.#found = this.#held.toString('latin1', from, end)
      this.#held = Buffer.concat([
        this.#held.subarray(0, start),
        this.#held.subarray(end + this.#mark.length),
      ])
    }
    // What may be the beginning of the mark waits.
    const last = this.#held.lastIndexOf(this.#mark[0] ?? 0)
    const keep = last >= 0 && this.#held.length - last < this.#mark.length ? last : this.#held.length
    this.push(this.#held.subarray(0, keep))
    this.#held = this.#held.subarray(keep)
    done()
  }

  override _flush(done: TransformCallback): void {
    this.push(this.#held)
    done()
  }
}
