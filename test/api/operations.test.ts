import fc from 'fast-check'
import nock from '../support/nock.js'
import {describe, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import {OPERATIONS, operationOf, type Operation, type OperationName} from '../../src/lib/api/operations.js'
import {neededBy, permissionsFor} from '../../src/lib/api/permissions.js'
import {Secret} from '../../src/lib/core/secret.js'
import {commandOf} from '../support/manifest.js'

const names = Object.keys(OPERATIONS) as OperationName[]

describe('the table of operations', () => {
  it.each(names.filter((name) => !name.startsWith('verify')))(
    'knows the request of the method %s by the name of that method',
    async (name) => {
      const asked: string[] = []
      nock('https://api.cloudflare.com')
        .intercept(/.*/, OPERATIONS[name].method)
        .reply(function () {
          asked.push(`${this.req.method} ${this.req.path.replace('/client/v4', '').split('?')[0] ?? ''}`)
          // The object that was asked for: the last of the ids in the address.
          const id = this.req.path.includes('/two') ? 'two' : 'one'
          const result = name.startsWith('list') ? [] : {id, client_id: 'y', client_secret: 'z'}
          const data = {viewer: {accounts: [{accessLoginRequestsAdaptiveGroups: []}]}}
          return [200, {success: true, errors: [], messages: [], result, data}]
        })
      const api = createAccessApi({
        apiUrl: 'https://api.cloudflare.com/client/v4',
        apiToken: new Secret('an-api-token'),
        accountId: 'acc',
        userAgent: 'zt-test',
      }) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
      const ids = name.startsWith('list') && !name.endsWith('Policies') ? [] : ['one', 'two']
      await api[name]?.(...(name === 'accessEvents' ? [{by: 'rights', since: 0, until: 0}] : ids))
      const [request = ''] = asked
      expect(operationOf(...(request.split(' ') as [string, string]))).toBe(name)
    },
  )

  const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/)
  it('takes no request for another, whatever the ids are', () => {
    const known = fc.constantFrom(...names)
    fc.assert(
      fc.property(known, fc.array(segment, {minLength: 4, maxLength: 4}), (name, ids) => {
        const {method, path: template}: Operation = OPERATIONS[name]
        const given = [...ids]
        const request = template.replaceAll(/\{\w+\}/g, () => given.shift() ?? 'x')
        expect(operationOf(method, request)).toBe(name)
        expect(operationOf('PATCH', request)).toBeUndefined()
        expect(operationOf(method, `${request}/no/such/thing`)).toBeUndefined()
      }),
    )
  })

  it('knows an operation in a zone where there is one, and only there', () => {
    for (const name of names) {
      const {method, path: template, zoneOperationId}: Operation = OPERATIONS[name]
      if (!template.startsWith('/accounts/{account_id}/access')) continue
      const request = template.replace('/accounts/{account_id}', '/zones/z').replaceAll(/\{\w+\}/g, 'x')
      expect(operationOf(method, request)).toBe(zoneOperationId === undefined ? undefined : name)
    }
  })
})

describe('the permissions', () => {
  const SERVICE_TOKENS = 'Access: Service Tokens'
  const APPS = 'Access: Apps and Policies'
  const GROUPS = 'Access: Organizations, Identity Providers, and Groups'

  it.each([
    ['GET', '/accounts/a/access/service_tokens', [`${SERVICE_TOKENS} Read`, `${SERVICE_TOKENS} Write`]],
    ['POST', '/accounts/a/access/service_tokens/t/rotate', [`${SERVICE_TOKENS} Write`]],
    ['DELETE', '/zones/z/access/apps/a', [`${APPS} Write`]],
    ['GET', '/accounts/a/access/organizations', [`${GROUPS} Read`, `${GROUPS} Write`]],
    ['POST', '/graphql', ['Account Analytics Read']],
    ['GET', '/user/tokens/verify', []],
    ['GET', '/accounts/a/access/nothing', []],
  ])('%s %s needs one of %j', (method, where, groups) => {
    expect(permissionsFor(method, where)).toEqual(groups)
  })

  it.each([
    ['token:list', [`${SERVICE_TOKENS} Read`]],
    ['token:create', [`${SERVICE_TOKENS} Write`]],
    ['app:add-rule', [`${APPS} Write`, `${SERVICE_TOKENS} Read`]],
    ['token:revoke', [`${APPS} Write`, `${GROUPS} Write`, `${SERVICE_TOKENS} Write`]],
    ['whoami', []],
    ['ssh', []],
    ['help', []],
  ])('of %s are the fewest: %j', (command, groups) => {
    expect(neededBy(commandOf(command))).toEqual(groups)
  })
})
