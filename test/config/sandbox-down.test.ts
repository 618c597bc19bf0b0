import {expect, it} from 'vitest'
import {withSandboxStart} from '../../src/lib/config/sandbox-down.js'
import {UserError} from '../../src/lib/core/errors.js'

const refused = Object.assign(new Error('refused'), {code: 'ECONNREFUSED'})
const failure = (cause: unknown, kind: UserError['kind'] = 'unreachable') =>
  new UserError({
    ...{kind, code: 'API_UNREACHABLE', message: 'Cannot list', why: 'Nothing listens there.'},
    ...{next: ['zt profile show'], cause},
  })

it.each([
  ['the cause', failure(refused)],
  ['the cause of the cause', failure(new Error('sent by the library', {cause: refused}))],
])(
  'where nothing listens for the profile of the sandbox, the first step starts it: %s says so',
  (_, error) => {
    const {message, why, next} = withSandboxStart(error, {sandbox: true})
    expect({message, why, next}).toEqual({
      message: 'Cannot list',
      why: "Nothing listens there. The profile is the sandbox's, which may not be running.",
      next: ['zt sandbox start', 'zt profile show'],
    })
  },
)

it.each([
  ['another profile', failure(refused), {sandbox: false}],
  ['settings that could not be read', failure(refused), undefined],
  ['a connection that ended', failure(Object.assign(new Error('x'), {code: 'ECONNRESET'})), {sandbox: true}],
  ['a failure of another kind', failure(refused, 'api'), {sandbox: true}],
  ['a failure without a cause', failure(undefined), {sandbox: true}],
])('%s: the error is as it was', (_, error, settings) => {
  expect(withSandboxStart(error, settings)).toBe(error)
})
