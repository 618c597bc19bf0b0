import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {deathAt, phasesOf, recorded, type Effect, type Phase} from './kill/recording.js'
import {SetupLane, type Kept} from './setup-lane.js'

const HOST = 'build-ssh.widgetcorp.tech'
const SET_UP = ['setup', HOST, '--yes', '--no-connect', '--ssh-config', '--file', 'ssh-config', '--json']
const REMOVE = ['setup', HOST, '--remove', '--yes', '--file', 'ssh-config', '--json']
/** Every how many of the effects that no other process sees (a temporary file, a lock) a run is killed at. */
const STEP = 20

const lanes = [await SetupLane.open(), await SetupLane.open()]
afterAll(async () => {
  for (const lane of lanes) await lane.close()
})

/** A moment at which a process dies, and what there is to see of it. */
interface Point extends Pick<Effect, 'label' | 'nth'> {
  phase: Phase
}

/** What others can see: a request that changes the account, or a file under its own name. */
function isSeen({what, label}: Effect): boolean {
  if (/STATE\/zt\/(locks|run)\//.test(label)) return false
  return what === 'request'
    ? !label.startsWith('request GET')
    : /^(rename|link|unlink|write)$/.test(what) && !label.includes('<temporary>')
}

/**
 * The end of an effect is the beginning of the next. So each effect that others see is a point, before (by what precedes
 * it), in the middle of a write, and after; of all others every {@link STEP}th.
 */
function pointsOf(effects: readonly Effect[]): Point[] {
  const hidden = effects.filter((one) => !isSeen(one))
  return effects
    .flatMap((effect) => {
      const {label, nth} = effect
      if (!isSeen(effect))
        return hidden.indexOf(effect) % STEP === 0 ? [{label, nth, phase: 'before' as const}] : []
      return phasesOf(effect).map((phase) => ({label, nth, phase}))
    })
    .filter(({phase, label}) => phase !== 'before' || !/^(rename|link|unlink)/.test(label))
}

/** An undisturbed setup and its removal. */
async function undisturbed(lane: SetupLane) {
  const before = await lane.everything()
  const beginning = await lane.keep('beginning')
  const up = await recorded(lane, SET_UP)
  const made = await lane.made()
  const setUp = await lane.keep('set-up')
  const down = await recorded(lane, REMOVE)
  expect([up.end.code, down.end.code], up.end.stdout + down.end.stdout).toEqual([0, 0])
  expect(await lane.everything()).toEqual(before)
  return {before, beginning, made, setUp, up: pointsOf(up.effects), down: pointsOf(down.effects)}
}

const plain = await Promise.all(lanes.map(undisturbed))
const [{made, up, down}] = plain as [(typeof plain)[0]]

const free = [0, 1]
const waiting: ((at: number) => void)[] = []

/** Runs in a lane that no other case uses. */
async function inLane(run: (lane: SetupLane, of: (typeof plain)[0]) => Promise<void>): Promise<void> {
  const at = free.pop() ?? (await new Promise<number>((resolve) => waiting.push(resolve)))
  const [lane, of] = [lanes[at], plain[at]]
  try {
    if (lane && of) await run(lane, of)
  } finally {
    const next = waiting.shift()
    if (next) next(at)
    else free.push(at)
  }
}

async function killed(
  lane: SetupLane,
  from: Kept,
  line: string[],
  {label, nth, phase}: Point,
): Promise<void> {
  await lane.restore(from)
  const {end, effects} = await recorded(lane, line, deathAt({label, nth}, phase))
  expect(end.signal, end.stdout + end.stderr).toBe('SIGKILL')
  // A request that was sent beside it may have been counted after it.
  expect(effects).toContainEqual(expect.objectContaining({label, nth}))
}

describe('two at once', () => {
  it.concurrent.each([
    ['of one host', [HOST, HOST]],
    ['of two hosts with one token', [HOST, 'wiki-ssh.widgetcorp.tech']],
  ])('%s', async (_, hosts) => {
    await inLane(async (lane, {beginning, before}) => {
      await lane.restore(beginning)
      const lines = hosts.map((host) => [
        'setup',
        host,
        '--token',
        'shared',
        '--yes',
        '--no-connect',
        '--json',
      ])
      for (const end of await Promise.all(lines.map((line) => lane.run(line))))
        expect(end.code, end.stdout + end.stderr).toBe(0)
      expect(lane.state.data.serviceTokens.map(({object}) => object['name'])).toEqual(['shared'])
      for (const host of new Set(hosts)) {
        const end = await lane.run(['ssh', 'check', host, '--json'])
        expect(end.code, end.stdout + end.stderr).toBe(0)
      }
      await Promise.all([...new Set(hosts)].map((host) => lane.run(['setup', host, '--remove', '--yes'])))
      // A token that the other host used at that moment was kept.
      for (const host of new Set(hosts)) await lane.run(['setup', host, '--remove', '--yes'])
      expect(await lane.everything()).toEqual(before)
    })
  })
})

describe('zt setup, killed at each effect that others see and at every twentieth of the others', () => {
  beforeAll(() => {
    expect(up.length).toBeGreaterThan(30)
  })
  it.concurrent.each(up.map((point, number) => ({...point, number})))(
    '$phase $label ($nth)',
    async (point) => {
      await inLane(async (lane, {beginning, before}) => {
        await killed(lane, beginning, SET_UP, point)
        const again = await lane.run(SET_UP)
        expect(again.code, again.stdout + again.stderr).toBe(0)
        expect(await lane.made()).toEqual(made)
        if (point.number % 3 !== 0) return
        const removed = await lane.run(REMOVE)
        expect(removed.code, removed.stdout + removed.stderr).toBe(0)
        expect(await lane.everything()).toEqual(before)
      })
    },
  )
})

describe('zt setup --remove, killed in the same way', () => {
  it.concurrent.each(down)('$phase $label ($nth)', async (point) => {
    await inLane(async (lane, {setUp, before}) => {
      await killed(lane, setUp, REMOVE, point)
      const again = await lane.run(REMOVE)
      expect(again.code, again.stdout + again.stderr).toBe(0)
      expect(await lane.everything()).toEqual(before)
    })
  })
})
