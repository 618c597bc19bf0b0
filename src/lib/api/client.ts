import {type JsonObject} from '../core/context.js'
import {ApiError, UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
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
  const pages = (request: ListRequest): AsyncGenerator<Page<JsonObject>> => readPages(transport, request)
  const list = (request: ListRequest): Promise<JsonObject[]> => collect(pages(request))

  /** An answer that shows a secret, which it does this once. */
  async function withSecret(request: Request): Promise<NewServiceToken> {
    const raw = await one(request)
    const secret = raw['client_secret']
    const token = toServiceToken(raw)
    if (typeof secret !== 'string' || secret === '' || token.id === '' || token.clientId === '') {
      throw badAnswer(about(request), 'It holds no id, Client ID or Client Secret.', undefined, 200)
    }
    return {token, clientSecret: new Secret(secret)}
  }

  const access = (rest: string): string => {
    if (options.zoneId !== undefined) return `/zones/${encodeURIComponent(options.zoneId)}/access/${rest}`
    return `/accounts/${encodeURIComponent(account())}/access/${rest}`
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
  const id = encodeURIComponent
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
        return toTokenStatus(await one({method: 'GET', path: '/user/tokens/verify', doing}), 'user')
      } catch (error) {
        // A token that an account owns is unknown there.
        const unknownThere =
          error instanceof ApiError &&
          error.status !== undefined &&
          error.status < 500 &&
          error.status !== 429
        if (!unknownThere || accountId === undefined) throw error
        const path = `/accounts/${id(accountId)}/tokens/verify`
        return toTokenStatus(await one({method: 'GET', path, doing}), 'account')
      }
    },
    async listAccounts() {
      try {
        const accounts = await list({path: '/accounts', doing: 'list the accounts', size: SMALL_PAGE_SIZE})
        return accounts.map((raw) => ({id: String(raw['id']), name: String(raw['name'])}))
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
      mapPages(
        pages({path: access('service_tokens'), doing: 'list the service tokens', query, limit}),
        toServiceToken,
      ),
    listServiceTokens: async (query) => collect(api.serviceTokens(query)),
    getServiceToken: async (tokenId) =>
      toServiceToken(
        await one({
          method: 'GET',
          path: access(`service_tokens/${id(tokenId)}`),
          doing: 'read the service token',
        }),
      ),
    createServiceToken: async (params) =>
      withSecret({
        method: 'POST',
        path: access('service_tokens'),
        doing: 'create the service token',
        body: params,
      }),
    updateServiceToken: async (tokenId, change) =>
      toServiceToken(
        await one({
          method: 'PUT',
          path: access(`service_tokens/${id(tokenId)}`),
          doing: 'change the service token',
          body: change,
        }),
      ),
    rotateServiceToken: async (tokenId, previousUntil) =>
      withSecret({
        method: 'POST',
        path: access(`service_tokens/${id(tokenId)}/rotate`),
        doing: 'rotate the service token',
        body: {previous_client_secret_expires_at: previousUntil},
      }),
    refreshServiceToken: async (tokenId) =>
      toServiceToken(
        await one({
          method: 'POST',
          path: access(`service_tokens/${id(tokenId)}/refresh`),
          doing: 'extend the service token',
        }),
      ),
    async deleteServiceToken(tokenId) {
      await send({
        method: 'DELETE',
        path: access(`service_tokens/${id(tokenId)}`),
        doing: 'delete the service token',
      })
    },

    applications: ({limit, exact, ...query} = {}) =>
      mapPages(
        pages({
          path: access('apps'),
          doing: 'list the applications',
          query: {...query, exact: exact === true ? 'true' : undefined},
          limit,
        }),
        toApplication,
      ),
    listApplications: async () => collect(api.applications()),
    getApplication: async (appId) =>
      toApplication(
        await one({method: 'GET', path: access(`apps/${id(appId)}`), doing: 'read the application'}),
      ),
    createApplication: async (body) =>
      toApplication(await one({method: 'POST', path: access('apps'), doing: 'create the application', body})),
    async deleteApplication(appId) {
      await send({method: 'DELETE', path: access(`apps/${id(appId)}`), doing: 'delete the application'})
    },
    replaceApplication: async (appId, body) =>
      toApplication(
        await one({method: 'PUT', path: access(`apps/${id(appId)}`), doing: 'change the application', body}),
      ),
    listApplicationPolicies: async (appId) =>
      byPrecedence(
        (
          await list({path: access(`apps/${id(appId)}/policies`), doing: "list the application's policies"})
        ).map(toPolicy),
      ),
    createApplicationPolicy: async (appId, body) =>
      toPolicy(
        await one({
          method: 'POST',
          path: access(`apps/${id(appId)}/policies`),
          doing: 'add a policy to the application',
          body,
        }),
      ),
    replaceApplicationPolicy: async (appId, policyId, body) =>
      toPolicy(
        await one({
          method: 'PUT',
          path: access(`apps/${id(appId)}/policies/${id(policyId)}`),
          doing: "change the application's policy",
          body,
        }),
      ),
    async deleteApplicationPolicy(appId, policyId) {
      await send({
        method: 'DELETE',
        path: access(`apps/${id(appId)}/policies/${id(policyId)}`),
        doing: "remove the application's policy",
      })
    },
    makePolicyReusable: async (appId, policyId) =>
      toPolicy(
        await one({
          method: 'PUT',
          path: access(`apps/${id(appId)}/policies/${id(policyId)}/make_reusable`),
          doing: 'make the policy reusable',
        }),
      ),

    policies: ({limit} = {}) =>
      mapPages(pages({path: shared(), doing: 'list the policies', size: POLICY_PAGE_SIZE, limit}), toPolicy),
    listPolicies: async () => collect(api.policies()),
    getPolicy: async (policyId) =>
      toPolicy(await one({method: 'GET', path: shared(policyId), doing: 'read the policy'})),
    createPolicy: async (body) =>
      toPolicy(await one({method: 'POST', path: shared(), doing: 'create the policy', body})),
    replacePolicy: async (policyId, body) =>
      toPolicy(
        await one({
          method: 'PUT',
          path: shared(policyId),
          doing: 'change the policy',
          body,
        }),
      ),
    async deletePolicy(policyId) {
      await send({method: 'DELETE', path: shared(policyId), doing: 'delete the policy'})
    },

    groups: ({limit, ...query} = {}) =>
      mapPages(pages({path: access('groups'), doing: 'list the Access groups', query, limit}), toGroup),
    listGroups: async () => collect(api.groups()),
    getGroup: async (groupId) =>
      toGroup(
        await one({method: 'GET', path: access(`groups/${id(groupId)}`), doing: 'read the Access group'}),
      ),
    createGroup: async (body) =>
      toGroup(await one({method: 'POST', path: access('groups'), doing: 'create the Access group', body})),
    async deleteGroup(groupId) {
      await send({method: 'DELETE', path: access(`groups/${id(groupId)}`), doing: 'delete the Access group'})
    },
    replaceGroup: async (groupId, body) =>
      toGroup(
        await one({
          method: 'PUT',
          path: access(`groups/${id(groupId)}`),
          doing: 'change the Access group',
          body,
        }),
      ),
    getOrganization: () =>
      one({method: 'GET', path: access('organizations'), doing: "read the organisation's settings"}),
    listZones: async ({name} = {}) => {
      const query = {'account.id': accountId, name}
      const zones = await list({path: '/zones', doing: 'list the zones', query, size: SMALL_PAGE_SIZE})
      return zones.map((raw) => ({id: String(raw['id']), name: String(raw['name'])}))
    },
  }
  return api
}

function toTokenStatus(raw: JsonObject, owner: ApiTokenStatus['owner']): ApiTokenStatus {
  const status = raw['status']
  return {
    id: typeof raw['id'] === 'string' ? raw['id'] : '',
    status: status === 'disabled' || status === 'expired' ? status : 'active',
    owner,
    expiresOn: typeof raw['expires_on'] === 'string' ? raw['expires_on'] : undefined,
  }
}
