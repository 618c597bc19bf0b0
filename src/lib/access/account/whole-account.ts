import type {AccessApi, Application, Group, ServiceToken, Zone} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {AccountRules} from '../../policy/references.js'
import {readAccountRules} from './account-rules.js'
import {askEach} from './ask-each.js'
import type {AccessContext} from './context.js'

/** All that decides whom an account lets in, with what belongs to its zones. */
export interface WholeAccount {
  rules: AccountRules
  tokens: ServiceToken[]
  /** The zone of each application, Access group and service token that belongs to one, by the ID of the object. */
  zones: ReadonlyMap<string, Pick<Zone, 'id' | 'name'>>
  /** What of the account the API token may not read, and what of its zones: sentences without full stop. */
  unread: string[]
  warnings: string[]
}

/**
 * The service tokens, policies, Access groups and applications of the account, and those of each zone that the API token
 * can list. Asks for a zone's Access groups and service tokens only if the zone has applications of its own.
 *
 * @param how.allNeeded false: leaves out the rules of the account that the API token may not read
 */
export async function readWholeAccount(
  ctx: AccessContext,
  how: {allNeeded: boolean} = {allNeeded: true},
): Promise<WholeAccount> {
  const api = await ctx.api()
  const [{rules, warnings: unread}, tokens] = await Promise.all([
    readAccountRules(api, {...how, thorough: false, progress: ctx.progress}),
    api.listServiceTokens(),
  ])
  // With --zone, the API is that of one zone.
  if (api.zoneId !== undefined) return {rules, tokens, zones: new Map(), unread, warnings: []}
  const {found, warnings} = await ofZones(ctx, api)
  const zones = new Map(
    found.flatMap(({zone, applications, groups, tokens: own}) =>
      [applications, groups, own].flat().map(({id}) => [id, zone]),
    ),
  )
  // The account's lists may have what belongs to zones.
  const ownedByAccount = ({id}: {id: string}): boolean => !zones.has(id)
  return {
    rules: {
      policies: rules.policies,
      groups: [...rules.groups.filter(ownedByAccount), ...found.flatMap(({groups}) => groups)],
      applications: [
        ...rules.applications.filter(ownedByAccount),
        ...found.flatMap(({applications}) => applications),
      ],
    },
    tokens: [...tokens.filter(ownedByAccount), ...found.flatMap((one) => one.tokens)],
    zones,
    unread,
    warnings,
  }
}

interface ZoneRules {
  zone: Pick<Zone, 'id' | 'name'>
  applications: readonly Application[]
  groups: readonly Group[]
  tokens: readonly ServiceToken[]
}

/** The Access objects of each zone of the account; what the API token may not read is left out, with a warning. */
async function ofZones(
  ctx: Pick<AccessContext, 'progress'>,
  api: AccessApi,
): Promise<{found: ZoneRules[]; warnings: string[]}> {
  const zones = await permitted(api.listZones())
  if (!zones) return {found: [], warnings: [`The API token may not list the zones; ${LEFT_OUT}`]}
  const read = await askEach(api, zones, {
    doing: 'Reading the rules of zones',
    progress: ctx.progress,
    ask: (zone) => permitted(ofZone(api.inZone(zone.id), zone)),
  })
  const found = read.filter((rules) => rules !== undefined)
  const closed = zones.filter((_, at) => read[at] === undefined).map(({name}) => name)
  if (closed.length === 0) return {found, warnings: []}
  const which = closed.length > NAMED ? `${closed.length} zones` : closed.join(', ')
  return {found, warnings: [`The API token may not read the applications of ${which}; ${LEFT_OUT}`]}
}

const NAMED = 5
const LEFT_OUT = 'applications that belong to a zone are left out'

async function ofZone(api: AccessApi, {id, name}: Zone): Promise<ZoneRules> {
  const zone = {id, name}
  if ((await api.listApplications()).length === 0) return {zone, applications: [], groups: [], tokens: []}
  const [{rules}, tokens] = await Promise.all([
    readAccountRules(api, {allNeeded: true, thorough: false}),
    api.listServiceTokens(),
  ])
  return {zone, applications: rules.applications, groups: rules.groups, tokens}
}

/** @returns undefined where the API token may not */
async function permitted<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof UserError && error.kind === 'permission') return undefined
    throw error
  }
}
