import {PassThrough} from 'node:stream'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {disconnect, disconnectBytes} from '../../../src/lib/tunnel/ssh/disconnect.js'

/** Read by RFC 4253: the version line, the packet, and nothing after it. */
function read(bytes: Buffer): string[] {
  const end = bytes.indexOf('\r\n')
  expect(bytes.subarray(0, end).toString()).toMatch(/^SSH-2\.0-[!-~]+$/)
  const packet = bytes.subarray(end + 2)
  const padding = packet.readUInt8(4)
  expect(packet.length).toBe(4 + packet.readUInt32BE(0))
  expect(packet.length % 8).toBe(0)
  expect(padding).toBeGreaterThanOrEqual(4)
  const payload = packet.subarray(5, packet.length - padding)
  expect([payload.readUInt8(0), payload.readUInt32BE(1)]).toEqual([1, 7])
  const length = payload.readUInt32BE(5)
  // An empty language tag.
  expect(payload.subarray(9 + length)).toEqual(Buffer.alloc(4))
  expect(length).toBeLessThanOrEqual(400)
  const [before, ...lines] = payload
    .subarray(9, 9 + length)
    .toString()
    .split('\n')
  expect(before).toBe('')
  return lines
}

describe('the bytes by which ssh itself prints why there is no connection', () => {
  it('have short lines as they are', () => {
    const lines = ['error: no', 'why:   it is so', 'next:  zt app show a.example.com']
    expect(read(disconnectBytes(lines))).toEqual(lines)
  })

  it('have a long reason cut, and the command whole', () => {
    const [error, next] = ['error: no', `next:  zt app show ${'a'.repeat(60)}.example.com`]
    const [first, why, last] = read(disconnectBytes([error, `why:   ${'so '.repeat(200)}`, next]))
    expect([first, last]).toEqual([error, next])
    expect(why).toMatch(/^why: {3}so so .*\.\.\.$/)
  })

  it('are ASCII, because ssh prints four characters for any other byte and cuts the rest, with no command that cannot run', () => {
    const next = 'next:  zt app show a.example.com'
    const lines = ['error: no', `why:   ${'é日😀'.repeat(200)}`, 'next:  zt app show é', next]
    const [error, why, last, more] = read(disconnectBytes(lines))
    expect([error, last, more]).toEqual(['error: no', next, undefined])
    expect(why).toMatch(/^why: {3}\?{100,}\.\.\.$/)
  })

  it('are one packet that ssh prints whole, whatever is to be said', () => {
    const line = fc.oneof(
      fc.string({maxLength: 600, unit: 'grapheme'}),
      fc.constantFrom('next:  zt', `next:  ${'x'.repeat(500)}`),
    )
    fc.assert(
      fc.property(
        fc.array(
          line.map((text) => text.replaceAll('\n', ' ')),
          {maxLength: 8},
        ),
        (lines) => {
          const shown = read(disconnectBytes(lines))
          for (const one of shown.filter((text) => text.startsWith('next:'))) expect(lines).toContain(one)
        },
      ),
    )
  })
})

describe('a proxy that ends by them', () => {
  it.each(['end', 'stdout'] as const)('waits until ssh has gone: %s', async (how) => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()]
    let over = false
    const end = disconnect(['error: no'], {stdin, stdout}).then(() => (over = true))
    stdin.write('SSH-2.0-OpenSSH\r\n')
    await new Promise(setImmediate)
    expect(over).toBe(false)
    expect(read(stdout.read() as Buffer)).toEqual(['error: no'])
    if (how === 'end') stdin.end()
    else stdout.destroy(new Error('EPIPE'))
    await end
  })
})
