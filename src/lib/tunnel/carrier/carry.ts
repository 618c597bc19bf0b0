import type {Readable, Writable} from 'node:stream'
import {hasCode, type UserError} from '../../core/errors.js'
import {endOf, onWriteError, type TlsEnd} from '../../network/connection-end.js'
import {
  badFrames,
  edgeClosed,
  edgeGone,
  edgeSilent,
  endedBare,
  endedGoingAway,
  endedSilent,
  inputFailed,
  outputFailed,
  type Carried,
  type EndNote,
  type CarryDetails,
} from './carry-errors.js'
import {
  CUT_OFF,
  encodeControl,
  encodeData,
  encodedLength,
  FrameReader,
  NO_CODE,
  OPCODE,
  ProtocolError,
} from './frames.js'
import type {OpenTunnel} from './handshake.js'
import {Outlet} from './outlet.js'

/** All in milliseconds. */
export interface CarryTimes {
  /** After the input has ended, how long the edge may send no data: once before our close frame, once after it. */
  drain: number
  /** How long nothing may arrive before a ping asks whether the edge is still there. */
  ping: number
  /** How long nothing may arrive after the ping. */
  silence: number
  /** After the input has ended, how often to check whether the output is still being read. */
  look: number
}

export interface CarryOptions {
  tunnel: OpenTunnel
  input: Readable
  output: Writable
  times?: Partial<CarryTimes> | undefined
  signal?: AbortSignal | undefined
  /** Whether the reader of the output has gone, which a stream notices only when it writes. Undefined: not known. */
  isOutputGone?: (() => Promise<boolean | undefined>) | undefined
  /** Added to the error when an idle connection may be the cause. */
  advice?: string | undefined
  /** Called when nothing more will arrive and only the rest is being written out. */
  onLast?: (() => void) | undefined
}

export interface CarryEnd extends Carried {
  /** The reader of the output went away before the edge ended the connection. */
  outputGone: boolean
  /** The signal ended it: the edge may have had more to send. */
  aborted: boolean
  /** A remark on an end that is not a failure. */
  note: EndNote | undefined
}

const TIMES: CarryTimes = {drain: 15 * 60_000, ping: 60_000, silence: 60_000, look: 5000}
/** How long the last bytes to the edge may stop moving before the connection is closed. */
const CLOSE_GRACE_MS = 1000
/** How long the edge may send no data after our close frame. */
const ANSWER_MS = 5000
const FIRST_LOOK_MS = 500
const NORMAL = 1000
const GOING_AWAY = 1001
const GONE = ['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED']

/**
 * Carries bytes both ways until one side ends. The connector sends no close frame when its service ends (cloudflared's
 * websocket/connection.go), so the end of the connection between two messages is the end of the stream. However it
 * ends, everything that arrived is written out before this settles.
 *
 * A WebSocket has no half-close, and a server sends no more data once it has received a close frame. So when the input
 * ends, this keeps receiving until the edge closes, has sent nothing for long, or the reader of the output has gone.
 * Only then it sends a close frame, and still receives until the edge answers it.
 *
 * @throws UserError `unreachable` / `EDGE_GONE`, `EDGE_SILENT`, `TUNNEL_CLOSED`, `TUNNEL_PROTOCOL`, `OUTPUT_FAILED`,
 *   `INPUT_FAILED`, each with the number of bytes carried
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
  readonly #options: CarryOptions
  readonly #socket: OpenTunnel['socket']
  readonly #input: Readable
  readonly #output: Writable
  readonly #times: CarryTimes
  readonly #done: (error: UserError | undefined, end: CarryEnd) => void
  readonly #carried: Carried = {up: 0, down: 0}
  readonly #reader: FrameReader
  readonly #toEdge: Outlet
  readonly #toOutput: Outlet
  /** Nothing more is written. */
  #closing = false
  /** Our close frame has been sent: after it the edge may end in any way. */
  #said = false
  #settled = false
  #inputEnded = false
  /** We sent a ping, and nothing has arrived since. */
  #asked = false
  /** The edge's last ping, kept while the connection to it is full. */
  #owedPong: Buffer | undefined
  #idle: NodeJS.Timeout | undefined
  /** The socket is paused until the output has taken what waits for it. */
  #held = false
  #drain: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined
  #outputFailed = false

  constructor(options: CarryOptions, done: (error: UserError | undefined, end: CarryEnd) => void) {
    this.#options = options
    this.#socket = options.tunnel.socket
    this.#input = options.input
    this.#output = options.output
    this.#times = {...TIMES, ...options.times}
    this.#done = done
    this.#toEdge = new Outlet(this.#socket, this.#onWritten)
    this.#toOutput = new Outlet(this.#output, this.#onGivenOut)
    this.#reader = new FrameReader({
      data: (piece) => {
        this.#carried.down += piece.length
        if (this.#inputEnded) this.#waitForSilence()
        this.#toOutput.put(piece)
      },
      ping: (payload) => {
        this.#pong(payload)
      },
      close: (code, reason) => {
        // Many servers send no code when all is well.
        const said = code === undefined || code === NO_CODE ? NORMAL : code
        this.#close(said === CUT_OFF ? NORMAL : said)
        if (said === NORMAL) this.#finish()
        else if (said === GOING_AWAY) this.#finish(undefined, {note: endedGoingAway()})
        else if (said === CUT_OFF) this.#finish(undefined, {note: endedBare()})
        else this.#finish(edgeClosed(said, reason, this.#details))
      },
    })
  }

  start(): void {
    const {signal, tunnel} = this.#options
    const socket = this.#socket
    this.#output.on('error', this.#onOutputError)
    socket.on('error', this.#onSocketEnd)
    socket.on('end', this.#onSocketEnd)
    socket.on('close', this.#onSocketEnd)
    onWriteError(socket, this.#onSocketFull)
    socket.on('data', this.#onSocketData)
    this.#input.on('data', this.#onInput)
    this.#input.on('end', this.#onInputEnd)
    this.#input.on('error', this.#onInputError)
    signal?.addEventListener('abort', this.#onAbort)
    this.#waitForLife(this.#times.ping)
    if (signal?.aborted) this.#onAbort()
    else if (tunnel.head.length > 0) this.#onSocketData(tunnel.head)
    // It may have ended together with its answer.
    if (!this.#settled && (socket.destroyed || socket.readableEnded))
      this.#onSocketEnd(socket.errored ?? undefined)
    if (!this.#settled && !this.#held) socket.resume()
  }

  get #details(): CarryDetails {
    return {...this.#carried, advice: this.#options.advice}
  }

  #finish(
    error?: UserError,
    {outputGone = false, aborted = false, note}: Partial<Omit<CarryEnd, keyof Carried>> = {},
  ): void {
    if (this.#settled) return
    this.#settled = true
    this.#toOutput.release()
    this.#toEdge.release()
    clearTimeout(this.#idle)
    clearTimeout(this.#drain)
    clearTimeout(this.#look)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#input.removeListener('data', this.#onInput)
    this.#input.removeListener('end', this.#onInputEnd)
    this.#input.pause()
    this.#socket.removeListener('data', this.#onSocketData)
    this.#options.onLast?.()
    void Promise.all([this.#givenOut(), this.#sentOut()]).then(async () => {
      const late = this.#outputFailed
      // Once the local side has gone, how the edge ends no longer matters.
      const gone = outputGone || late || (error !== undefined && (await this.#hasLeft()))
      this.#done(gone && error?.code !== 'OUTPUT_FAILED' ? undefined : error, {
        ...this.#carried,
        outputGone: outputGone || late,
        aborted,
        note: gone ? undefined : note,
      })
    })
  }

  /** After the input has ended: true as well if it is not known whether anyone reads the output. */
  async #hasLeft(): Promise<boolean> {
    const {isOutputGone} = this.#options
    return this.#inputEnded && isOutputGone !== undefined && (await isOutputGone()) !== false
  }

  /** Resolves when the output has taken everything, or takes nothing more. */
  #givenOut(): Promise<void> {
    const output = this.#output
    return new Promise((resolve) => {
      if (output.writableLength === 0 || output.destroyed || output.writableEnded) {
        resolve()
        return
      }
      output.once('error', resolve).once('close', resolve)
      output.write(Buffer.alloc(0), () => {
        resolve()
      })
    })
  }

  /**
   * Resolves when everything written to the edge has been sent, our close frame included, or no longer moves. What still
   * arrives is read: otherwise the system would answer it with a reset.
   */
  #sentOut(): Promise<void> {
    const socket = this.#socket
    return new Promise((resolve) => {
      let left = socket.writableLength
      const grace = setInterval(() => {
        if (socket.writableLength > 0 && socket.writableLength < left) {
          left = socket.writableLength
          return
        }
        socket.destroy()
        settle()
      }, CLOSE_GRACE_MS)
      const settle = (): void => {
        resolve()
        // We close the connection ourselves if the other side does not.
        if (socket.destroyed) clearInterval(grace)
        else grace.unref()
      }
      socket.once('finish', settle).once('close', settle)
      if (socket.destroyed || socket.writableFinished) settle()
      socket.resume()
      socket.end()
    })
  }

  /** The edge takes nothing more. What it has sent is still read. */
  readonly #onSocketFull = (): void => {
    this.#input.pause()
    this.#closing = true
    if (this.#settled) this.#socket.destroy()
  }

  #close(code: number): void {
    if (this.#closing || this.#settled) return
    this.#closing = true
    this.#said = true
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    this.#toEdge.put(encodeControl(OPCODE.close, payload))
  }

  #feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#close(error.closeCode)
      this.#finish(badFrames(error.message, this.#details))
    }
  }

  readonly #onSocketData = (chunk: Buffer): void => {
    this.#sawLife()
    this.#feed(chunk)
    if (this.#settled || this.#held || !this.#toOutput.isFull) return
    this.#held = true
    this.#socket.pause()
  }

  readonly #onGivenOut = (): void => {
    if (this.#settled || !this.#held || this.#toOutput.isFull) return
    this.#held = false
    this.#sawLife()
    if (this.#inputEnded) this.#waitForSilence()
    this.#socket.resume()
  }

  readonly #onInput = (chunk: Buffer): void => {
    if (this.#closing) return
    this.#carried.up += chunk.length
    this.#toEdge.add(encodeData(chunk, this.#toEdge.room(encodedLength(chunk.length))).length)
    if (this.#toEdge.isFull) this.#input.pause()
  }

  readonly #onWritten = (): void => {
    if (this.#settled) return
    // A slow connection that still moves is a sign of life: the edge's answers wait behind that data.
    if (this.#toEdge.waiting > 0) this.#sawLife()
    if (this.#toEdge.isFull) return
    const owed = this.#owedPong
    this.#owedPong = undefined
    if (owed) this.#pong(owed)
    if (this.#input.isPaused()) this.#input.resume()
  }

  readonly #onInputEnd = (): void => {
    this.#inputEnded = true
    this.#waitForSilence()
    void this.#lookAtOutput(Math.min(this.#times.look, FIRST_LOOK_MS))
  }

  /** @param next when to check again, milliseconds */
  async #lookAtOutput(next: number): Promise<void> {
    const gone = await this.#options.isOutputGone?.()
    if (this.#settled || gone === undefined) return
    if (gone) {
      this.#close(NORMAL)
      this.#finish(undefined, {outputGone: true})
    } else {
      this.#look = setTimeout(() => void this.#lookAtOutput(this.#times.look), next)
    }
  }

  readonly #onInputError = (): void => {
    this.#close(NORMAL)
    this.#finish(inputFailed(this.#details))
  }

  readonly #onOutputError = (error: unknown): void => {
    this.#outputFailed = true
    // Usually ssh has gone: there is no one left to carry for.
    this.#close(NORMAL)
    if (hasCode(error, ...GONE)) this.#finish(undefined, {outputGone: true})
    else this.#finish(outputFailed(error, this.#details))
  }

  readonly #onSocketEnd = (error?: unknown): void => {
    if (this.#settled) return
    const failed = error instanceof Error ? error : undefined
    // Node still holds what arrived before the error.
    if (failed)
      for (let piece = read(this.#socket); piece !== null && !this.#settled; piece = read(this.#socket))
        this.#feed(piece)
    this.#endOfStream(endOf(this.#socket, failed), failed)
  }

  #endOfStream(how: TlsEnd, error?: Error): void {
    if (this.#said) this.#finish()
    else if (how === 'reset') this.#finish(edgeGone('reset', error, this.#details))
    else if (this.#reader.isInside) this.#finish(edgeGone('in a message', undefined, this.#details))
    else this.#finish(undefined, {note: how === 'bare' ? endedBare() : undefined})
  }

  readonly #onAbort = (): void => {
    this.#close(NORMAL)
    this.#finish(undefined, {aborted: true})
  }

  /** Only the last ping is answered, so that an edge that pings and never reads cannot fill memory. */
  #pong(payload: Buffer): void {
    if (this.#closing) return
    if (this.#toEdge.isFull) this.#owedPong = Buffer.from(payload)
    else this.#toEdge.put(encodeControl(OPCODE.pong, payload))
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
    // While paused, nothing can be heard.
    if (this.#socket.isPaused()) {
      this.#waitForLife(this.#times.ping)
    } else if (this.#asked) {
      const {ping, silence} = this.#times
      this.#finish(edgeSilent(ping + silence, this.#details))
      this.#socket.destroy()
    } else {
      this.#asked = true
      if (!this.#closing) this.#toEdge.put(encodeControl(OPCODE.ping, Buffer.alloc(0)))
      this.#waitForLife(this.#times.silence)
    }
  }

  #waitForSilence(): void {
    const {drain} = this.#times
    if (this.#drain) this.#drain.refresh()
    else this.#drain = setTimeout(this.#onSilence, this.#said ? Math.min(drain, ANSWER_MS) : drain)
  }

  readonly #onSilence = (): void => {
    // First comes what is still being sent or waits for the output.
    if (this.#socket.isPaused() || (!this.#closing && this.#toEdge.waiting > 0)) {
      this.#drain?.refresh()
    } else if (this.#closing) {
      this.#finish(undefined, {note: endedSilent(this.#times.drain)})
    } else {
      this.#close(NORMAL)
      this.#drain = undefined
      this.#waitForSilence()
    }
  }
}

/** What node has read and no one has taken yet. */
function read(socket: Readable): Buffer | null {
  return socket.read() as Buffer | null
}
