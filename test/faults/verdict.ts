import fs from 'node:fs/promises'
import path from 'node:path'
import {isDeepStrictEqual} from 'node:util'
import type {JsonObject} from '../../src/lib/core/json.js'
import {messageOf} from '../../src/lib/core/errors.js'
import {readCredentials} from '../../src/lib/secrets/credentials.js'
import {Journal} from '../../src/lib/secrets/journal/journal.js'
import type {IndexFiles} from '../../src/lib/secrets/index-files.js'
import type {SecretKey, SecretStore} from '../../src/lib/secrets/types.js'
import type {SandboxState, StoredToken} from '../../src/lib/sandbox/state.js'

/** Everything that a case leaves behind, and what was there before it. */
export interface Evidence {
  state: SandboxState
  /** Sees the sandbox's clock this much later while it is called. */
  later: <T>(ms: number, look: () => T) => T
  store: SecretStore
  /** The contents of the store, by name. */
  stored: () => Promise<SecretKey[]>
  index: IndexFiles
  /** Where zt keeps everything; all of it is searched. */
  home: string
  journal: string
  /** Every client secret that the API has issued, in this case or before it. */
  issued: Iterable<string>
  /** Tokens of others, as they were: they must not have changed. */
  foreign: StoredToken[]
  /** The test's tokens from before: they still work, under their names. */
  ours: JsonObject[]
}

/** The findings; all empty if nothing is wrong. Each is a sentence without a secret. */
export interface Verdict {
  /** A token works, or should, but no store has a secret for it. */
  lost: string[]
  /** A token exists at Cloudflare, but neither index nor journal has it. */
  orphaned: string[]
  /** A secret in plain text, a spool or its key where none should be. */
  remnants: string[]
  /** zt says that it is settled, but it is not. */
  unsettled: string[]
  /** Something was changed that zt was not asked to change. */
  touched: string[]
}

/** The grace period of every case is 24 h: a secret that works only within it counts as lost. */
const AFTER_GRACE_MS = 25 * 3600_000

/**
 * Judges what a case has left behind.
 *
 * @param settled whether zt has said that nothing is open: until then the journal excuses its own operations
 */
export async function judge(evidence: Evidence, settled: boolean): Promise<Verdict> {
  const verdict: Verdict = {lost: [], orphaned: [], remnants: [], unsettled: [], touched: []}
  const {state, index, journal} = evidence
  const [intents, spools] = await Promise.all([filesOf(journal, '.json'), filesOf(journal, '.spool')])
  const excused = !settled && intents.length > 0
  const entries = await index.list()
  const stored = await evidence.stored()
  const foreign = new Set(evidence.foreign.map(({object}) => object['id']))
  const mine = state.data.serviceTokens.filter(({object}) => !foreign.has(object['id']))
  const wasOurs = new Set(evidence.ours.map((object) => object['id']))
  for (const {object} of mine) {
    const id = String(object['id'])
    const name = String(object['name'])
    const enabled = object['enabled'] !== false
    const unfinished = name.includes('~zt-')
    if (unfinished && !excused) verdict.orphaned.push(`"${name}" is still at Cloudflare`)
    if (unfinished && enabled) verdict.orphaned.push(`"${name}" is enabled under a name that is not its own`)
    if (!enabled) continue
    const known = entries.some(({tokenId}) => tokenId === id) && stored.some((key) => key.id === id)
    if (!known && !excused) verdict.orphaned.push(`"${name}" works, and is in no index or store`)
    const opens = await whatOpens(evidence, object, excused)
    if (opens.length === 0) verdict.lost.push(`"${name}" works, and no copy of its secret is left`)
    else if (wasOurs.has(id) && !opens.includes('store'))
      verdict.lost.push(`"${name}" is cut off: what is stored for it opens nothing now`)
    else if (settled && !opens.includes('store for good'))
      verdict.lost.push(`the secret that is stored for "${name}" opens nothing, or will soon`)
  }
  for (const before of evidence.ours) {
    const now = mine.find(({object}) => object['id'] === before['id'])?.object
    if (!now) verdict.lost.push(`"${String(before['name'])}" was there before, and is gone`)
    else
      for (const field of ['name', 'client_id', 'enabled', 'duration', 'expires_at'])
        if (now[field] !== before[field]) verdict.touched.push(`${field} of "${String(before['name'])}"`)
  }
  for (const before of evidence.foreign) {
    const now = state.data.serviceTokens.find(({object}) => object['id'] === before.object['id'])
    if (!isDeepStrictEqual(now, before))
      verdict.touched.push(`"${String(before.object['name'])}", which is another's`)
  }
  verdict.remnants.push(...(await plainText(evidence)))
  if (!excused) {
    for (const file of spools) verdict.remnants.push(`a spool: ${file}`)
    for (const {kind, id} of stored) if (kind === 'spool-key') verdict.remnants.push(`a spool's key: ${id}`)
    const alive = new Set(mine.map(({object}) => object['id']))
    for (const {kind, id} of stored)
      if (kind === 'service-token' && !alive.has(id))
        verdict.unsettled.push(`the store holds a secret of ${id}, which is no more`)
    for (const {tokenId} of entries)
      if (!alive.has(tokenId)) verdict.unsettled.push(`the index knows ${tokenId}, which is no more`)
  }
  if (settled) for (const file of intents) verdict.unsettled.push(`an intent: ${file}`)
  return verdict
}

/** All findings, in one list. */
export function faultsOf(verdict: Verdict): string[] {
  return Object.entries(verdict).flatMap(([kind, list]: [string, string[]]) =>
    list.map((one) => `${kind}: ${one}`),
  )
}

/** Where a secret for this token is now; `store for good`: it also works after every grace period. */
async function whatOpens(evidence: Evidence, token: JsonObject, excused: boolean): Promise<string[]> {
  const {state, store, later} = evidence
  const id = String(token['id'])
  const clientId = String(token['client_id'])
  const accepts = (secret: string, ms = 0): boolean =>
    later(ms, () => state.edgeView().authenticate(clientId, secret)) === id
  const found: string[] = []
  const kept = await readCredentials(store, id).catch(() => undefined)
  if (kept?.clientId === clientId) {
    if (accepts(kept.clientSecret.expose())) found.push('store')
    if (accepts(kept.clientSecret.expose(), AFTER_GRACE_MS)) found.push('store for good')
  }
  if (excused) {
    const journal = new Journal(evidence.journal)
    for (const operation of (await journal.list()).entries) {
      const spooled = await journal
        .spoolOf(operation, store)
        .read()
        .catch(() => undefined)
      if (spooled?.tokenId === id && accepts(spooled.clientSecret.expose())) found.push('spool')
    }
  }
  return found
}

/** As itself, and as what printed or stored it may have written it. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString('hex'),
    // Base64 of a longer text that begins before it: the characters that do not depend on neighbours.
    ...[0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), bytes])
        .toString('base64')
        .slice(shift === 0 ? 0 : 4, -4),
    ),
  ]
}

async function plainText({home, issued}: Evidence): Promise<string[]> {
  const found: string[] = []
  const forms = [...issued].flatMap(formsOf)
  for (const entry of await fs.readdir(home, {recursive: true, withFileTypes: true})) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    // A lock's file may disappear in the meantime.
    const text = await fs.readFile(file, 'latin1').catch(() => '')
    if (forms.some((form) => text.includes(form)))
      found.push(`a secret in plain text in ${path.relative(home, file)}`)
  }
  return found
}

async function filesOf(directory: string, ending: string): Promise<string[]> {
  const names = await fs.readdir(directory).catch((error: unknown) => {
    if (/ENOENT|ENOTDIR/.test(messageOf(error))) return []
    throw error
  })
  return names.filter((name) => name.endsWith(ending) && !name.startsWith('.'))
}
