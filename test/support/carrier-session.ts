import {PassThrough, Writable, type Readable} from 'node:stream'
import {Secret} from '../../src/lib/core/secret.js'
import {carry, type CarryEnd, type CarryTimes} from '../../src/lib/tunnel/carrier/carry.js'
import {openTunnel, type HandshakeOptions} from '../../src/lib/tunnel/carrier/handshake.js'
import {HOST, type ScriptedEdge} from './scripted-edge.js'

export const CREDENTIALS = {clientId: 'f00d.access', clientSecret: new Secret('cfast_conformance')}

export interface SessionOptions {
  input?: Readable
  output?: Writable
  times?: Partial<CarryTimes>
  signal?: AbortSignal
  isOutputGone?: () => Promise<boolean | undefined>
  handshake?: Partial<HandshakeOptions>
}

export interface Session {
  /** How it ended; undefined if it threw. */
  end: CarryEnd | undefined
  error: {code: string; why: string | undefined; message: string; kind: string} | undefined
  /** What was written to the output. */
  output: Buffer
}

/** Opens a tunnel to the edge and carries until it ends. The input stays open unless one is given. */
export async function session(edge: ScriptedEdge, options: SessionOptions = {}): Promise<Session> {
  const pieces: Buffer[] = []
  const collect = new Writable({
    write(chunk: Buffer, _, done) {
      pieces.push(Buffer.from(chunk))
      done()
    },
  })
  const {input = new PassThrough(), output = collect, times, signal, handshake, isOutputGone} = options
  let end: CarryEnd | undefined
  let error: Session['error']
  try {
    const tunnel = await openTunnel({
      edge: {host: HOST, connectTo: edge.address, caFile: edge.caFile},
      credentials: CREDENTIALS,
      ...handshake,
    })
    end = await carry({tunnel, input, output, times, signal, isOutputGone})
  } catch (thrown) {
    error = thrown as Session['error']
  }
  return {end, error, output: Buffer.concat(pieces)}
}
