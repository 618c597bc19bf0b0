import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {decodeText} from '../../src/lib/core/decode-text.js'

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le')

describe('bytes as text', () => {
  it('are the same in UTF-8 and UTF-16 of either order, with a mark or, in ASCII, without', () => {
    const text = fc.string({unit: 'binary'}).filter((one) => !one.startsWith('\uFEFF'))
    fc.assert(
      fc.property(text, (one) => {
        const marked = `\uFEFF${one}`
        for (const bytes of [Buffer.from(marked), utf16(marked), utf16(marked).swap16()])
          expect(decodeText(bytes)).toBe(one)
      }),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[\x01-\x7F]{1,20}$/), (one) => {
        for (const bytes of [Buffer.from(one), utf16(one), utf16(one).swap16()])
          expect(decodeText(bytes)).toBe(one)
      }),
    )
  })

  it.each([
    ['UTF-8', [0xc3, 0x28]],
    ['UTF-16 with half a character', [0xff, 0xfe, 0x41]],
    ['UTF-16 with half a pair', [0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00]],
  ])('are none if they are damaged: %s', (_, bytes) => {
    expect(decodeText(Buffer.from(bytes))).toBeUndefined()
  })

  it.each(['', '\0', 'ä\0b', 'a\0\0b'])('stay what they are in UTF-8: %j', (text) => {
    expect(decodeText(Buffer.from(text))).toBe(text)
  })
})
