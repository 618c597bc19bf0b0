import {randomBytes} from 'node:crypto'
import {ApiError, UserError} from '../core/errors.js'
import {eventsRequest} from './access-events.js'
import {OPERATIONS, type OperationName} from './operations.js'
import {permissionsOf} from './permissions.js'
import type {PermissionState} from './types.js'

/** Sends one request of a probe. Throws like every request of the client. */
export type SendProbe = (request: {
  method: 'GET' | 'DELETE' | 'POST'
  path: string
  doing: string
  query?: Record<string, number>
  body?: object
}) => Promise<unknown>

/** The lists to read, and the kinds of the nonexistent object. None of the three can be deleted while in use. */
const PROBES: readonly {list: OperationName; get: OperationName; remove: OperationName}[] = [
  {list: 'listServiceTokens', get: 'getServiceToken', remove: 'deleteServiceToken'},
  {list: 'listPolicies', get: 'getPolicy', remove: 'deletePolicy'},
  {list: 'listGroups', get: 'getGroup', remove: 'deleteGroup'},
]

/**
 * Finds out which of the permission groups that zt uses an API token has. It changes nothing and probes all of them at
 * once, or only the kinds of the given `groups`.
 *
 * The probe for reading lists one object. The probe for writing is a DELETE of an object that does not exist, because
 * Cloudflare checks the permission (403 / 10000) before it looks for the object (404). That is harmless whatever the
 * server does:
 *
 * - DELETE is the only writing method that cannot create anything; HTTP allows PUT to, and POST always does.
 * - The ID is a UUID of version 8 (RFC 9562) with 122 random bits. ID generators do not use that version, so no object
 *   ever had it; the nil UUID could mean "no condition" to a server.
 * - It is sent only after a GET of the same path has answered 404. A token that may not read is not probed for writing:
 *   the Write group of each kind allows reading too.
 *
 * Cloudflare's analytics have no such requests: they are read.
 *
 * A group is `unknown`, with a reason, if its probe fails: no connection, too many requests, an unexpected answer.
 */
export async function probePermissions(
  accountId: string,
  send: SendProbe,
  now: number,
  groups?: readonly string[],
): Promise<PermissionState[]> {
  const isAsked = (name: OperationName): boolean =>
    groups === undefined || permissionsOf(name).some((group) => groups.includes(group))
  const found = await Promise.all([
    ...PROBES.filter(({list}) => isAsked(list)).map((probe) => probeArea(probe, accountId, send)),
    ...(isAsked('accessEvents') ? [probeAnalytics(accountId, send, now)] : []),
  ])
  return found.flat()
}

/** Reads the record of one minute: a query costs Cloudflare what it covers. */
async function probeAnalytics(accountId: string, send: SendProbe, now: number): Promise<PermissionState[]> {
  const {method, path} = OPERATIONS.accessEvents
  const [group = ''] = permissionsOf('accessEvents')
  const body = eventsRequest(accountId, {by: 'rights', since: now - 60_000, until: now})
  const found = await probed(send({method, path, doing: `look for the permission "${group}"`, body}))
  return [{group, ...(found.outcome === 'absent' ? unclear : stateOf(found))}]
}

async function probeArea(
  {list, get, remove}: (typeof PROBES)[number],
  accountId: string,
  send: SendProbe,
): Promise<PermissionState[]> {
  const [read = '', write = ''] = permissionsOf(list)
  const id = idOfNothing()
  const ask = (name: OperationName, query?: Record<string, number>): Promise<Probed> => {
    const {method, path} = OPERATIONS[name]
    return probed(
      send({
        method: method as 'GET' | 'DELETE',
        path: path.replace('{account_id}', encodeURIComponent(accountId)).replace(/\{\w+\}$/, id),
        doing: `look for the permission "${method === 'GET' ? read : write}"`,
        ...(query && {query}),
      }),
    )
  }
  const [listed, got] = await Promise.all([ask(list, {page: 1, per_page: 1}), ask(get)])
  const readState = listed.outcome === 'absent' ? unclear : stateOf(listed)
  let writeState: Omit<PermissionState, 'group'>
  if (got.outcome === 'absent') writeState = stateOf(await ask(remove))
  else if (got.outcome === 'there') writeState = unclear
  else writeState = stateOf(got)
  return [
    {group: read, ...readState},
    {group: write, ...writeState},
  ]
}

type Probed = {outcome: 'there' | 'absent' | 'forbidden'} | {outcome: 'failed'; why: string}

const unclear = {state: 'unknown', why: 'The API gave an unexpected answer.'} as const

async function probed(request: Promise<unknown>): Promise<Probed> {
  try {
    await request
    return {outcome: 'there'}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    // A 404 without a Cloudflare error code comes from another server on the way.
    if (error instanceof ApiError && error.code === 'NOT_FOUND' && error.apiCodes.length > 0)
      return {outcome: 'absent'}
    if (error.code === 'PERMISSION_MISSING') return {outcome: 'forbidden'}
    return {outcome: 'failed', why: `${error.message}.`}
  }
}

/** The permission check passed, whatever came after it. */
function stateOf(result: Probed): Omit<PermissionState, 'group'> {
  if (result.outcome === 'failed') return {state: 'unknown', why: result.why}
  return {state: result.outcome === 'forbidden' ? 'no' : 'yes'}
}

/** A UUID of version 8, RFC 9562, section 5.8. */
function idOfNothing(): string {
  const bytes = randomBytes(16)
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
