import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {UserError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'
import {FaultyApi, type Rule} from '../faults/faulty-api.js'
import {ACCOUNT, LiveWorld, questionsOf} from './live-world.js'
import {newRun, type Kind} from './names.js'
import {RawApi} from './raw-api.js'
import {LiveRecord} from './record.js'
import {removeAll} from './undo.js'

// Durability is not what is tested here.
vi.mock('../../src/lib/system/files.js', async (original) => ({
  ...(await original<object>()),
  writeFileAtomic: (await import('./plain-files.js')).writeFileAtomic,
}))

let world: LiveWorld
let before: object
beforeEach(async () => {
  world = await LiveWorld.open()
  before = await world.objects()
})
afterEach(() => world.close())

/** The account as another client sees it. */
const call = async (method: string, path: string, body?: object): Promise<JsonObject> => {
  const answer = await fetch(`${world.info.apiUrl}/accounts/${ACCOUNT}/access/${path}`, {
    method,
    headers: {authorization: `Bearer ${world.info.apiToken}`},
    ...(body && {body: JSON.stringify(body)}),
  })
  return ((await answer.json()) as {result: JsonObject}).result
}
const rawApi = async (run = newRun()): Promise<{api: RawApi; record: LiveRecord; run: string}> => {
  const record = await LiveRecord.open(world.recordFile, ACCOUNT)
  const {apiUrl, apiToken} = world.info
  const {time} = world
  return {
    api: new RawApi({apiUrl, apiToken: new Secret(apiToken), accountId: ACCOUNT, record, run, time}),
    record,
    run,
  }
}
const recorded = async (): Promise<unknown> => (await LiveRecord.open(world.recordFile, ACCOUNT)).objects
const everyone = [{everyone: {}}]

describe('a run changes nothing that it did not make:', () => {
  const foreign: [string, Parameters<RawApi['access']>][] = [
    ['it makes nothing with another name', ['POST', 'groups', {name: 'zt-live-server', include: everyone}]],
    ['nor with the name of another run', ['POST', 'groups', {name: `${newRun()}-1`, include: everyone}]],
    ['nor without a name', ['POST', 'service_tokens', {}]],
    ['it changes no other object', ['PUT', 'policies/policy-ci', {decision: 'deny', include: everyone}]],
    [
      'adds no policy to another application',
      ['POST', 'apps/app-ci/policies', {decision: 'bypass', include: everyone}],
    ],
    ['rotates no other token', ['POST', 'service_tokens/token-ci/rotate', {}]],
    ['deletes no other object', ['DELETE', 'policies/policy-live']],
    ['and knows no other kind of object', ['PUT', 'organizations', {strict_service_token_auth: true}]],
  ]
  it.each(foreign)('%s', async (_, request) => {
    const {api} = await rawApi()
    await expect(api.access(...request)).rejects.toMatchObject({name: 'BugError'})
    expect(await world.objects()).toEqual(before)
  })

  it('an object that has another name since is not deleted', async () => {
    const {api, record, run} = await rawApi()
    const {result} = await api.access('POST', 'service_tokens', {name: `${run}-1`})
    const {id} = result as {id: string}
    await call('PUT', `service_tokens/${id}`, {name: 'production'})
    await expect(api.access('DELETE', `service_tokens/${id}`)).rejects.toMatchObject({name: 'BugError'})
    const left = await removeAll({api, record, time: world.time}, api.made)
    expect(left).toMatchObject([{id, why: 'It has another name now.'}])
    expect(await call('GET', `service_tokens/${id}`)).toMatchObject({name: 'production'})
  })

  it('an account with another name or ID is not asked', async () => {
    const posts = await world.run({yes: 'Widget'}).catch((error: unknown) => error)
    expect(posts).toMatchObject({code: 'OTHER_ACCOUNT'})
    expect(await world.objects()).toEqual(before)
  })

  it('two runs do not share a record', async () => {
    let second: unknown
    const first = world.run({
      questions: questionsOf('token.order'),
      say: () => (second ??= world.run({questions: []}).catch((error: unknown) => error)),
    })
    expect(await first).toMatchObject({failure: undefined})
    expect(await second).toMatchObject({code: 'LIVE_RUNS'})
  })
})

describe('what a run has made is removed', () => {
  const QUESTIONS = questionsOf(
    'token.in-use',
    'policy.in-use',
    'group.in-use',
    'app.mixed',
    'app.precedence',
    'edge.cookie',
  )

  it('whenever it is interrupted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(120), async (at) => {
        const api = await FaultyApi.start(world.info.apiUrl)
        const controller = new AbortController()
        const reason = new UserError({kind: 'cancelled', code: 'INTERRUPTED', message: 'Interrupted'})
        api.spoil({
          method: '*',
          path: '*',
          action: {do: 'pass'},
          from: at + 1,
          times: 1,
          then: () => controller.abort(reason),
        })
        const result = await world
          .run({
            questions: QUESTIONS,
            signal: controller.signal,
            world: {...world.target, apiUrl: api.url},
          })
          .catch((error: unknown) => error)
        await api.close()
        if (controller.signal.aborted)
          expect(result).toMatchObject(result instanceof Error ? {} : {failure: reason})
        expect(await world.objects()).toEqual(before)
        // A creation without an answer stays in the record until the next run has looked for it.
        await world.run({questions: []})
        expect(await recorded()).toEqual([])
      }),
      {numRuns: 12},
    )
  })

  const faults: [string, Rule][] = [
    [
      'a creation without an answer',
      {method: 'POST', path: '*', action: {do: 'lose-answer'}, from: 3, times: 2},
    ],
    [
      'a creation whose answer is half',
      {method: 'POST', path: '*', action: {do: 'truncate'}, from: 2, times: 1},
    ],
    [
      'a gateway that denies a creation',
      {method: 'POST', path: '*', action: {do: 'bad-gateway'}, from: 4, times: 1},
    ],
    ['reads without an answer', {method: 'GET', path: '*', action: {do: 'reset'}, from: 9, times: 2}],
    [
      'deletions that fail for a while',
      {method: 'DELETE', path: '*', action: {do: 'refuse', status: 500}, from: 2, times: 3},
    ],
    [
      'a deletion whose answer is lost',
      {method: 'DELETE', path: '*', action: {do: 'lose-answer'}, from: 1, times: 1},
    ],
    [
      'a pause that the API asks for',
      {method: 'POST', path: '*', action: {do: 'rate-limit', retryAfter: 200}, from: 3, times: 2},
    ],
  ]
  it.each(faults)('despite %s; at the latest by the next run', async (_, rule) => {
    const api = await FaultyApi.start(world.info.apiUrl)
    api.spoil(rule)
    await world.run({questions: QUESTIONS, world: {...world.target, apiUrl: api.url}})
    await api.close()
    expect(await world.run({questions: []})).toMatchObject({failure: undefined, remaining: []})
    expect(await world.objects()).toEqual(before)
    expect(await recorded()).toEqual([])
  })

  it('by the next run if the API answers no more', async () => {
    const api = await FaultyApi.start(world.info.apiUrl)
    api.spoil({method: '*', path: '*', action: {do: 'reset'}, from: 40})
    const {failure} = await world.run({questions: QUESTIONS, world: {...world.target, apiUrl: api.url}})
    await api.close()
    expect(failure).toMatchObject({code: 'API_UNREACHABLE'})
    const said: string[] = []
    await world.run({questions: [], say: (line) => said.push(line)})
    expect(said.filter((line) => line.includes('an earlier run has left'))).not.toEqual([])
    expect(await world.objects()).toEqual(before)
    expect(await recorded()).toEqual([])
  })

  it('of a run that this machine does not know, if it is older than an hour', async () => {
    const kinds: [Kind, object][] = [
      ['service_tokens', {}],
      ['groups', {include: everyone}],
      ['policies', {decision: 'allow', include: everyone}],
      ['apps', {type: 'self_hosted', domain: 'old.widgetcorp.tech'}],
    ]
    const run = newRun()
    for (const [kind, body] of kinds) await call('POST', kind, {name: `${run}-${kind}`, ...body})
    const young = await world.objects()
    const said: string[] = []
    await world.run({questions: [], say: (line) => said.push(line)})
    expect(await world.objects()).toEqual(young)
    expect(said.filter((line) => line.startsWith('Left alone'))).toHaveLength(4)
    await world.time.sleep(3601_000)
    await world.run({questions: []})
    expect(await world.objects()).toEqual(before)
  })
})

describe("the API's limits", () => {
  it('are kept: at most 1000 requests in five minutes', async () => {
    const {api} = await rawApi()
    const begin = world.time.now()
    for (let left = 1000; left > 0; left--) await api.get('/user/tokens/verify')
    expect(world.time.now()).toBe(begin)
    await api.get('/user/tokens/verify')
    expect(world.time.now() - begin).toBe(300_000)
  })

  it('are waited for when the API says so, and no longer than they can last', async () => {
    const {apiUrl} = world.info
    const api = await FaultyApi.start(apiUrl)
    api.spoil({method: 'GET', path: '*', action: {do: 'rate-limit', retryAfter: 7}, times: 1})
    const begin = world.time.now()
    await world.run({questions: questionsOf('account.list'), world: {...world.target, apiUrl: api.url}})
    expect(world.time.now() - begin).toBe(7000)
    api.reset()
    api.spoil({method: 'GET', path: '*', action: {do: 'rate-limit', retryAfter: 3600}})
    await expect(
      world.run({questions: questionsOf('account.list'), world: {...world.target, apiUrl: api.url}}),
    ).rejects.toMatchObject({code: 'RATE_LIMITED'})
    await api.close()
  })

  it('an API token without a permission is refused by name, and not taken for one that is throttled', async () => {
    const api = await FaultyApi.start(world.info.apiUrl)
    api.spoil({method: 'POST', path: '/groups', action: {do: 'refuse', status: 403, code: 10000}})
    const {failure} = await world.run({
      questions: questionsOf('group'),
      world: {...world.target, apiUrl: api.url},
    })
    await api.close()
    expect(failure).toMatchObject({
      code: 'PERMISSION_MISSING',
      message: expect.stringContaining('Access groups') as string,
    })
    expect(await world.objects()).toEqual(before)
  })
})
