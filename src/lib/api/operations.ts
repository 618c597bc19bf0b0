/** The part of a permission group's name between "Access:" and "Read" or "Write" in the dashboard. */
type Area = 'Service Tokens' | 'Apps and Policies' | 'Organizations, Identity Providers, and Groups'
/** What the group of Cloudflare's analytics is called; there is only one, for reading. */
const ANALYTICS = 'Account Analytics'

/** One operation of Cloudflare's API. Names, paths and permission groups: Cloudflare's API reference (OpenAPI). */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base URL; `{name}` is one segment. */
  path: string
  /** Undefined: Cloudflare's API reference does not have the operation. */
  operationId: string | undefined
  /** The `operationId` below `/zones/{zone_id}` instead of `/accounts/{account_id}`; undefined: there is none. */
  zoneOperationId: string | undefined
  /** For an error: `Cannot create the service token`. */
  doing: string
  /** Undefined: every valid API token may. */
  area: Area | typeof ANALYTICS | undefined
  /** It changes nothing, whatever its method. */
  reads?: true
  /**
   * Fields that an answer, if it has them, must repeat as they were sent. A duration is compared by its length, because
   * Cloudflare may write it in another way.
   */
  compared: readonly string[]
}

type Facts = Pick<Operation, 'doing'> & {operationId: string} & Partial<
    Pick<Operation, 'zoneOperationId' | 'compared'>
  >

const access =
  (area: Area, base: string, inZone = true) =>
  <M extends Operation['method']>(method: M, rest: string, facts: Facts): Operation & {method: M} => ({
    method,
    path: `/accounts/{account_id}/access/${base}${rest}`,
    area,
    zoneOperationId: inZone ? `zone-level-${facts.operationId}` : undefined,
    compared: [],
    ...facts,
  })
const tokens = access('Service Tokens', 'service_tokens')
const apps = access('Apps and Policies', 'apps')
const policies = access('Apps and Policies', 'policies', false)
const groups = access('Organizations, Identity Providers, and Groups', 'groups')
const organizations = access('Organizations, Identity Providers, and Groups', 'organizations')
const free = (path: string, facts: Facts): Operation & {method: 'GET'} => ({
  method: 'GET',
  path,
  area: undefined,
  zoneOperationId: undefined,
  compared: [],
  ...facts,
})

/** Every operation that zt can ask for, by the name of its method in `AccessApi`. */
// prettier-ignore
export const OPERATIONS = {
  verifyUserToken: free('/user/tokens/verify', {operationId: 'user-api-tokens-verify-token', doing: 'verify the API token'}),
  verifyAccountToken: free('/accounts/{account_id}/tokens/verify', {operationId: 'account-api-tokens-verify-token', doing: 'verify the API token'}),
  listAccounts: free('/accounts', {operationId: 'accounts-list-accounts', doing: 'list the accounts'}),
  listZones: free('/zones', {operationId: 'zones-get', doing: 'list the zones'}),

  listServiceTokens: tokens('GET', '', {operationId: 'access-service-tokens-list-service-tokens', doing: 'list the service tokens'}),
  getServiceToken: tokens('GET', '/{service_token_id}', {operationId: 'access-service-tokens-get-a-service-token', doing: 'read the service token'}),
  createServiceToken: tokens('POST', '', {operationId: 'access-service-tokens-create-a-service-token', doing: 'create the service token', compared: ['name', 'enabled', 'duration']}),
  updateServiceToken: tokens('PUT', '/{service_token_id}', {operationId: 'access-service-tokens-update-a-service-token', doing: 'change the service token', compared: ['name', 'enabled', 'duration']}),
  deleteServiceToken: tokens('DELETE', '/{service_token_id}', {operationId: 'access-service-tokens-delete-a-service-token', doing: 'delete the service token'}),
  rotateServiceToken: tokens('POST', '/{service_token_id}/rotate', {operationId: 'access-service-tokens-rotate-a-service-token', zoneOperationId: undefined, doing: 'rotate the service token'}),
  refreshServiceToken: tokens('POST', '/{service_token_id}/refresh', {operationId: 'access-service-tokens-refresh-a-service-token', zoneOperationId: undefined, doing: 'extend the service token'}),

  listApplications: apps('GET', '', {operationId: 'access-applications-list-access-applications', doing: 'list the applications'}),
  getApplication: apps('GET', '/{app_id}', {operationId: 'access-applications-get-an-access-application', doing: 'read the application'}),
  createApplication: apps('POST', '', {operationId: 'access-applications-add-an-application', zoneOperationId: 'zone-level-access-applications-add-a-bookmark-application', doing: 'create the application', compared: ['name', 'type', 'domain']}),
  replaceApplication: apps('PUT', '/{app_id}', {operationId: 'access-applications-update-an-access-application', zoneOperationId: 'zone-level-access-applications-update-a-bookmark-application', doing: 'change the application', compared: ['name', 'type', 'domain']}),
  deleteApplication: apps('DELETE', '/{app_id}', {operationId: 'access-applications-delete-an-access-application', doing: 'delete the application'}),
  listApplicationPolicies: apps('GET', '/{app_id}/policies', {operationId: 'access-policies-list-access-app-policies', zoneOperationId: 'zone-level-access-policies-list-access-policies', doing: "list the application's policies"}),
  createApplicationPolicy: apps('POST', '/{app_id}/policies', {operationId: 'access-policies-create-an-access-policy', doing: 'add a policy to the application', compared: ['name', 'decision']}),
  replaceApplicationPolicy: apps('PUT', '/{app_id}/policies/{policy_id}', {operationId: 'access-policies-update-an-access-policy', doing: "change the application's policy", compared: ['name', 'decision']}),
  deleteApplicationPolicy: apps('DELETE', '/{app_id}/policies/{policy_id}', {operationId: 'access-policies-delete-an-access-policy', doing: "remove the application's policy"}),
  makePolicyReusable: apps('PUT', '/{app_id}/policies/{policy_id}/make_reusable', {operationId: 'access-policies-convert-reusable', zoneOperationId: undefined, doing: 'make the policy reusable'}),

  listPolicies: policies('GET', '', {operationId: 'access-policies-list-access-reusable-policies', doing: 'list the policies'}),
  getPolicy: policies('GET', '/{policy_id}', {operationId: 'access-policies-get-an-access-reusable-policy', doing: 'read the policy'}),
  createPolicy: policies('POST', '', {operationId: 'access-policies-create-an-access-reusable-policy', doing: 'create the policy', compared: ['name', 'decision']}),
  replacePolicy: policies('PUT', '/{policy_id}', {operationId: 'access-policies-update-an-access-reusable-policy', doing: 'change the policy', compared: ['name', 'decision']}),
  deletePolicy: policies('DELETE', '/{policy_id}', {operationId: 'access-policies-delete-an-access-reusable-policy', doing: 'delete the policy'}),

  listGroups: groups('GET', '', {operationId: 'access-groups-list-access-groups', doing: 'list the Access groups'}),
  getGroup: groups('GET', '/{group_id}', {operationId: 'access-groups-get-an-access-group', doing: 'read the Access group'}),
  createGroup: groups('POST', '', {operationId: 'access-groups-create-an-access-group', doing: 'create the Access group', compared: ['name']}),
  replaceGroup: groups('PUT', '/{group_id}', {operationId: 'access-groups-update-an-access-group', doing: 'change the Access group', compared: ['name']}),
  deleteGroup: groups('DELETE', '/{group_id}', {operationId: 'access-groups-delete-an-access-group', doing: 'delete the Access group'}),
  getOrganization: organizations('GET', '', {operationId: 'zero-trust-organization-get-your-zero-trust-organization', doing: "read the organisation's settings"}),

  // "Querying Access login events with GraphQL", Cloudflare's documentation.
  accessEvents: {method: 'POST', path: '/graphql', operationId: undefined, zoneOperationId: undefined, doing: "read Access's record of requests", area: ANALYTICS, reads: true, compared: []},
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof OPERATIONS
/** An operation that changes something. */
export type ChangeName = {
  [Name in OperationName]: (typeof OPERATIONS)[Name] extends {method: 'GET'} | {reads: true} ? never : Name
}[OperationName]

/** Whether a request changes nothing, so that it may be sent again. */
export function onlyReads({method, path}: {method: string; path: string}): boolean {
  if (method === 'GET') return true
  const name = operationOf(method, path)
  const operation: Operation | undefined = name && OPERATIONS[name]
  return operation?.reads === true
}

/** What any command that asks the API may also ask for: the account, and after a 403 whether the API token is valid. */
export const BEFOREHAND: readonly OperationName[] = [
  'verifyUserToken',
  'verifyAccountToken',
  'listAccounts',
  'listZones',
]

/** What a command asks the API for, beside {@link BEFOREHAND}: a static fact of its class, which the manifest carries. */
export interface Asks {
  /** The command cannot do all of its work without these. */
  needs?: readonly OperationName[]
  /** Requested if permitted; the command works without them. */
  tries?: readonly OperationName[]
}

/** A command as oclif's manifest has it. */
export interface KnownCommand {
  asks?: Asks
  flags: Readonly<Record<string, {hidden?: boolean}>>
}

/** All that a command may ask the API for. Where it takes --zone, it looks up a zone that is given by its name. */
export function operationsOf({asks = {}, flags}: KnownCommand): readonly OperationName[] {
  const zone = flags['zone'] !== undefined && flags['zone'].hidden !== true
  return [...(asks.needs ?? []), ...(asks.tries ?? []), ...(zone ? (['listZones'] as const) : [])]
}

/** The operation of a request; undefined for a request that zt does not make. */
export function operationOf(method: string, path: string): OperationName | undefined {
  return (Object.keys(OPERATIONS) as OperationName[]).find((name) => {
    const operation: Operation = OPERATIONS[name]
    if (operation.method !== method) return false
    const {path: template, zoneOperationId} = operation
    return (
      fits(template, path) ||
      (zoneOperationId !== undefined &&
        fits(template.replace('/accounts/{account_id}', '/zones/{zone_id}'), path))
    )
  })
}

function fits(template: string, path: string): boolean {
  const wanted = template.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith('{') ? given[i] !== '' : part === given[i]))
  )
}
