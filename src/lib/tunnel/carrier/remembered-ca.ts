import {createHash} from 'node:crypto'
import path from 'node:path'
import type tls from 'node:tls'
import {readForeignFile} from '../../system/own-files.js'
import {writeFileAtomic} from '../../system/files.js'
import type {Trust} from './trust.js'

const MOST_BYTES = 16 * 1024

/**
 * The CA to which a host's certificate led last time: reading that one takes 1 ms, and all of a system's 20 ms or more.
 * The file chooses among the trusted certificates, and is trusted with nothing else: whatever it holds, no certificate
 * is accepted that would not be accepted with all of them.
 */
export class RememberedCa {
  readonly #file: string
  readonly #choice: Trust['choice']

  /** @param directory zt's cache */
  constructor(directory: string, host: string, {choice}: Trust) {
    const name = createHash('sha256').update(host).digest('hex').slice(0, 32)
    this.#file = path.join(directory, 'edge-ca', `${name}.pem`)
    this.#choice = choice
  }

  /** A context that trusts that CA only; undefined if there is none, or it is not trusted (any more). */
  context(): tls.SecureContext | undefined {
    if (!this.#choice) return undefined
    let text: string | undefined
    try {
      text = readForeignFile(this.#file, {maxBytes: MOST_BYTES})?.toString('latin1')
    } catch {
      return undefined
    }
    if (text === undefined || !this.#choice.certificates().includes(text)) return undefined
    return this.#choice.one(text)
  }

  /** Remembers the CA of a connection whose certificate was verified with all of them. */
  async keep(socket: tls.TLSSocket): Promise<void> {
    if (!this.#choice || socket.destroyed) return
    let top = socket.getPeerCertificate(true)
    while (top.issuerCertificate && top.issuerCertificate !== top) top = top.issuerCertificate
    const wanted = top.raw.toString('base64')
    const pem = this.#choice
      .certificates()
      .find((one) => one.replaceAll(/-----[^-]*-----|\s/g, '') === wanted)
    // Without the file the next connection is slower, and that is all.
    if (pem !== undefined) await writeFileAtomic(this.#file, pem).catch(() => undefined)
  }
}
