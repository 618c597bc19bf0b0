import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {ROUTES, type Exchange} from '../../src/lib/sandbox/api/server.js'
import {TUTORIAL} from '../../src/lib/sandbox/tutorial.js'
import {Contract} from '../support/contract.js'
import {SandboxApi} from '../support/sandbox-api.js'

const contract = await Contract.load()
if (!contract) {
  process.stderr.write('SKIPPED: ../shared/contract is absent, so the sandbox is not checked against it.\n')
}

const accountToken = 'account-owned-token'
let api: SandboxApi
let state: SandboxApi['state']
let exchanges: SandboxApi['exchanges']

beforeAll(async () => {
  api = await SandboxApi.open({
    ...TUTORIAL,
    apps: [
      ...(TUTORIAL.apps ?? []),
      {
        name: 'Legacy',
        domain: 'legacy.widgetcorp.tech',
        policies: [{name: 'Own', decision: 'allow', include: [{everyone: {}}]}],
      },
    ],
    api_tokens: [{token: accountToken, owner: 'account', status: 'active'}],
  })
  ;({state, exchanges} = api)
})

afterAll(() => api.close())

const call = async (
  ...request: Parameters<SandboxApi['call']>
): Promise<{id: string} & Record<string, unknown>> =>
  (await api.call(...request)).result as {id: string} & Record<string, unknown>

const policy = (name: string): object => ({
  name,
  decision: 'non_identity',
  include: [{any_valid_service_token: {}}],
})

/** One life of each kind of object, so that every operation is answered at least once. */
async function everyOperation(): Promise<void> {
  const access = `/accounts/${state.accountId}/access`
  await call('GET', '/user/tokens/verify')
  await call('GET', `/accounts/${state.accountId}/tokens/verify`, {token: accountToken})
  await call('GET', '/accounts?page=1&per_page=50')
  await call('GET', `/accounts/${state.accountId}`)
  await call('GET', `/zones?name=widgetcorp.tech&account.id=${state.accountId}&page=1&per_page=50`)
  await call('GET', `/zones/${String(state.data.zones[0]?.['id'])}`)
  const organization = await call('GET', `${access}/organizations`)
  const {name, auth_domain} = organization
  for (const method of ['PUT', 'PATCH']) {
    await call(method, `${access}/organizations`, {body: {name, auth_domain}})
  }

  const tokens = `${access}/service_tokens`
  const token = await call('POST', tokens, {body: {name: 'a', duration: '24h'}})
  await call('POST', tokens, {body: {name: 'for ever', duration: 'forever'}})
  await call('GET', `${tokens}?name=a&search=a&page=1&per_page=10`)
  await call('GET', `${tokens}/${token.id}`)
  await call('PUT', `${tokens}/${token.id}`, {body: {name: 'b', duration: '48h'}})
  await call('POST', `${tokens}/${token.id}/rotate`, {
    body: {previous_client_secret_expires_at: new Date(Date.now() + 60_000).toISOString()},
  })
  await call('POST', `${tokens}/${token.id}/refresh`)

  const groups = `${access}/groups`
  const group = await call('POST', groups, {
    body: {name: 'machines', include: [{service_token: {token_id: token.id}}]},
  })
  await call('GET', `${groups}?name=machines&search=mach&page=1&per_page=10`)
  await call('GET', `${groups}/${group.id}`)
  await call('DELETE', `${tokens}/${token.id}`)
  await call('PUT', `${groups}/${group.id}`, {body: {name: 'people', include: [{everyone: {}}]}})

  const policies = `${access}/policies`
  const shared = await call('POST', policies, {
    body: {...policy('shared'), include: [{group: {id: group.id}}]},
  })
  await call('GET', policies)
  await call('GET', `${policies}/${shared.id}`)
  await call('PUT', `${policies}/${shared.id}`, {body: policy('shared')})

  const apps = `${access}/apps`
  const body = {name: 'New', type: 'self_hosted', domain: 'new.widgetcorp.tech'}
  const app = await call('POST', apps, {body: {...body, policies: [{id: shared.id, precedence: 1}]}})
  await call('POST', apps, {body})
  await call('DELETE', `${policies}/${shared.id}`)
  await call('GET', `${apps}?name=New&domain=new.widgetcorp.tech&exact=true&search=new&page=1&per_page=5`)
  await call('GET', `${apps}/${app.id}`)
  await call('POST', `${apps}/${app.id}/revoke_tokens`)
  await call('PUT', `${apps}/${app.id}`, {body: {...body, policies: []}})
  await call('DELETE', `${policies}/${shared.id}`)
  await call('DELETE', `${groups}/${group.id}`)
  await call('DELETE', `${tokens}/${token.id}`)
  await call('DELETE', `${apps}/${app.id}`)

  const legacy = `${apps}/${String(state.data.apps.find((one) => one['name'] === 'Legacy')?.['id'])}/policies`
  const own = await call('POST', legacy, {body: {...policy('own'), precedence: 7}})
  await call('GET', legacy)
  await call('GET', `${legacy}/${own.id}`)
  await call('PUT', `${legacy}/${own.id}`, {body: policy('own, too')})
  await call('DELETE', `${legacy}/${own.id}`)
  const other = await call('POST', legacy, {body: policy('own')})
  await call('PUT', `${legacy}/${other.id}/make_reusable`)
}

/** The same for the objects of a zone. */
async function everyOperationOfAZone(): Promise<void> {
  const access = `/zones/${String(state.data.zones[0]?.['id'])}/access`
  const {name, auth_domain} = await call('GET', `${access}/organizations`)
  await call('PUT', `${access}/organizations`, {body: {name, auth_domain}})

  const tokens = `${access}/service_tokens`
  const token = await call('POST', tokens, {body: {name: 'in the zone', duration: '24h'}})
  await call('GET', `${tokens}?name=a&search=a&page=1&per_page=10`)
  await call('GET', `${tokens}/${token.id}`)
  await call('PUT', `${tokens}/${token.id}`, {body: {name: 'still there'}})

  const groups = `${access}/groups`
  const group = await call('POST', groups, {body: {name: 'zone', include: [{everyone: {}}]}})
  await call('GET', `${groups}?name=zone&search=zone&page=1&per_page=10`)
  await call('GET', `${groups}/${group.id}`)
  await call('PUT', `${groups}/${group.id}`, {body: {name: 'zone', include: [{everyone: {}}]}})

  const apps = `${access}/apps`
  const body = {name: 'Of the zone', type: 'self_hosted', domain: 'zone.widgetcorp.tech'}
  const app = await call('POST', apps, {body})
  const policies = `${apps}/${app.id}/policies`
  const own = await call('POST', policies, {body: {...policy('own'), precedence: 1}})
  await call('GET', `${apps}?name=Of&domain=zone&search=zone&exact=false&page=1&per_page=5`)
  await call('GET', `${apps}/${app.id}`)
  await call('POST', `${apps}/${app.id}/revoke_tokens`)
  await call('GET', policies)
  await call('GET', `${policies}/${own.id}`)
  await call('PUT', `${policies}/${own.id}`, {body: policy('own, too')})
  await call('DELETE', `${policies}/${own.id}`)
  await call('PUT', `${apps}/${app.id}`, {body})
  for (const one of [`${apps}/${app.id}`, `${groups}/${group.id}`, `${tokens}/${token.id}`])
    await call('DELETE', one)
}

/** Refusals have the API's envelope as well. */
async function refusals(): Promise<void> {
  const access = `/accounts/${state.accountId}/access`
  await call('GET', '/user/tokens/verify', {token: 'unknown'})
  await call('GET', `${access}/service_tokens`, {token: 'unknown'})
  await call('GET', `${access}/service_tokens/00000000-0000-4000-8000-000000000000`)
  await call('POST', `${access}/service_tokens`, {body: {name: 'x'.repeat(351), duration: '24h'}})
  await call('POST', `${access}/policies`, {body: {name: 'no include', decision: 'allow'}})
  state.data.settings.hide_accounts = true
  await call('GET', '/accounts')
  delete state.data.settings.hide_accounts
  state.data.settings.rate_limit = 1
  await call('GET', '/accounts')
  await call('GET', '/accounts')
  delete state.data.settings.rate_limit
}

describe.skipIf(!contract)('the contract', () => {
  const violations = (): string[] => exchanges.flatMap((exchange) => contract?.violations(exchange) ?? [])

  it('is kept by every operation of the sandbox, and every one was tried', async () => {
    await everyOperation()
    await everyOperationOfAZone()
    expect(violations()).toEqual([])
    const answered = exchanges.filter(({status}) => status < 400)
    const untried = ROUTES.filter(({method, path: template}) => {
      const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
      return !answered.some((one) => one.method === method && pattern.test(one.path))
    })
    expect(untried.map(({method, path: template}) => `${method} ${template}`)).toEqual([])
  })

  it('is kept by refusals', async () => {
    const before = exchanges.length
    await refusals()
    const refused = exchanges.slice(before)
    expect(refused.map(({status}) => status)).toEqual([401, 403, 404, 400, 400, 400, 200, 429])
    expect(violations()).toEqual([])
  })

  it.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'asks for the permission that %s needs',
    (_, {method, path: template, permissions}) => {
      const wanted = contract?.permissions(method, template)
      if (wanted) expect([...permissions].sort()).toEqual([...wanted].sort())
    },
  )

  it('would notice: a wrong answer, status, query parameter or request is a violation', () => {
    const good = exchanges.find(({method, path: at}) => method === 'POST' && at.endsWith('/service_tokens'))
    if (!good) throw new Error('no exchange to spoil')
    const spoilt: Partial<Exchange>[] = [
      {responseBody: {success: true, errors: [], messages: []}},
      {responseBody: {...(good.responseBody as object), errors: 'none'}},
      {status: 200},
      {query: {nmae: 'x'}},
      {requestBody: {name: 5}},
      {requestBody: undefined},
      {path: '/accounts/x/access/nothing'},
    ]
    expect(contract?.violations(good)).toEqual([])
    for (const change of spoilt) expect(contract?.violations({...good, ...change})).not.toEqual([])
  })
})
