import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {looksSecret, redact} from '../../src/lib/core/redact.js'

const CLIENT_SECRET = 'cfast_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd01234567'
const API_TOKEN = 'YQSn-xWAQiiEh9qM58wZNnyQS7FUdoqGIUAbrh7T'
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl'

/** In a file of its own: each Secret that the process has held is looked for in all of a text. */
describe('a long text', () => {
  /** As it was before it had to be quick: one expression, which looks to the end of a word for each `eyJ` in it. */
  const slowly = (text: string): string => {
    const whole = (run: string): string => `(?<![A-Za-z0-9_-])${run}(?![A-Za-z0-9_-])`
    const sources = [
      'cf[a-z]{1,6}_[A-Za-z0-9]{24,}',
      whole('(?:[0-9a-f]{64}|[0-9A-F]{64})'),
      whole('(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{40}'),
      'AGE-SECRET-KEY-1[A-Z0-9]{20,}',
      'eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]*',
    ]
    return text.replaceAll(new RegExp(sources.join('|'), 'g'), '[hidden]')
  }

  it('is made the same of as before', () => {
    const part = fc.constantFrom('eyJ', 'eyJeyJ', '.', '..', 'a', 'Z', '0', '-', '_', ' ', 'é', 'cfut_', 'cfast_', 'AGE-SECRET-KEY-1', 'a1B2'.repeat(10), 'ab12'.repeat(16), 'A1'.repeat(12), 'x'.repeat(9), 'x'.repeat(10), JWT, API_TOKEN) // prettier-ignore
    const text = fc.array(part, {maxLength: 14}).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (one) => {
        expect(redact(one)).toBe(slowly(one))
        expect(looksSecret(one)).toBe(slowly(one) === '[hidden]' && one !== '[hidden]')
      }),
      {numRuns: 3000},
    )
  })

  it.each([
    'a', 'A', '0', '-', ' ', '\n', 'aA1-', 'eyJ', 'eyJ.', 'eyJaaaaaaaaaa.', 'eyJaaaaaaaaaa.eyJ', 'cfa_', 'cfabcdef_aA', 'cf', 'AGE-SECRET-KEY-1', 'Bearer ',
    'Bearer\t\t', 'Bearer a', 'Basic 0', 'Bearer', 'ab12', '"', '\\', '=', '[hidden]', '\u001b[',
  ])('takes time in proportion to its length, of %j again and again', (pump) => {
    const megabytes = 8
    const text = pump.repeat(Math.ceil((megabytes * 1_000_000) / pump.length))
    const before = process.cpuUsage()
    const result = redact(text)
    const {user, system} = process.cpuUsage(before)
    expect(result).not.toBe('')
    // One that looked again for each character would take hours.
    expect((user + system) / 1e6 / megabytes).toBeLessThan(4)
  }) // prettier-ignore

  it('hides a secret at its end as at its beginning', () => {
    const text = `${CLIENT_SECRET} ${'eyJ'.repeat(100_000)} ${JWT} ${'Bearer '.repeat(10_000)} ${API_TOKEN}`
    const result = redact(text)
    for (const secret of [CLIENT_SECRET, JWT, API_TOKEN]) expect(result).not.toContain(secret)
  })
})
