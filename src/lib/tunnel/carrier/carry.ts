import type {Readable, Writable} from 'node:stream'
import {hasCode, type UserError} from '../../core/errors.js'
import {
  badFrames,
  edgeClosed,
  edgeGone,
  edgeSilent,
  inputFailed,
  outputFailed,
  type Carried,
} from './carry-errors.js'
import {encodeControl, encodeData, encodedLength, FrameReader, OPCODE, ProtocolError} from './frames.js'
import type {OpenTunnel} from './handshake.js'
import {SpareBuffers} from './spare-buffers.js'

/** Milliseconds. */
export interface CarryTimes {
  /** After the input's end, how long the edge may send nothing before we close, and again before we go. */
  drain: number
  /** How long nothing may come before we ask with a ping whether the edge is still there. */
  ping: number
  /** How long nothing may come after that. */
  silence: number
}

export interface CarryOptions {
  tunnel: OpenTunnel
  input: Readable
  output: Writable
  times?: Partial<CarryTimes> | undefined
  signal?: AbortSignal | undefined
}

export interface CarryEnd extends Carried {
  /** The reader of the output went away before the edge had ended. */
  outputGone: boolean
}

const TIMES: CarryTimes = {drain: 5000, ping: 60_000, silence: 60_000}
const CLOSE_GRACE_MS = 1000
/** How much may wait in a stream before its source is paused. */
const HIGH_WATER = 1024 * 1024
const NORMAL = 1000
const GOING_AWAY = 1001

/**
 * Carries bytes both ways until one side ends. A WebSocket has no half-close, and a server that gets a close frame
 * sends no more data: so at the input's end what the edge still sends is taken in until it closes, or has been silent
 * for a while; only then a close frame goes out, and what comes until the edge answers it is taken in as well.
 *
 * @throws UserError `unreachable` / `EDGE_GONE`, `EDGE_SILENT`, `TUNNEL_CLOSED`, `TUNNEL_PROTOCOL`, `OUTPUT_FAILED`,
 *   `INPUT_FAILED`, each with how much was carried
 */
export function carry(options: CarryOptions): Promise<CarryEnd> {
  return new Promise((resolve, reject) => {
    new Carrier(options, (error, end) => {
      if (error) reject(error)
      else resolve(end)
    }).start()
  })
}

class Carrier {
  readonly #tunnel: OpenTunnel
  readonly #input: Readable
  readonly #output: Writable
  readonly #times: CarryTimes
  readonly #signal: AbortSignal | undefined
  readonly #done: (error: UserError | undefined, end: CarryEnd) => void
  readonly #carried: Carried = {up: 0, down: 0}
  readonly #reader: FrameReader
  readonly #spare = new SpareBuffers()
  #closing = false
  #settled = false
  #inputEnded = false
  /** A ping of ours is out, and nothing came since. */
  #asked = false
  /** The edge's last ping, while the way to it is full. */
  #owedPong: Buffer | undefined
  #idle: NodeJS.Timeout | undefined
  /** Set while what comes is collected. */
  #gathering: NodeJS.Immediate | undefined
  #drain: NodeJS.Timeout | undefined

  constructor(
    {tunnel, input, output, times, signal}: CarryOptions,
    done: (error: UserError | undefined, end: CarryEnd) => void,
  ) {
    this.#tunnel = tunnel
    this.#input = input
    this.#output = output
    this.#times = {...TIMES, ...times}
    this.#signal = signal
    this.#done = done
    this.#reader = new FrameReader({
      data: (piece) => {
        this.#carried.down += piece.length
        this.#gather()
        output.write(piece)
      },
      ping: (payload) => {
        this.#pong(payload)
      },
      close: (code, reason) => {
        this.#close(code ?? NORMAL)
        // No code at all is how many servers say that all is well.
        const fine = code === undefined || code === NORMAL || code === GOING_AWAY
        this.#finish(fine ? undefined : edgeClosed(code, reason, this.#carried))
      },
    })
  }

  start(): void {
    const {socket, head} = this.#tunnel
    this.#output.on('error', this.#onOutputError)
    socket.on('error', this.#onSocketEnd)
    socket.on('end', this.#onSocketEnd)
    socket.on('close', this.#onSocketEnd)
    socket.on('drain', this.#onSocketDrain)
    socket.on('data', this.#onSocketData)
    this.#input.on('data', this.#onInput)
    this.#input.on('end', this.#onInputEnd)
    this.#input.on('error', this.#onInputError)
    this.#signal?.addEventListener('abort', this.#onAbort)
    this.#waitForLife(this.#times.ping)
    if (this.#signal?.aborted) this.#onAbort()
    else if (socket.destroyed) this.#onSocketEnd()
    else if (head.length > 0) this.#onSocketData(head)
    if (!this.#settled && !this.#outputIsFull) socket.resume()
  }

  /** TLS gives 16 KiB at a time; what comes at once is written at once, which receives a seventh faster. */
  #gather(): void {
    if (this.#output.writableCorked > 0) return
    this.#output.cork()
    this.#gathering = setImmediate(this.#giveOut)
  }

  readonly #giveOut = (): void => {
    this.#output.uncork()
  }

  get #outputIsFull(): boolean {
    return this.#output.writableLength > HIGH_WATER
  }

  #finish(error?: UserError, outputGone = false): void {
    if (this.#settled) return
    this.#settled = true
    clearImmediate(this.#gathering)
    this.#giveOut()
    const {socket} = this.#tunnel
    clearTimeout(this.#idle)
    clearTimeout(this.#drain)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#input.removeListener('data', this.#onInput)
    this.#input.removeListener('end', this.#onInputEnd)
    this.#input.pause()
    socket.removeListener('data', this.#onSocketData)
    // Give the close frame its way out, and no more; what still comes is read, or it would be answered with a reset.
    socket.resume()
    socket.end()
    const grace = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref()
    socket.once('close', () => {
      clearTimeout(grace)
    })
    this.#done(error, {...this.#carried, outputGone})
  }

  #close(code: number): void {
    if (this.#closing) return
    this.#closing = true
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    this.#tunnel.socket.write(encodeControl(OPCODE.close, payload))
  }

  readonly #onSocketData = (chunk: Buffer): void => {
    const {socket} = this.#tunnel
    this.#sawLife()
    if (this.#inputEnded) this.#waitForSilence()
    try {
      this.#reader.feed(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#close(error.closeCode)
      this.#finish(badFrames(error.message, this.#carried))
      return
    }
    if (this.#settled || !this.#outputIsFull || socket.isPaused()) return
    socket.pause()
    this.#output.once('drain', () => {
      if (this.#settled) return
      this.#sawLife()
      if (this.#inputEnded) this.#waitForSilence()
      socket.resume()
    })
  }

  readonly #onInput = (chunk: Buffer): void => {
    const {socket} = this.#tunnel
    if (this.#closing) return
    this.#carried.up += chunk.length
    const buffer = this.#spare.take(encodedLength(chunk.length))
    const written = (error?: Error | null): void => {
      this.#spare.give(buffer)
      if (!error) this.#onWritten()
    }
    if (socket.write(encodeData(chunk, buffer), written) || socket.writableLength <= HIGH_WATER) return
    this.#input.pause()
  }

  /** A full way to the edge that moves is a sign of life: what it answers is behind all that. */
  #onWritten(): void {
    if (!this.#settled && this.#tunnel.socket.writableLength > 0) this.#sawLife()
  }

  readonly #onSocketDrain = (): void => {
    if (this.#settled) return
    const owed = this.#owedPong
    this.#owedPong = undefined
    if (owed) this.#pong(owed)
    this.#input.resume()
  }

  readonly #onInputEnd = (): void => {
    this.#inputEnded = true
    this.#waitForSilence()
  }

  readonly #onInputError = (): void => {
    this.#close(NORMAL)
    this.#finish(inputFailed(this.#carried))
  }

  readonly #onOutputError = (error: unknown): void => {
    // Usually ssh has gone away: there is nobody left to carry for.
    this.#close(NORMAL)
    if (hasCode(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED')) this.#finish(undefined, true)
    else this.#finish(outputFailed(error, this.#carried))
  }

  /** Without the edge's close frame; only after ours that is a way to end. */
  readonly #onSocketEnd = (error?: unknown): void => {
    const answered = this.#closing && !(error instanceof Error)
    this.#finish(answered ? undefined : edgeGone(error, this.#carried))
  }

  readonly #onAbort = (): void => {
    this.#close(NORMAL)
    this.#finish()
  }

  /** Only the last ping wants an answer, so an edge that asks and does not read fills no memory. */
  #pong(payload: Buffer): void {
    if (this.#closing) return
    const {socket} = this.#tunnel
    if (socket.writableLength > HIGH_WATER) this.#owedPong = Buffer.from(payload)
    else socket.write(encodeControl(OPCODE.pong, payload))
  }

  #sawLife(): void {
    if (this.#asked) {
      this.#asked = false
      this.#waitForLife(this.#times.ping)
    } else {
      this.#idle?.refresh()
    }
  }

  #waitForLife(ms: number): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(this.#onIdle, ms)
  }

  readonly #onIdle = (): void => {
    const {socket} = this.#tunnel
    // While we do not listen it cannot be heard.
    if (socket.isPaused()) {
      this.#waitForLife(this.#times.ping)
    } else if (this.#asked) {
      const {ping, silence} = this.#times
      this.#finish(edgeSilent(ping + silence, this.#carried))
      socket.destroy()
    } else {
      this.#asked = true
      if (!this.#closing) socket.write(encodeControl(OPCODE.ping, Buffer.alloc(0)))
      this.#waitForLife(this.#times.silence)
    }
  }

  #waitForSilence(): void {
    if (this.#drain) this.#drain.refresh()
    else this.#drain = setTimeout(this.#onSilence, this.#times.drain)
  }

  readonly #onSilence = (): void => {
    const {socket} = this.#tunnel
    // What is still on its way out, or waits for the output, comes first.
    if (socket.isPaused() || (!this.#closing && socket.writableLength > 0)) {
      this.#drain?.refresh()
    } else if (this.#closing) {
      this.#finish()
    } else {
      this.#close(NORMAL)
      this.#drain?.refresh()
    }
  }
}
