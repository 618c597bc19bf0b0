import net from 'node:net'
import {decodeBody, decodeMessage, encodeCall, type Argument, type Message, type Target} from './wire.js'

interface Waiting {
  resolve: (values: unknown[]) => void
  reject: (error: Error) => void
}

/** A D-Bus client with just what the Secret Service needs. It never prompts. */
export class DBus {
  readonly #socket: net.Socket
  readonly #waiting = new Map<number, Waiting>()
  #serial = 0
  #pending = Buffer.alloc(0)
  #greeted: {resolve: () => void; reject: (error: Error) => void} | undefined
  #failure: Error | undefined

  /** Starts connecting. Supports only `unix:path=` and `unix:abstract=` addresses. */
  constructor(address: string) {
    const socketPath = unixPath(address)
    if (socketPath === undefined) throw new Error('the session bus address is of an unsupported kind')
    this.#socket = net.connect({path: socketPath})
    this.#socket.on('data', (chunk: Buffer) => {
      this.#read(chunk)
    })
    this.#socket.on('error', (error) => {
      this.#fail(error)
    })
    this.#socket.on('close', () => {
      this.#fail(new Error('the bus closed the connection'))
    })
  }

  /** Authenticates as this user. Called once, before any other call. */
  async greet(): Promise<void> {
    if (this.#failure) throw this.#failure
    await new Promise<void>((resolve, reject) => {
      this.#greeted = {resolve, reject}
      const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')
      this.#socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
    })
    await this.call(BUS, 'Hello')
  }

  /**
   * Calls a method and returns the values of the answer.
   *
   * @throws BusError when the answer is an error; another error when there is no answer
   */
  call(target: Target, member: string, ...args: Argument[]): Promise<unknown[]> {
    if (this.#failure) return Promise.reject(this.#failure)
    const serial = ++this.#serial
    return new Promise((resolve, reject) => {
      this.#waiting.set(serial, {resolve, reject})
      this.#socket.write(encodeCall(serial, target, member, args))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    try {
      if (this.#greeted && !this.#readGreeting(this.#greeted)) return
      for (;;) {
        const message = decodeMessage(this.#pending)
        if (message === undefined) return
        this.#pending = this.#pending.subarray(message.length)
        this.#answer(message)
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error('the bus sent invalid data'))
      this.#socket.destroy()
    }
  }

  #readGreeting(greeted: {resolve: () => void}): boolean {
    const end = this.#pending.indexOf('\r\n')
    if (end < 0) {
      if (this.#pending.length > LINE_LIMIT) throw new Error('the bus does not speak D-Bus')
      return false
    }
    const line = this.#pending.toString('latin1', 0, end)
    this.#pending = this.#pending.subarray(end + 2)
    if (!line.startsWith('OK')) throw new Error('the session bus refused this user')
    this.#socket.write('BEGIN\r\n')
    this.#greeted = undefined
    greeted.resolve()
    return true
  }

  #answer(message: Message): void {
    const waiting = this.#waiting.get(message.replyTo)
    if (!waiting) return
    this.#waiting.delete(message.replyTo)
    if (message.error !== undefined) {
      waiting.reject(new BusError(message.error))
      return
    }
    try {
      waiting.resolve(decodeBody(message))
    } catch (error) {
      waiting.reject(error instanceof Error ? error : new Error('the bus sent invalid data'))
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#greeted?.reject(this.#failure)
    this.#greeted = undefined
    for (const {reject} of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
  }
}

/** An error answer; the message is its name, e.g. `org.freedesktop.DBus.Error.UnknownObject`. */
export class BusError extends Error {
  override readonly name = 'BusError'
}

export const BUS: Target = {
  name: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}

const LINE_LIMIT = 4096

function unixPath(address: string): string | undefined {
  for (const one of address.split(';')) {
    const match = /^unix:(?:[^;]*,)?(path|abstract)=([^,;]+)/.exec(one)
    if (match) return decodeURIComponent(match[1] === 'abstract' ? `\0${match[2] ?? ''}` : (match[2] ?? ''))
  }
  return undefined
}
