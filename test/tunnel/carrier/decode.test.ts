import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {FrameReader, OPCODE, ProtocolError} from '../../../src/lib/tunnel/carrier/frames.js'
import {closeFrame, frame} from '../../support/tunnel-frames.js'

interface Seen {
  data: Buffer
  pings: Buffer[]
  closes: [number | undefined, string][]
  error: unknown
}

/** Everything that a reader hands on, for a stream cut into these pieces. Their memory is used again, as the carrier does. */
function read(chunks: Buffer[]): Seen {
  const pieces: Buffer[] = []
  const seen: Omit<Seen, 'data'> = {pings: [], closes: [], error: undefined}
  const reader = new FrameReader({
    data: (piece) => void pieces.push(Buffer.from(piece)),
    ping: (payload) => void seen.pings.push(Buffer.from(payload)),
    close: (code, reason) => void seen.closes.push([code, reason]),
  })
  try {
    for (const chunk of chunks.map((one) => Buffer.from(one))) {
      reader.feed(chunk)
      chunk.fill(0xee)
    }
  } catch (error) {
    seen.error = error
  }
  return {data: Buffer.concat(pieces), ...seen}
}

function cutAt(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
}

const bytes = (length: number): Buffer => Buffer.from(Array.from({length}, (_, i) => (i * 7) & 255))

/** A legal stream: messages in fragments, with pings and pongs between them. */
const legalStream = fc.array(
  fc.record({
    opcode: fc.constantFrom(OPCODE.text, OPCODE.binary),
    fragments: fc.array(
      fc.record({
        payload: fc.uint8Array({maxLength: 300}).map((part) => Buffer.from(part)),
        form: fc.constantFrom(undefined, 16 as const, 64 as const),
        control: fc.option(
          fc.record({
            opcode: fc.constantFrom(OPCODE.ping, OPCODE.pong),
            payload: fc.uint8Array({maxLength: 125}).map((part) => Buffer.from(part)),
          }),
          {nil: undefined},
        ),
      }),
      {minLength: 1, maxLength: 5},
    ),
  }),
  {maxLength: 8},
)

describe('FrameReader', () => {
  it('returns what was sent, however the stream is cut', () => {
    fc.assert(
      fc.property(legalStream, fc.array(fc.nat(), {maxLength: 40}), (messages, cuts) => {
        const sent: Buffer[] = []
        const data: Buffer[] = []
        const pings: Buffer[] = []
        for (const {opcode, fragments} of messages) {
          fragments.forEach(({payload, form, control}, i) => {
            const kind = i === 0 ? opcode : OPCODE.continuation
            sent.push(frame({opcode: kind, payload, final: i === fragments.length - 1, ...(form && {form})}))
            data.push(payload)
            if (!control) return
            sent.push(frame(control))
            if (control.opcode === OPCODE.ping) pings.push(control.payload)
          })
        }
        const seen = read(cutAt(Buffer.concat(sent), cuts))
        expect(seen.error).toBeUndefined()
        expect(seen.data.equals(Buffer.concat(data))).toBe(true)
        expect(seen.pings).toEqual(pings)
      }),
    )
  })

  it('gives the same for a stream byte by byte', () => {
    const stream = Buffer.concat([
      frame({opcode: OPCODE.binary, payload: bytes(200), final: false}),
      frame({opcode: OPCODE.ping, payload: bytes(125)}),
      frame({opcode: OPCODE.continuation, payload: bytes(70_000)}),
      closeFrame(1000, 'bye'),
    ])
    const seen = read([...stream].map((byte) => Buffer.from([byte])))
    expect(seen).toEqual({
      data: Buffer.concat([bytes(200), bytes(70_000)]),
      pings: [bytes(125)],
      closes: [[1000, 'bye']],
      error: undefined,
    })
  })

  it.each([
    [0, undefined],
    [125, undefined],
    [126, undefined],
    [65_535, undefined],
    [65_536, undefined],
    [200_000, undefined],
    [5, 16 as const],
    [5, 64 as const],
    [300, 64 as const],
  ])('reads a length of %i in the form of %s bits', (length, form) => {
    const payload = bytes(length)
    const seen = read([frame({opcode: OPCODE.binary, payload, ...(form && {form})})])
    expect(seen.error).toBeUndefined()
    expect(seen.data.equals(payload)).toBe(true)
  })

  it('hands a piece on before the frame is whole, so that a huge frame is never collected', () => {
    const head = frame({opcode: OPCODE.binary, announced: BigInt(Number.MAX_SAFE_INTEGER)})
    expect(read([head, bytes(10), bytes(20)]).data.length).toBe(30)
  })

  const illegal: [string, Buffer][] = [
    ['a masked frame', frame({opcode: OPCODE.binary, payload: bytes(3), masked: true})],
    ['a masked close', frame({opcode: OPCODE.close, masked: true})],
    ...[1, 2, 4, 7].map((reserved): [string, Buffer] => [
      `reserved bits ${reserved}`,
      frame({opcode: OPCODE.binary, payload: bytes(3), reserved}),
    ]),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer] => [
      `opcode ${opcode}`,
      frame({opcode, payload: bytes(3)}),
    ]),
    ['a ping of 126 bytes', frame({opcode: OPCODE.ping, payload: bytes(126)})],
    ['a close of 70,000 bytes', frame({opcode: OPCODE.close, payload: bytes(70_000)})],
    ['a ping in pieces', frame({opcode: OPCODE.ping, final: false})],
    ['a close in pieces', frame({opcode: OPCODE.close, final: false})],
    ['a close with half a code', frame({opcode: OPCODE.close, payload: bytes(1)})],
    ['a continuation of nothing', frame({opcode: OPCODE.continuation, payload: bytes(3)})],
    [
      'a message inside a message',
      Buffer.concat([
        frame({opcode: OPCODE.binary, final: false}),
        frame({opcode: OPCODE.text, payload: bytes(3)}),
      ]),
    ],
    ['a length beyond what can be counted', frame({opcode: OPCODE.binary, announced: 2n ** 53n})],
    ['a length with the highest bit', frame({opcode: OPCODE.binary, announced: 2n ** 63n})],
    ['the greatest length', frame({opcode: OPCODE.binary, announced: 2n ** 64n - 1n})],
    ...[0, 999, 1004, 1015, 1016, 2999, 5000, 65_535].map((code): [string, Buffer] => [
      `close code ${code}, which may not be sent`,
      closeFrame(code),
    ]),
  ]
  it.each(illegal)('refuses %s, in one piece and byte by byte', (_, stream) => {
    for (const chunks of [[stream], [...stream].map((byte) => Buffer.from([byte]))]) {
      const {error, closes} = read(chunks)
      expect(error).toBeInstanceOf(ProtocolError)
      expect(closes).toEqual([])
    }
  })

  it.each([1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])(
    'passes close code %i on with its reason',
    (code) => {
      expect(read([closeFrame(code, 'why: ü')])).toMatchObject({closes: [[code, 'why: ü']], error: undefined})
    },
  )

  it('passes on a close without a code', () => {
    expect(read([closeFrame()]).closes).toEqual([[undefined, '']])
  })

  it('takes nothing after a close, not even what is illegal', () => {
    const after = frame({opcode: OPCODE.binary, payload: bytes(3)})
    const seen = read([Buffer.concat([closeFrame(1000), after]), after, frame({opcode: 15})])
    expect(seen).toMatchObject({data: Buffer.alloc(0), closes: [[1000, '']], error: undefined})
  })

  it('answers arbitrary bytes with data or a ProtocolError, and hands on no more than it got', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({minLength: 1, maxLength: 64}), {maxLength: 30}),
        fc.constantFrom(0x81, 0x82, 0x02, 0x89, 0x88, 0x00),
        (chunks, first) => {
          // Begin as a legal frame would, or nearly all inputs end at the first byte.
          const {data, error} = read([Buffer.from([first]), ...chunks.map((chunk) => Buffer.from(chunk))])
          expect(data.length).toBeLessThanOrEqual(chunks.reduce((sum, {length}) => sum + length, 0))
          if (error !== undefined) expect(error).toBeInstanceOf(ProtocolError)
        },
      ),
      {numRuns: 500},
    )
  })
})
