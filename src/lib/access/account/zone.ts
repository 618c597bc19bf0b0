import type {AccessApi, Zone} from '../../api/types.js'
import {closest} from '../../core/closest.js'
import {ApiError, UserError} from '../../core/errors.js'

/** Whether this is a zone's ID and not its name: no domain is 32 hexadecimal digits. */
export function isZoneId(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text)
}

/**
 * The zone of the account that a person means, by name or ID. An ID is not looked up: an API token for Access alone may
 * not list zones.
 *
 * @throws UserError `not-found` / `ZONE_NOT_FOUND`, `ambiguous` / `ZONE_AMBIGUOUS`, `permission` / `ZONES_NOT_LISTED`
 */
export async function resolveZone(api: Pick<AccessApi, 'listZones'>, wanted: string): Promise<string> {
  if (isZoneId(wanted)) return wanted.toLowerCase()
  const name = wanted.trim().toLowerCase().replace(/\.$/, '')
  const list = (query?: {name: string}): Promise<Zone[]> =>
    api.listZones(query).catch((error: unknown) => {
      throw error instanceof ApiError && error.kind === 'permission' ? mayNotList(error) : error
    })
  const found = (await list({name})).filter((zone) => zone.name.toLowerCase() === name)
  const [zone] = found
  if (zone && found.length === 1) return zone.id
  if (zone) {
    throw new UserError({
      kind: 'ambiguous',
      code: 'ZONE_AMBIGUOUS',
      message: `Several zones are called "${name}"`,
      why: found.map(({id}) => id),
      next: ['Give the ID instead: --zone ID'],
      details: {candidates: found},
    })
  }
  const names = (await list()).map((one) => one.name)
  const meant = closest(name, names)
  throw new UserError({
    kind: 'not-found',
    code: 'ZONE_NOT_FOUND',
    message: `There is no zone "${name.slice(0, 100)}" in the account`,
    why: names.length === 0 ? 'The API token can see no zones of the account.' : undefined,
    next: meant === undefined ? ['Give the ID instead: --zone ID'] : [`Did you mean "${meant}"?`],
  })
}

function mayNotList(cause: ApiError): UserError {
  return new UserError({
    kind: 'permission',
    code: 'ZONES_NOT_LISTED',
    message: 'The API token may not look up the zone by its name',
    why: 'That needs the permission "Zone Read".',
    next: ['Give the ID instead: --zone ID (the dashboard shows it on the overview page of the zone)'],
    cause,
  })
}
