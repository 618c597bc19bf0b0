import type {
  ApplicationDetails,
  Destination,
  PolicyDetails,
  Target,
} from '../../access/applications/details.js'
import {columnsOf} from '../../cli/streams.js'
import {shortened} from '../../cli/table.js'

type Facts = [label: string, value: string | undefined][]

/** What decides about requests to an application beside its policies. */
export function applicationDetailFacts(details: ApplicationDetails): Facts {
  const {destinations = [], targets = [], identityProviders, cors, cookie, mfa, scim} = details
  const other = destinations.filter(({type}) => type !== 'public')
  const open = destinations.flatMap(({publicPaths = [], ...where}) =>
    publicPaths.map((path) => `${path} of ${destinationInWords(where)}`),
  )
  const login = [
    identityProviders && `identity provider ${shortened(identityProviders)}`,
    details.autoRedirect && 'without a choice',
    details.warpLogin && 'or a WARP session',
  ]
  const cookieParts = [
    cookie?.httpOnly && 'HttpOnly',
    cookie?.sameSite && `SameSite=${cookie.sameSite}`,
    cookie?.binding && 'bound to the browser',
    cookie?.onlyPath && 'only for the path',
  ]
  const scimParts = [
    scim?.enabled !== undefined && (scim.enabled ? 'on' : 'off'),
    scim?.remoteUri && `to ${scim.remoteUri}`,
    scim?.serviceTokens && `with the service token ${scim.serviceTokens.join(', ')}`,
  ]
  return [
    ...lines('also covers', other.map(destinationInWords)),
    ...lines('open to all', open),
    ...lines('targets', targets.map(targetInWords)),
    ['session', details.sessionDuration],
    ['token header', details.tokenHeader],
    ['Managed OAuth', details.managedOauth === true ? 'on' : undefined],
    ['preflight', details.optionsBypass === true ? 'OPTIONS requests pass without Access' : undefined],
    ['CORS', cors && corsInWords(cors)],
    ['login', joined(login)],
    ['cookie', joined(cookieParts)],
    ['MFA', mfa && mfaInWords(mfa)],
    ['SCIM', scim && joined(scimParts)],
    ['denied people', details.denyUrl && `go to ${details.denyUrl}`],
    ['denied others', details.nonIdentityDenyUrl && `go to ${details.nonIdentityDenyUrl}`],
    ['audience', details.audience],
  ]
}

/** What decides about a policy's matches beside its rules. */
export function policyDetailFacts(details: PolicyDetails): Facts {
  const {approval, purposeJustification: purpose, mfa, ssh, rdpClipboard: rdp} = details
  const approvers = (approval?.groups ?? []).map(
    ({approvals, emails, emailListId}) =>
      `${approvals} of ${shortened([...(emails ?? []), ...(emailListId === undefined ? [] : [`email list ${emailListId}`])])}`,
  )
  return [
    ['session', details.sessionDuration],
    ['approval', approval?.required === true ? ['required', ...approvers].join('; ') : undefined],
    [
      'purpose',
      purpose?.required === true
        ? `asked${purpose.prompt === undefined ? '' : `: ${purpose.prompt}`}`
        : undefined,
    ],
    ['isolation', details.isolationRequired === true ? 'only in an isolated browser' : undefined],
    ['MFA', mfa && mfaInWords(mfa)],
    ['SSH users', ssh && joined([shortened(ssh.usernames), ssh.emailAlias && 'the email alias'])],
    ['clipboard', rdp && `to the remote: ${formats(rdp.toRemote)}; from it: ${formats(rdp.fromRemote)}`],
  ]
}

/** One line for each; one of which nothing is known has no text. */
function lines(label: string, given: readonly string[]): Facts {
  const values = given.filter((value) => value !== '')
  const most = columnsOf('stdout') === Infinity ? Infinity : 10
  const more = values.length - most
  const shown = more > 0 ? [...values.slice(0, most), `and ${more} more`] : values
  return shown.map((value, at) => [at === 0 ? label : '', value])
}

function joined(parts: readonly (string | false | undefined)[]): string | undefined {
  const said = parts.filter((part) => part !== undefined && part !== false && part !== '')
  return said.length > 0 ? said.join(', ') : undefined
}

function destinationInWords(destination: Destination): string {
  const {type, uri, hostname, cidr, portRange, protocol, vnetId, workerId, mcpServerId} = destination
  switch (type) {
    case 'public':
      return uri ?? 'a public host'
    case 'private':
      return [
        hostname ?? cidr ?? 'private addresses',
        portRange && `port ${portRange}`,
        protocol?.toUpperCase(),
        vnetId && `virtual network ${vnetId}`,
      ]
        .filter((part) => part !== undefined)
        .join(', ')
    case 'worker':
      return `Worker ${workerId ?? ''}`
    case 'preview_worker':
      return `previews of the Worker ${workerId ?? ''}`
    case 'all_workers':
      return 'all Workers'
    case 'all_preview_workers':
      return 'previews of all Workers'
    case 'via_mcp_server_portal':
      return `MCP server ${mcpServerId ?? ''}, through a portal`
    default:
      return type
  }
}

function targetInWords({protocol, port, include, require, exclude}: Target): string {
  const how = [protocol, port === undefined ? undefined : `port ${port}`].filter((one) => one !== undefined)
  return [
    how.join(', '),
    shortened(include),
    require.length > 0 && `only with ${require.join(' and ')}`,
    exclude.length > 0 && `without ${exclude.join(', ')}`,
  ]
    .filter((part) => part !== false && part !== '')
    .join('; ')
}

function corsInWords(cors: NonNullable<ApplicationDetails['cors']>): string {
  const allowed = (what: string, list: string[] | undefined): string | undefined =>
    list && `${what} ${list.includes('*') ? 'any' : shortened(list)}`
  return [
    allowed('origins', cors.origins),
    allowed('methods', cors.methods),
    allowed('headers', cors.headers),
    cors.credentials === true && 'with credentials',
    cors.maxAgeSeconds !== undefined && `for ${cors.maxAgeSeconds} s`,
  ]
    .filter((part) => part !== undefined && part !== false)
    .join('; ')
}

function mfaInWords({disabled, authenticators, sessionDuration}: NonNullable<PolicyDetails['mfa']>): string {
  if (disabled === true) return 'off'
  return (
    joined([
      authenticators && `by ${shortened(authenticators)}`,
      sessionDuration && `for ${sessionDuration}`,
    ]) ?? 'on'
  )
}

function formats(list: readonly string[]): string {
  return list.length > 0 ? list.join(', ') : 'nothing'
}
