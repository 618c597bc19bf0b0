import nock from 'nock'
import {afterEach, describe, expect, it} from 'vitest'
import {contradicted, faultOf, isClientSecret, type ChangeName} from '../../src/lib/api/answers.js'
import {createAccessApi} from '../../src/lib/api/client.js'
import {Secret} from '../../src/lib/core/secret.js'

const ORIGIN = 'https://api.cloudflare.com'
const BASE = '/client/v4/accounts/acc/access'
const ID = 'f174e90a-fafe-4643-bbbc-4a0ed4fc8415'

const open = (accountId = 'acc', zoneId?: string): ReturnType<typeof createAccessApi> =>
  createAccessApi({
    apiUrl: `${ORIGIN}/client/v4`,
    apiToken: new Secret('an-api-token'),
    accountId,
    zoneId,
    userAgent: 'zt-test',
    sleep: () => Promise.resolve(),
  })

afterEach(() => {
  nock.cleanAll()
})

const IMPOSSIBLE = ['../../x', '..', '.', '', null, 7, 1e30, {}, ['x'], true, 'a/b', 'a?b', 'a#b', 'a%2Fb', 'a b', 'a\n', '\u202Ex', 'x'.repeat(65), 'x'.repeat(1e6)] // prettier-ignore

describe('an id in an answer', () => {
  it.each(IMPOSSIBLE.map((id) => [JSON.stringify(id).slice(0, 20), id]))(
    'is refused where it cannot be one: %s',
    (_, id) => {
      expect(faultOf({id})).toBeDefined()
      expect(faultOf({id: ID, policies: [{id: ID}, {id}]})).toBeDefined()
      if (typeof id === 'string') expect(faultOf({id: ID, policies: [id]})).toBeDefined()
    },
  )
  it('is refused where it is another than was asked for', () => {
    expect(faultOf({id: ID}, ID)).toBeUndefined()
    expect(faultOf({id: ID}, `${ID.slice(0, -1)}6`)).toBeDefined()
  })
  it.each(IMPOSSIBLE.map((id) => [JSON.stringify(id).slice(0, 20), id]))(
    'of a list is refused as well: %s',
    async (_, id) => {
      nock(ORIGIN)
        .get(`${BASE}/groups`)
        .query(true)
        .reply(200, {success: true, result: [{id: ID}, {id}]})
      await expect(open().listGroups()).rejects.toMatchObject({code: 'BAD_ANSWER'})
    },
  )
})

describe('an id that goes into an address', () => {
  const asked = IMPOSSIBLE.filter((id) => typeof id === 'string')
  it.each(asked.map((id) => [id.slice(0, 20), id]))(
    'is refused before anything is sent: %s',
    async (_, id) => {
      const refusal = {code: 'BAD_ID', kind: 'usage'}
      await expect(open().getServiceToken(id)).rejects.toMatchObject(refusal)
      await expect(open().deletePolicy(id)).rejects.toMatchObject(refusal)
      await expect(open().deleteApplicationPolicy(ID, id)).rejects.toMatchObject(refusal)
      await expect(open(id).listGroups()).rejects.toMatchObject(refusal)
      await expect(open('acc', id).listGroups()).rejects.toMatchObject(refusal)
    },
  )
})

describe('an answer to a change', () => {
  it.each<[ChangeName, object, object, string[]]>([
    ['updateServiceToken', {enabled: false}, {enabled: true}, ['enabled']],
    ['updateServiceToken', {enabled: false}, {enabled: false}, []],
    ['updateServiceToken', {name: 'a'}, {name: 'b'}, ['name']],
    ['updateServiceToken', {duration: '90m'}, {duration: '1h30m0s'}, []],
    ['updateServiceToken', {duration: '90m'}, {duration: '90h'}, ['duration']],
    ['createServiceToken', {name: 'a', enabled: false}, {name: 'a'}, []],
    ['createApplication', {name: 'a', domain: 'a.example'}, {name: 'a', domain: 'b.example'}, ['domain']],
    ['createPolicy', {name: 'a', decision: 'deny'}, {name: 'a', decision: 'bypass'}, ['decision']],
  ])('%s of %j, answered with %j, contradicts in %j', (operation, sent, answered, fields) => {
    expect(contradicted(operation, sent, answered as Record<string, unknown>)).toEqual(fields)
  })

  it.each([
    ['another status 2xx that says no', 200, {success: false, errors: [{code: 12130, message: 'no'}]}],
    ['no result', 200, {success: true, result: null}],
    ['a list', 200, {success: true, result: []}],
    ['a field called __proto__', 200, `{"success":true,"result":{"id":"${ID}","__proto__":{"id":"x"}}}`],
    ['a redirect', 302, ''],
    ['not modified', 304, ''],
    ['nothing', 204, ''],
  ])('leaves the outcome open: %s', async (_, status, body) => {
    nock(ORIGIN).put(`${BASE}/groups/${ID}`).reply(status, body)
    await expect(open().replaceGroup(ID, {name: 'a'})).rejects.toMatchObject({outcomeUnknown: true})
  })

  it.each(['', 'a\r\nx: y', 'a b', 'ü', 'x'.repeat(1025), 'cfast_short', null, 7])(
    'holds no Client Secret in %j',
    (secret) => {
      expect(isClientSecret(secret)).toBe(false)
    },
  )
  it.each([`cfast_${'a'.repeat(48)}`, 'a'.repeat(64)])('holds a Client Secret: %s', (secret) => {
    expect(isClientSecret(secret)).toBe(true)
  })
})

it.each(['', 'odd', null, 1])('the status %j of an API token is none', async (status) => {
  nock(ORIGIN)
    .get('/client/v4/user/tokens/verify')
    .reply(200, {success: true, result: {id: ID, status}})
  nock(ORIGIN)
    .get('/client/v4/accounts/acc/tokens/verify')
    .reply(200, {success: true, result: {id: ID, status}})
  await expect(open().verifyToken()).rejects.toMatchObject({code: 'BAD_ANSWER'})
})
