import type {NameKeeper} from '../access/account/context.js'
import type {AccessApi, Page} from '../api/types.js'
import {NameCache, type NamesOf} from '../completion/name-cache.js'
import type {NameKind, Named} from '../completion/types.js'
import type {Settings} from '../config/types.js'

/** The methods that list all objects of a kind: as a whole, and page by page. */
const LISTS = {
  token: ['listServiceTokens', 'serviceTokens'],
  application: ['listApplications', 'applications'],
  group: ['listGroups', 'groups'],
  policy: ['listPolicies', 'policies'],
} as const satisfies Record<NameKind, [keyof AccessApi, keyof AccessApi]>

type Reading =
  | 'accountId'
  | 'zoneId'
  | 'inZone'
  | 'clockAhead'
  | 'expecting'
  | 'verifyToken'
  | 'probePermissions'
  | 'accessEvents'
  | (typeof LISTS)[NameKind][number]
  | `get${string}`
  | `list${string}`

/** The kind of names that a change may make wrong. A new method of the API must be added here. */
const CHANGES: Record<Exclude<keyof AccessApi, Reading>, NameKind | undefined> = {
  createServiceToken: 'token',
  updateServiceToken: 'token',
  rotateServiceToken: undefined,
  refreshServiceToken: undefined,
  deleteServiceToken: 'token',
  createApplication: 'application',
  replaceApplication: 'application',
  deleteApplication: 'application',
  // Policies inside an application are in no list.
  createApplicationPolicy: undefined,
  replaceApplicationPolicy: undefined,
  deleteApplicationPolicy: undefined,
  makePolicyReusable: 'policy',
  createPolicy: 'policy',
  replacePolicy: 'policy',
  deletePolicy: 'policy',
  createGroup: 'group',
  replaceGroup: 'group',
  deleteGroup: 'group',
}

interface Keeping {
  cache: NameCache
  of: NamesOf
  /** False: names are dropped and never kept. */
  keep: boolean
}

type Method = (...args: unknown[]) => unknown

/** Keeps an account's names for completion in the shells, as the API is used. */
export function nameKeeper({
  paths,
  apiUrl,
  profileName: profile,
  completionNames: keep,
}: Pick<Settings, 'apiUrl' | 'profileName' | 'completionNames'> & {paths: {cache: string}}): NameKeeper {
  const cache = new NameCache(paths.cache)
  return {
    keeping: (api, accountId) => keepingNames(api, {cache, of: {apiUrl, accountId, profile}, keep}),
    forget: (accountId) => {
      cache.drop({apiUrl, accountId})
    },
  }
}

/**
 * The same API: a whole list that a command reads is kept, and each change drops the names that it may have made wrong,
 * even if its answer was lost.
 */
export function keepingNames(api: AccessApi, {cache, of, keep}: Keeping): AccessApi {
  const methods = api as unknown as Record<string, Method>
  const wrapped: Record<string, Method> = {}
  for (const [name, kind] of Object.entries(CHANGES)) {
    const method = methods[name]
    if (kind === undefined || !method) continue
    wrapped[name] = async (...args) => {
      try {
        return await method(...args)
      } finally {
        cache.drop(of, [kind])
      }
    }
  }
  // No shell completes here.
  if (!keep || !cache.isThere) return {...api, ...wrapped}
  for (const [kind, [list, stream]] of Object.entries(LISTS) as [NameKind, [string, string]][]) {
    wrapped[list] = async (...args) => {
      const mark = cache.mark(of, kind)
      const all = (await methods[list]?.(...args)) as Named[]
      if (isWhole(args[0])) await cache.keep(of, kind, all, mark)
      return all
    }
    wrapped[stream] = (...args) => {
      const pages = methods[stream]?.(...args) as AsyncIterable<Page<Named>>
      return isWhole(args[0]) ? keepingPages(pages, {cache, of, kind}) : pages
    }
  }
  return {...api, ...wrapped}
}

async function* keepingPages(
  pages: AsyncIterable<Page<Named>>,
  {cache, of, kind}: {cache: NameCache; of: NamesOf; kind: NameKind},
): AsyncGenerator<Page<Named>> {
  const mark = cache.mark(of, kind)
  const names: Named[] = []
  for await (const page of pages) {
    for (const {id, name, domains} of page.items) names.push({id, name, domains})
    yield page
  }
  await cache.keep(of, kind, names, mark)
}

/** Nothing limits the list; a flag that was not given is undefined or false. */
const isWhole = (query: unknown): boolean =>
  Object.values(query ?? {}).every((value) => value === undefined || value === false)

/** Reads all names of a kind, for {@link keepingNames} to keep. */
export async function readNames(api: AccessApi, kind: NameKind): Promise<void> {
  await api[LISTS[kind][0]]()
}
