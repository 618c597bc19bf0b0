import type {Readable, Writable} from 'node:stream'
import {UserError, hasCode} from '../../core/errors.js'
import {encodeControl, encodeData, FrameReader, OPCODE, ProtocolError} from './frames.js'
import type {OpenTunnel} from './handshake.js'

export interface CarryOptions {
  tunnel: OpenTunnel
  input: Readable
  output: Writable
  /** After the input's end, how long the edge may be silent before we close. */
  drainMs?: number | undefined
  signal?: AbortSignal | undefined
}

const DRAIN_MS = 5000
const CLOSE_GRACE_MS = 1000
/** How much may wait in a stream before its source is paused. */
const HIGH_WATER = 1024 * 1024
const NORMAL = 1000

/**
 * Carries bytes both ways until one side ends. A WebSocket has no half-close, so at the input's end what the edge
 * still sends is taken in until it closes, or has been silent for a while; only then a close frame goes out.
 *
 * @throws UserError `unreachable` / `TUNNEL_CUT`, `TUNNEL_CLOSED`, `TUNNEL_PROTOCOL`
 */
export function carry({tunnel, input, output, drainMs = DRAIN_MS, signal}: CarryOptions): Promise<void> {
  const {socket, head} = tunnel
  return new Promise((resolve, reject) => {
    let closing = false
    let settled = false
    let inputEnded = false
    let timer: NodeJS.Timeout | undefined

    const finish = (error?: UserError): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      input.removeListener('data', onInput)
      input.removeListener('end', onInputEnd)
      input.pause()
      socket.removeAllListeners('data')
      socket.on('error', () => undefined)
      // Give the close frame its way out, and no more.
      socket.end()
      setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref()
      if (error) reject(error)
      else resolve()
    }
    const close = (code: number): void => {
      if (closing) return
      closing = true
      const payload = Buffer.alloc(2)
      payload.writeUInt16BE(code)
      socket.write(encodeControl(OPCODE.close, payload))
    }
    const onAbort = (): void => {
      close(NORMAL)
      finish()
    }

    const reader = new FrameReader({
      data(piece) {
        if (inputEnded) awaitSilence()
        output.write(piece)
      },
      ping(payload) {
        if (!closing) socket.write(encodeControl(OPCODE.pong, payload))
      },
      close(code) {
        // 1005: no code given.
        const fine = code === NORMAL || code === undefined || code === 1001
        close(code ?? NORMAL)
        finish(fine ? undefined : cut('TUNNEL_CLOSED', `The edge closed the tunnel with code ${code}.`))
      },
    })
    const onSocketData = (chunk: Buffer): void => {
      try {
        reader.feed(chunk)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        close(1002)
        finish(cut('TUNNEL_PROTOCOL', `The edge sent ${error.message}.`))
        return
      }
      if (output.writableLength > HIGH_WATER) {
        socket.pause()
        output.once('drain', () => socket.resume())
      }
    }
    const onInput = (chunk: Buffer): void => {
      if (closing) return
      if (!socket.write(encodeData(chunk)) && socket.writableLength > HIGH_WATER) {
        input.pause()
        socket.once('drain', () => input.resume())
      }
    }
    const awaitSilence = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        close(NORMAL)
        finish()
      }, drainMs)
    }
    const onInputEnd = (): void => {
      inputEnded = true
      awaitSilence()
    }

    output.once('error', (error: unknown) => {
      // ssh has gone away: there is nobody left to carry for.
      close(NORMAL)
      finish(
        hasCode(error, 'EPIPE', 'ECONNRESET')
          ? undefined
          : cut('OUTPUT_FAILED', 'The output cannot be written.'),
      )
    })
    socket.once('error', () => {
      finish(cut('TUNNEL_CUT', 'The connection to the edge was cut.'))
    })
    socket.once('close', () => {
      finish(cut('TUNNEL_CUT', 'The edge ended the connection without closing the tunnel.'))
    })
    signal?.addEventListener('abort', onAbort)
    socket.on('data', onSocketData)
    input.on('data', onInput)
    input.once('end', onInputEnd)
    input.once('error', onInputEnd)
    if (head.length > 0) onSocketData(head)
    socket.resume()
  })
}

function cut(code: string, why: string): UserError {
  return new UserError({
    kind: 'unreachable',
    code,
    message: 'The tunnel broke off',
    why,
    next: ['Try again; if it happens when idle, set ServerAliveInterval in the ssh configuration'],
  })
}
