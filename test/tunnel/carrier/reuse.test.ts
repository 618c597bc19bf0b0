import {Duplex, PassThrough, Writable} from 'node:stream'
import type {TLSSocket} from 'node:tls'
import {expect, it} from 'vitest'
import {carry} from '../../../src/lib/tunnel/carrier/carry.js'
import {ClientFrames, closeFrame} from '../../support/tunnel-frames.js'

it('gives a slow edge each piece as it was, though the memory of what was sent is used again', async () => {
  const reader = new ClientFrames()
  const received: Buffer[] = []
  const pieces = Array.from({length: 60}, (_, at) => Buffer.alloc(50_000, at + 1))
  const total = pieces.length * 50_000
  const socket = new Duplex({
    read: () => undefined,
    // Reads a piece only when it takes the next one, as a connection does whose way is full.
    write: (chunk: Buffer, _, done) => {
      setTimeout(() => {
        for (const {opcode, payload} of reader.push(Buffer.from(chunk)))
          if (opcode === 2) received.push(Buffer.from(payload))
        if (Buffer.concat(received).length === total) socket.push(closeFrame(1000))
        done()
      }, 1)
    },
  })
  const input = new PassThrough({highWaterMark: 64 * 1024})
  const output = new Writable({write: (_chunk, _encoding, done) => done()})
  const ended = carry({tunnel: {socket: socket as TLSSocket, head: Buffer.alloc(0)}, input, output})
  for (const piece of pieces) input.write(piece)
  await ended
  expect(Buffer.concat(received).equals(Buffer.concat(pieces))).toBe(true)
})
