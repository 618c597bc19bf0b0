import net from 'node:net'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {readInPlace} from '../../src/lib/network/read-in-place.js'

const STEPS = ['arrives', 'listen', 'leave', 'pause', 'resume', 'turn'] as const

it('everything that arrives is passed on in its order, whoever listens meanwhile, though the memory is used again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), {maxLength: 40}), async (steps) => {
      const {onread, into} = readInPlace(Buffer.alloc(4))
      const memory = onread.buffer as Buffer
      const socket = new net.Socket()
      into(socket)
      let passed = ''
      let sent = ''
      const listener = (piece: Buffer): void => void (passed += piece.toString('latin1'))
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
      for (const step of steps) {
        if (step === 'arrives') {
          const text = String.fromCharCode(65 + (sent.length % 26))
          sent += text
          memory.write(text, 'latin1')
          onread.callback(1, memory)
          memory.fill(0)
        } else if (step === 'listen') {
          // What a stream hands out while it flows and no one listens is lost, here as always.
          if (socket.listenerCount('data') === 0) socket.on('data', listener)
        } else if (step === 'leave') {
          socket.pause()
          socket.removeListener('data', listener)
        } else if (step === 'pause') socket.pause()
        else if (step === 'resume') {
          if (socket.listenerCount('data') > 0) socket.resume()
        } else await turn()
      }
      socket.removeListener('data', listener)
      socket.on('data', listener)
      socket.resume()
      await turn()
      expect(passed).toBe(sent)
    }),
    {numRuns: 300},
  )
})

it('says that no more is to be read while the socket is paused', () => {
  const {onread, into} = readInPlace(Buffer.alloc(4))
  const socket = new net.Socket({highWaterMark: 2} as net.SocketConstructorOpts)
  into(socket)
  const memory = onread.buffer as Buffer
  socket.on('data', () => undefined)
  expect(onread.callback(1, memory)).toBe(true)
  socket.on('data', () => socket.pause())
  expect(onread.callback(1, memory)).toBe(false)
  // Kept now, up to what the stream may hold.
  expect(onread.callback(1, memory)).toBe(true)
  expect(onread.callback(1, memory)).toBe(false)
})
