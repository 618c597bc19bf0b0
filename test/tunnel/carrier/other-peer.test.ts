import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {PassThrough, Readable, Writable} from 'node:stream'
import type {TLSSocket} from 'node:tls'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {WebSocketServer, type WebSocket} from 'ws'
import {openCertificateAuthority} from '../../../src/lib/sandbox/certificates.js'
import {session, type SessionOptions} from '../../support/carrier-session.js'
import type {ScriptedEdge} from '../../support/scripted-edge.js'

/** The peer that the carrier's author did not write. It is strict: what breaks RFC 6455 it closes with 1002 or 1007. */
let edge: ScriptedEdge
let talk: (peer: WebSocket) => void
let stop: () => Promise<void>

beforeAll(async () => {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ws-'))
  const authority = await openCertificateAuthority(directory, Date.now())
  const server = https.createServer({
    SNICallback: (name, done) => {
      authority.contextFor(name).then((context) => {
        done(null, context)
      }, done)
    },
  })
  const sockets = new WebSocketServer({server, perMessageDeflate: true, maxPayload: 16_384})
  sockets.on('connection', (peer) => {
    peer.on('error', () => undefined)
    talk(peer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  stop = async () => {
    for (const peer of sockets.clients) peer.terminate()
    server.close()
    await fs.rm(directory, {recursive: true, force: true})
  }
  edge = {
    port,
    address: `127.0.0.1:${port}`,
    caFile: authority.caFile,
    connections: 0,
    received: '',
    close: stop,
  }
})

afterAll(() => stop())

/** A session, and the code and reason that the peer saw at its end. */
async function against(
  script: (peer: WebSocket) => void,
  options: SessionOptions = {},
): Promise<Awaited<ReturnType<typeof session>> & {code: number; reason: string}> {
  let over: Promise<{code: number; reason: string}> | undefined
  talk = (peer) => {
    over = new Promise((resolve) => {
      peer.once('close', (code, reason) => {
        resolve({code, reason: reason.toString()})
      })
    })
    script(peer)
  }
  const ended = await session(edge, options)
  return {...ended, ...((await over) ?? {code: 0, reason: ''})}
}

describe('with the server of ws as the edge', () => {
  it('an echo of any bytes comes back as it was, and the server finds no fault', async () => {
    const data = randomBytes(3 * 1024 * 1024 + 17)
    const input = new PassThrough()
    input.write(data)
    let back = 0
    const {error, output, code} = await against(
      (peer) => {
        peer.on('message', (message: Buffer) => {
          peer.send(message)
          back += message.length
          if (back === data.length) input.end()
        })
      },
      {input, times: {drain: 300}},
    )
    expect(error).toBeUndefined()
    expect(digest(output)).toBe(digest(data))
    expect(code).toBe(1000)
  })

  it('messages in pieces, text and binary, with pings between them, are put together', async () => {
    let pongs = 0
    const {error, output} = await against((peer) => {
      peer.on('pong', (payload) => {
        if (payload.toString() === 'there?') pongs++
        peer.close(1000)
      })
      peer.send('te', {fin: false, binary: false})
      peer.send('xt|', {fin: true, binary: false})
      peer.send(Buffer.from('bin'), {fin: false, binary: true})
      peer.ping('there?')
      peer.send(Buffer.from('ary'), {fin: true, binary: true})
    })
    expect(error).toBeUndefined()
    expect(output.toString()).toBe('text|binary')
    expect(pongs).toBe(1)
  })

  it.each([
    [1000, undefined],
    [1001, undefined],
    [1008, 'TUNNEL_CLOSED'],
    [1011, 'TUNNEL_CLOSED'],
    [4321, 'TUNNEL_CLOSED'],
  ])('its close with %i is echoed, and ends with %s', async (sent, expected) => {
    const {error, code} = await against((peer) => {
      peer.close(sent, 'over')
    })
    expect(error?.code).toBe(expected)
    expect(code).toBe(sent)
  })

  it('its end without a close is the end of the stream, with a note where TLS says nothing of it', async () => {
    const {error, end} = await against((peer) => {
      peer.terminate()
    })
    expect(error).toBeUndefined()
    expect(end?.note).toMatchObject({code: 'ENDED_WITHOUT_GOODBYE'})
  })

  it('our close reaches it as 1000', async () => {
    const {error, code} = await against(() => undefined, {input: Readable.from([]), times: {drain: 50}})
    expect(error).toBeUndefined()
    expect(code).toBe(1000)
  })

  it('our ping is answered by it, and keeps a silent tunnel open', async () => {
    let pings = 0
    const {error} = await against(
      (peer) => {
        peer.on('ping', () => {
          if (++pings === 4) peer.close(1000)
        })
      },
      {times: {ping: 40, silence: 1000}},
    )
    expect(error).toBeUndefined()
    expect(pings).toBe(4)
  })

  it('a slow reader of the output holds the edge back, and loses nothing', async () => {
    const data = randomBytes(16 * 1024 * 1024)
    const hash = createHash('sha256')
    let most = 0
    const output: Writable = new Writable({
      highWaterMark: 1024,
      write(chunk: Buffer, _, done) {
        hash.update(chunk)
        most = Math.max(most, output.writableLength)
        setTimeout(done, 1)
      },
    })
    const {error, end} = await against(
      (peer) => {
        peer.send(data, () => {
          peer.close(1000)
        })
      },
      {output},
    )
    expect(error).toBeUndefined()
    expect(end?.down).toBe(data.length)
    await new Promise<void>((resolve) => output.end(resolve))
    expect(hash.digest('hex')).toBe(digest(data))
    expect(most).toBeLessThan(2 * 1024 * 1024)
  })

  it('an edge that does not read holds the input back', async () => {
    let taken = 0
    const endless = new Readable({
      read() {
        taken += 65_536
        this.push(Buffer.alloc(65_536))
      },
    })
    const {error} = await against(
      (peer) => {
        const socket = (peer as unknown as {_socket: TLSSocket})._socket
        socket.pause()
        setTimeout(() => {
          socket.destroy()
        }, 600)
      },
      {input: endless},
    )
    expect(error).toMatchObject({code: 'EDGE_GONE'})
    // What the kernel's buffers take, and ours.
    expect(taken).toBeLessThan(32 * 1024 * 1024)
  })

  it('an edge that pings and does not read fills no memory with pongs', async () => {
    const before = process.memoryUsage().arrayBuffers
    let grown = 0
    await against((peer) => {
      const socket = (peer as unknown as {_socket: TLSSocket})._socket
      socket.pause()
      const ping = Buffer.alloc(127, 1)
      ping[0] = 0x89
      ping[1] = 125
      const many = Buffer.concat(Array.from({length: 4000}, () => ping))
      let sent = 0
      const more = (): void => {
        grown = Math.max(grown, process.memoryUsage().arrayBuffers - before)
        if (sent++ < 200) socket.write(many, more)
        else socket.destroy()
      }
      more()
    })
    expect(grown).toBeLessThan(64 * 1024 * 1024)
  })
})

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
