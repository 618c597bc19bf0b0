import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {UserError} from '../../../src/lib/core/errors.js'
import {parseDestination, portArguments} from '../../../src/lib/tunnel/target/destination.js'

const HOST = 'a.example.com'
const USAGE = 'zt ssh [USER@]HOST'

function failure(text: string, usage = USAGE, pattern = false): Pick<UserError, 'code' | 'message' | 'next'> {
  try {
    parseDestination(text, usage, {pattern})
  } catch (error) {
    const {code, message, next} = error as UserError
    return {code, message, next}
  }
  throw new Error(`${text} was read`)
}

describe('a destination is read', () => {
  it.each<[text: string, user?: string | undefined, port?: number]>([
    ['a.example.com'],
    ['A.Example.COM.'],
    ['git@a.example.com', 'git'],
    ['g-it@a.example.com', 'g-it'],
    ['x@y@a.example.com', 'x@y'],
    ['ü@a.example.com', 'ü'],
    ['DOMAIN\\me@a.example.com', 'DOMAIN\\me'],
    ['a.example.com:22'],
    ['git@a.example.com:2222', 'git', 2222],
    ['ssh://a.example.com'],
    ['SSH://git@A.example.com.:22/', 'git'],
    ['ssh://git@a.example.com:2222/', 'git', 2222],
    ['ssh://me%40corp@a.example.com', 'me@corp'],
    ['sftp://me@a.example.com', 'me'],
    ['https://a.example.com/'],
    ['tcp://a.example.com:5432', undefined, 5432],
    ['a.example.com/'],
  ])('%s', (text, user = undefined, port = undefined) => {
    expect(parseDestination(text, USAGE)).toEqual({host: HOST, user, port})
  })

  it('a port is for ssh', () => {
    expect([portArguments(undefined), portArguments(2222)]).toEqual([[], ['-p', '2222']])
  })

  it('a pattern, where one is allowed', () => {
    expect(parseDestination('git@*.Example.com.', USAGE, {pattern: true})).toEqual({
      host: '*.example.com',
      user: 'git',
      port: undefined,
    })
    expect(failure('*', USAGE, true).code).toBe('BAD_HOSTNAME')
  })
})

describe('a form that is not read is answered with the one that works', () => {
  it.each<[text: string, code: string, next: string[], usage?: string]>([
    ['git@a.example.com:group/project.git', 'BAD_HOSTNAME', ['zt ssh git@a.example.com']],
    ['ssh://git@a.example.com:2222/group/project.git', 'BAD_HOSTNAME', ['zt ssh git@a.example.com:2222']],
    [
      'https://a.example.com/dashboard?x',
      'BAD_HOSTNAME',
      ['zt ssh check a.example.com'],
      'zt ssh check HOST',
    ],
    ['me@a.example.com:/srv', 'BAD_HOSTNAME', ['zt forward a.example.com'], 'zt forward HOST'],
    ['a.example.com:99999', 'BAD_HOSTNAME', ['zt ssh a.example.com']],
    ['git@a.example.com:0', 'BAD_HOSTNAME', ['zt ssh git@a.example.com']],
    [' a.example.com', 'BAD_HOSTNAME', ['Give the host name alone: a.example.com']],
    ['ａ.example.com', 'BAD_HOSTNAME', ['Give the host name alone: a.example.com']],
    ['10.0.0.1:22', 'BAD_HOSTNAME', []],
    [
      '*.example.com',
      'BAD_HOSTNAME',
      ['Name one of the hosts that it covers', "For ssh to all of them: zt ssh config '*.example.com'"],
    ],
    ['*.example.com', 'BAD_HOSTNAME', ['Name one of the hosts that it covers'], 'zt forward HOST'],
    ['*', 'BAD_HOSTNAME', []],
    ['@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['-l@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['a b@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    [' a@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['a\u0007@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['a\u0085@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['ssh://-l@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['ssh://%2Dl@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['ssh://a%0Ab@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
    ['ssh://%ZZ@a.example.com', 'BAD_USER', ['zt ssh a.example.com']],
  ])('%j: %s', (text, code, next, usage) => {
    expect(failure(text, usage)).toMatchObject({code, next})
  })

  it('a password in a URL is not repeated', () => {
    const error = failure('ssh://git:hunter2hunter2@a.example.com')
    expect(error).toMatchObject({code: 'BAD_USER', next: ['zt ssh a.example.com']})
    expect(JSON.stringify(error)).not.toContain('hunter2')
    expect(JSON.stringify(failure('ssh://git:hunter2hunter2@a_.-x'))).not.toContain('hunter2')
  })

  it('what is read is a host name and a user that ssh takes for no option, whatever is given', () => {
    const part = fc.constantFrom(
      'a',
      '-',
      '@',
      ':',
      '/',
      '.',
      '%2D',
      '22',
      'ssh://',
      '*',
      ' ',
      '\n',
      'é',
      '[',
      '?',
      '#',
      '\\',
    )
    fc.assert(
      fc.property(fc.array(part, {maxLength: 12}), (parts) => {
        let read
        try {
          read = parseDestination(parts.join(''), USAGE)
        } catch {
          return
        }
        expect(read.host).toMatch(/^(?!-)[a-z0-9_.-]+$/)
        expect(read.user ?? 'none').toMatch(/^[^-\s\p{Cc}][^\s\p{Cc}]*$/u)
        // A form that was read is read the same again.
        expect(parseDestination(read.host, USAGE).host).toBe(read.host)
      }),
    )
  })
})
