import type {OperationName} from '../api/operations.js'

/** What asks which permissions an API token has (api/probe.ts). The objects that it deletes do not exist. */
// prettier-ignore
export const PROBES = [
  'listServiceTokens', 'getServiceToken', 'deleteServiceToken', 'listPolicies', 'getPolicy',
  'deletePolicy', 'listGroups', 'getGroup', 'deleteGroup', 'accessEvents',
] as const satisfies readonly OperationName[]
