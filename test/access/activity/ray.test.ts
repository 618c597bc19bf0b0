import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseRay} from '../../../src/lib/access/activity/ray.js'

const RAY = '8f1e2d3c4b5a6978'

describe('a CF-RAY', () => {
  it.each([
    RAY,
    `${RAY}-AMS`,
    `${RAY}-ZT`,
    `${RAY.toUpperCase()}-ams`,
    `  ${RAY}-AMS \n`,
    `CF-RAY: ${RAY}-FRA`,
    `cf-ray:${RAY}`,
    `Ray ID: ${RAY}`,
    `Cloudflare Ray ID: ${RAY} • Your IP: 203.0.113.7 • Performance & security by Cloudflare`,
    `why:   No Service Auth rule admits the service token "ci". (CF-RAY ${RAY}-AMS)`,
    `https://team.cloudflareaccess.com/error?ray=${RAY}&x=1`,
    `${RAY}-AMS ${RAY}`,
  ])('is read from %j', (text) => {
    expect(parseRay(text)).toBe(RAY)
  })

  it.each([
    ['', 'no text'],
    ['gitlab.example.com', 'a host'],
    [RAY.slice(1), 'too short'],
    [`${RAY}0`, 'too long'],
    [`${RAY.slice(0, 15)}g`, 'another letter'],
    [`${RAY}-AMSTERDAM`, 'no data centre'],
    [`${RAY}-A1`, 'no data centre'],
    ['550e8400-e29b-41d4-a716-446655440000', 'a UUID'],
    ['2f5a7c10b3d94e6f8a1c0d2e3f405162', 'the ID of an account'],
    [`x-${RAY}`, 'a part of another word'],
    [`${RAY} ${'0'.repeat(16)}`, 'two'],
    [' '.repeat(5000) + RAY, 'after too much text'],
  ])('is not %j: %s', (text) => {
    expect(() => parseRay(text)).toThrow(expect.objectContaining({kind: 'usage', code: 'BAD_RAY'}) as Error)
  })

  it('is 16 hexadecimal digits of the text, or an error that repeats none of it', () => {
    const part = fc.oneof(
      fc.constantFrom(RAY, '-AMS', ' ', 'CF-RAY: ', '\u001B[31m'),
      fc.string({unit: 'binary', maxLength: 20}),
    )
    fc.assert(
      fc.property(fc.array(part, {maxLength: 6}), (parts) => {
        const text = parts.join('')
        try {
          const ray = parseRay(text)
          expect(ray).toMatch(/^[0-9a-f]{16}$/)
          expect(text.toLowerCase()).toContain(ray)
        } catch (error) {
          expect(error).toMatchObject({code: 'BAD_RAY', next: ['zt ray --help']})
        }
      }),
    )
  })
})
