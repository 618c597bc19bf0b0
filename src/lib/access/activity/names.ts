import type {AccessApi, Application} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {askEach} from '../account/ask-each.js'

/** An object of the account, by the ID that the record has. */
export interface Recorded {
  id: string
  /** Undefined: the account does not have it (any more), or the API token may not read it. */
  name: string | undefined
}

/** An application that the record names, and the API that has it: the account's or a zone's. */
export interface RecordedApplication extends Recorded {
  application: Application | undefined
  api: AccessApi | undefined
}

/** How many zones are asked for applications that are not the account's. */
const MOST_ZONES = 100

/** The applications of these IDs, of the account and of its zones. What the API token may not read has no name. */
export async function recordedApplications(
  api: AccessApi,
  ids: ReadonlySet<string>,
  refused?: () => void,
): Promise<ReadonlyMap<string, RecordedApplication>> {
  const found = new Map<string, RecordedApplication>()
  for (const id of ids) found.set(id, {id, name: undefined, application: undefined, api: undefined})
  const keep = (own: AccessApi, applications: readonly Application[]): void => {
    for (const application of applications) {
      const {id, name} = application
      if (found.has(id)) found.set(id, {id, name, application, api: own})
    }
  }
  const missing = (): boolean => [...found.values()].some(({api: own}) => own === undefined)
  if (missing()) keep(api, await permitted(api.listApplications(), refused))
  if (!missing()) return found
  const zones = await permitted(api.listZones())
  await askEach(api, zones.slice(0, MOST_ZONES), {
    doing: 'Looking for applications of zones',
    goesOn: missing,
    async ask({id}) {
      const zone = api.inZone(id)
      keep(zone, await permitted(zone.listApplications()))
    },
  })
  return found
}

/** The names of rules by their IDs: of these applications, and of the account. */
export async function recordedRules(
  api: AccessApi,
  ids: ReadonlySet<string>,
  applications: Iterable<RecordedApplication>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const {application} of applications)
    for (const {id, name} of application?.policies ?? []) if (name !== '') names.set(id, name)
  // One that has been detached, or that the list of applications shows by its ID alone.
  if ([...ids].some((id) => !names.has(id)))
    for (const {id, name} of await permitted(api.listPolicies())) names.set(id, name)
  return names
}

/** A list; empty if the API token may not read it. @param refused called in that case */
export async function permitted<T>(list: Promise<T[]>, refused?: () => void): Promise<T[]> {
  try {
    return await list
  } catch (error) {
    if (error instanceof UserError && error.kind === 'permission') {
      refused?.()
      return []
    }
    throw error
  }
}
