import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {askEach} from '../../../src/lib/access/account/ask-each.js'
import {readAccountRules, type HowToRead} from '../../../src/lib/access/account/account-rules.js'
import {createAccessApi} from '../../../src/lib/api/client.js'
import {toApplication} from '../../../src/lib/api/convert.js'
import type {AccessApi, Application, Pause, Plan} from '../../../src/lib/api/types.js'
import type {Part} from '../../../src/lib/core/progress.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {SandboxApi} from '../../support/sandbox-api.js'

const APPLICATIONS = 400
const LIMIT = 120

/** Time passes only while zt waits. */
let time = Date.UTC(2026, 10, 28)
let sandbox: SandboxApi
let api: AccessApi
let plans: (Plan & {after: number})[]
let pauses: Pause[]

beforeAll(async () => {
  const policies = Array.from({length: 5}, (_, at) => ({
    ...{id: `policy-${at}`, name: `Policy ${at}`, decision: 'non_identity'},
    include: [{any_valid_service_token: {}}],
  }))
  const apps = Array.from({length: APPLICATIONS}, (_, at) => ({
    ...{name: `Service ${at}`, domain: `service-${at}.widgetcorp.tech`},
    policies: [`policy-${at % 5}`, `policy-${(at + 1) % 5}`],
  }))
  sandbox = await SandboxApi.open({policies, apps}, {now: () => time})
})

afterAll(() => sandbox.close())

beforeEach(() => {
  // The limit of the run before is over.
  time += 3600_000
  sandbox.exchanges.length = 0
  sandbox.state.data.settings = {rate_limit: LIMIT}
  ;[plans, pauses] = [[], []]
  api = createAccessApi({
    apiUrl: sandbox.url,
    apiToken: new Secret(sandbox.state.apiToken),
    accountId: sandbox.state.accountId,
    userAgent: 'zt-test',
    now: () => time,
    async sleep(milliseconds) {
      const until = time + milliseconds
      await Promise.resolve()
      time = Math.max(time, until)
    },
    onPlan: (plan) => plans.push({...plan, after: sandbox.exchanges.length}),
    onWait: (pause) => pauses.push(pause),
  })
})

const refused = (): number => sandbox.exchanges.filter(({status}) => status === 429).length
const read = (how: Partial<HowToRead> = {}, from = api): ReturnType<typeof readAccountRules> =>
  readAccountRules(from, {allNeeded: true, thorough: false, ...how})

/** The same API whose list of applications names their policies by ID alone, and those of some not at all as it has them. */
function referring(unlisted: (application: Application) => boolean = () => false): AccessApi {
  async function* applications(): ReturnType<AccessApi['applications']> {
    for await (const {items, total} of api.applications()) {
      const short = items.map((application) =>
        toApplication({
          ...application.raw,
          policies: application.policies.map(({id, precedence = null}) => ({
            ...{id: unlisted(application) ? `inline-${id}` : id, precedence},
          })),
        }),
      )
      yield {items: short, total}
    }
  }
  return {...api, applications}
}

describe('the copies of policies in the list of applications', () => {
  it('are the list as the API gave it, and share the rules that are equal', async () => {
    sandbox.state.data.settings = {}
    /** One whose rules differ from those of the account's policy, and one that the account does not have. */
    async function* applications(): ReturnType<AccessApi['applications']> {
      for await (const {items, total} of api.applications()) {
        const changed = items.map((application) => {
          const raw = structuredClone(application.raw)
          const [first] = raw['policies'] as Record<string, unknown>[]
          if (first && application.name === 'Service 0') first['include'] = [{everyone: {}}]
          if (first && application.name === 'Service 1') first['id'] = 'inline'
          return toApplication(raw)
        })
        yield {items: changed, total}
      }
    }
    const given: Application[] = []
    for await (const {items} of applications()) given.push(...items)
    const {rules} = await read({}, {...api, applications})
    expect(rules.applications).toEqual(given)
    const byId = new Map(rules.policies.map((policy) => [policy.id, policy]))
    const own = rules.applications.flatMap(({name, policies}) =>
      policies.flatMap(({id, include}) => (include === byId.get(id)?.include ? [] : [name])),
    )
    expect(own.sort()).toEqual(['Service 0', 'Service 1'])
  })
})

describe('the rules of an account with more applications than the limit allows requests', () => {
  it('are read whole without a single refusal, in about the time that was said after the first pages', async () => {
    const [began, steps] = [time, [] as (Part | undefined)[]]
    const progress = {
      step: (_: string, part?: Part) => void steps.push(part),
      wait: () => undefined,
    }
    const {rules} = await read({thorough: true, progress})
    expect(rules.applications.map(({policies}) => policies.length)).toEqual(
      Array.from({length: APPLICATIONS}, () => 2),
    )
    expect(refused()).toBe(0)
    expect(plans).toHaveLength(1)
    const [{requests, seconds, after} = {requests: 0, seconds: 0, after: 0}] = plans
    // Policies, groups and the first page of applications.
    expect(after).toBe(3)
    expect(requests).toBe(APPLICATIONS + 3)
    const took = (time - began) / 1000
    expect(took).toBeLessThanOrEqual(seconds + 300)
    expect(seconds).toBeLessThanOrEqual(took * 1.05)
    expect(pauses).toEqual([])
    expect(steps.at(-1)).toEqual({done: APPLICATIONS - 4, of: APPLICATIONS})
  })

  it('are read whole while another program uses the rest of the limit', async () => {
    let others = 0
    const from = {
      ...api,
      listApplicationPolicies: async (id: string) => {
        if (++others % 10 === 0) await sandbox.call('GET', '/groups')
        return api.listApplicationPolicies(id)
      },
    }
    const {rules} = await read({thorough: true}, from)
    expect(rules.applications).toHaveLength(APPLICATIONS)
    expect(refused()).toBe(0)
  })

  it.each<[string, () => AccessApi, number]>([
    ['in whole', () => api, 0],
    ['by the IDs of the policies of the account', () => referring(), 0],
    [
      'some by IDs that the account does not list',
      () => referring(({name}) => name.endsWith('0')),
      APPLICATIONS / 10,
    ],
  ])(
    'need a request for an application only if nothing else has its policies: listed %s',
    async (_, from, asked) => {
      const {rules} = await read({}, from())
      const [mine, theirs] = [rules.applications, (await read()).rules.applications]
      expect(
        mine.map(({policies}) => policies.map(({id, include, precedence}) => ({id, include, precedence}))),
      ).toEqual(
        theirs.map(({policies}) => policies.map(({id, include, precedence}) => ({id, include, precedence}))),
      )
      const own = sandbox.exchanges.filter(({path}) => /\/apps\/[^/]+\/policies$/.test(path))
      expect(own).toHaveLength(asked)
      expect(refused()).toBe(0)
    },
  )
})

describe('a loop of requests', () => {
  it('announces what is left, also if it fails, and stops where the others need not be asked', async () => {
    const left: number[] = []
    const announcing = {expecting: () => (more: number) => void left.push(more)}
    const asked: number[] = []
    const answers = await askEach(announcing, [1, 2, 3, 4, 5, 6, 7, 8, 9], {
      doing: 'Asking',
      goesOn: () => asked.length < 8,
      ask: (one) => Promise.resolve(asked.push(one) * 10),
    })
    expect([asked, answers, left]).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8],
      [10, 20, 30, 40, 50, 60, 70, 80],
      [9, 5, 0],
    ])
    left.length = 0
    const failing = askEach(announcing, [1], {doing: 'Asking', ask: () => Promise.reject(new Error('no'))})
    await expect(failing).rejects.toThrow('no')
    expect(left).toEqual([1, 0])
  })
})
