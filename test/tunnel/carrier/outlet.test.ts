import {Writable} from 'node:stream'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {giveLarge, LARGE, takeLarge} from '../../../src/lib/tunnel/carrier/mask.js'
import {Outlet} from '../../../src/lib/tunnel/carrier/outlet.js'

const PIECE = Buffer.alloc(64 * 1024, 'x')

/** How many large buffers no connection has. */
function freeLarge(): number {
  const all: Buffer[] = []
  for (let one = takeLarge(); one; one = takeLarge()) all.push(one)
  for (const one of all) giveLarge(one)
  return all.length
}

describe('Outlet', () => {
  it('writes the bytes of any pieces in their order, however slowly the stream takes them, before and after release', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            length: fc.oneof(fc.nat(300_000), fc.nat(20_000), fc.nat(2000)),
            wait: fc.boolean(),
            late: fc.boolean(),
          }),
          {
            maxLength: 12,
          },
        ),
        fc.nat(12),
        async (steps, released) => {
          const taken: Buffer[] = []
          const stream = new Writable({
            write: (chunk: Buffer, _, done) => {
              const late = steps[taken.length % steps.length]?.late
              // Its memory is read late, as by a system whose buffers are full.
              const take = (): void => {
                taken.push(Buffer.from(chunk))
                done()
              }
              if (late) setImmediate(take)
              else take()
            },
          })
          let written = 0
          const outlet = new Outlet(stream, () => written++)
          const given: Buffer[] = []
          for (const [at, {length, wait}] of steps.entries()) {
            const piece = Buffer.alloc(length, at + 1)
            given.push(piece)
            if (at === released) outlet.release()
            outlet.put(piece)
            if (wait) await new Promise((resolve) => setImmediate(resolve))
          }
          outlet.release()
          await new Promise((resolve) => stream.end(resolve))
          expect(Buffer.concat(taken).equals(Buffer.concat(given))).toBe(true)
          expect(outlet.waiting).toBe(0)
          expect(written).toBe(taken.length)
        },
      ),
      {numRuns: 60},
    )
  })

  it.each(['fails', 'is destroyed'])(
    'a stream that %s keeps none of the large buffers that all connections share',
    async (what) => {
      // Each write takes no time: the stream is fast.
      vi.useFakeTimers({toFake: ['performance']})
      const all = freeLarge()
      let end: ((error?: Error) => void) | undefined
      let isFull = false
      const stream = new Writable({
        write: (_chunk, _, done) => {
          if (isFull) end = done
          else done()
        },
      })
      stream.on('error', () => undefined)
      const closed = new Promise((resolve) => stream.once('close', resolve))
      const outlet = new Outlet(stream, () => undefined)
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
      const fill = async (): Promise<void> => {
        while (!outlet.isFull) outlet.put(PIECE)
        await turn()
      }
      await fill()
      isFull = true
      await fill()
      expect(freeLarge()).toBeLessThan(all)
      if (what === 'fails') end?.(new Error('gone'))
      else stream.destroy()
      await closed
      // The system gives back what it had.
      if (what === 'is destroyed') end?.()
      outlet.release()
      await turn()
      expect(freeLarge()).toBe(all)
      vi.useRealTimers()
    },
  )

  it('small pieces that nothing takes need no more memory than a few large ones', () => {
    const stream = new Writable({write: () => undefined})
    const outlet = new Outlet(stream, () => undefined)
    const before = process.memoryUsage().arrayBuffers
    for (let piece = 0; piece < 2000; piece++) outlet.put(Buffer.from('x'))
    outlet.put(PIECE)
    for (let piece = 0; piece < 2000; piece++) outlet.put(Buffer.from('x'))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * LARGE)
  })

  describe('lets wait', () => {
    beforeEach(() => {
      vi.useFakeTimers()
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    /** How much is written at most at once to a stream that takes this long for each piece of 64 KiB. */
    async function mostAtOnce(msPerPiece: number): Promise<number> {
      let most = 0
      const stream = new Writable({
        write: ({length}: Buffer, _, done) => {
          most = Math.max(most, length)
          setTimeout(done, (length / PIECE.length) * msPerPiece)
        },
      })
      const outlet = new Outlet(stream, () => undefined)
      for (let round = 0; round < 400; round++) {
        while (!outlet.isFull) outlet.put(PIECE)
        await vi.advanceTimersByTimeAsync(10)
      }
      outlet.release()
      return most
    }

    it('a megabyte for a fast stream', async () => {
      expect(await mostAtOnce(1)).toBe(LARGE)
    })

    it('little for a slow stream, so that what follows does not wait long', async () => {
      expect(await mostAtOnce(20)).toBeLessThanOrEqual(2 * PIECE.length)
    })
  })
})
