import path from 'node:path'
import * as v from 'valibot'
import {readConfig} from '../config/profiles.js'
import type {Settings} from '../config/types.js'
import {hostOf, plainDomain} from '../core/public-address.js'
import {IndexFiles} from '../secrets/index-files.js'
import {knownStores} from '../secrets/stores.js'
import {namesIn, parseOwnJson, readFileIfThere} from '../system/files.js'
import {NameCache, type NamesOf} from './name-cache.js'
import {NAME_KINDS, type Candidate, type Kind, type NameKind, type Named} from './types.js'

export interface Offering {
  settings: Settings
  /** Whether the line is about a zone's objects, whose names are not cached. */
  zone: boolean
  /** The typed part of the value. */
  typed: string
  searchPath: string | undefined
  /** Asks the API for the names of a kind and caches them; false if that fails. */
  ask: (kind: NameKind) => Promise<boolean>
}

/** The candidates for a kind of value, in no order. */
export async function offersFor(kind: Kind, offering: Offering): Promise<Candidate[]> {
  const {settings, searchPath, typed} = offering
  if (isNameKind(kind)) return offering.zone ? [] : namesFor(kind, offering)
  switch (kind) {
    case 'stored-token':
      return asCandidates(await storedTokens(settings))
    case 'edit':
      return editsOf(settings)
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
      return asHosts(await places(settings))
    case 'application-or-host':
      return [
        ...(offering.zone ? [] : await namesFor('application', offering)),
        ...asHosts(await places(settings)),
      ]
    case 'destination':
      return asHosts(await places(settings), /^[^@]*@/.exec(typed)?.[0])
    case 'url':
      return asUrls(await places(settings))
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

/** From the cache if it is fresh, else from the API. If that fails: old names and what this machine knows. */
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

/** Undefined if the account is not known without a request: the names of two accounts would be mixed. */
function namesOf({apiUrl, accountId, profileName}: Settings): NamesOf | undefined {
  return accountId === undefined ? undefined : {apiUrl, accountId, profile: profileName}
}

function storedTokens({paths, profileName}: Settings): Promise<Named[]> {
  return new IndexFiles(paths.data)
    .list(profileName)
    .then((entries) => entries.map(({tokenId, name}) => ({id: tokenId, name})))
}

/** Two objects with the same name become one candidate; zt itself reports that the name is ambiguous. */
function asCandidates(names: readonly Named[]): Candidate[] {
  return names.map(({id, name, domains}) => ({value: name, about: domains?.[0], id}))
}

/** Hosts and paths that are bound to a token, and those of applications in the cache: domains without a pattern. */
async function places(settings: Settings): Promise<Candidate[]> {
  const of = namesOf(settings)
  const bound = await new IndexFiles(settings.paths.data).bindings(settings.profileName)
  const applications =
    of && settings.completionNames
      ? (new NameCache(settings.paths.cache).read(of, 'application')?.names ?? [])
      : []
  const named = applications.flatMap(({name, domains = []}) =>
    domains.map((domain) => ({value: plainDomain(domain), about: name})),
  )
  return [...bound.map(({host}) => ({value: host, about: undefined})), ...named].filter(
    ({value}) => value.includes('.') && !value.includes('*'),
  )
}

/** The host of each, behind what is typed before it. */
function asHosts(all: readonly Candidate[], before = ''): Candidate[] {
  return all.map(({value, about}) => ({value: before + hostOf(value), about}))
}

function asUrls(all: readonly Candidate[]): Candidate[] {
  return all.map(({value, about}) => ({value: `https://${value}${value.includes('/') ? '' : '/'}`, about}))
}

/** More than anyone looks through. */
const MOST_EDITS = 20
/** As far as it matters here; access/edit/records.ts has the whole. */
const editRecord = v.object({profile: v.string(), state: v.string(), command: v.string()})

/** The latest edits of the profile that are not undone, by this machine's records of them. */
async function editsOf({paths, profileName}: Settings): Promise<Candidate[]> {
  const directory = path.join(paths.state, 'undo')
  const ids = (await namesIn(directory)).flatMap((name) => /^([0-9a-z]{9,12})\.json$/.exec(name)?.[1] ?? [])
  const found: Candidate[] = []
  for (const id of ids.sort().reverse()) {
    const file = path.join(directory, `${id}.json`)
    const text = await readFileIfThere(file)
    const record = text === undefined ? undefined : v.safeParse(editRecord, parseOwnJson(text, file))
    if (record?.success !== true) continue
    const {profile, state, command} = record.output
    if (profile === profileName && state !== 'undone') found.push({value: id, about: command})
    if (found.length === MOST_EDITS) break
  }
  return found
}
