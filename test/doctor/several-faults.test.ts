import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import type * as Remote from '../../src/lib/doctor/checks/remote/index.js'
import type {Seams} from '../../src/lib/doctor/checks/remote/seams.js'
import {findProgram} from '../../src/lib/system/programs.js'
import {FAULTS, overlap, SeveralWorld, type AnyFault, type Found} from './several-world.js'

// Several faults of the two tables at once: one may hide another, and no cure may touch another.

const {seams} = vi.hoisted((): {seams: Seams} => ({seams: {}}))
vi.mock('../../src/lib/doctor/checks/remote/index.js', async (original) => {
  const {remoteChecksWith, ...rest} = await original<typeof Remote>()
  return {...rest, remoteChecksWith, remoteChecks: remoteChecksWith(seams)}
})

/** Rounds in which each fault is met once. More by hand: one takes about fifteen seconds. */
const ROUNDS = Number(process.env['RANDOM_RUNS'] ?? 1)
const SEED = Number(process.env['RANDOM_SEED'] ?? 1)
const hasSsh = findProgram('ssh', process.env) !== undefined
if (!hasSsh) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

let world: SeveralWorld
const footprints = new Map<AnyFault, string[]>()
beforeAll(async () => {
  if (!hasSsh) return
  world = await SeveralWorld.open(seams)
  for (const fault of FAULTS) footprints.set(fault, await world.footprintOf(fault))
})
afterAll(() => world?.end())

/** A pseudo-random number below 1 (mulberry32), so that a sample can be had again. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** All faults, in sets of two to four that change different things. */
function setsOf(random: () => number): AnyFault[][] {
  const left = FAULTS.map((one) => ({one, at: random()}))
    .sort((a, b) => a.at - b.at)
    .map(({one}) => one)
  const sets: AnyFault[][] = []
  for (let first = left.shift(); first; first = left.shift()) {
    const set = [first]
    const size = 2 + Math.floor(random() * 3)
    // The last ones are met once more with others.
    for (const other of [...left, ...FAULTS]) {
      if (set.length === size) break
      if (set.some((one) => excludes(one, other))) continue
      set.push(other)
      if (left.includes(other)) left.splice(left.indexOf(other), 1)
    }
    sets.push(set)
  }
  return sets
}

const keyOf = ({id, state}: Found): string => `${id} ${state}`
const isBad = ({state}: Found): boolean => state === 'warn' || state === 'fail'
const keysOf = (found: readonly Found[]): Set<string> => new Set(found.filter(isBad).map(keyOf))

/** What else a fault makes wrong, before or after its cure. */
const ALSO: Record<string, string[]> = {
  // Without a connection, the rules are asked.
  'connection/edge fail': ['verdict fail'],
  'connections/orphan warn': ['connections/ended warn'],
  'environment/cloudflare-account-id warn': ['account fail'],
  'environment/zt-connect-to warn': ['connection/tcp fail'],
  'environment/withheld-api-token warn': ['api-token warn'],
  'service-tokens/disabled fail': ['trap/idle-tokens warn'],
  'service-tokens/expired fail': ['trap/idle-tokens warn'],
  'service-tokens/gone warn': ['host-token fail', 'trap/empty-include warn'],
  'store/binding-without-token fail': ['host-token fail'],
  'store/index-without-secret fail': ['host-token fail', 'store/binding-without-token fail'],
  // What the store could not be asked for, where another fault of the store is said.
  'store fail': ['service-tokens fail', 'host-bindings fail', 'host-token fail'],
  'store/unusable fail': ['api-token fail', 'host-token fail'],
  'store/stray-service-token warn': ['host-token fail', 'store/binding-without-token fail'],
}

/** Whether the check of a fault says that something else keeps it from its work. */
function isHidden({finds}: AnyFault, found: readonly Found[]): boolean {
  const [check = ''] = finds.split(/[ /]/)
  const own = found.filter(({id}) => id.split('/')[0] === check)
  // Of the API token there is one finding, and of settings that cannot be used one error.
  if (check === 'api-token' && own.some(isBad)) return true
  if (check === 'settings' && own.some(({state}) => state === 'fail')) return true
  return own.some(({state, why}) => state === 'skipped' || /Until then, zt does not look/.test(why ?? ''))
}

/** What of a token, or of a host that is bound to it, is no fault when there is no such token, or is found elsewhere with HOST. */
const OF_TOKEN = /^(service-tokens|host-bindings\/no-rule)\b/
const GONE = 'service-tokens/gone warn'
const NO_RULE = 'host-bindings/no-rule fail'

/** Whether two faults cannot be there at once. */
function excludes(one: AnyFault, other: AnyFault): boolean {
  const both = [one.finds, other.finds]
  if (both.includes(GONE) && both.every((finds) => OF_TOKEN.test(finds))) return true
  // PATH has no zt, or another, or several.
  if (both.every((finds) => /^path\b/.test(finds))) return true
  if (both.includes(NO_RULE) && (one.host || other.host)) return true
  return overlap(footprints.get(one) ?? [], footprints.get(other) ?? [])
}

/** Lines that show something, and change nothing. */
const SHOWS =
  /^(ls|df|nslookup|ssh -G|zt (doctor|app list|app explain|whoami|version|ssh check|token import))\b/

/** What keeps commands from their work: it must be cured first. */
const BLOCKS = /^(account|api|api-token|disk|files|permissions|proxy|settings|store)\b/

type Act = () => Promise<void>

/** What a person does who runs a line as it is; undefined: it is no command. */
function actOf(line: string): Act | undefined {
  const [, unset] = /^unset ([\w ]+)$/.exec(line) ?? []
  const [, name, value] = /^export (\w+)=(\S+)$/.exec(line) ?? []
  if (unset !== undefined) return setting(unset.split(' '), undefined)
  if (name !== undefined) return setting([name], value)
  if (SHOWS.test(line)) return () => Promise.resolve()
  if (/^(rm|chmod|kill) /.test(line))
    return async () => {
      await promisify(execFile)('/bin/sh', ['-c', line])
    }
  if (!/^zt (token|undo|forward)\b/.test(line)) return undefined
  return async () => {
    const yes = /^zt (undo|token revoke)/.test(line) ? ' --yes' : ''
    const {exitCode, stdout, stderr} = await world.run(`${line.slice('zt '.length)}${yes}`)
    expect(exitCode, `${line}\n${stdout}${stderr}`).toBe(0)
  }
}

function setting(names: readonly string[], value: string | undefined): Act {
  return () => {
    for (const name of names) world.setVariable(name, value)
    return Promise.resolve()
  }
}

/** What cures a finding if it is run, line by line; undefined: something is left to a person. */
function cureOf({next, fix}: Found): Act[] | undefined {
  if (fix !== null || next.every((line) => SHOWS.test(line))) return undefined
  const acts = next.flatMap((line) => actOf(line) ?? [])
  return acts.length === next.length ? acts : undefined
}

const met = {found: 0, hidden: 0, fixed: 0, cured: 0}

/** What is wrong with what doctor says of these faults. */
async function check(faults: readonly AnyFault[]): Promise<string[]> {
  const problems: string[] = []
  const note = (what: string, list: readonly string[]): void => {
    if (list.length > 0) problems.push(`${what}: ${list.join(', ')} (with ${faults.map(({fault}) => fault).join('; ')})`)
  }
  await world.build(faults)
  const found = await world.doctor()
  const keys = keysOf(found)
  const own = new Set(faults.flatMap(({finds}) => [finds, ...(ALSO[finds] ?? [])]))
  const hidden = faults.filter(({finds}) => !keys.has(finds))
  note('is no fault', [...keys].filter((key) => !own.has(key)))
  note('is neither found nor said to be hidden', hidden.filter((one) => !isHidden(one, found)).map(({fault}) => fault))
  note('has no cure', found.filter((one) => isBad(one) && one.next.length === 0).map(keyOf))
  met.found += faults.length - hidden.length
  met.hidden += hidden.length
  const isCutOff = found.some((one) => isBad(one) && /^(account|api|api-token)\b/.test(one.id))
  // Which account a secret is of, the API says.
  const mayFix = (key: string): boolean => key !== 'store/stray-service-token warn' || !isCutOff
  const fixable = new Set(found.filter(({fix}) => fix !== null).map(keyOf).filter(mayFix))
  const fixed = fixable.size === 0 ? found : await world.doctor('--fix', '--yes')
  // What was hidden is found now.
  const left = new Set([...keys, ...own])
  note('is new after --fix', [...keysOf(fixed)].filter((key) => !left.has(key)))
  note('is still there after --fix', [...keysOf(fixed)].filter((key) => fixable.has(key)))
  met.fixed += fixable.size
  const isBlocked = fixed.some((one) => isBad(one) && BLOCKS.test(one.id))
  const cures = fixed.filter(isBad).flatMap((one) => {
    const acts = isBlocked && one.next.some((line) => line.startsWith('zt ')) ? undefined : cureOf(one)
    return acts === undefined ? [] : [{key: keyOf(one), acts}]
  })
  for (const {key, acts} of cures)
    for (const act of acts) await act().catch((error: unknown) => note(`the cure of ${key} fails`, [String(error)]))
  // Of two faults that are found as the same, the cure of one leaves the other.
  const isOnly = (key: string): boolean => faults.filter(({finds}) => finds === key).length < 2
  const cured = new Set(cures.map(({key}) => key).filter(isOnly))
  const last = cures.length === 0 ? fixed : await world.doctor()
  note('is new after the cures', [...keysOf(last)].filter((key) => !left.has(key)))
  note('is still there after its cure', [...keysOf(last)].filter((key) => cured.has(key)))
  met.cured += cured.size
  if (hidden.length === faults.length) note('hide each other', hidden.map(({fault}) => fault))
  else if (hidden.length > 0) problems.push(...(await check(hidden)))
  return problems
} // prettier-ignore

it.runIf(hasSsh)('each of several faults is found or said to be hidden, nothing else is, and each cure cures its own', async () => {
  const random = randomOf(SEED)
  const problems: string[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    for (const set of setsOf(random)) problems.push(...(await check(set)))
  expect(problems).toEqual([])
  expect(met.found).toBeGreaterThanOrEqual(FAULTS.length)
  for (const [what, times] of Object.entries(met)) expect(times, what).toBeGreaterThan(0)
}) // prettier-ignore
