import {inspect} from 'node:util'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {closest} from '../../src/lib/core/closest.js'
import {goDurationSeconds, parseGrace, parseTokenDuration, parseWithin} from '../../src/lib/core/duration.js'
import {ApiError, UserError, type ErrorKind} from '../../src/lib/core/errors.js'
import {EXIT_CODES, exitCodeOf} from '../../src/lib/core/exit-codes.js'
import {hostMatches, normaliseHostname, normaliseHostPattern} from '../../src/lib/core/hostname.js'
import {Secret} from '../../src/lib/core/secret.js'

describe('Secret', () => {
  const canary = 'cfast_CANARY0123456789'
  it.each([
    ['template text', (s: Secret) => `${s as unknown as string}`],
    ['concatenation', (s: Secret) => 'x' + (s as unknown as string)],
    ['String()', (s: Secret) => String(s)],
    ['JSON', (s: Secret) => JSON.stringify({s})],
    ['inspect', (s: Secret) => inspect({s}, {depth: 9, showHidden: true})],
    ['an error message', (s: Secret) => inspect(new Error(`bad ${s as unknown as string}`))],
    ['its keys', (s: Secret) => Object.entries(s).join()],
    ['a structured copy', (s: Secret) => JSON.stringify(structuredClone({...s}))],
  ])('is not shown by %s', (_name, show) => {
    expect(show(new Secret(canary))).not.toContain('CANARY')
  })

  it('is compared by its text, and opened by expose alone', () => {
    expect(new Secret(canary).expose()).toBe(canary)
    expect(new Secret(canary).equals(new Secret(canary))).toBe(true)
    expect(new Secret(canary).equals(new Secret(canary + 'x'))).toBe(false)
    expect(new Secret('').isEmpty).toBe(true)
  })
})

describe('a duration', () => {
  it.each([
    ['forever', 'forever', undefined],
    ['8760h', '8760h', 8760 * 3600],
    ['1h30m', '1h30m', 5400],
    ['90d', '2160h', 90 * 86400],
    ['12w', '2016h', 12 * 7 * 86400],
    ['1y', '8760h', 365 * 86400],
    [' 1.5h ', '1.5h', 5400],
  ])('%s is sent as %s', (text, api, seconds) => {
    expect(parseTokenDuration(text)).toEqual({api, seconds})
  })

  it.each([
    '',
    'h',
    '0h',
    '-1h',
    '1 h',
    '1x',
    '8760',
    'never',
    '500ms',
    '0d',
    '1d1d',
    '1e3h',
    '٣h',
    '9999999d',
  ])('refuses "%s" and says what a duration is', (text) => {
    expect(() => parseTokenDuration(text)).toThrow(
      expect.objectContaining({kind: 'usage', code: 'BAD_DURATION'}) as UserError,
    )
  })

  it('is asked for by the flag that it is the value of', () => {
    const said = (parse: () => unknown): string => {
      try {
        parse()
      } catch (error) {
        return (error as UserError).next.join()
      }
      return ''
    }
    expect(said(() => parseTokenDuration('soon'))).toContain('--duration 90d')
    expect(said(() => parseWithin('soon', '--expiring'))).toContain('--expiring 30d')
    expect(said(() => parseGrace('soon'))).toContain('--grace 24h')
    expect(parseWithin('forever', '--expiring')).toBeGreaterThan(parseWithin('292y', '--expiring'))
  })

  it('adds its parts up, whatever they are', () => {
    fc.assert(
      fc.property(fc.nat(9999), fc.nat(9999), fc.nat(9999), (h, m, s) => {
        expect(goDurationSeconds(`${h}h${m}m${s}s`)).toBe(h * 3600 + m * 60 + s)
      }),
    )
  })
})

describe('a host name', () => {
  it.each([
    ['GitLab-SSH.Widgetcorp.tech', 'gitlab-ssh.widgetcorp.tech'],
    ['a.example.com.', 'a.example.com'],
    ['localhost', 'localhost'],
    ['_x.example.com', '_x.example.com'],
    // Internationalised, as DNS has it (UTS #46).
    ['Bücher.Example.com.', 'xn--bcher-kva.example.com'],
    ['bu\u0308cher.example.com', 'xn--bcher-kva.example.com'],
    ['XN--BCHER-KVA.example.com', 'xn--bcher-kva.example.com'],
    ['faß.example.com', 'xn--fa-hia.example.com'],
  ])('%s is compared as %s', (text, expected) => {
    expect(normaliseHostname(text)).toBe(expected)
  })

  it.each([
    '', '.', '-oProxyCommand=x', 'a b', 'a/b', 'a:22', '10.0.0.1', '::1', 'a..b', '*.example.com', 'x@y', 'a\nb', 'a%h',
    'a'.repeat(64) + '.com', 'é'.repeat(60) + '.example.com', 'é b.example.com', 'é%62.example.com', '１２７.0.0.1', 'é:22',
    // Characters that IDNA maps to others, or leaves out.
    'ｇit.example.com', 'a。example.com', 'a\u00AD.example.com', 'a\u200B.example.com',
  ])('%j is none', (text) => {
    expect(() => normaliseHostname(text)).toThrow(
      expect.objectContaining({kind: 'usage', code: 'BAD_HOSTNAME'}) as UserError,
    )
  }) // prettier-ignore

  it.each([
    ['git@Gitlab.example.com', 'gitlab.example.com'],
    ['gitlab.example.com:22', 'gitlab.example.com'],
    ['gitlab.example.com/path', 'gitlab.example.com'],
    ['ssh://git:password@gitlab.example.com:22/group', 'gitlab.example.com'],
    [' gitlab.example.com\n', 'gitlab.example.com'],
    ['ｇitlab。example。com', 'gitlab.example.com'],
    ['*.example.com', undefined],
    ['10.0.0.1:22', undefined],
    ['', undefined],
  ])('%j is answered with the host name in it: %s', (text, host) => {
    expect(() => normaliseHostname(text)).toThrow(
      expect.objectContaining({
        next: host === undefined ? [] : [`Give the host name alone: ${host}`],
      }) as UserError,
    )
  })

  it.each([
    ['ssh://git:hunter2@gitlab.example.com:22/group', 'ssh://...@gitlab.example.com:22/group'],
    ['git:hunt/er2@gitlab.example.com', '...@gitlab.example.com'],
    ['https://a:hunt@er2@gitlab.example.com', 'https://...@gitlab.example.com'],
    ['https://gitlab.example.com/x?token=hunter2', 'https://gitlab.example.com/x?...'],
    ['git@gitlab.example.com', 'git@gitlab.example.com'],
    ['gitlab.example.com:22', 'gitlab.example.com:22'],
  ])('%s is repeated without what may be secret: %s', (text, shown) => {
    expect(() => normaliseHostname(text)).toThrow(
      expect.objectContaining({message: `"${shown}" is not a host name`}) as UserError,
    )
  })

  it.each([
    ['*.Example.com.', '*.example.com'],
    ['*-ssh.bücher.example', '*-ssh.xn--bcher-kva.example'],
    ['a.example.com', 'a.example.com'],
  ])('%s is a pattern', (text, expected) => {
    expect(normaliseHostPattern(text)).toBe(expected)
  })

  it.each(['*', '**.example.com', '*..com', 'a*b*.example.com', '-*.example.com', '* x.example.com'])(
    '%s is no pattern',
    (text) => {
      expect(() => normaliseHostPattern(text)).toThrow(
        expect.objectContaining({code: 'BAD_HOSTNAME'}) as UserError,
      )
    },
  )

  it.each([
    ['*.example.com', 'a.example.com', true],
    ['*.bücher.example', 'a.xn--bcher-kva.example', true],
    ['*.xn--bcher-kva.example', 'a.Bücher.example', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.b.example.com', false],
    ['*.example.com', 'a.example.com.evil.net', false],
    ['git*.example.com', 'gitlab.example.com', true],
    ['git*.example.com', 'git.example.com', true],
    ['*-ssh.example.com', 'gitlab-ssh.example.com', true],
    ['a*b*c.example.com', 'aXbYc.example.com', true],
    ['ab*ba.example.com', 'aba.example.com', false],
    ['example.com', 'EXAMPLE.com.', true],
    ['example.com', 'notexample.com', false],
  ])('%s covers %s: %s', (pattern, host, expected) => {
    expect(hostMatches(pattern, host)).toBe(expected)
  })

  it('without a star covers itself only', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    const host = fc.array(label, {minLength: 1, maxLength: 4}).map((labels) => labels.join('.'))
    fc.assert(
      fc.property(host, host, (a, b) => {
        expect(hostMatches(a, b)).toBe(a === b)
      }),
    )
  })
})

describe('did you mean', () => {
  it.each([
    ['gitlab', ['GitLab', 'Grafana'], 'GitLab'],
    ['gitlba', ['GitLab', 'Grafana'], 'GitLab'],
    ['git', ['GitLab staging'], 'GitLab staging'],
    ['tokn create', ['token create', 'token list'], 'token create'],
    ['zzzzzz', ['GitLab'], undefined],
    ['lsit', ['list', 'show'], 'list'],
    ['reahc', ['show', 'reach'], 'reach'],
    ['hsow', ['whom'], undefined],
    ['x', [], undefined],
  ])('%s of %j: %s', (typed, candidates, expected) => {
    expect(closest(typed, candidates)).toBe(expected)
  })
})

describe('exit codes', () => {
  const kinds: Record<ErrorKind, number> = {
    'usage': 2, 'config': 2, 'auth': 3, 'permission': 4, 'not-found': 5, 'ambiguous': 6, 'conflict': 7,
    'unreachable': 8, 'needs-action': 9, 'refused': 10, 'api': 11, 'cancelled': 12,
    'not-written': 13,
  } // prettier-ignore

  it.each(Object.entries(kinds))('%s is %i, and the table says so', (kind, code) => {
    const options = {kind: kind as ErrorKind, code: 'X', message: 'x'}
    expect(exitCodeOf(new UserError(options))).toBe(code)
    expect(exitCodeOf(new ApiError(options))).toBe(code)
    expect(EXIT_CODES.find((row) => row.name === kind)?.code).toBe(code)
  })

  it('of an error that is not zt’s is 1', () => {
    expect([new Error('x'), 'x', undefined, {code: 'X'}].map(exitCodeOf)).toEqual([1, 1, 1, 1])
  })
})
