import type {Readable, Writable} from 'node:stream'
import {hasCode, type UserError} from '../../core/errors.js'
import {endOf, onWriteError, type TlsEnd} from '../../network/connection-end.js'
import {
  badFrames,
  edgeClosed,
  edgeGone,
  edgeSilent,
  endedBare,
  endedSilent,
  inputFailed,
  outputFailed,
  type Carried,
  type EndNote,
  type Told,
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
import {SpareBuffers} from './spare-buffers.js'

/** Milliseconds. */
export interface CarryTimes {
  /** After the input's end, how long the edge may send no data before we close, and again before we go. */
  drain: number
  /** How long nothing may come before we ask with a ping whether the edge is still there. */
  ping: number
  /** How long nothing may come after that. */
  silence: number
  /** After the input's end, how often the output is looked at. */
  look: number
}

export interface CarryOptions {
  tunnel: OpenTunnel
  input: Readable
  output: Writable
  times?: Partial<CarryTimes> | undefined
  signal?: AbortSignal | undefined
  /** Whether whoever reads the output has gone, which a stream shows only when it is written to. Undefined: not known. */
  isOutputGone?: (() => Promise<boolean | undefined>) | undefined
  /** Said where it breaks off and may have been idle. */
  advice?: string | undefined
  /** Called when nothing more comes, and what is left is handed over. */
  onLast?: (() => void) | undefined
}

export interface CarryEnd extends Carried {
  /** The reader of the output went away before the edge had ended. */
  outputGone: boolean
  /** Something about the end that is no fault and may be of interest. */
  note: EndNote | undefined
}

/** How long the edge may send no data after the input's end. */
const DRAIN_MS = 15 * 60_000
const TIMES: CarryTimes = {drain: DRAIN_MS, ping: 60_000, silence: 60_000, look: 5000}
/** How long the way out may not move, once all is said. */
const CLOSE_GRACE_MS = 1000
/** How long the edge may send nothing after our close frame. */
const ANSWER_MS = 5000
const FIRST_LOOK_MS = 500
/** How much may wait in a stream before its source is paused. */
const HIGH_WATER = 1024 * 1024
const NORMAL = 1000
const GOING_AWAY = 1001
const GONE = ['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED']

/**
 * Carries bytes both ways until one side ends. The connector sends no close frame when its service ends (cloudflared's
 * websocket/connection.go): the connection's own end, between two messages, is the end of the stream. What has come is
 * handed over before this settles, whatever the end was.
 *
 * A WebSocket has no half-close, and a server that gets a close frame sends no more data: so at the input's end what the
 * edge still sends is taken in until it closes, or has sent nothing for long, or nobody reads the output any more; only
 * then a close frame goes out, and what comes until the edge answers it is taken in as well.
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
  readonly #isOutputGone: CarryOptions['isOutputGone']
  readonly #onLast: CarryOptions['onLast']
  readonly #advice: string | undefined
  readonly #done: (error: UserError | undefined, end: CarryEnd) => void
  readonly #carried: Carried = {up: 0, down: 0}
  readonly #reader: FrameReader
  readonly #spare = new SpareBuffers()
  /** Nothing more is written. */
  #closing = false
  /** Our close frame is out: after it the edge may end as it likes. */
  #said = false
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
  #look: NodeJS.Timeout | undefined
  #outputFailed = false

  constructor(
    {tunnel, input, output, times, signal, isOutputGone, onLast, advice}: CarryOptions,
    done: (error: UserError | undefined, end: CarryEnd) => void,
  ) {
    this.#tunnel = tunnel
    this.#input = input
    this.#output = output
    this.#times = {...TIMES, ...times}
    this.#signal = signal
    this.#isOutputGone = isOutputGone
    this.#onLast = onLast
    this.#advice = advice
    this.#done = done
    this.#reader = new FrameReader({
      data: (piece) => {
        this.#carried.down += piece.length
        if (this.#inputEnded) this.#waitForSilence()
        this.#gather()
        output.write(piece)
      },
      ping: (payload) => {
        this.#pong(payload)
      },
      close: (code, reason) => {
        // No code at all is how many servers say that all is well.
        const said = code === undefined || code === NO_CODE ? NORMAL : code
        this.#close(said === CUT_OFF ? NORMAL : said)
        if (said === NORMAL || said === GOING_AWAY) this.#finish()
        else if (said === CUT_OFF) this.#finish(undefined, {note: endedBare()})
        else this.#finish(edgeClosed(said, reason, this.#told))
      },
    })
  }

  start(): void {
    const {socket, head} = this.#tunnel
    this.#output.on('error', this.#onOutputError)
    socket.on('error', this.#onSocketEnd)
    socket.on('end', this.#onSocketEnd)
    socket.on('close', this.#onSocketEnd)
    onWriteError(socket, this.#onSocketFull)
    socket.on('drain', this.#onSocketDrain)
    socket.on('data', this.#onSocketData)
    this.#input.on('data', this.#onInput)
    this.#input.on('end', this.#onInputEnd)
    this.#input.on('error', this.#onInputError)
    this.#signal?.addEventListener('abort', this.#onAbort)
    this.#waitForLife(this.#times.ping)
    if (this.#signal?.aborted) this.#onAbort()
    else if (head.length > 0) this.#onSocketData(head)
    // It may have ended with its answer.
    if (!this.#settled && (socket.destroyed || socket.readableEnded))
      this.#onSocketEnd(socket.errored ?? undefined)
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

  get #told(): Told {
    return {...this.#carried, advice: this.#advice}
  }

  get #outputIsFull(): boolean {
    return this.#output.writableLength > HIGH_WATER
  }

  #finish(
    error?: UserError,
    {outputGone = false, note}: Partial<Pick<CarryEnd, 'outputGone' | 'note'>> = {},
  ): void {
    if (this.#settled) return
    this.#settled = true
    clearImmediate(this.#gathering)
    this.#giveOut()
    clearTimeout(this.#idle)
    clearTimeout(this.#drain)
    clearTimeout(this.#look)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#input.removeListener('data', this.#onInput)
    this.#input.removeListener('end', this.#onInputEnd)
    this.#input.pause()
    this.#tunnel.socket.removeListener('data', this.#onSocketData)
    this.#onLast?.()
    void Promise.all([this.#givenOut(), this.#sentOut()]).then(async () => {
      const late = this.#outputFailed
      // Once whoever was here has gone, how the other end goes concerns nobody.
      const gone = outputGone || late || (error !== undefined && (await this.#hasLeft()))
      this.#done(gone && error?.code !== 'OUTPUT_FAILED' ? undefined : error, {
        ...this.#carried,
        outputGone: outputGone || late,
        note: gone ? undefined : note,
      })
    })
  }

  /** After the input's end, whoever cannot be seen counts as gone. */
  async #hasLeft(): Promise<boolean> {
    return this.#inputEnded && this.#isOutputGone !== undefined && (await this.#isOutputGone()) !== false
  }

  /** When the output has taken all that came, or takes no more. */
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
   * When what was given to the connection is out, our close frame with it; or it does not move. What still comes is read,
   * or it would be answered with a reset.
   */
  #sentOut(): Promise<void> {
    const {socket} = this.#tunnel
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
        // It is ours to end, also where the other side does not.
        if (socket.destroyed) clearInterval(grace)
        else grace.unref()
      }
      socket.once('finish', settle).once('close', settle)
      if (socket.destroyed || socket.writableFinished) settle()
      socket.resume()
      socket.end()
    })
  }

  /** Nothing more is taken by the edge. What it has sent is read on. */
  readonly #onSocketFull = (): void => {
    this.#input.pause()
    this.#closing = true
    if (this.#settled) this.#tunnel.socket.destroy()
  }

  #close(code: number): void {
    if (this.#closing || this.#settled) return
    this.#closing = true
    this.#said = true
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    this.#tunnel.socket.write(encodeControl(OPCODE.close, payload))
  }

  #feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#close(error.closeCode)
      this.#finish(badFrames(error.message, this.#told))
    }
  }

  readonly #onSocketData = (chunk: Buffer): void => {
    const {socket} = this.#tunnel
    this.#sawLife()
    this.#feed(chunk)
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
    void this.#lookAtOutput(Math.min(this.#times.look, FIRST_LOOK_MS))
  }

  /** @param next when to look again, milliseconds */
  async #lookAtOutput(next: number): Promise<void> {
    const gone = await this.#isOutputGone?.()
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
    this.#finish(inputFailed(this.#told))
  }

  readonly #onOutputError = (error: unknown): void => {
    this.#outputFailed = true
    // Usually ssh has gone away: there is nobody left to carry for.
    this.#close(NORMAL)
    if (hasCode(error, ...GONE)) this.#finish(undefined, {outputGone: true})
    else this.#finish(outputFailed(error, this.#told))
  }

  readonly #onSocketEnd = (error?: unknown): void => {
    if (this.#settled) return
    const {socket} = this.#tunnel
    const failed = error instanceof Error ? error : undefined
    // What had come before an error and was not asked for yet.
    if (failed)
      for (let piece = read(socket); piece !== null && !this.#settled; piece = read(socket)) this.#feed(piece)
    this.#endOfStream(endOf(socket, failed), failed)
  }

  #endOfStream(how: TlsEnd, error?: Error): void {
    if (this.#said) this.#finish()
    else if (how === 'reset') this.#finish(edgeGone('reset', error, this.#told))
    else if (this.#reader.isInside) this.#finish(edgeGone('in a message', undefined, this.#told))
    else this.#finish(undefined, {note: how === 'bare' ? endedBare() : undefined})
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
      this.#finish(edgeSilent(ping + silence, this.#told))
      socket.destroy()
    } else {
      this.#asked = true
      if (!this.#closing) socket.write(encodeControl(OPCODE.ping, Buffer.alloc(0)))
      this.#waitForLife(this.#times.silence)
    }
  }

  #waitForSilence(): void {
    const {drain} = this.#times
    if (this.#drain) this.#drain.refresh()
    else this.#drain = setTimeout(this.#onSilence, this.#said ? Math.min(drain, ANSWER_MS) : drain)
  }

  readonly #onSilence = (): void => {
    const {socket} = this.#tunnel
    // What is still on its way out, or waits for the output, comes first.
    if (socket.isPaused() || (!this.#closing && socket.writableLength > 0)) {
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

/** What node has read and nobody has taken yet. */
function read(socket: Readable): Buffer | null {
  return socket.read() as Buffer | null
}
