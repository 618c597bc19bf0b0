import {isJsonObject, type JsonObject} from '../core/json.js'
import {ApiError, UserError} from '../core/errors.js'
import {isId} from '../core/id.js'
import {Secret} from '../core/secret.js'
import {eventsRequest, toAccessEvents} from './access-events.js'
import {contradicted, faultOf, isClientSecret, type ChangeName} from './answers.js'
import {byPrecedence, toApplication, toGroup, toPolicy, toServiceToken} from './convert.js'
import {badAnswer, withoutAccount} from './errors.js'
import {OPERATIONS, type Operation, type OperationName} from './operations.js'
import {collect, mapPages, readPages, type ListRequest} from './paging.js'
import {probePermissions} from './probe.js'
import {createTransport, type Request, type TransportOptions} from './transport.js'
import type {AccessApi, ApiTokenStatus, NewServiceToken, Page, Zone} from './types.js'

export interface AccessApiOptions extends TransportOptions {
  /** Undefined: only {@link AccessApi.verifyToken} and {@link AccessApi.listAccounts} work. */
  accountId: string | undefined
  /** If set, the Access objects of this zone are used: `/zones/{id}/access/…`. A zone has no reusable policies. */
  zoneId?: string | undefined
}

/** The API's largest page of policies. */
const POLICY_PAGE_SIZE = 1000
/** The API's largest page of accounts or zones. */
const SMALL_PAGE_SIZE = 50

/**
 * The API over Cloudflare's SDK. Reads are tried three times. A change is sent once, because there is no idempotency
 * key: the caller must find out whether it was made. A change refused because of too many requests was not made, so it
 * is sent again within the limit.
 *
 * @throws UserError `usage` / `INSECURE_API_URL` for http: to another machine, `auth` / `API_TOKEN_MALFORMED`
 */
export function createAccessApi(options: AccessApiOptions): AccessApi {
  const {accountId, zoneId} = options
  const transport = createTransport(options, () => api.verifyToken())
  const {about, one, send, clockAhead, pace} = transport

  const refuse = (request: Request, what: string): never => {
    throw badAnswer(about(request), what, undefined, 200)
  }
  /** @param ids for the `{names}` in the operation's path, in that order, without the account's or zone's */
  const requestOf = (name: OperationName, ids: readonly string[], body?: object): Request => {
    const {method, path, doing}: Operation = OPERATIONS[name]
    const left = [...ids]
    const whole = path.startsWith('/accounts/{account_id}/access/') ? base(path) : path
    const filled = whole.replaceAll(/\{(\w+)\}/g, (_, place: string) =>
      checkedId(place === 'account_id' ? account() : (left.shift() ?? '')),
    )
    return {method, path: filled, doing, body: body && (exposed(body) as object)}
  }
  const base = (path: string): string => {
    if (zoneId === undefined) return path
    if (path.startsWith('/accounts/{account_id}/access/policies')) throw zoneHasNoPolicies()
    return path.replace('/accounts/{account_id}', `/zones/${checkedId(zoneId)}`)
  }
  const account = (): string => {
    if (accountId !== undefined) return accountId
    throw new UserError({
      kind: 'usage',
      code: 'ACCOUNT_REQUIRED',
      message: 'The account is not known',
      next: ['Give --account ID or set CLOUDFLARE_ACCOUNT_ID'],
    })
  }

  /** Checks that the answer is the requested object. */
  async function read(name: OperationName, objectId: string): Promise<JsonObject> {
    const request = requestOf(name, [objectId])
    const raw = await one(request)
    const fault = faultOf(raw, objectId)
    return fault === undefined ? raw : refuse(request, fault)
  }
  function list<T>(
    name: OperationName,
    convert: (raw: JsonObject) => T,
    more: Pick<ListRequest, 'query' | 'limit' | 'size'> = {},
    ...ids: string[]
  ): AsyncGenerator<Page<T>> {
    const request = requestOf(name, ids)
    return mapPages(readPages(transport, {path: request.path, doing: request.doing, ...more}), (raw) => {
      const fault = faultOf(raw)
      return convert(fault === undefined ? raw : refuse(request, fault))
    })
  }
  /** The changed object, if the answer has its ID and agrees with what was sent. */
  async function make(name: ChangeName, ids: readonly string[], body?: object): Promise<JsonObject> {
    const request = requestOf(name, ids, body)
    const raw = await one(request)
    const fault = faultOf(raw, name.startsWith('create') ? undefined : ids.at(-1))
    if (fault !== undefined) refuse(request, fault)
    const fields = contradicted(name, body, raw)
    if (fields.length > 0) refuse(request, `It does not agree with what was sent: ${fields.join(', ')}.`)
    return raw
  }
  /** Cloudflare answers with the ID of what it deleted, or with the whole object. */
  async function remove(name: ChangeName, ...ids: string[]): Promise<void> {
    const request = requestOf(name, ids)
    const {result} = await send(request)
    if (!isJsonObject(result) || result['id'] === undefined) return
    const fault = faultOf(result, ids.at(-1))
    if (fault !== undefined) refuse(request, fault)
  }
  /** An answer with a secret, which the API shows only once. */
  async function withSecret(
    name: ChangeName,
    ids: readonly string[],
    body: object,
  ): Promise<NewServiceToken> {
    const raw = await make(name, ids, body)
    const secret = raw['client_secret']
    const token = toServiceToken(raw)
    if (token.clientId === '' || !isClientSecret(secret))
      return refuse(requestOf(name, ids), 'It contains no client ID or no client secret.')
    return {token, clientSecret: new Secret(secret)}
  }
  async function verified(
    name: 'verifyUserToken' | 'verifyAccountToken',
    owner: ApiTokenStatus['owner'],
  ): Promise<ApiTokenStatus> {
    const request = requestOf(name, [])
    return (
      toTokenStatus(await one(request), owner) ??
      refuse(request, 'It does not say whether the API token is active.')
    )
  }

  const api: AccessApi = {
    accountId,
    zoneId,
    clockAhead,
    expecting: () => pace.expecting(),
    async verifyToken() {
      try {
        return await verified('verifyUserToken', 'user')
      } catch (error) {
        // That endpoint does not know account-owned tokens.
        const {status = 500} = error instanceof ApiError ? error : {}
        if (status >= 500 || status === 429 || accountId === undefined) throw error
        return verified('verifyAccountToken', 'account')
      }
    },
    async listAccounts() {
      try {
        return await collect(list('listAccounts', toIdAndName, {size: SMALL_PAGE_SIZE}))
      } catch (error) {
        // Reported for account-owned API tokens: 400 with code 1001.
        const {status, kind} = error instanceof ApiError ? error : {}
        if ((status === 400 || status === 403) && kind !== 'auth') return []
        throw error
      }
    },
    probePermissions: async (groups) =>
      probePermissions(
        account(),
        (request) => send({...request, verified: true}),
        Date.now() + (clockAhead() ?? 0),
        groups,
      ),

    serviceTokens: ({limit, ...query} = {}) => list('listServiceTokens', toServiceToken, {query, limit}),
    listServiceTokens: async (query) => collect(api.serviceTokens(query)),
    getServiceToken: async (id) => toServiceToken(await read('getServiceToken', id)),
    createServiceToken: async (params) => withSecret('createServiceToken', [], params),
    updateServiceToken: async (id, change) => toServiceToken(await make('updateServiceToken', [id], change)),
    rotateServiceToken: async (id, previousUntil) =>
      withSecret('rotateServiceToken', [id], {previous_client_secret_expires_at: previousUntil}),
    refreshServiceToken: async (id) => toServiceToken(await make('refreshServiceToken', [id])),
    deleteServiceToken: async (id) => remove('deleteServiceToken', id),

    applications: ({limit, exact, ...query} = {}) =>
      list('listApplications', toApplication, {
        query: {...query, exact: exact === true ? 'true' : undefined},
        limit,
      }),
    listApplications: async () => collect(api.applications()),
    getApplication: async (id) => toApplication(await read('getApplication', id)),
    createApplication: async (body) => toApplication(await make('createApplication', [], body)),
    deleteApplication: async (id) => remove('deleteApplication', id),
    replaceApplication: async (id, body) => toApplication(await make('replaceApplication', [id], body)),
    listApplicationPolicies: async (appId) =>
      byPrecedence(await collect(list('listApplicationPolicies', toPolicy, {}, appId))),
    createApplicationPolicy: async (appId, body) =>
      toPolicy(await make('createApplicationPolicy', [appId], body)),
    replaceApplicationPolicy: async (appId, id, body) =>
      toPolicy(await make('replaceApplicationPolicy', [appId, id], body)),
    deleteApplicationPolicy: async (appId, id) => remove('deleteApplicationPolicy', appId, id),
    makePolicyReusable: async (appId, id) => toPolicy(await make('makePolicyReusable', [appId, id])),

    policies: ({limit} = {}) => list('listPolicies', toPolicy, {size: POLICY_PAGE_SIZE, limit}),
    listPolicies: async () => collect(api.policies()),
    getPolicy: async (id) => toPolicy(await read('getPolicy', id)),
    createPolicy: async (body) => toPolicy(await make('createPolicy', [], body)),
    replacePolicy: async (id, body) => toPolicy(await make('replacePolicy', [id], body)),
    deletePolicy: async (id) => remove('deletePolicy', id),

    groups: ({limit, ...query} = {}) => list('listGroups', toGroup, {query, limit}),
    listGroups: async () => collect(api.groups()),
    getGroup: async (id) => toGroup(await read('getGroup', id)),
    createGroup: async (body) => toGroup(await make('createGroup', [], body)),
    deleteGroup: async (id) => remove('deleteGroup', id),
    replaceGroup: async (id, body) => toGroup(await make('replaceGroup', [id], body)),
    getOrganization: async () => one(requestOf('getOrganization', [])),
    async accessEvents(query) {
      const request = requestOf('accessEvents', [], eventsRequest(account(), query))
      const {result} = await send(request)
      const found = toAccessEvents(result)
      if (found === 'no-account') throw withoutAccount(request)
      return 'wrong' in found ? refuse(request, found.wrong) : found
    },
    inZone: (zone) => createAccessApi({...options, zoneId: zone, pace}),
    listZones: async ({name} = {}) =>
      collect(list('listZones', toZone, {query: {'account.id': accountId, name}, size: SMALL_PAGE_SIZE})),
  }
  return api
}

/** A body with its secrets as plain text: this is where they leave the process. */
function exposed(value: unknown): unknown {
  if (value instanceof Secret) return value.expose()
  if (Array.isArray(value)) return value.map(exposed)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, exposed(inner)]))
}

/** An ID as part of a path. It may come from a file, a flag or an earlier answer. */
function checkedId(given: string): string {
  if (isId(given)) return given
  throw new UserError({
    kind: 'usage',
    code: 'BAD_ID',
    message: 'This is not a Cloudflare ID',
    why: 'An ID is 1 to 64 letters, digits, - or _. Nothing was sent.',
    next: ['Copy the ID from a list, e.g. zt app list'],
  })
}

function zoneHasNoPolicies(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'ZONE_HAS_NO_POLICIES',
    message: 'A zone has no reusable policies',
    why: 'Policies that applications share belong to the account; an application of a zone has its own policies.',
  })
}

const STATUSES = ['active', 'disabled', 'expired'] as const

/** Undefined if the answer does not describe the token. */
function toTokenStatus(raw: JsonObject, owner: ApiTokenStatus['owner']): ApiTokenStatus | undefined {
  const status = STATUSES.find((one) => one === raw['status'])
  if (status === undefined) return undefined
  return {
    id: typeof raw['id'] === 'string' ? raw['id'] : '',
    status,
    owner,
    expiresOn: typeof raw['expires_on'] === 'string' ? raw['expires_on'] : undefined,
    ...(typeof raw['not_before'] === 'string' && {notBefore: raw['not_before']}),
  }
}

function toIdAndName(raw: JsonObject): {id: string; name: string} {
  const {id, name} = raw
  return {id: String(id), name: typeof name === 'string' ? name : String(id)}
}

function toZone(raw: JsonObject): Zone {
  const {account} = raw
  const isKnown = isJsonObject(account) && isId(account['id'])
  return {...toIdAndName(raw), account: isKnown ? toIdAndName({name: account['id'], ...account}) : undefined}
}
