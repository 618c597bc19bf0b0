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

/** What a command asks the API for. */
interface Asks {
  /** Without these it cannot do all that it is for. */
  needs: readonly OperationName[]
  /** It asks for these where it can, and does its job without. */
  tries: readonly OperationName[]
}
const needs = (...names: OperationName[]): Asks => ({needs: names, tries: []})
const tries = (...names: OperationName[]): Asks => ({needs: [], tries: names})
const nothing = needs()
/** A zone that is given by its name is looked up; one that is given by its id is not. */
const byName = {tries: ['listZones'] as const}
/** Why Access refused a connection is looked up afterwards, and said as far as it is known. */
const onlyWhyRefused = tries('listApplications', 'listServiceTokens', 'listApplicationPolicies', 'listGroups')

/**
 * What each command may ask the API for, besides {@link BEFOREHAND}. docs/api-operations.md is made of this, a 403 and
 * `zt whoami` read it, and test/contract/commands.test.ts holds it against what the commands really send.
 */
export const COMMANDS: Readonly<Record<string, Asks>> = {
  'app:add-rule': {
    ...needs(
      'listApplications',
      'listServiceTokens',
      'getApplication',
      'listApplicationPolicies',
      'listPolicies',
      'createPolicy',
      'getPolicy',
      'replaceApplication',
      'createApplicationPolicy',
      'replaceApplicationPolicy',
      'deletePolicy',
    ),
    // Groups only where a rule names one.
    tries: ['listGroups', 'listZones'],
  },
  'app:create': {
    ...needs(
      'listApplications',
      'listServiceTokens',
      'listPolicies',
      'createPolicy',
      'getPolicy',
      'createApplication',
      'getApplication',
      'listApplicationPolicies',
      'createApplicationPolicy',
      'replaceApplication',
      'deleteApplication',
      'deletePolicy',
    ),
    tries: ['listZones'],
  },
  'app:list': {...needs('listApplications'), ...byName},
  'app:remove-rule': {
    ...needs(
      'listApplications',
      'getApplication',
      'listApplicationPolicies',
      'listServiceTokens',
      'getPolicy',
      'replaceApplication',
      'replacePolicy',
      'deletePolicy',
      'replaceApplicationPolicy',
      'deleteApplicationPolicy',
    ),
    // Groups only where a rule names one.
    tries: ['listGroups', 'listZones'],
  },
  'app:set': {
    ...needs('listApplications', 'getApplication', 'listApplicationPolicies', 'replaceApplication'),
    ...byName,
  },
  // The names of what rules name are shown where they may be read.
  'app:show': {
    needs: ['listApplications', 'getApplication', 'listApplicationPolicies'],
    tries: ['listServiceTokens', 'listGroups', 'listZones'],
  },
  // Of the shells, which ask at TAB (zt __complete).
  completion: tries('listServiceTokens', 'listApplications', 'listGroups', 'listPolicies'),
  curl: onlyWhyRefused,
  exec: nothing,
  forward: onlyWhyRefused,
  'group:add-token': {
    ...needs(
      'listPolicies',
      'listGroups',
      'listApplications',
      'listServiceTokens',
      'getGroup',
      'replaceGroup',
    ),
    ...byName,
  },
  'group:create': {...needs('listGroups', 'listServiceTokens', 'createGroup', 'getGroup'), ...byName},
  'group:delete': {
    ...needs('listPolicies', 'listGroups', 'listApplications', 'getGroup', 'deleteGroup'),
    tries: ['listServiceTokens', 'listZones'],
  },
  // The names of what rules name are shown where they may be read.
  'group:list': {needs: ['listGroups'], tries: ['listServiceTokens', 'listZones']},
  'group:remove-token': {
    ...needs(
      'listPolicies',
      'listGroups',
      'listApplications',
      'listServiceTokens',
      'getGroup',
      'replaceGroup',
    ),
    ...byName,
  },
  'group:show': {
    needs: ['listPolicies', 'listGroups', 'listApplications'],
    tries: ['listServiceTokens', 'listZones'],
  },
  help: nothing,
  login: nothing,
  logout: nothing,
  'policy:attach': needs(
    'listApplications',
    'listPolicies',
    'getApplication',
    'listApplicationPolicies',
    'listServiceTokens',
    'listGroups',
    'replaceApplication',
  ),
  'policy:create': needs('listPolicies', 'listServiceTokens', 'listGroups', 'createPolicy', 'getPolicy'),
  // The names of what rules name are shown where they may be read.
  'policy:delete': {
    ...needs('listPolicies', 'getPolicy', 'listApplications', 'listGroups', 'deletePolicy'),
    tries: ['listServiceTokens'],
  },
  'policy:detach': needs(
    'listApplications',
    'listPolicies',
    'getApplication',
    'listApplicationPolicies',
    'listGroups',
    'replaceApplication',
  ),
  'policy:list': {needs: ['listPolicies'], tries: ['listServiceTokens', 'listGroups']},
  'policy:make-reusable': needs(
    'listApplications',
    'listPolicies',
    'getApplication',
    'listApplicationPolicies',
    'makePolicyReusable',
    'getPolicy',
  ),
  'policy:show': {
    needs: ['listPolicies', 'listApplications', 'listGroups'],
    tries: ['listServiceTokens'],
  },
  'profile:list': nothing,
  'profile:show': nothing,
  'profile:use': nothing,
  'sandbox:reset': nothing,
  'sandbox:start': nothing,
  'sandbox:status': nothing,
  'sandbox:stop': nothing,
  ssh: onlyWhyRefused,
  'ssh:check': onlyWhyRefused,
  'ssh:config': nothing,
  'ssh:proxy': nothing,
  'store:check': needs('listServiceTokens'),
  'store:list': nothing,
  'store:move': nothing,
  'store:use': nothing,
  'token:create': needs(
    'listServiceTokens',
    'getServiceToken',
    'createServiceToken',
    'updateServiceToken',
    'deleteServiceToken',
  ),
  'token:disable': needs('listServiceTokens', 'getServiceToken', 'updateServiceToken'),
  'token:enable': needs('listServiceTokens', 'getServiceToken', 'updateServiceToken'),
  'token:import': needs('listServiceTokens'),
  'token:list': {...needs('listServiceTokens'), ...byName},
  'token:recover': needs('listServiceTokens', 'getServiceToken', 'updateServiceToken', 'deleteServiceToken'),
  'token:refresh': needs('listServiceTokens', 'getServiceToken', 'refreshServiceToken', 'updateServiceToken'),
  'token:rename': needs('listServiceTokens', 'getServiceToken', 'updateServiceToken'),
  'token:revoke': needs(
    'listServiceTokens',
    'getServiceToken',
    'listApplications',
    'listPolicies',
    'listGroups',
    'listApplicationPolicies',
    'updateServiceToken',
    'deleteServiceToken',
    'getApplication',
    'replaceApplication',
    'getPolicy',
    'replacePolicy',
    'deletePolicy',
    'replaceApplicationPolicy',
    'deleteApplicationPolicy',
    'getGroup',
    'replaceGroup',
  ),
  'token:rotate': needs('listServiceTokens', 'getServiceToken', 'rotateServiceToken', 'updateServiceToken'),
  'token:show': {...needs('listServiceTokens'), ...byName},
  undo: {
    ...needs(
      'getApplication',
      'listApplicationPolicies',
      'listPolicies',
      'getPolicy',
      'replaceApplication',
      'deleteApplication',
      'createPolicy',
      'replacePolicy',
      'deletePolicy',
      'createApplicationPolicy',
      'replaceApplicationPolicy',
      'deleteApplicationPolicy',
    ),
    // Whether a token that rules would name again still exists.
    tries: ['listServiceTokens', 'listZones'],
  },
  version: nothing,
  // It probes every permission group; what it deletes does not exist (probe.ts).
  whoami: tries(
    'listServiceTokens',
    'getServiceToken',
    'deleteServiceToken',
    'listPolicies',
    'getPolicy',
    'deletePolicy',
    'listGroups',
    'getGroup',
    'deleteGroup',
  ),
}

/** All that a command may ask for; `id` as oclif has it: `token:create`. */
export function operationsOf(id: string): readonly OperationName[] {
  const {needs, tries} = COMMANDS[id] ?? nothing
  return [...needs, ...tries]
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
