import {readConfig} from '../config/profiles.js'
import type {Settings} from '../config/types.js'
import {IndexFiles} from '../secrets/index-files.js'
import {knownStores} from '../secrets/stores.js'
import {NameCache, type NamesOf} from './name-cache.js'
import {NAME_KINDS, type Candidate, type Kind, type NameKind, type Named} from './types.js'

export interface Offering {
  settings: Settings
  /** Whether the line is about a zone's objects, whose names are not kept. */
  zone: boolean
  /** What is typed of the value. */
  typed: string
  searchPath: string | undefined
  /** Asks the API for the names of a kind and keeps them in the cache; false where that did not come off. */
  ask: (kind: NameKind) => Promise<boolean>
}

/** What can be offered for a kind of value, in no order. */
export async function offersFor(kind: Kind, offering: Offering): Promise<Candidate[]> {
  const {settings, searchPath, typed} = offering
  if (isNameKind(kind)) return offering.zone ? [] : namesFor(kind, offering)
  switch (kind) {
    case 'stored-token':
      return asCandidates(await storedTokens(settings))
    case 'profile':
      return Object.entries((await readConfig(settings.paths)).profiles).map(([value, profile]) => ({
        value,
        about: profile.sandbox === true ? 'sandbox' : profile.accountName,
      }))
    case 'account':
      return Object.values((await readConfig(settings.paths)).profiles).flatMap(({accountId, accountName}) =>
        accountId === undefined ? [] : [{value: accountId, about: accountName}],
      )
    case 'host':
      return hosts(settings, '', '')
    case 'destination':
      return hosts(settings, /^[^@]*@/.exec(typed)?.[0] ?? '', '')
    case 'url':
      return hosts(settings, 'https://', '/')
    case 'store':
      return (await knownStores(searchPath)).map((value) => ({value}))
    case 'file':
    case 'command':
    case 'none':
      return []
  }
}

function isNameKind(kind: Kind): kind is NameKind {
  return (NAME_KINDS as readonly Kind[]).includes(kind)
}

/** From the cache; where that is old, from the API; where that cannot be asked, what this machine knows anyway. */
async function namesFor(kind: NameKind, {settings, ask}: Offering): Promise<Candidate[]> {
  const of = settings.completionNames ? namesOf(settings) : undefined
  const cache = new NameCache(settings.paths.cache)
  let kept = of && cache.read(of, kind)
  if (of && kept?.fresh !== true && cache.claim(of, kind) && (await ask(kind))) {
    kept = cache.read(of, kind)
    cache.release(of, kind)
  }
  if (kept?.fresh === true) return asCandidates(kept.names)
  const known = kind === 'token' ? await storedTokens(settings) : []
  return asCandidates([...(kept?.names ?? []), ...known])
}

/** Undefined where the account is not known without asking: its names could not be told from another's. */
function namesOf({apiUrl, accountId, profileName}: Settings): NamesOf | undefined {
  return accountId === undefined ? undefined : {apiUrl, accountId, profile: profileName}
}

function storedTokens({paths, profileName}: Settings): Promise<Named[]> {
  return new IndexFiles(paths.data)
    .list(profileName)
    .then((entries) => entries.map(({tokenId, name}) => ({id: tokenId, name})))
}

/** Two of one name are offered as one: zt itself says then that there are two, and which. */
function asCandidates(names: readonly Named[]): Candidate[] {
  return names.map(({id, name, domains}) => ({value: name, about: domains?.[0], id}))
}

/** Those that are bound to a token, and those of applications as far as they are known. */
async function hosts(settings: Settings, before: string, behind: string): Promise<Candidate[]> {
  const of = namesOf(settings)
  const bound = await new IndexFiles(settings.paths.data).bindings(settings.profileName)
  const applications =
    of && settings.completionNames
      ? (new NameCache(settings.paths.cache).read(of, 'application')?.names ?? [])
      : []
  const named = applications.flatMap(({name, domains = []}) =>
    domains.map((domain) => ({value: domain.replace(/\/.*/s, ''), about: name})),
  )
  return [...bound.map(({host}) => ({value: host, about: undefined})), ...named]
    .filter(({value}) => value.includes('.') && !value.includes('*'))
    .map(({value, about}) => ({value: `${before}${value}${behind}`, about}))
}
