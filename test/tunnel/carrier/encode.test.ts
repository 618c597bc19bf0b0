import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {encodeControl, encodeData, encodedLength, OPCODE} from '../../../src/lib/tunnel/carrier/frames.js'
import {LARGE, giveLarge, takeLarge} from '../../../src/lib/tunnel/carrier/mask.js'
import {ClientFrames, type ClientFrame} from '../../support/tunnel-frames.js'

/** What the connector's read buffer holds (facts of the wire): more is dropped there without a word. */
const CONNECTOR_BUFFER = 16_384

function decode(bytes: Buffer): ClientFrame[] {
  const reader = new ClientFrames()
  const frames = reader.push(bytes)
  expect(reader.leftOver).toBe(0)
  return frames
}

describe('encodeData', () => {
  const lengths = [
    0,
    1,
    2,
    3,
    4,
    5,
    125,
    126,
    127,
    128,
    65_535,
    65_536,
    ...[-1, 0, 1].map((d) => 16_384 + d),
    ...[-1, 0, 1].map((d) => 32_768 + d),
    1024 * 1024,
  ]

  it.each(lengths)('gives the other side %i bytes as they were', (length) => {
    const data = Buffer.from(Array.from({length}, (_, i) => (i * 31 + (i >> 8)) & 255))
    const frames = decode(encodeData(data))
    expect(Buffer.concat(frames.map(({payload}) => payload)).equals(data)).toBe(true)
    expect(frames.length).toBe(Math.ceil(length / CONNECTOR_BUFFER))
  })

  it('makes of any bytes at any place in memory whole, masked, binary messages that the connector can take', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({maxLength: 40_000, size: 'max'}),
        fc.nat(7),
        fc.nat(7),
        (bytes, before, after) => {
          // A part of a larger buffer, so that it begins at no multiple of four.
          const whole = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(after)])
          const data = whole.subarray(before, before + bytes.length)
          const frames = decode(encodeData(data))
          for (const {final, reserved, opcode, masked, payload} of frames) {
            expect({final, reserved, opcode, masked}).toEqual({
              final: true,
              reserved: 0,
              opcode: OPCODE.binary,
              masked: true,
            })
            expect(payload.length).toBeLessThanOrEqual(CONNECTOR_BUFFER)
          }
          expect(Buffer.concat(frames.map(({payload}) => payload)).equals(data)).toBe(true)
        },
      ),
      {numRuns: 150},
    )
  })

  it('leaves the data that it was given untouched', () => {
    const data = Buffer.alloc(20_000, 7)
    encodeData(data)
    expect(data.equals(Buffer.alloc(20_000, 7))).toBe(true)
  })

  it.each(['small', 'large'])(
    'makes the same in a %s buffer that held other things, at any place in it',
    (size) => {
      const whole = size === 'large' ? takeLarge() : Buffer.allocUnsafeSlow(LARGE)
      if (!whole) throw new Error('this node runs no WebAssembly')
      fc.assert(
        fc.property(fc.uint8Array({maxLength: 66_000, size: 'max'}), fc.nat(70), (bytes, before) => {
          const data = Buffer.from(bytes)
          whole.fill(0xff)
          const out = whole.subarray(before, before + encodedLength(data.length))
          const frames = decode(encodeData(data, out))
          expect(Buffer.concat(frames.map(({payload}) => payload)).equals(data)).toBe(true)
          expect(whole.subarray(0, before).equals(Buffer.alloc(before, 0xff))).toBe(true)
        }),
        {numRuns: 60},
      )
      giveLarge(whole)
    },
  )

  it('masks the end of a large buffer without touching the next one', () => {
    const all: Buffer[] = []
    for (let one = takeLarge(); one; one = takeLarge()) all.push(one)
    expect(all.length).toBeGreaterThan(1)
    for (const one of all) one.fill(7)
    for (const one of all) {
      const data = Buffer.alloc(100, 1)
      expect(
        decode(encodeData(data, one.subarray(LARGE - encodedLength(100))))[0]?.payload.equals(data),
      ).toBe(true)
      for (const other of all) if (other !== one) expect(other[0]).toBe(7)
      one.fill(7)
    }
    for (const one of all) giveLarge(one)
  })

  it('takes another mask for each message, over more messages than the pool of random bytes holds', () => {
    const masks = Array.from({length: 5000}, () =>
      decode(encodeData(Buffer.from('x')))[0]?.mask.toString('hex'),
    )
    // Of 5,000 random 32-bit numbers hardly any two are the same.
    expect(new Set(masks).size).toBeGreaterThan(4990)
  })
})

describe('encodeControl', () => {
  it.each([
    [OPCODE.close, 0],
    [OPCODE.close, 2],
    [OPCODE.ping, 125],
    [OPCODE.pong, 0],
    [OPCODE.pong, 1],
    [OPCODE.pong, 125],
  ])('makes one masked frame of kind %i with %i bytes', (opcode, length) => {
    const payload = Buffer.from(Array.from({length}, (_, i) => i))
    expect(decode(encodeControl(opcode, payload))).toEqual([
      {final: true, reserved: 0, opcode, masked: true, mask: expect.any(Buffer) as Buffer, payload},
    ])
  })
})
