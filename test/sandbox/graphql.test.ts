import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {getIntrospectionQuery} from 'graphql'
import type {JsonObject} from '../../src/lib/core/json.js'
import {DIMENSIONS} from '../../src/lib/sandbox/api/login-events.js'
import type {AccessEvent} from '../../src/lib/sandbox/record.js'
import type {SandboxSettings} from '../../src/lib/sandbox/settings.js'
import {SandboxApi} from '../support/sandbox-api.js'

const DAY = 24 * 3600_000
const HOUR = 3600_000
const DATASET = 'accessLoginRequestsAdaptiveGroups'
const FILTER = 'AccountAccessLoginRequestsAdaptiveGroupsFilter_InputObject'
const NOW = Date.UTC(2026, 10, 28, 12, 34, 56, 789)
const [ANALYST, READER, EXPIRED] = ['analyst', 'reader', 'expired'] as const

/** What happened an hour ago, unless a row says something else. */
const event = (more: Partial<AccessEvent> = {}): AccessEvent => ({
  ...{at: NOW - HOUR, ray: '8f1e2d3c4b5a6978', appId: 'app', policyId: 'rule', tokenId: 'token'},
  ...{admitted: true, session: false, kind: 'attempt', ip: '127.0.0.1', country: 'DE'},
  ...more,
})

let api: SandboxApi
beforeAll(async () => {
  api = await SandboxApi.open(
    {
      accounts: [
        {id: 'account', name: 'Widgetcorp'},
        {id: 'another', name: 'Another'},
      ],
      api_tokens: [
        {token: ANALYST, owner: 'user', permission_groups: ['Account Analytics Read']},
        {token: READER, owner: 'user', permission_groups: ['Access: Apps and Policies Read']},
        {token: EXPIRED, owner: 'user', status: 'expired'},
      ],
    },
    {now: () => NOW},
  )
})
afterAll(() => api.close())

let happened: AccessEvent[] = []
beforeEach(() => {
  happened = []
  Object.defineProperty(api.state.record, 'events', {configurable: true, get: () => happened})
  api.state.data.settings = {}
})

interface Answer {
  status: number
  data: {viewer: {accounts: {[DATASET]: {count: number; dimensions: JsonObject}[]}[]}} | null
  errors: {message: string; path: unknown; extensions: JsonObject}[] | null
}

async function post(body: unknown, token: string = ANALYST): Promise<Answer> {
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: {authorization: `Bearer ${token}`},
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {status: answer.status, ...((await answer.json()) as Omit<Answer, 'status'>)}
}

interface Asked {
  filter?: JsonObject
  select?: string
  more?: string
  account?: string
  token?: string
}

const lastWeek = {datetime_geq: new Date(NOW - 7 * DAY).toISOString()}

function ask({
  filter = lastWeek,
  select = 'count',
  more = '',
  account = 'account',
  token,
}: Asked = {}): Promise<Answer> {
  const query = `query ($account: string, $filter: ${FILTER}) {
    viewer { accounts(filter: {accountTag: $account}) { ${DATASET}(filter: $filter, ${more || 'limit: 10000'}) { ${select} } } }
  }`
  return post({query, variables: {account, filter}}, token)
}

async function rows(asked: Asked): Promise<{count?: number; dimensions?: JsonObject}[]> {
  const {data, errors} = await ask(asked)
  expect(errors).toBeNull()
  return data?.viewer.accounts[0]?.[DATASET] ?? []
}

const message = async (answer: Promise<Answer>): Promise<string | undefined> =>
  (await answer).errors?.[0]?.message

describe('the dataset of Access login requests', () => {
  it('has every dimension of an event, in the form of the tutorial', async () => {
    happened = [event({admitted: false, policyId: '', tokenId: '', session: true})]
    const [row] = await rows({select: `count dimensions { ${Object.keys(DIMENSIONS).join(' ')} }`})
    expect(row).toEqual({
      count: 1,
      dimensions: {
        ...{appId: 'app', approvingPolicyId: '', cfRayId: '8f1e2d3c4b5a6978', country: 'DE'},
        ...{date: '2026-11-28', datetime: '2026-11-28T11:34:56Z', datetimeMinute: '2026-11-28T11:34:00Z'},
        ...{datetimeFiveMinutes: '2026-11-28T11:30:00Z', datetimeFifteenMinutes: '2026-11-28T11:30:00Z'},
        ...{datetimeHour: '2026-11-28T11:00:00Z', deviceId: '', hasExistingJWT: 1, hasGatewayEnabled: 0},
        ...{hasWarpEnabled: 0, identityProvider: 'nonidentity', ipAddress: '127.0.0.1'},
        ...{isSuccessfulLogin: 0, mtlsCertSerialId: '', mtlsCommonName: '', mtlsStatus: 'NONE'},
        ...{serviceTokenId: '', userUuid: ''},
      },
    })
  })

  it('groups by what is selected, through fragments and aliases, and not by what @skip leaves out', async () => {
    happened = [event(), event({country: 'FR'}), event({appId: 'b'})]
    const fragments = `count dimensions { ...on AccountAccessLoginRequestsAdaptiveGroupsDimensions { land: country } appId @skip(if: true) }`
    expect(await rows({select: fragments, more: 'limit: 9, orderBy: [count_DESC]'})).toEqual([
      {count: 2, dimensions: {land: 'DE'}},
      {count: 1, dimensions: {land: 'FR'}},
    ])
    expect(await rows({})).toEqual([{count: 3}])
  })

  it('is empty without events', async () => {
    expect(await rows({})).toEqual([])
  })

  it('sorts by what is asked for, then by what is grouped by, and cuts off at the limit', async () => {
    happened = ['b', 'c', 'a', 'c'].map((appId) => event({appId}))
    const of = async (more: string): Promise<unknown[]> =>
      (await rows({select: 'dimensions { appId }', more})).map(({dimensions}) => dimensions?.['appId'])
    expect(await of('limit: 10')).toEqual(['a', 'b', 'c'])
    expect(await of('limit: 10, orderBy: [count_ASC]')).toEqual(['a', 'b', 'c'])
    expect(await of('limit: 10, orderBy: [count_DESC, appId_DESC]')).toEqual(['c', 'b', 'a'])
    expect(await of('limit: 2, orderBy: [appId_DESC]')).toEqual(['c', 'b'])
  })

  it('has no events of another account than the first, whose edge it is', async () => {
    happened = [event()]
    expect(await rows({account: 'another'})).toEqual([])
  })

  // "Filtering" in Cloudflare's documents.
  const FILTERS: [filter: JsonObject, found: string[]][] = [
    [{appId: 'b'}, ['b']],
    [{appId_neq: 'b'}, ['a', 'c']],
    [{appId_in: ['a', 'c', 'x']}, ['a', 'c']],
    [{appId_gt: 'a', appId_lt: 'c'}, ['b']],
    [{appId_geq: 'b'}, ['b', 'c']],
    [{appId_leq: 'b'}, ['a', 'b']],
    [{appId_like: '%'}, ['a', 'b', 'c']],
    [{country_like: 'D%'}, ['a']],
    [{appId_like: '*'}, []],
    [{isSuccessfulLogin: 0}, ['c']],
    [{isSuccessfulLogin_neq: 0}, ['a', 'b']],
    [{AND: [{appId_geq: 'b'}, {appId_leq: 'b'}]}, ['b']],
    [{OR: [{appId: 'a'}, {appId: 'c'}]}, ['a', 'c']],
    [{OR: [{AND: [{appId: 'a'}, {country: 'DE'}]}, {isSuccessfulLogin: 0}]}, ['a', 'c']],
    [{datetime_gt: '2026-11-28T11:34:56Z'}, ['b']],
    [{datetime: '2026-11-28T11:34:56Z'}, ['a']],
    [{datetime_leq: '2026-11-28T11:34:56+00:00', datetime_gt: '2026-11-27T00:00:00Z'}, ['a']],
    [{datetime_lt: '2026-11-28T11:34:56.000Z'}, ['c']],
    [{date: '2026-11-26'}, ['c']],
    [{date_gt: '2026-11-26'}, ['a', 'b']],
    [{datetimeHour_in: ['2026-11-28T12:00:00Z']}, ['b']],
    [{serviceTokenId: '', identityProvider: 'nonidentity'}, []],
  ]
  it.each(FILTERS)('with the filter %j has %j', async (filter, found) => {
    happened = [
      event({appId: 'a'}),
      event({appId: 'b', at: NOW - 60_000, country: 'FR'}),
      event({appId: 'c', at: NOW - 2 * DAY, country: 'FR', admitted: false}),
    ]
    const some = await rows({filter: {...lastWeek, ...filter}, select: 'dimensions { appId }'})
    expect(some.map(({dimensions}) => dimensions?.['appId'])).toEqual(found)
  })

  it('has no events of the future, and the delayed ones when they are due', async () => {
    happened = [event({at: NOW + 1000}), event({at: NOW - 30_000})]
    expect(await rows({})).toEqual([{count: 1}])
    api.state.data.settings = {analytics_delay_ms: 30_001}
    expect(await rows({})).toEqual([])
    api.state.data.settings = {analytics_delay_ms: 30_000}
    expect(await rows({})).toEqual([{count: 1}])
  })

  const KINDS: AccessEvent[] = [
    event({appId: 'admitted'}),
    event({appId: 'bypassed', tokenId: '', policyId: 'open'}),
    event({appId: 'refused', admitted: false, policyId: ''}),
    event({appId: 'sent-to-login', admitted: false, policyId: '', tokenId: '', kind: 'visit'}),
    event({appId: 'by-session', policyId: '', tokenId: '', session: true, kind: 'session'}),
  ]
  it.each<[SandboxSettings, string[]]>([
    [{}, ['admitted', 'bypassed', 'refused']],
    [{recorded_refusals: 'all'}, ['admitted', 'bypassed', 'refused', 'sent-to-login']],
    [{recorded_refusals: 'none'}, ['admitted', 'bypassed']],
    [{recorded_sessions: true}, ['admitted', 'by-session', 'bypassed', 'refused']],
  ])('with the settings %j shows %j', async (settings, found) => {
    happened = KINDS
    api.state.data.settings = settings
    const some = await rows({select: 'dimensions { appId }'})
    expect(some.map(({dimensions}) => dimensions?.['appId'])).toEqual(found)
  })

  it('leaves out the rule of a service token if the account does, and no other', async () => {
    happened = KINDS
    api.state.data.settings = {recorded_policy: false}
    expect(await rows({select: 'count dimensions { approvingPolicyId }'})).toEqual([
      {count: 2, dimensions: {approvingPolicyId: ''}},
      {count: 1, dimensions: {approvingPolicyId: 'open'}},
    ])
  })

  it('counts one event in so many as that many', async () => {
    happened = Array.from({length: 25}, (_, i) => event({at: NOW - HOUR - i * 1000}))
    api.state.data.settings = {analytics_sampling: 10}
    expect(await rows({})).toEqual([{count: 30}])
    api.state.data.settings = {analytics_sampling: 0}
    expect(await rows({})).toEqual([{count: 25}])
  })

  it('says its limits in the settings node', async () => {
    const ofNode = async (): Promise<unknown> => {
      const query = `{viewer{accounts(filter: {accountTag: "account"}) {settings {${DATASET} {enabled maxDuration maxPageSize notOlderThan maxNumberOfFields availableFields}}}}}`
      return (await post({query})).data?.viewer.accounts[0]
    }
    const limits = {maxDuration: 604_800, maxPageSize: 10_000, notOlderThan: 7_776_000, maxNumberOfFields: 30}
    const fields = expect.arrayContaining(['count', 'dimensions_serviceTokenId']) as unknown
    expect(await ofNode()).toEqual({
      settings: {[DATASET]: {enabled: true, ...limits, availableFields: fields}},
    })
    api.state.data.settings = {analytics: false}
    expect(await ofNode()).toMatchObject({settings: {[DATASET]: {enabled: false}}})
  })

  it('describes itself by introspection', async () => {
    const {data, errors} = await post({query: getIntrospectionQuery()})
    expect(errors).toBeNull()
    expect(JSON.stringify(data)).toContain('"datetimeFiveMinutes_geq"')
  })
})

describe('a query', () => {
  const at = (days: number): string => new Date(NOW - days * DAY).toISOString()
  const named = `{viewer{accounts(filter: {accountTag: "account"}) {x: ${DATASET}(limit: 1, filter: {datetime_geq: "${at(1)}"}) {count}}}}`

  it('may declare its variables as public clients do', async () => {
    happened = [event()]
    for (const [account, time] of [
      ['string', 'Time'],
      ['String!', 'String!'],
      ['string!', 'string'],
    ]) {
      const query = `query Q($account: ${account}, $start: ${time}, $most: Int!) {viewer {accounts(filter: {accountTag: $account}) {${DATASET}(limit: $most, filter: {datetime_geq: $start}) {count}}}}`
      const {data, errors} = await post({query, variables: {account: 'account', start: at(1), most: 5}})
      expect(errors).toBeNull()
      expect(data?.viewer.accounts[0]?.[DATASET]).toEqual([{count: 1}])
    }
  })

  it('is one of several only by its name', async () => {
    const query = `query A ${named} query B ${named}`
    expect((await post({query, operationName: 'B'})).errors).toBeNull()
    expect(await message(post({query}))).toMatch(/operation/)
  })

  // As Cloudflare words them, in its documents ("Error responses") or in reports of 2026.
  const WEEK = 'account "account" cannot request a time range wider than 1w, but your query time range spans'
  const OLD = 'account "account" cannot request data older than 12w6d'
  const REFUSED: [what: string, asked: Asked, message: string | RegExp][] = [
    ['more than a week', {filter: {datetime_geq: at(7.5)}}, `${WEEK} 1w12h`],
    ['more than a week, long ago', {filter: {datetime_geq: at(60), datetime_lt: at(40)}}, `${WEEK} 2w6d`],
    [
      'more than a week by alternatives',
      {filter: {OR: [{datetime_geq: at(30), datetime_lt: at(29)}, {datetime_geq: at(1)}]}},
      `${WEEK} 4w2d`,
    ],
    [
      'more than a week by days',
      {filter: {date_geq: '2026-11-20', date_leq: '2026-11-28'}},
      /^account.* spans 1w1d/,
    ],
    [
      'what is no longer kept',
      {filter: {datetime_geq: at(91), datetime_lt: at(90)}},
      `${OLD}, but your query requests data from 13w ago`,
    ],
    ['all times', {filter: {}}, OLD],
    ['all times until a moment', {filter: {datetime_lt: at(1)}}, OLD],
    ['all times of one request', {filter: {cfRayId: '8f1e2d3c4b5a6978'}}, OLD],
    ['times that are only one alternative', {filter: {OR: [{datetime_geq: at(1)}, {appId: 'a'}]}}, OLD],
    ['no limit', {more: 'orderBy: []'}, 'limit must be positive number and not greater than 10000'],
    ['no rows', {more: 'limit: 0'}, 'limit must be positive number and not greater than 10000'],
    ['too many rows', {more: 'limit: 10001'}, 'limit must be positive number and not greater than 10000'],
    [
      'endlessly many rows',
      {more: `limit: ${'9'.repeat(400)}`},
      'limit must be positive number and not greater than 10000',
    ],
    ['half a row', {more: 'limit: 0.5'}, 'limit must be positive number and not greater than 10000'],
    ['another field', {select: 'sum { logins }'}, 'unknown field "sum"'],
    ['a field of a number', {select: 'count { x }'}, 'scalar fields must have no selections'],
    ['no field of an object', {select: 'dimensions'}, 'object field must have selections'],
    [
      'an order by what it does not select',
      {more: 'limit: 1, orderBy: [date_ASC]'},
      /^error parsing args for/,
    ],
    ['an unknown order', {more: 'limit: 1, orderBy: [date_UP]'}, /date_UP/],
    ['a time that is none', {filter: {datetime_geq: 'yesterday'}}, /datetime_geq must be of type Time$/],
    [
      'a day in place of a time',
      {filter: {datetime_geq: '2026-11-28'}},
      /datetime_geq must be of type Time$/,
    ],
    ['a day that is none', {filter: {date_geq: '2026-13-28'}}, /date_geq must be of type Date$/],
    [
      'a text in place of a number',
      {filter: {...lastWeek, isSuccessfulLogin: '1'}},
      /isSuccessfulLogin must be of type uint8$/,
    ],
    ['a number in place of a text', {filter: {...lastWeek, appId: 5}}, /appId must be of type string$/],
    ['an unknown filter', {filter: {...lastWeek, appName: 'a'}}, /appName/],
    ['another account', {account: 'none'}, 'not authorized for that account'],
    ['the account without the permission', {token: READER}, 'not authorized for that account'],
    [
      'too many fields',
      {
        select: `${Object.keys(DIMENSIONS)
          .map((_, i) => `c${i}: count`)
          .join(' ')} dimensions { ${Object.keys(DIMENSIONS).join(' ')} }`,
      },
      "number of fields can't be more than 30",
    ],
  ]
  it.each(REFUSED)('for %s is refused', async (_, asked, expected) => {
    happened = [event()]
    const {status, data, errors} = await ask(asked)
    expect({status, data}).toEqual({status: 200, data: null})
    expect(errors?.[0]?.message).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    )
    expect(errors?.[0]?.extensions['timestamp']).toBe(new Date(NOW).toISOString())
  })

  it.each<[string, string, string]>([
    [
      'no account',
      `{viewer{accounts {${DATASET}(limit: 1) {count}}}}`,
      'error parsing args for "accounts": filter needs accountTag',
    ],
    [
      'two accounts',
      `{viewer{accounts(filter: {accountTag_in: ["account", "another"]}) {${DATASET}(limit: 1) {count}}}}`,
      'in combination, your request queries too many nodes, zones and accounts',
    ],
    [
      'eleven datasets',
      `{viewer{accounts(filter: {accountTag: "account"}) {${Array.from({length: 11}, (_, i) => `a${i}: ${DATASET}(limit: 1, filter: {datetime_geq: "${at(1)}"}) {count}`).join(' ')}}}}`,
      'in combination, your request queries too many nodes, zones and accounts',
    ],
  ])('for %s is refused', async (_, query, expected) => {
    expect(await message(post({query}))).toBe(expected)
  })

  it('names the place of an error, and `authz` if the permission is missing', async () => {
    const [older] = (await ask({filter: {}})).errors ?? []
    expect(older?.path).toEqual(['viewer', 'accounts', '0', DATASET])
    const [missing] = (await ask({token: READER})).errors ?? []
    expect(missing?.extensions['code']).toBe('authz')
  })

  it('is refused by the plan without the dataset', async () => {
    api.state.data.settings = {analytics: false}
    expect(await message(ask())).toBe(`account "account" does not have access to the path "${DATASET}"`)
  })

  it('has the HTTP status of its error if the account says so', async () => {
    api.state.data.settings = {graphql_error_status: true}
    expect((await ask()).status).toBe(200)
    expect((await ask({filter: {}})).status).toBe(400)
    expect((await ask({token: READER})).status).toBe(403)
    expect((await post({query: `{${'a:__typename '.repeat(4000)}}`})).status).toBe(429)
  })

  it('needs an API token that is valid, and counts for its limit of requests, as every request does', async () => {
    expect((await post({query: named}, 'unknown')).status).toBe(403)
    expect((await post({query: named}, EXPIRED)).status).toBe(403)
    api.state.data.settings = {rate_limit: 1}
    await post({query: named})
    expect((await post({query: named})).status).toBe(429)
  })
})

describe('a hostile query', () => {
  const inside = (filter: string): string =>
    `{viewer{accounts(filter: {accountTag: "account"}) {${DATASET}(limit: 1, filter: ${filter}) {count}}}}`
  const many = (count: number, text: (i: number) => string): string =>
    Array.from({length: count}, (_, i) => text(i)).join(' ')
  const time = `datetime_geq: "${new Date(NOW - HOUR).toISOString()}"`
  const LARGE = /excessive resources/

  const QUERIES: [string, string, RegExp][] = [
    ['that is nested deeply', `${'{a'.repeat(1900)}${'}'.repeat(1900)}`, LARGE],
    ['that is nested without an end', '{a'.repeat(200_000), LARGE],
    [
      'with lists in lists',
      inside(`{appId_in: ${'['.repeat(500)}${']'.repeat(500)}}`),
      /appId_in must be of type string/,
    ],
    ['with filters in filters', inside(`${'{AND: '.repeat(20)}{}${'}'.repeat(20)}`), /too deep/],
    ['with thousands of aliases', `{${many(20_000, (i) => `a${i}: __typename`)}}`, LARGE],
    ['with hundreds of aliases', `{${many(600, (i) => `a${i}: __typename`)}}`, LARGE],
    ['with one field ten thousand times', `{${'__typename '.repeat(10_000)}}`, LARGE],
    [
      'with a circle of fragments',
      `{...A} fragment A on Query {...B} fragment B on Query {...A}`,
      /Cannot spread fragment/,
    ],
    [
      'with fragments that double thirty times',
      `{...F0} ${many(30, (i) => `fragment F${i} on Query {a: viewer {__typename} ...F${i + 1} b: viewer {__typename} ...F${i + 1}}`)} fragment F30 on Query {__typename}`,
      LARGE,
    ],
    [
      'with types of types of types',
      `{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}`,
      /introspection depth/,
    ],
    [
      'with every type a hundred times',
      `{${many(100, (i) => `a${i}: __schema{types{fields{args{type{name}}}}}`)}}`,
      LARGE,
    ],
    ['with unknown directives', `{${many(100, (i) => `a${i}: __typename @x @y`)}}`, /directive/],
    ['with one directive a thousand times', `{__typename ${'@include(if: true) '.repeat(1000)}}`, LARGE],
    [
      'with a filter of hundreds of conditions',
      inside(`{${time} OR: [${many(100, () => '{appId: "a"}')}]}`),
      /too many conditions/,
    ],
    [
      'with a pattern of thousands of parts',
      inside(`{${time} appId_like: "${'%a'.repeat(1000)}"}`),
      /appId_like is too long/,
    ],
    [
      'with ten patterns',
      inside(`{${time} OR: [${many(10, () => '{appId_like: "%a%"}')}]}`),
      /too many conditions/,
    ],
    ['with hundreds of empty filters', inside(`{${time} OR: [${'{}'.repeat(300)}]}`), /too many conditions/],
    ['with a mutation', 'mutation {x}', /mutation/],
    ['with a subscription', 'subscription {x}', /subscription/],
    ['that is empty', '', /Syntax Error/],
    ['of control characters', '\u0000\u001B[31m', /Syntax Error/],
    ['of one text without an end', `{a(b: "${'x'.repeat(500_000)}`, /Syntax Error/],
    ['of a megabyte of blanks', ' '.repeat(1_000_000), /Syntax Error/],
  ]
  it.each(QUERIES)('%s is refused', async (_, query, expected) => {
    const {status, data, errors} = await post({query})
    expect({status, data}).toEqual({status: 200, data: null})
    expect(errors?.[0]?.message).toMatch(expected)
    expect(errors?.length).toBeLessThanOrEqual(5)
  })

  it.each<[string, unknown, RegExp]>([
    ['no query', {}, /review it/],
    ['a query that is no text', {query: ['{__typename}']}, /review it/],
    ['variables that are no object', {query: '{__typename}', variables: [1]}, /review it/],
    ['a list of queries', [{query: '{__typename}'}], /review it/],
    ['no body', '', /review it/],
  ])('with %s is refused', async (_, body, expected) => {
    expect(await message(post(body))).toMatch(expected)
  })

  // The declared type of a variable is not compared with that of the argument.
  it.each<[string, JsonObject, RegExp]>([
    ['that names what objects inherit', {constructor: 'a'}, /unknown filter constructor/],
    ['that names the prototype', JSON.parse('{"__proto__": "a"}') as JsonObject, /unknown filter __proto__/],
    ['with filters in filters', nested(500), /too deep|Request body/],
    [
      'with a hundred thousand filters',
      {OR: Array.from({length: 100_000}, () => ({}))},
      /too many conditions/,
    ],
  ])('with a filter %s is refused', async (_, filter, expected) => {
    const query = `query ($f: Time) {viewer{accounts(filter: {accountTag: "account"}) {${DATASET}(limit: 1, filter: $f) {count}}}}`
    expect(await message(post({query, variables: {f: filter}}))).toMatch(expected)
  })

  it('with an order that is no list is refused', async () => {
    const query = `query ($o: Time) {viewer{accounts(filter: {accountTag: "account"}) {${DATASET}(limit: 1, filter: {${time}}, orderBy: $o) {count}}}}`
    expect(await message(post({query, variables: {o: {a: 1}}}))).toMatch(/orderBy/)
  })

  it('finds a list of a hundred thousand values as any other', async () => {
    happened = [event()]
    const tokens = Array.from({length: 100_000}, (_, i) => `t${i}`)
    expect(await rows({filter: {...lastWeek, serviceTokenId_in: tokens}})).toEqual([])
    expect(await rows({filter: {...lastWeek, serviceTokenId_in: [...tokens, 'token']}})).toEqual([{count: 1}])
  })
})

function nested(depth: number): JsonObject {
  let value: JsonObject = {}
  for (let i = 0; i < depth; i++) value = {AND: [value]}
  return value
}
