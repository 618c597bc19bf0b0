import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {UserError} from '../../src/lib/core/errors.js'
import {looksSecret, redact, redactJson, refuseSecretWords} from '../../src/lib/core/redact.js'
import {Secret} from '../../src/lib/core/secret.js'

const CLIENT_SECRET = 'cfast_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd01234567'
const OLD_CLIENT_SECRET = '0123456789abcdef'.repeat(4)
const API_TOKEN = 'YQSn-xWAQiiEh9qM58wZNnyQS7FUdoqGIUAbrh7T'
const IDENTITY = 'AGE-SECRET-KEY-1QQPQRGF0J2XV5EJ9Z7N4A2YJ3K0L6M8N5P4R3S2T7V6W8X9Y0Z'
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl'

const looks = [
  ['a Client Secret', CLIENT_SECRET],
  ['an older Client Secret', OLD_CLIENT_SECRET],
  ['an older Client Secret in capitals', OLD_CLIENT_SECRET.toUpperCase()],
  ['an API token', API_TOKEN],
  ['an API token with a prefix', 'cfut_' + 'a1B2'.repeat(12)],
  ["a vault's identity", IDENTITY],
  ['a JSON Web Token', JWT],
] as const

it('a secret with invisible characters inside is hidden', () => {
  const secret = new Secret('a-secret-of-this-process')
  for (const sign of ['\u200B', '\u00AD', '\u{E0041}', '\uFE0F']) {
    const text = `x ${secret.expose().split('').join(sign)} y`
    expect(redact(text)).toBe('x [secret] y')
  }
  expect(redact('a\u200Bb')).toBe('a\u200Bb')
})

describe('what looks like a secret', () => {
  it.each(looks)('is hidden wherever it is: %s', (_what, secret) => {
    for (const [before, after] of [['', ''], ['"', '"'], ['secret=', '&x=y'], ['(', ')'], ['at ', ':1:2'], ['', '\n'], ['é', 'é']]) {
      expect(redact(`${before}${secret}${after}`)).toBe(`${before}[hidden]${after}`)
    }
    expect(redact(`${secret} ${secret}`)).toBe('[hidden] [hidden]')
  }) // prettier-ignore

  it.each(looks)('is noticed as a word: %s', (_what, secret) => {
    expect(looksSecret(secret)).toBe(true)
    expect(looksSecret(`about ${secret}`)).toBe(false)
  })

  it.each(['Bearer', 'bearer', 'Basic'])('is hidden behind %s, whatever its form', (scheme) => {
    expect(redact(`authorization: ${scheme} abcdef-123456-ghijkl,x`)).toBe(
      `authorization: ${scheme} [hidden],x`,
    )
  })
})

describe('anything that is not a secret stays as it is', () => {
  it.each([
    ['a UUID', '699d98642c564d2e855e9661899b7252'],
    ['a UUID with dashes', 'f174e90a-fafe-4643-bbbc-4a0ed4fc8415'],
    ['a Client ID', '88bf3b6d86161464f6509f7219099e57.access'],
    ['a Client ID with a name', '88bf3b6d86161464f6509f7219099e57.access.example.com'],
    ['a CF-RAY', '8a1b2c3d4e5f6789-FRA'],
    ['a host name', 'gitlab-ssh.widgetcorp.tech'],
    ['a long label', 'build-1-of-the-second-platform-team-in-eu1.widgetcorp.example'],
    ['a commit', 'b1dba91f00c0ffee00c0ffee00c0ffee00c0ffee'],
    ['a path', '/home/Somebody/.local/share/zt/vault/service-token-f174e90a-fafe-4643-bbbc-4a0ed4fc8415.age'],
    ['an address', 'https://api.cloudflare.com/client/v4/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/apps'],
    ['a permission', 'It lacks the permission "Access: Service Tokens Write" or "Access: Apps and Policies Write".'],
    ['an error code', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ['a long name in the code', 'refuseSecretWordsOnTheCommandLineOfZtXYZ'],
    ['a scheme without credentials', 'Bearer tokens are sent to no one else'],
    ['an age recipient', 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
  ])('%s', (_what, text) => {
    expect(redact(`about ${text}, and more`)).toBe(`about ${text}, and more`)
    expect(looksSecret(text)).toBe(false)
  }) // prettier-ignore

  it('is any UUID, Client ID, ray or host name', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
    const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/)
    const ray = fc.tuple(hex(16), fc.stringMatching(/^[A-Z]{3}$/)).map((parts) => parts.join('-'))
    const host = fc.array(label, {minLength: 1, maxLength: 4}).map((labels) => labels.join('.'))
    const id = hex(32).map((text) => `${text}.access`)
    fc.assert(
      fc.property(fc.oneof(fc.uuid(), id, ray, host), (text) => {
        expect(redact(`"${text}"`)).toBe(`"${text}"`)
      }),
    )
  })
})

describe('what a Secret of this process holds', () => {
  it('is hidden in every form in which programs write it, long after', () => {
    const text = fc
      .string({minLength: 8, maxLength: 80, unit: 'grapheme'})
      .filter((one) => one.trim().length >= 8)
    fc.assert(
      fc.property(text, fc.string(), fc.string(), (secret, before, after) => {
        new Secret(secret)
        const base64 = Buffer.from(before + secret + after).toString('base64')
        const forms = [
          [secret, before + secret + after],
          [JSON.stringify(secret).slice(1, -1), JSON.stringify(before + secret + after)],
          [encodeURIComponent(secret), `?x=${encodeURIComponent(secret)}&y=z`],
          [Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('hex')],
          [Buffer.from(secret).toString('base64').slice(0, -4), Buffer.from(secret).toString('base64')],
          [base64, base64],
          [
            base64.replaceAll('+', '-').replaceAll('/', '_'),
            base64.replaceAll('+', '-').replaceAll('/', '_'),
          ],
        ]
        for (const [form = '', written = ''] of forms) expect(redact(written)).not.toContain(form)
      }),
      {numRuns: 60},
    )
  })

  it('is hidden whole, when a part of it is a secret as well', () => {
    new Secret('inner-secret-1')
    new Secret('{"client_secret":"inner-secret-1"}')
    expect(redact('<{"client_secret":"inner-secret-1"}> <inner-secret-1>')).toBe('<[secret]> <[secret]>')
  })

  it('is left alone when it is as short as a word', () => {
    new Secret('error')
    new Secret('')
    expect(redact('error: it failed')).toBe('error: it failed')
  })

  it('is hidden in every text of a JSON value, and nothing else changes', () => {
    new Secret('a "quoted" pass phrase')
    expect(
      redactJson({
        n: 1,
        none: null,
        gone: undefined,
        yes: true,
        list: ['x a "quoted" pass phrase y', {[CLIENT_SECRET]: [API_TOKEN]}],
        at: new Date(0),
      }),
    ).toEqual({
      n: 1,
      none: null,
      gone: undefined,
      yes: true,
      list: ['x [secret] y', {'[hidden]': ['[hidden]']}],
      at: new Date(0),
    })
  })
})

describe('a command line', () => {
  const refused = expect.objectContaining({kind: 'usage', code: 'SECRET_ON_COMMAND_LINE'}) as UserError

  it.each(looks)('with %s on it is refused, and the word is not repeated', (_what, secret) => {
    for (const argv of [[secret], ['token', 'show', secret], ['--token', secret], [`--token=${secret}`], [`-t=${secret}`]]) {
      expect(() => refuseSecretWords(argv)).toThrow(refused)
      try {
        refuseSecretWords(argv)
      } catch (error) {
        const {message, why, next, details} = error as UserError
        expect(JSON.stringify([message, why, next, details])).not.toContain(secret)
      }
    }
  }) // prettier-ignore

  it('may hold anything behind --, which is for another program', () => {
    expect(() => refuseSecretWords(['ssh', 'host', '--', 'sha256sum', OLD_CLIENT_SECRET])).not.toThrow()
  })

  it('of words that are no secrets is let through', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uuid(), fc.string({maxLength: 30}))), (argv) => {
        expect(() => refuseSecretWords(argv)).not.toThrow()
      }),
    )
  })
})
