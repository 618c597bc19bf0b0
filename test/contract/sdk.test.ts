import Cloudflare from 'cloudflare'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import {toApplication, toGroup, toPolicy, toServiceToken} from '../../src/lib/api/convert.js'
import {OPERATIONS, type Operation, type OperationName} from '../../src/lib/api/operations.js'
import type {AccessApi} from '../../src/lib/api/types.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import type {Exchange} from '../../src/lib/sandbox/api/server.js'
import {Contract} from '../support/contract.js'
import {SandboxApi} from '../support/sandbox-api.js'

const contract = await Contract.load()

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const ZONE = '9a7806061c88ada191ed06f989cc3dac'
const ACCOUNT_TOKEN = 'account-owned-token'

/** The same objects in the account and in its zone. */
const objectsIn = (at: 'account' | 'zone') => {
  const [prefix, place] = [at, at === 'zone' ? {zone_id: ZONE} : {}]
  return {
    tokens: [{id: `${prefix}-token`, name: 'ci', client_id: `${prefix}.access`, ...place}],
    groups: [{id: `${prefix}-group`, name: 'people', include: [{everyone: {}}], ...place}],
    apps: [
      {
        ...{id: `${prefix}-app`, name: 'Own', type: 'self_hosted', domain: `${prefix}.widgetcorp.tech`},
        policies: [
          {id: `${prefix}-own`, name: 'Own', decision: 'allow', include: [{everyone: {}}]},
        ] as JsonObject[],
        ...place,
      },
    ],
  }
}
const [inAccount, inZone] = [objectsIn('account'), objectsIn('zone')]

let sandbox: SandboxApi
let beginning: string
let sdk: Cloudflare

beforeAll(async () => {
  sandbox = await SandboxApi.open({
    accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
    zones: [{id: ZONE, name: 'widgetcorp.tech'}],
    service_tokens: [...inAccount.tokens, ...inZone.tokens],
    groups: [...inAccount.groups, ...inZone.groups],
    policies: [{id: 'policy', name: 'Staff', decision: 'allow', include: [{everyone: {}}]}],
    apps: [...inAccount.apps, ...inZone.apps],
    api_tokens: [{id: 'owned', token: ACCOUNT_TOKEN, owner: 'account'}],
  })
  beginning = JSON.stringify(sandbox.state.data)
  // Durability is not what is tested here.
  sandbox.state.save = () => Promise.resolve()
  sdk = sdkWith(sandbox.state.apiToken)
})
beforeEach(reset)
afterAll(() => sandbox.close())

function reset(): void {
  Object.assign(sandbox.state.data, JSON.parse(beginning))
  sandbox.exchanges.length = 0
}

/** Cloudflare's own client, with nothing of the environment. */
function sdkWith(apiToken: string): Cloudflare {
  return new Cloudflare({
    apiToken,
    ...{apiKey: null, apiEmail: null, userServiceKey: null, baseURL: sandbox.url, maxRetries: 0},
  })
}

/** Where an operation happens. */
interface Place {
  scope: {account_id: string} | {zone_id: string}
  /** What the IDs of its objects begin with. */
  at: 'account' | 'zone'
}

/** An operation by Cloudflare's client and by zt's, and what zt makes of the raw answer. */
interface Way {
  sdk: (place: Place) => Promise<unknown>
  zt: (api: AccessApi, at: Place['at']) => Promise<unknown>
  /** Undefined: zt does not return what was answered. */
  read?: (raw: JsonObject) => unknown
}

const all = async (pages: AsyncIterable<unknown>): Promise<unknown[]> => {
  const items = []
  for await (const item of pages) items.push(item)
  return items
}
const until = '2030-01-01T00:00:00Z'
const group = {name: 'Group', include: [{everyone: {}}]}
const policy = {name: 'Policy', decision: 'allow' as const, include: [{everyone: {}}]}
const app = (at: string) => ({name: 'App', type: 'self_hosted' as const, domain: `new-${at}.widgetcorp.tech`})
/** The SDK's types know neither a policy of an application nor make_reusable (an open issue of its own). */
const untyped = (params: object) => params as never
const access = () => sdk.zeroTrust.access
const account = {account_id: ACCOUNT}
const named = ({id, name}: JsonObject): unknown => ({id, name})

/** Those of the API reference: the SDK has no method for GraphQL. */
type SdkOperation = Exclude<OperationName, 'accessEvents'>

// prettier-ignore
const WAYS: Record<SdkOperation, Way> = {
  verifyUserToken: {sdk: () => sdk.user.tokens.verify(), zt: (api) => api.verifyToken(), read: ({id, status}) => ({id, status, owner: 'user', expiresOn: undefined})},
  verifyAccountToken: {sdk: () => sdkWith(ACCOUNT_TOKEN).accounts.tokens.verify(account), zt: () => ztWith(ACCOUNT_TOKEN, 'account').verifyToken(), read: ({id, status}) => ({id, status, owner: 'account', expiresOn: undefined})},
  listAccounts: {sdk: () => all(sdk.accounts.list()), zt: (api) => api.listAccounts(), read: named},
  listZones: {sdk: () => all(sdk.zones.list({account: {id: ACCOUNT}})), zt: (api) => api.listZones(), read: ({id, name, account: of}) => ({id, name, account: named({name: ACCOUNT, ...(of as JsonObject)})})},
  listServiceTokens: {sdk: ({scope}) => all(access().serviceTokens.list(scope)), zt: (api) => api.listServiceTokens(), read: toServiceToken},
  getServiceToken: {sdk: ({scope, at}) => access().serviceTokens.get(`${at}-token`, scope), zt: (api, at) => api.getServiceToken(`${at}-token`), read: toServiceToken},
  createServiceToken: {sdk: ({scope}) => access().serviceTokens.create({...scope, name: 'new', duration: '24h'}), zt: async (api) => (await api.createServiceToken({name: 'new', duration: '24h'})).token, read: toServiceToken},
  updateServiceToken: {sdk: ({scope, at}) => access().serviceTokens.update(`${at}-token`, {...scope, name: 'renamed'}), zt: (api, at) => api.updateServiceToken(`${at}-token`, {name: 'renamed'}), read: toServiceToken},
  deleteServiceToken: {sdk: ({scope, at}) => access().serviceTokens.delete(`${at}-token`, scope), zt: (api, at) => api.deleteServiceToken(`${at}-token`)},
  rotateServiceToken: {sdk: () => access().serviceTokens.rotate('account-token', {...account, previous_client_secret_expires_at: until}), zt: async (api) => (await api.rotateServiceToken('account-token', until)).token, read: toServiceToken},
  refreshServiceToken: {sdk: () => access().serviceTokens.refresh('account-token', account), zt: (api) => api.refreshServiceToken('account-token'), read: toServiceToken},
  listApplications: {sdk: ({scope}) => all(access().applications.list(scope)), zt: (api) => api.listApplications(), read: toApplication},
  getApplication: {sdk: ({scope, at}) => access().applications.get(`${at}-app`, scope), zt: (api, at) => api.getApplication(`${at}-app`), read: toApplication},
  createApplication: {sdk: ({scope, at}) => access().applications.create({...scope, ...app(at)}), zt: (api, at) => api.createApplication(app(at)), read: toApplication},
  replaceApplication: {sdk: ({scope, at}) => access().applications.update(`${at}-app`, {...scope, ...app(at)}), zt: (api, at) => api.replaceApplication(`${at}-app`, app(at)), read: toApplication},
  deleteApplication: {sdk: ({scope, at}) => access().applications.delete(`${at}-app`, scope), zt: (api, at) => api.deleteApplication(`${at}-app`)},
  listApplicationPolicies: {sdk: ({scope, at}) => all(access().applications.policies.list(`${at}-app`, scope)), zt: (api, at) => api.listApplicationPolicies(`${at}-app`), read: toPolicy},
  createApplicationPolicy: {sdk: ({scope, at}) => access().applications.policies.create(`${at}-app`, untyped({...scope, ...policy})), zt: (api, at) => api.createApplicationPolicy(`${at}-app`, policy), read: toPolicy},
  replaceApplicationPolicy: {sdk: ({scope, at}) => access().applications.policies.update(`${at}-own`, untyped({...scope, app_id: `${at}-app`, ...policy})), zt: (api, at) => api.replaceApplicationPolicy(`${at}-app`, `${at}-own`, policy), read: toPolicy},
  deleteApplicationPolicy: {sdk: ({scope, at}) => access().applications.policies.delete(`${at}-own`, {...scope, app_id: `${at}-app`}), zt: (api, at) => api.deleteApplicationPolicy(`${at}-app`, `${at}-own`)},
  makePolicyReusable: {sdk: async () => (await sdk.put<{result: unknown}>(`/accounts/${ACCOUNT}/access/apps/account-app/policies/account-own/make_reusable`)).result, zt: (api) => api.makePolicyReusable('account-app', 'account-own'), read: toPolicy},
  listPolicies: {sdk: () => all(access().policies.list(account)), zt: (api) => api.listPolicies(), read: toPolicy},
  getPolicy: {sdk: () => access().policies.get('policy', account), zt: (api) => api.getPolicy('policy'), read: toPolicy},
  createPolicy: {sdk: () => access().policies.create({...account, ...policy}), zt: (api) => api.createPolicy(policy), read: toPolicy},
  replacePolicy: {sdk: () => access().policies.update('policy', {...account, ...policy}), zt: (api) => api.replacePolicy('policy', policy), read: toPolicy},
  deletePolicy: {sdk: () => access().policies.delete('policy', account), zt: (api) => api.deletePolicy('policy')},
  listGroups: {sdk: ({scope}) => all(access().groups.list(scope)), zt: (api) => api.listGroups(), read: toGroup},
  getGroup: {sdk: ({scope, at}) => access().groups.get(`${at}-group`, scope), zt: (api, at) => api.getGroup(`${at}-group`), read: toGroup},
  createGroup: {sdk: ({scope}) => access().groups.create({...scope, ...group}), zt: (api) => api.createGroup(group), read: toGroup},
  replaceGroup: {sdk: ({scope, at}) => access().groups.update(`${at}-group`, {...scope, ...group}), zt: (api, at) => api.replaceGroup(`${at}-group`, group), read: toGroup},
  deleteGroup: {sdk: ({scope, at}) => access().groups.delete(`${at}-group`, scope), zt: (api, at) => api.deleteGroup(`${at}-group`)},
  getOrganization: {sdk: ({scope}) => sdk.zeroTrust.organizations.list(scope), zt: (api) => api.getOrganization(), read: (raw) => raw},
}

function ztWith(apiToken: string, at: Place['at']): AccessApi {
  return createAccessApi({
    ...{apiUrl: sandbox.url, apiToken: new Secret(apiToken), accountId: ACCOUNT, userAgent: 'zt-test'},
    zoneId: at === 'zone' ? ZONE : undefined,
  })
}

/** What differs between two runs: IDs, secrets and times of what was made in them. */
function alike<T>(value: T): T {
  const text = JSON.stringify(value ?? null)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/"[0-9a-f]{64}"|"[0-9a-f]{32}\.access"|"cfast_\w+"/g, '"RANDOM"')
    .replaceAll(/"20\d\d-\d\d-\d\dT[\d:]+Z"/g, '"TIME"')
  return JSON.parse(text) as T
}

/**
 * The operation's request and answer. A list is one request whatever its pages: how it is cut, and whether an empty page
 * is read at its end, is up to the client.
 */
function sentFor(name: SdkOperation): Omit<Exchange, 'query' | 'responseBody'> & {result: unknown} {
  // zt asks for a user's token first.
  const [first, ...more] = sandbox.exchanges.filter(
    ({path}) => name !== 'verifyAccountToken' || path !== '/user/tokens/verify',
  )
  if (!first) throw new Error(`nothing was sent for ${name}`)
  const {query: _q, responseBody, ...rest} = first
  const results = [responseBody, ...more.map((one) => one.responseBody)].map(
    (body) => (body as JsonObject)['result'],
  )
  for (const {method, path} of more) expect({method, path}).toEqual({method: 'GET', path: first.path})
  return {...rest, result: Array.isArray(results[0]) ? results.flat() : results[0]}
}

const ACCOUNT_PLACE: Place = {scope: account, at: 'account'}
const ZONE_PLACE: Place = {scope: {zone_id: ZONE}, at: 'zone'}
const names = Object.keys(WAYS) as SdkOperation[]
const cases = names.flatMap((name) => {
  const {zoneOperationId}: Operation = OPERATIONS[name]
  return [ACCOUNT_PLACE, ...(zoneOperationId === undefined ? [] : [ZONE_PLACE])].map(
    (place) => [name, place.at, place] as const,
  )
})

describe("Cloudflare's own client and zt's", () => {
  it.each(cases)('send and get the same for %s (%s)', async (name, at, place) => {
    const way = WAYS[name]
    const answered = (await way.sdk(place)) as JsonObject | JsonObject[]
    const bySdk = sentFor(name)
    expect(sandbox.exchanges.flatMap((one) => contract?.violations(one) ?? [])).toEqual([])
    reset()
    const returned = await way.zt(ztWith(sandbox.state.apiToken, at), at)
    const byZt = sentFor(name)
    expect(sandbox.exchanges.flatMap((one) => contract?.violations(one) ?? [])).toEqual([])

    expect(alike(byZt)).toEqual(alike(bySdk))
    expect(answered, 'the SDK loses nothing of the answer').toEqual(bySdk.result)
    if (!way.read) return
    const read = Array.isArray(answered) ? answered.map(way.read) : way.read(answered)
    expect(alike(returned)).toEqual(alike(read))
  })

  it('get the same refusal', async () => {
    const error: unknown = await access()
      .serviceTokens.get('nothing', account)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Cloudflare.NotFoundError)
    const {status, errors} = error as InstanceType<typeof Cloudflare.NotFoundError>
    const refused = ztWith(sandbox.state.apiToken, 'account').getServiceToken('nothing')
    await expect(refused).rejects.toMatchObject({status, apiCodes: errors.map(({code}) => code)})
  })
})
