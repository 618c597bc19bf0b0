/** What a permission group of Access is about, as the dashboard names it between "Access:" and "Read" or "Write". */
type Area = 'Service Tokens' | 'Apps and Policies' | 'Organizations, Identity Providers, and Groups'

/** One operation of Cloudflare's API. Names, paths and permission groups: Cloudflare's API reference (OpenAPI). */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base URL; `{name}` stands for one segment. */
  path: string
  operationId: string
  /** The `operationId` below `/zones/{zone_id}` instead of `/accounts/{account_id}`; undefined: there is none. */
  zoneOperationId: string | undefined
  /** Undefined: any API token that is good may. */
  area: Area | undefined
}

const access =
  (area: Area, base: string) =>
  (method: Operation['method'], rest: string, operationId: string, zoneOperationId?: string): Operation => ({
    method,
    path: `/accounts/{account_id}/access/${base}${rest}`,
    operationId,
    zoneOperationId,
    area,
  })
const tokens = access('Service Tokens', 'service_tokens')
const apps = access('Apps and Policies', 'apps')
const policies = access('Apps and Policies', 'policies')
const groups = access('Organizations, Identity Providers, and Groups', 'groups')
const organizations = access('Organizations, Identity Providers, and Groups', 'organizations')
const free = (path: string, operationId: string): Operation => ({
  method: 'GET',
  path,
  operationId,
  zoneOperationId: undefined,
  area: undefined,
})
/** Most operations of a zone are called as the account's are. */
const inZone = (operationId: string): [string, string] => [operationId, `zone-level-${operationId}`]

/** Every operation that zt can ask for, by the name of its method in `AccessApi`. */
export const OPERATIONS = {
  verifyUserToken: free('/user/tokens/verify', 'user-api-tokens-verify-token'),
  verifyAccountToken: free('/accounts/{account_id}/tokens/verify', 'account-api-tokens-verify-token'),
  listAccounts: free('/accounts', 'accounts-list-accounts'),
  listZones: free('/zones', 'zones-get'),

  listServiceTokens: tokens('GET', '', ...inZone('access-service-tokens-list-service-tokens')),
  getServiceToken: tokens(
    'GET',
    '/{service_token_id}',
    ...inZone('access-service-tokens-get-a-service-token'),
  ),
  createServiceToken: tokens('POST', '', ...inZone('access-service-tokens-create-a-service-token')),
  updateServiceToken: tokens(
    'PUT',
    '/{service_token_id}',
    ...inZone('access-service-tokens-update-a-service-token'),
  ),
  deleteServiceToken: tokens(
    'DELETE',
    '/{service_token_id}',
    ...inZone('access-service-tokens-delete-a-service-token'),
  ),
  rotateServiceToken: tokens(
    'POST',
    '/{service_token_id}/rotate',
    'access-service-tokens-rotate-a-service-token',
  ),
  refreshServiceToken: tokens(
    'POST',
    '/{service_token_id}/refresh',
    'access-service-tokens-refresh-a-service-token',
  ),

  listApplications: apps('GET', '', ...inZone('access-applications-list-access-applications')),
  getApplication: apps('GET', '/{app_id}', ...inZone('access-applications-get-an-access-application')),
  createApplication: apps(
    'POST',
    '',
    'access-applications-add-an-application',
    'zone-level-access-applications-add-a-bookmark-application',
  ),
  replaceApplication: apps(
    'PUT',
    '/{app_id}',
    'access-applications-update-an-access-application',
    'zone-level-access-applications-update-a-bookmark-application',
  ),
  deleteApplication: apps(
    'DELETE',
    '/{app_id}',
    ...inZone('access-applications-delete-an-access-application'),
  ),
  listApplicationPolicies: apps(
    'GET',
    '/{app_id}/policies',
    'access-policies-list-access-app-policies',
    'zone-level-access-policies-list-access-policies',
  ),
  createApplicationPolicy: apps(
    'POST',
    '/{app_id}/policies',
    ...inZone('access-policies-create-an-access-policy'),
  ),
  replaceApplicationPolicy: apps(
    'PUT',
    '/{app_id}/policies/{policy_id}',
    ...inZone('access-policies-update-an-access-policy'),
  ),
  deleteApplicationPolicy: apps(
    'DELETE',
    '/{app_id}/policies/{policy_id}',
    ...inZone('access-policies-delete-an-access-policy'),
  ),
  makePolicyReusable: apps(
    'PUT',
    '/{app_id}/policies/{policy_id}/make_reusable',
    'access-policies-convert-reusable',
  ),

  listPolicies: policies('GET', '', 'access-policies-list-access-reusable-policies'),
  getPolicy: policies('GET', '/{policy_id}', 'access-policies-get-an-access-reusable-policy'),
  createPolicy: policies('POST', '', 'access-policies-create-an-access-reusable-policy'),
  replacePolicy: policies('PUT', '/{policy_id}', 'access-policies-update-an-access-reusable-policy'),
  deletePolicy: policies('DELETE', '/{policy_id}', 'access-policies-delete-an-access-reusable-policy'),

  listGroups: groups('GET', '', ...inZone('access-groups-list-access-groups')),
  getGroup: groups('GET', '/{group_id}', ...inZone('access-groups-get-an-access-group')),
  createGroup: groups('POST', '', ...inZone('access-groups-create-an-access-group')),
  replaceGroup: groups('PUT', '/{group_id}', ...inZone('access-groups-update-an-access-group')),
  deleteGroup: groups('DELETE', '/{group_id}', ...inZone('access-groups-delete-an-access-group')),
  getOrganization: organizations(
    'GET',
    '',
    ...inZone('zero-trust-organization-get-your-zero-trust-organization'),
  ),
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof OPERATIONS

/** What any command that asks the API may have to ask first: which account it is, and after a 403 whether the API token is good. */
export const BEFOREHAND: readonly OperationName[] = ['verifyUserToken', 'verifyAccountToken', 'listAccounts']

/** What a command asks the API for, beside {@link BEFOREHAND}: a static fact of its class, which the manifest carries. */
export interface Asks {
  /** The command cannot do all of its work without these. */
  needs?: readonly OperationName[]
  /** It asks for these where it may, and does its work without them. */
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

/** The operation that a request is; undefined for one that zt has no business with. */
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
