import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {Readable, Writable} from 'node:stream'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {session, type SessionOptions} from '../../support/carrier-session.js'
import {HOST, startEdge, type Peer, type ScriptedEdge} from '../../support/scripted-edge.js'
import {ClientFrames, closeFrame, frame, type ClientFrame} from '../../support/tunnel-frames.js'

let directory: string
let edge: ScriptedEdge
let script: (peer: Peer) => void
/** The last client's frames, and whether it has ended. */
let frames: ClientFrame[]
let clientEnded: Promise<void>

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-conformance-'))
  edge = await startEdge({
    directory,
    onPeer: (peer) => {
      const reader = new ClientFrames()
      clientEnded = new Promise((resolve) => {
        peer.socket.once('close', () => {
          resolve()
        })
      })
      peer.socket.on('data', (chunk: Buffer) => frames.push(...reader.push(chunk)))
      script(peer)
      peer.socket.resume()
    },
  })
})

beforeEach(() => {
  frames = []
})

afterAll(async () => {
  await edge.close()
  await fs.rm(directory, {recursive: true, force: true})
})

const sent = (opcode: number): Buffer[] =>
  frames.filter((one) => one.opcode === opcode).map(({payload}) => payload)

const closeCodes = (): number[] => sent(8).map((payload) => payload.readUInt16BE(0))

const text = (word: string): Buffer => Buffer.from(word)

async function against(bytes: Buffer[], options: SessionOptions = {}): ReturnType<typeof session> {
  script = (peer) => {
    peer.accept()
    for (const part of bytes) peer.socket.write(part)
  }
  const ended = await session(edge, options)
  await clientEnded
  return ended
}

describe('the request', () => {
  it('is the one that RFC 6455 and Access ask for, with a new key each time', async () => {
    const requests: Peer[] = []
    const saw: unknown[] = []
    script = (peer) => {
      requests.push(peer)
      saw.push(peer.socket.getProtocol(), (peer.socket as {servername?: string}).servername)
      peer.accept()
      peer.socket.write(closeFrame(1000))
    }
    await session(edge)
    await session(edge, {
      handshake: {
        edge: {host: HOST, connectTo: edge.address, caFile: edge.caFile, destination: '10.0.0.7:22'},
      },
    })
    const [first, second] = requests
    expect(first?.request.replaceAll(/(Key|User-Agent): \S+/g, '$1: …').split('\r\n')).toEqual([
      'GET / HTTP/1.1',
      `Host: ${HOST}`,
      'User-Agent: …',
      'Cf-Access-Client-Id: f00d.access',
      'Cf-Access-Client-Secret: cfast_conformance',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: …',
      'Sec-WebSocket-Version: 13',
    ])
    expect(Buffer.from(first?.header('Sec-WebSocket-Key') ?? '', 'base64')).toHaveLength(16)
    expect(first?.header('Sec-WebSocket-Key')).not.toBe(second?.header('Sec-WebSocket-Key'))
    expect(second?.header('Cf-Access-Jump-Destination')).toBe('10.0.0.7:22')
    expect(saw.slice(0, 2)).toEqual(['TLSv1.3', HOST])
  })

  it.each([
    '',
    ' ',
    '10.0.0.7:0',
    '10.0.0.7:99999',
    'a b',
    'host\r\nCf-Access-Client-Id: x',
    'ssh://host',
    '-x',
    'host:',
  ])('is not made with the destination %j', async (destination) => {
    const before = edge.connections
    const {error} = await session(edge, {
      handshake: {edge: {host: HOST, connectTo: edge.address, caFile: edge.caFile, destination}},
    })
    expect(error).toMatchObject({kind: 'usage', code: 'BAD_DESTINATION'})
    expect(edge.connections).toBe(before)
  })
})

describe('an answer that is not an upgrade to WebSocket is refused:', () => {
  it.each<[string, Record<string, string | undefined>]>([
    ['another accept value', {'Sec-WebSocket-Accept': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='}],
    ['no accept value', {'Sec-WebSocket-Accept': undefined}],
    ['no Upgrade', {Upgrade: undefined}],
    ['an Upgrade to something else', {Upgrade: 'h2c'}],
    ['no Connection', {Connection: undefined}],
    ['a Connection that keeps alive', {Connection: 'keep-alive'}],
    ['an extension that was not offered', {'Sec-WebSocket-Extensions': 'permessage-deflate'}],
    ['a subprotocol that was not offered', {'Sec-WebSocket-Protocol': 'ssh'}],
  ])('%s', async (_, changed) => {
    script = (peer) => {
      peer.accept(changed)
    }
    expect((await session(edge)).error).toMatchObject({kind: 'unreachable', code: 'EDGE_PROTOCOL'})
  })

  it.each<[string, Record<string, string>]>([
    ['in other letters', {Upgrade: 'WebSocket', Connection: 'upgrade'}],
    ['among other tokens', {Connection: 'keep-alive, Upgrade'}],
  ])('but not one that says it %s', async (_, changed) => {
    script = (peer) => {
      peer.accept(changed)
      peer.socket.write(closeFrame(1000))
    }
    expect((await session(edge)).error).toBeUndefined()
  })
})

describe('frames:', () => {
  const big = Buffer.alloc(200_000, 7)
  it.each<[string, Buffer[], Buffer]>([
    ['a binary message is handed on', [frame({opcode: 2, payload: text('hello')})], text('hello')],
    ['a text message is handed on like a binary one', [frame({opcode: 1, payload: text('hello')})], text('hello')],
    ['a text message that is not UTF-8 is handed on', [frame({opcode: 1, payload: Buffer.from([0xff])})], Buffer.from([0xff])],
    ['an empty message is nothing', [frame({opcode: 2}), frame({opcode: 2, payload: text('x')})], text('x')],
    ['a message of 64-bit length is handed on', [frame({opcode: 2, payload: big})], big],
    ['a message in pieces is put together', [
      frame({opcode: 2, payload: text('he'), final: false}),
      frame({opcode: 0, payload: text('ll'), final: false}),
      frame({opcode: 0, payload: text('o')}),
    ], text('hello')],
    ['a ping between the pieces of a message does not disturb it', [
      frame({opcode: 2, payload: text('he'), final: false}),
      frame({opcode: 9, payload: text('?')}),
      frame({opcode: 0, payload: text('llo')}),
    ], text('hello')],
    ['an unsolicited pong is ignored', [frame({opcode: 10, payload: text('!')}), frame({opcode: 2, payload: text('x')})], text('x')],
    ['what is sent in the segment of the answer is not lost', [Buffer.concat([frame({opcode: 2, payload: text('SSH-2.0')}), closeFrame(1000)])], text('SSH-2.0')],
    ['what is sent behind the close is ignored', [closeFrame(1000), frame({opcode: 2, payload: text('late')})], text('')],
  ])('%s', async (_, bytes, expected) => {
    const {error, output} = await against([...bytes, closeFrame(1000)])
    expect(error).toBeUndefined()
    expect(output.equals(expected)).toBe(true)
  }) // prettier-ignore

  it('what the client sends is masked, whole, binary, and at most 16,384 bytes a message', async () => {
    const input = Buffer.from(Array.from({length: 100_000}, (_, i) => i & 255))
    script = (peer) => {
      peer.accept()
      peer.socket.on('data', () => {
        if (Buffer.concat(sent(2)).length >= input.length) peer.socket.write(closeFrame(1000))
      })
    }
    const {end} = await session(edge, {input: Readable.from([input])})
    await clientEnded
    expect(Buffer.concat(sent(2)).equals(input)).toBe(true)
    expect(end).toMatchObject({up: input.length, down: 0})
    for (const {masked, final, reserved, opcode, payload} of frames) {
      expect({masked, final, reserved}).toEqual({masked: true, final: true, reserved: 0})
      expect([2, 8]).toContain(opcode)
      expect(payload.length).toBeLessThanOrEqual(16_384)
    }
    expect(new Set(frames.map(({mask}) => mask.toString('hex'))).size).toBe(frames.length)
  })

  it.each([0, 1, 125])('a ping of %i bytes is answered with a pong of the same', async (length) => {
    const payload = Buffer.alloc(length, 5)
    await against([frame({opcode: 9, payload}), closeFrame(1000)])
    expect(sent(10)).toEqual([payload])
  })
})

describe('what no server may send ends the tunnel with a close frame that says so:', () => {
  const reason = (bytes: number[]): Buffer => frame({opcode: 8, payload: Buffer.from([0x03, 0xe8, ...bytes])})
  it.each<[string, Buffer, number]>([
    ['a masked frame', frame({opcode: 2, payload: text('x'), masked: true}), 1002],
    ['the first reserved bit', frame({opcode: 2, payload: text('x'), reserved: 4}), 1002],
    ['the second reserved bit', frame({opcode: 2, payload: text('x'), reserved: 2}), 1002],
    ['the third reserved bit', frame({opcode: 2, payload: text('x'), reserved: 1}), 1002],
    ['a reserved data opcode', frame({opcode: 3}), 1002],
    ['a reserved control opcode', frame({opcode: 11}), 1002],
    ['a ping of 126 bytes', frame({opcode: 9, payload: Buffer.alloc(126)}), 1002],
    ['a ping in pieces', frame({opcode: 9, final: false}), 1002],
    ['a close in pieces', frame({opcode: 8, final: false}), 1002],
    ['a continuation of nothing', frame({opcode: 0, payload: text('x')}), 1002],
    ['a message inside a message', Buffer.concat([frame({opcode: 2, final: false}), frame({opcode: 2})]), 1002],
    ['a close with half a code', frame({opcode: 8, payload: text('x')}), 1002],
    ['a close with the code for "TLS failed"', closeFrame(1015), 1002],
    ['a close with an undefined code', closeFrame(1004), 1002],
    ['a close with a code that does not exist', closeFrame(999), 1002],
    ['a close whose reason is not UTF-8', reason([0xc3, 0x28]), 1007],
    ['a close whose reason ends inside a character', reason([0xe2, 0x82]), 1007],
    ['a length that cannot be counted', frame({opcode: 2, announced: 2n ** 53n}), 1009],
    ['a length with the highest bit', frame({opcode: 2, announced: 2n ** 63n}), 1009],
  ])('%s', async (_, bytes, code) => {
    const {error} = await against([frame({opcode: 2, payload: text('before')}), bytes])
    expect(error).toMatchObject({kind: 'unreachable', code: 'TUNNEL_PROTOCOL'})
    expect(error?.why).toContain('0 bytes to the edge and 6 bytes back')
    expect(closeCodes()).toEqual([code])
  }) // prettier-ignore
})

describe('the end:', () => {
  it.each([
    [1000, undefined],
    [1001, 'ENDED_GOING_AWAY'],
  ])('a close with code %i is echoed, and is no failure: note %s', async (code, noted) => {
    const {end, error} = await against([closeFrame(code, 'bye')])
    expect(error).toBeUndefined()
    expect(end).toMatchObject({up: 0, down: 0, outputGone: false, aborted: false})
    expect(end?.note?.code).toBe(noted)
    expect(closeCodes()).toEqual([code])
  })

  it.each([1005, 1006])(
    'a close with %i, which should never be sent, is answered with 1000',
    async (code) => {
      const {end, error} = await against([frame({opcode: 2, payload: text('x')}), closeFrame(code)])
      expect(error).toBeUndefined()
      expect(end).toMatchObject({down: 1})
      expect(end?.note?.code).toBe(code === 1006 ? 'ENDED_WITHOUT_GOODBYE' : undefined)
      expect(closeCodes()).toEqual([1000])
    },
  )

  it('a close without a code is answered, and all is well', async () => {
    expect((await against([closeFrame()])).error).toBeUndefined()
    expect(sent(8)).toHaveLength(1)
  })

  it.each([
    [1002, 'a protocol error'],
    [1003, 'this kind of data'],
    [1007, 'invalid data'],
    [1008, 'its policy'],
    [1009, 'too big'],
    [1010, 'an extension'],
    [1011, 'an error occurred'],
    [1012, 'restarting'],
    [1013, 'overloaded'],
    [1014, 'bad answer'],
    [3000, 'code 3000'],
    [4999, 'code 4999'],
  ])('a close with code %i is echoed, and its meaning and reason are reported', async (code, meaning) => {
    const {error} = await against([closeFrame(code, 'because\u001b[2J ü')])
    expect(error).toMatchObject({kind: 'unreachable', code: 'TUNNEL_CLOSED'})
    expect(error?.why).toContain(meaning)
    expect(error?.why).toContain('"because\u001B[2J ü"')
    expect(closeCodes()).toEqual([code])
  })

  it.each<[string, (peer: Peer) => unknown, string | undefined]>([
    ['close_notify', ({socket}) => socket.end(), undefined],
    ['FIN alone', (peer) => peer.cut(), 'ENDED_WITHOUT_GOODBYE'],
  ])('one by %s, without a close frame, is the end of the stream', async (_, finish, note) => {
    script = (peer) => {
      peer.accept()
      peer.socket.write(frame({opcode: 2, payload: Buffer.alloc(2048)}))
      peer.socket.once('data', () => void finish(peer))
    }
    const {error, end} = await session(edge, {input: Readable.from([text('hi')])})
    expect(error).toBeUndefined()
    expect(end).toMatchObject({up: 2, down: 2048, outputGone: false})
    expect(end?.note?.code).toBe(note)
  })

  it.each<[string, (peer: Peer) => unknown]>([
    ['close_notify', ({socket}) => socket.end()],
    ['FIN alone', (peer) => peer.cut()],
  ])('one by %s right behind the answer is the end of an empty stream', async (_, finish) => {
    script = (peer) => {
      peer.accept()
      void finish(peer)
    }
    expect((await session(edge)).end).toMatchObject({up: 0, down: 0})
  })

  it.each<[string, Buffer]>([
    ['a message', frame({opcode: 2, payload: Buffer.alloc(2048), announced: 4096n})],
    ['a header', Buffer.concat([frame({opcode: 2, payload: Buffer.alloc(2048)}), Buffer.from([0x82])])],
    [
      'a control frame',
      Buffer.concat([frame({opcode: 2, payload: Buffer.alloc(2048)}), Buffer.from([0x89, 9, 1])]),
    ],
    ['a message in pieces', frame({opcode: 2, payload: Buffer.alloc(2048), final: false})],
  ])('one inside %s is an error, with what was carried each way', async (_, bytes) => {
    script = (peer) => {
      peer.accept()
      peer.socket.write(bytes)
      peer.socket.once('data', () => peer.socket.end())
    }
    const {error, output} = await session(edge, {input: Readable.from([text('hi')])})
    expect(error).toMatchObject({code: 'EDGE_GONE'})
    expect(error?.why).toContain('2 bytes to the edge and 2.0 KiB back')
    expect(output).toHaveLength(2048)
  })

  it('an error is reported once the output has received what came before it', async () => {
    let taken = 0
    const output = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length
        setTimeout(done, 20)
      },
    })
    script = (peer) => {
      peer.accept()
      for (let at = 0; at < 20; at++) peer.socket.write(frame({opcode: 2, payload: Buffer.alloc(20_000)}))
      void peer.reset()
    }
    const {error} = await session(edge, {output})
    expect(error).toMatchObject({code: 'EDGE_GONE'})
    expect(taken).toBe(400_000)
  })

  it('a reset is named', async () => {
    script = (peer) => {
      peer.accept()
      peer.socket.write(frame({opcode: 2, payload: text('x')}))
      setTimeout(() => void peer.reset(), 50)
    }
    const {error} = await session(edge)
    expect(error).toMatchObject({code: 'EDGE_GONE'})
    expect(error?.why).toContain('reset')
  })

  it('a reply that comes after the end of the input is not lost', async () => {
    script = (peer) => {
      peer.accept()
      peer.socket.once('data', () => {
        setTimeout(() => peer.socket.write(frame({opcode: 2, payload: text('reply')})), 150)
        setTimeout(() => peer.socket.write(closeFrame(1000)), 300)
      })
    }
    const {error, output} = await session(edge, {input: Readable.from([text('ask')])})
    expect(error).toBeUndefined()
    expect(output.toString()).toBe('reply')
  })

  it('after the end of the input and a silence a close frame goes out, and what still comes is carried', async () => {
    script = (peer) => {
      peer.accept()
      peer.socket.on('data', () => {
        if (closeCodes().length === 0) return
        peer.socket.removeAllListeners('data')
        peer.socket.write(frame({opcode: 2, payload: text('last')}))
        setTimeout(() => peer.socket.write(closeFrame(1000)), 50)
      })
    }
    const {error, output, end} = await session(edge, {
      input: Readable.from([text('ask')]),
      times: {drain: 200},
    })
    expect(error).toBeUndefined()
    expect(end?.note).toBeUndefined()
    expect(output.toString()).toBe('last')
    expect(sent(2)).toEqual([text('ask')])
    expect(closeCodes()).toEqual([1000])
  })

  it('an edge that never answers our close does not hold us', async () => {
    script = (peer) => {
      peer.accept()
    }
    const {error, end} = await session(edge, {input: Readable.from([]), times: {drain: 100}})
    expect(error).toBeUndefined()
    expect(end?.note).toMatchObject({code: 'ENDED_IDLE', text: expect.stringContaining('0.1 s') as string})
    await clientEnded
    expect(closeCodes()).toEqual([1000])
  })

  it('an interruption sends a close frame', async () => {
    const abort = new AbortController()
    script = (peer) => {
      peer.accept()
      setTimeout(() => {
        abort.abort()
      }, 50)
    }
    expect((await session(edge, {signal: abort.signal})).error).toBeUndefined()
    await clientEnded
    expect(closeCodes()).toEqual([1000])
  })
})

describe('after the end of the input', () => {
  it('pings and pongs are no answer: an edge that sends no data is left', async () => {
    script = (peer) => {
      peer.accept()
      const timer = setInterval(() => peer.socket.write(frame({opcode: 9})), 20)
      peer.socket.once('close', () => {
        clearInterval(timer)
      })
    }
    const {end} = await session(edge, {input: Readable.from([]), times: {drain: 200}})
    expect(end?.note?.code).toBe('ENDED_IDLE')
    await clientEnded
    expect(closeCodes()).toEqual([1000])
  })

  it('the tunnel is closed when no one reads the output any more, and only then', async () => {
    script = (peer) => {
      peer.accept()
    }
    let looks = 0
    const open = session(edge, {
      input: Readable.from([]),
      times: {look: 20},
      isOutputGone: () => Promise.resolve(++looks === 4),
    })
    expect((await open).end).toMatchObject({outputGone: true, note: undefined})
    expect(looks).toBe(4)
    await clientEnded
    expect(closeCodes()).toEqual([1000])
  })
})

describe('an edge that says nothing', () => {
  it('is asked with a ping, and left when no answer comes', async () => {
    script = (peer) => {
      peer.accept()
    }
    const {error} = await session(edge, {times: {ping: 100, silence: 100}})
    expect(error).toMatchObject({code: 'EDGE_SILENT'})
    expect(error?.why).toContain('silent for 0.2 s')
    await clientEnded
    expect(sent(9)).toHaveLength(1)
  })

  it('stays, as long as it answers pings', async () => {
    script = (peer) => {
      peer.accept()
      let answered = 0
      peer.socket.on('data', () => {
        const pings = sent(9).length
        for (; answered < pings; answered++) peer.socket.write(frame({opcode: 10}))
        if (answered === 5) peer.socket.write(closeFrame(1000))
      })
    }
    const {error} = await session(edge, {times: {ping: 60, silence: 400}})
    expect(error).toBeUndefined()
    expect(sent(9)).toHaveLength(5)
  })
})
