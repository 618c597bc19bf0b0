import {isJsonObject, type JsonObject} from '../core/json.js'
import {ApiError, UserError} from '../core/errors.js'
import {isId} from '../core/id.js'
import {Secret} from '../core/secret.js'
import {contradicted, faultOf, isClientSecret, type ChangeName} from './answers.js'
import {byPrecedence, toApplication, toGroup, toPolicy, toServiceToken} from './convert.js'
import {badAnswer} from './errors.js'
import {collect, mapPages, readPages, type ListRequest} from './paging.js'
import {probePermissions} from './probe.js'
import {createTransport, type Request, type TransportOptions} from './transport.js'
import type {AccessApi, ApiTokenStatus, NewServiceToken, Page} from './types.js'

export interface AccessApiOptions extends TransportOptions {
  /** Undefined: only {@link AccessApi.verifyToken} and {@link AccessApi.listAccounts} work. */
  accountId: string | undefined
  /** Access objects are then those of this zone: `/zones/{id}/access/…`. A zone has no policies of its own to share. */
  zoneId?: string | undefined
}

/** The most that the API gives in one page of policies. */
const POLICY_PAGE_SIZE = 1000
/** The most that the API gives in one page of accounts or zones. */
const SMALL_PAGE_SIZE = 50

/**
 * The API over Cloudflare's SDK. Reads are tried three times; a change is sent once, because there is no idempotency
 * key and the caller must find out what came of it. What was refused for too many requests was not done: within the
 * bound it is sent again.
 *
 * @throws UserError `usage` / `INSECURE_API_URL` for http: to another machine, `auth` / `API_TOKEN_MALFORMED`
 */
export function createAccessApi(options: AccessApiOptions): AccessApi {
  const {accountId} = options
  const transport = createTransport(options, () => api.verifyToken())
  const {about, one, send, clockAhead} = transport

  const refuse = (request: Request, what: string): never => {
    throw badAnswer(about(request), what, undefined, 200)
  }
  /** The object that was asked for, and no other. */
  async function read(request: Request, wanted: string): Promise<JsonObject> {
    const raw = await one(request)
    const fault = faultOf(raw, wanted)
    return fault === undefined ? raw : refuse(request, fault)
  }
  /** Every object of a list. */
  const readAll = <T>(request: ListRequest, convert: (raw: JsonObject) => T): AsyncGenerator<Page<T>> =>
    mapPages(readPages(transport, request), (raw) => {
      const fault = faultOf(raw)
      return convert(fault === undefined ? raw : refuse({...request, method: 'GET', query: {}}, fault))
    })
  /** What a change came to, if the answer is about the object that was to be changed, and says what was sent. */
  async function make(operation: ChangeName, request: Request, wanted?: string): Promise<JsonObject> {
    const raw = await one(request)
    const fault = faultOf(raw, wanted)
    if (fault !== undefined) refuse(request, fault)
    const fields = contradicted(operation, request.body, raw)
    if (fields.length > 0) refuse(request, `It tells otherwise than was asked: ${fields.join(', ')}.`)
    return raw
  }
  /** Cloudflare answers with the id of what it has deleted, or with all of it. */
  async function remove(request: Request, wanted: string): Promise<void> {
    const {result} = await send(request)
    if (!isJsonObject(result) || result['id'] === undefined) return
    const fault = faultOf(result, wanted)
    if (fault !== undefined) refuse(request, fault)
  }

  /** An answer that shows a secret, which it does this once. */
  async function withSecret(
    operation: ChangeName,
    request: Request,
    wanted?: string,
  ): Promise<NewServiceToken> {
    const raw = await make(operation, request, wanted)
    const secret = raw['client_secret']
    const token = toServiceToken(raw)
    if (token.clientId === '' || !isClientSecret(secret))
      return refuse(request, 'It holds no Client ID or no Client Secret.')
    return {token, clientSecret: new Secret(secret)}
  }

  async function verified(request: Request, owner: ApiTokenStatus['owner']): Promise<ApiTokenStatus> {
    return (
      toTokenStatus(await one(request), owner) ??
      refuse(request, 'It does not say whether the API token is active.')
    )
  }

  const access = (rest: string): string => {
    if (options.zoneId !== undefined) return `/zones/${id(options.zoneId)}/access/${rest}`
    return `/accounts/${id(account())}/access/${rest}`
  }
  const account = (): string => {
    if (accountId !== undefined) return accountId
    throw new UserError({
      kind: 'usage',
      code: 'ACCOUNT_REQUIRED',
      message: 'Which account is not known',
      next: ['Give --account ID or set CLOUDFLARE_ACCOUNT_ID'],
    })
  }
  /** An id as a part of an address. It may come from a file, a flag or an earlier answer. */
  const id = (given: string): string => {
    if (isId(given)) return given
    throw new UserError({
      kind: 'usage',
      code: 'BAD_ID',
      message: 'This is not the id of anything at Cloudflare',
      why: 'An id has letters, digits, - and _, and at most 64 of them. Nothing was sent.',
      next: ['Give the id as a list shows it'],
    })
  }
  /** The account's policies. */
  const shared = (policyId?: string): string => {
    if (options.zoneId === undefined)
      return access(policyId === undefined ? 'policies' : `policies/${id(policyId)}`)
    throw new UserError({
      kind: 'usage',
      code: 'ZONE_HAS_NO_POLICIES',
      message: 'A zone has no policies to share',
      why: "Policies that applications share are the account's; a zone's application has policies of its own.",
    })
  }

  const api: AccessApi = {
    accountId,
    zoneId: options.zoneId,
    clockAhead,
    async verifyToken(): Promise<ApiTokenStatus> {
      const doing = 'verify the API token'
      try {
        return await verified({method: 'GET', path: '/user/tokens/verify', doing}, 'user')
      } catch (error) {
        // A token that an account owns is unknown there.
        const unknownThere =
          error instanceof ApiError &&
          error.status !== undefined &&
          error.status < 500 &&
          error.status !== 429
        if (!unknownThere || accountId === undefined) throw error
        const path = `/accounts/${id(accountId)}/tokens/verify`
        return verified({method: 'GET', path, doing}, 'account')
      }
    },
    async listAccounts() {
      try {
        return await collect(
          readAll({path: '/accounts', doing: 'list the accounts', size: SMALL_PAGE_SIZE}, toIdAndName),
        )
      } catch (error) {
        // Reported for API tokens that an account owns: 400 with code 1001.
        if (
          error instanceof ApiError &&
          (error.status === 400 || error.status === 403) &&
          error.kind !== 'auth'
        )
          return []
        throw error
      }
    },

    probePermissions: async () =>
      probePermissions(account(), (request) => send({...request, verified: true})),

    serviceTokens: ({limit, ...query} = {}) =>
      readAll(
        {path: access('service_tokens'), doing: 'list the service tokens', query, limit},
        toServiceToken,
      ),
    listServiceTokens: async (query) => collect(api.serviceTokens(query)),
    getServiceToken: async (tokenId) =>
      toServiceToken(
        await read(
          {
            method: 'GET',
            path: access(`service_tokens/${id(tokenId)}`),
            doing: 'read the service token',
          },
          tokenId,
        ),
      ),
    createServiceToken: async (params) =>
      withSecret('createServiceToken', {
        method: 'POST',
        path: access('service_tokens'),
        doing: 'create the service token',
        body: params,
      }),
    updateServiceToken: async (tokenId, change) =>
      toServiceToken(
        await make(
          'updateServiceToken',
          {
            method: 'PUT',
            path: access(`service_tokens/${id(tokenId)}`),
            doing: 'change the service token',
            body: change,
          },
          tokenId,
        ),
      ),
    rotateServiceToken: async (tokenId, previousUntil) =>
      withSecret(
        'rotateServiceToken',
        {
          method: 'POST',
          path: access(`service_tokens/${id(tokenId)}/rotate`),
          doing: 'rotate the service token',
          body: {previous_client_secret_expires_at: previousUntil},
        },
        tokenId,
      ),
    refreshServiceToken: async (tokenId) =>
      toServiceToken(
        await make(
          'refreshServiceToken',
          {
            method: 'POST',
            path: access(`service_tokens/${id(tokenId)}/refresh`),
            doing: 'extend the service token',
          },
          tokenId,
        ),
      ),
    async deleteServiceToken(tokenId) {
      await remove(
        {
          method: 'DELETE',
          path: access(`service_tokens/${id(tokenId)}`),
          doing: 'delete the service token',
        },
        tokenId,
      )
    },

    applications: ({limit, exact, ...query} = {}) =>
      readAll(
        {
          path: access('apps'),
          doing: 'list the applications',
          query: {...query, exact: exact === true ? 'true' : undefined},
          limit,
        },
        toApplication,
      ),
    listApplications: async () => collect(api.applications()),
    getApplication: async (appId) =>
      toApplication(
        await read({method: 'GET', path: access(`apps/${id(appId)}`), doing: 'read the application'}, appId),
      ),
    createApplication: async (body) =>
      toApplication(
        await make('createApplication', {
          method: 'POST',
          path: access('apps'),
          doing: 'create the application',
          body,
        }),
      ),
    async deleteApplication(appId) {
      await remove(
        {method: 'DELETE', path: access(`apps/${id(appId)}`), doing: 'delete the application'},
        appId,
      )
    },
    replaceApplication: async (appId, body) =>
      toApplication(
        await make(
          'replaceApplication',
          {method: 'PUT', path: access(`apps/${id(appId)}`), doing: 'change the application', body},
          appId,
        ),
      ),
    listApplicationPolicies: async (appId) =>
      byPrecedence(
        await collect(
          readAll(
            {path: access(`apps/${id(appId)}/policies`), doing: "list the application's policies"},
            toPolicy,
          ),
        ),
      ),
    createApplicationPolicy: async (appId, body) =>
      toPolicy(
        await make('createApplicationPolicy', {
          method: 'POST',
          path: access(`apps/${id(appId)}/policies`),
          doing: 'add a policy to the application',
          body,
        }),
      ),
    replaceApplicationPolicy: async (appId, policyId, body) =>
      toPolicy(
        await make(
          'replaceApplicationPolicy',
          {
            method: 'PUT',
            path: access(`apps/${id(appId)}/policies/${id(policyId)}`),
            doing: "change the application's policy",
            body,
          },
          policyId,
        ),
      ),
    async deleteApplicationPolicy(appId, policyId) {
      await remove(
        {
          method: 'DELETE',
          path: access(`apps/${id(appId)}/policies/${id(policyId)}`),
          doing: "remove the application's policy",
        },
        policyId,
      )
    },
    makePolicyReusable: async (appId, policyId) =>
      toPolicy(
        await make(
          'makePolicyReusable',
          {
            method: 'PUT',
            path: access(`apps/${id(appId)}/policies/${id(policyId)}/make_reusable`),
            doing: 'make the policy reusable',
          },
          policyId,
        ),
      ),

    policies: ({limit} = {}) =>
      readAll({path: shared(), doing: 'list the policies', size: POLICY_PAGE_SIZE, limit}, toPolicy),
    listPolicies: async () => collect(api.policies()),
    getPolicy: async (policyId) =>
      toPolicy(await read({method: 'GET', path: shared(policyId), doing: 'read the policy'}, policyId)),
    createPolicy: async (body) =>
      toPolicy(
        await make('createPolicy', {method: 'POST', path: shared(), doing: 'create the policy', body}),
      ),
    replacePolicy: async (policyId, body) =>
      toPolicy(
        await make(
          'replacePolicy',
          {
            method: 'PUT',
            path: shared(policyId),
            doing: 'change the policy',
            body,
          },
          policyId,
        ),
      ),
    async deletePolicy(policyId) {
      await remove({method: 'DELETE', path: shared(policyId), doing: 'delete the policy'}, policyId)
    },

    groups: ({limit, ...query} = {}) =>
      readAll({path: access('groups'), doing: 'list the Access groups', query, limit}, toGroup),
    listGroups: async () => collect(api.groups()),
    getGroup: async (groupId) =>
      toGroup(
        await read(
          {method: 'GET', path: access(`groups/${id(groupId)}`), doing: 'read the Access group'},
          groupId,
        ),
      ),
    createGroup: async (body) =>
      toGroup(
        await make('createGroup', {
          method: 'POST',
          path: access('groups'),
          doing: 'create the Access group',
          body,
        }),
      ),
    async deleteGroup(groupId) {
      await remove(
        {method: 'DELETE', path: access(`groups/${id(groupId)}`), doing: 'delete the Access group'},
        groupId,
      )
    },
    replaceGroup: async (groupId, body) =>
      toGroup(
        await make(
          'replaceGroup',
          {
            method: 'PUT',
            path: access(`groups/${id(groupId)}`),
            doing: 'change the Access group',
            body,
          },
          groupId,
        ),
      ),
    getOrganization: () =>
      one({method: 'GET', path: access('organizations'), doing: "read the organisation's settings"}),
    listZones: async ({name} = {}) => {
      const query = {'account.id': accountId, name}
      return collect(
        readAll({path: '/zones', doing: 'list the zones', query, size: SMALL_PAGE_SIZE}, toIdAndName),
      )
    },
  }
  return api
}

const STATUSES = ['active', 'disabled', 'expired'] as const

/** Undefined for an answer that does not say what the token is. */
function toTokenStatus(raw: JsonObject, owner: ApiTokenStatus['owner']): ApiTokenStatus | undefined {
  const status = STATUSES.find((one) => one === raw['status'])
  if (status === undefined) return undefined
  return {
    id: typeof raw['id'] === 'string' ? raw['id'] : '',
    status,
    owner,
    expiresOn: typeof raw['expires_on'] === 'string' ? raw['expires_on'] : undefined,
  }
}

function toIdAndName(raw: JsonObject): {id: string; name: string} {
  return {id: String(raw['id']), name: String(raw['name'])}
}
