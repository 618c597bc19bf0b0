import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import type * as Remote from '../../src/lib/doctor/checks/remote/index.js'
import type {Seams} from '../../src/lib/doctor/checks/remote/seams.js'
import {findProgram} from '../../src/lib/system/programs.js'
import {FAULTS, overlap, SeveralWorld, type AnyFault, type Found} from './several-world.js'

// Several faults of the two tables at once: one may hide another, and no cure may touch another.

const {seams} = vi.hoisted(() => ({seams: {} as Seams}))
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
      if (set.some((one) => overlap(footprints.get(one) ?? [], footprints.get(other) ?? []))) continue
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

/** What else a fault makes wrong, so that it is found as well. */
const ALSO: Record<string, string[]> = {}

/** Whether the check of a fault says that something else keeps it from its work. */
function isHidden({finds}: AnyFault, found: readonly Found[]): boolean {
  const [check = ''] = finds.split(/[ /]/)
  return found.some(({id, state}) => id.split('/')[0] === check && state === 'skipped')
}

/** Lines that show something, and change nothing. */
const SHOWS = /^(ls|df|nslookup|ssh -G|zt (doctor|app list|app explain|whoami|version|ssh check|token import))\b/

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

async function check(faults: readonly AnyFault[]): Promise<void> {
  const names = faults.map(({fault}) => fault).join('\n')
  await world.build(faults)
  const found = await world.doctor()
  const said = `${names}\n${JSON.stringify(found.filter(({state}) => state !== 'ok'), null, 1)}`
  const keys = keysOf(found)
  const own = new Set(faults.flatMap(({finds}) => [finds, ...(ALSO[finds] ?? [])]))
  expect([...keys].filter((key) => !own.has(key)), said).toEqual([])
  const hidden = faults.filter(({finds}) => !keys.has(finds))
  expect(hidden.filter((one) => !isHidden(one, found)).map(({fault}) => fault), said).toEqual([])
  expect(hidden.length, said).toBeLessThan(faults.length)
  expect(found.filter((one) => isBad(one) && one.next.length === 0), said).toEqual([])
  met.found += faults.length - hidden.length
  met.hidden += hidden.length
  const fixable = new Set(found.filter(({fix}) => fix !== null).map(keyOf))
  const after = fixable.size === 0 ? found : await world.doctor('--fix', '--yes')
  // What it hid is found now.
  const left = new Set([...keys, ...hidden.map(({finds}) => finds)])
  expect([...keysOf(after)].filter((key) => !left.has(key)), said).toEqual([])
  expect([...keysOf(after)].filter((key) => fixable.has(key)), said).toEqual([])
  met.fixed += fixable.size
  const cures = after.filter(isBad).flatMap((one) => {
    const acts = cureOf(one)
    return acts === undefined ? [] : [{key: keyOf(one), acts}]
  })
  for (const {acts} of cures) for (const act of acts) await act()
  // Of two faults that are found as the same, the cure of one leaves the other.
  const isOnly = (key: string): boolean => faults.filter(({finds}) => finds === key).length < 2
  const cured = new Set(cures.map(({key}) => key).filter(isOnly))
  const last = cures.length === 0 ? after : await world.doctor()
  expect([...keysOf(last)].filter((key) => !left.has(key) || cured.has(key)), said).toEqual([])
  met.cured += cured.size
  if (hidden.length > 0) await check(hidden)
} // prettier-ignore

it.runIf(hasSsh)('each of several faults is found or said to be hidden, nothing else is, and each cure cures its own', async () => {
  const random = randomOf(SEED)
  for (let round = 0; round < ROUNDS; round += 1) for (const set of setsOf(random)) await check(set)
  expect(met.found).toBeGreaterThanOrEqual(FAULTS.length)
  for (const [what, times] of Object.entries(met)) expect(times, what).toBeGreaterThan(0)
}) // prettier-ignore
