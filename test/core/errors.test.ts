import {describe, expect, it} from 'vitest'
import {ApiError, cancelled, UserError} from '../../src/lib/core/errors.js'
import {exitCodeOf} from '../../src/lib/core/exit-codes.js'

describe('UserError.with', () => {
  it('keeps everything that is not replaced', () => {
    const cause = new Error('ENOENT')
    const error = new UserError({
      kind: 'needs-action',
      code: 'NO_COMMAND',
      message: 'There is no such command',
      why: ['One.', 'Two.'],
      next: ['zt --help'],
      details: {name: 'x'},
      exitCode: 127,
      cause,
    })
    const changed = error.with({message: 'It is not there', details: {place: 'PATH'}})
    expect(changed).toMatchObject({
      kind: 'needs-action',
      code: 'NO_COMMAND',
      message: 'It is not there',
      whyLines: ['One.', 'Two.'],
      next: ['zt --help'],
      details: {name: 'x', place: 'PATH'},
      exitCode: 127,
    })
    expect(changed.cause).toBe(cause)
    expect(exitCodeOf(changed)).toBe(127)
    expect(error.message).toBe('There is no such command')
  })

  it('keeps what an ApiError knows of the answer, again and again', () => {
    const known = {
      status: 403,
      apiCodes: [10000],
      ray: '8f3-FRA',
      missingPermissions: ['Access: Service Tokens Write'],
      outcomeUnknown: true,
    }
    const error = new ApiError({kind: 'permission', code: 'PERMISSION_MISSING', message: 'No', ...known})
    const changed = error.with({why: 'It was asked twice.'}).with({next: ['zt whoami']})
    expect(changed).toBeInstanceOf(ApiError)
    expect(changed).toMatchObject({
      ...known,
      why: 'It was asked twice.',
      next: ['zt whoami'],
      code: error.code,
    })
  })
})

describe('cancelled', () => {
  it('says what did not happen', () => {
    expect(cancelled().message).toBe('Cancelled; nothing was changed')
    expect(cancelled('nothing was sent')).toMatchObject({kind: 'cancelled', code: 'CANCELLED'})
    expect(exitCodeOf(cancelled('nothing was sent'))).toBe(12)
  })
})
