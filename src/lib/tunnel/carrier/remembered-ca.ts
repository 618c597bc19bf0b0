import {createHash} from 'node:crypto'
import path from 'node:path'
import type tls from 'node:tls'
import {readForeignFile} from '../../system/own-files.js'
import {writeFileAtomic} from '../../system/files.js'
import type {Trust} from './trust.js'

const MOST_BYTES = 16 * 1024
/** Before a CA with which alone the host's certificate was not accepted: trying it costs a connection. */
const NOT_ENOUGH = 'not enough:\n'

/**
 * The CA to which a host's certificate led last time: reading that one takes 1 ms, and all of a system's 20 ms or more.
 * The file chooses among the trusted certificates, and is trusted with nothing else: whatever it holds, no certificate
 * is accepted that would not be accepted with all of them.
 */
export class RememberedCa {
  readonly #file: string
  readonly #choice: Trust['choice']
  #read: string | undefined

  /** @param directory zt's cache */
  constructor(directory: string, host: string, {choice}: Trust) {
    const name = createHash('sha256').update(host).digest('hex').slice(0, 32)
    this.#file = path.join(directory, 'edge-ca', `${name}.pem`)
    this.#choice = choice
  }

  /** A context that trusts that CA only; undefined if there is none, or it is not trusted (any more). */
  context(): tls.SecureContext | undefined {
    if (!this.#choice) return undefined
    try {
      this.#read = readForeignFile(this.#file, {maxBytes: MOST_BYTES})?.toString('latin1')
    } catch {
      return undefined
    }
    if (this.#read === undefined || !this.#choice.certificates().includes(this.#read)) return undefined
    return this.#choice.one(this.#read)
  }

  /**
   * Remembers the CA of a connection whose certificate was verified with all of them. What the host sends may lead to another
   * CA than the one by which it was verified, such as one that has expired.
   */
  async keep(socket: tls.TLSSocket): Promise<void> {
    if (!this.#choice || socket.destroyed) return
    let top = socket.getPeerCertificate(true)
    while (top.issuerCertificate && top.issuerCertificate !== top) top = top.issuerCertificate
    const wanted = top.raw.toString('base64')
    const pem = this.#choice
      .certificates()
      .find((one) => one.replaceAll(/-----[^-]*-----|\s/g, '') === wanted)
    if (pem === undefined || this.#read === NOT_ENOUGH + pem) return
    // Without the file the next connection is slower, and that is all.
    await writeFileAtomic(this.#file, this.#read === pem ? NOT_ENOUGH + pem : pem).catch(() => undefined)
  }
}
