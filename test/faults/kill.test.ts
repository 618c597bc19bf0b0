import {afterAll, describe, expect, it} from 'vitest'
import {Lanes} from './lanes.js'
import {deathAt, phasesOf, recorded, type Effect, type Phase} from './kill/recording.js'
import {COMMANDS, RECOVER, type Scene} from './scene.js'
import {tally} from './tally.js'
import {faultsOf} from './verdict.js'

const lanes = new Lanes(4)
afterAll(() => lanes.close())

const LINES = {...COMMANDS, 'rotate at once': ['token', 'rotate', 'ci', '--grace', '0', '--json']}
type Line = keyof typeof LINES

interface Point extends Pick<Effect, 'label' | 'nth'> {
  phase: Phase
}

/** The effects of an undisturbed run: every later run dies at one of them. */
async function pointsOf(line: Line): Promise<Point[]> {
  return lanes.use(async (scene) => {
    await scene.reset()
    const {end, effects} = await recorded(scene, LINES[line])
    if (end.code !== 0) throw new Error(`${line} ended with ${end.code}: ${end.stdout}${end.stderr}`)
    return effects.flatMap((effect) =>
      phasesOf(effect).map((phase) => ({phase, label: effect.label, nth: effect.nth})),
    )
  })
}

const points: Record<Line, Point[]> = {
  create: await pointsOf('create'),
  rotate: await pointsOf('rotate'),
  'rotate at once': await pointsOf('rotate at once'),
}
/** What it shares with a rotation is killed there; of that only every third here. */
const rotated = new Set(points.rotate.map(({phase, label, nth}) => `${phase} ${label} ${nth}`))
points['rotate at once'] = points['rotate at once'].filter(
  ({phase, label, nth}, at) => at % 3 === 0 || !rotated.has(`${phase} ${label} ${nth}`),
)

/** Recoveries that were killed at every effect, by what they do. */
const known = new Set<string>()

describe.each(['create', 'rotate', 'rotate at once'] as const)('token %s, killed', (line) => {
  let killed = 0
  afterAll(() => {
    tally({kind: 'recording', name: line, effects: points[line].length, killed})
  })

  it.concurrent.each(points[line])('$phase $label ($nth)', async ({phase, label, nth}) =>
    lanes.use(async (scene) => {
      await scene.reset()
      const {end, effects} = await recorded(scene, LINES[line], deathAt({label, nth}, phase))
      expect(end.signal, end.stdout + end.stderr).toBe('SIGKILL')
      expect(effects.at(-1)).toMatchObject({label, nth})
      killed++
      const wrong = [...scene.misconduct(end), ...faultsOf(await scene.judge(false))]
      const left = await scene.snapshot('left')
      const {end: recovered, effects: done} = await recorded(scene, RECOVER)
      wrong.push(...scene.misconduct(recovered))
      if (recovered.code === 9) wrong.push(...faultsOf(await scene.judge(false)), ...(await scene.settle()))
      else if (recovered.code === 0) wrong.push(...faultsOf(await scene.judge(true)))
      else wrong.push(`unsettled: the recovery ended with ${recovered.code}: ${recovered.stdout}`)
      const name = `${line} killed ${phase} ${label} (${nth})`
      tally({kind: 'kill', name, wrong})
      const path = done.map((effect) => effect.label).join('\n')
      if (!known.has(path)) {
        known.add(path)
        wrong.push(...(await recoveryKilled(scene, name, left)))
      }
      expect(wrong).toEqual([])
    }),
  )
})

/** Kills the recovery at each of its effects, and runs it again. */
async function recoveryKilled(
  scene: Scene,
  name: string,
  left: Awaited<ReturnType<Scene['snapshot']>>,
): Promise<string[]> {
  await scene.restore(left)
  await scene.age()
  const aged = await scene.snapshot('aged')
  const {effects} = await recorded(scene, RECOVER)
  const all: string[] = []
  let killed = 0
  // Between the write and the sync of a file there is one state, however often it is read.
  const own = effects.flatMap((effect) =>
    phasesOf(effect)
      .filter(
        (phase) =>
          phase === 'torn' ||
          (effect.what !== 'sync' &&
            (phase === 'before' || effect.what === 'request' || effect === effects.at(-1))),
      )
      .map((phase) => ({effect, phase})),
  )
  for (const {effect, phase} of own) {
    await scene.restore(aged)
    const run = await recorded(scene, RECOVER, deathAt(effect, phase))
    const which = `${name}, its recovery killed ${phase} ${effect.label} (${effect.nth})`
    const wrong = [...scene.misconduct(run.end), ...faultsOf(await scene.judge(false))]
    if (run.end.signal === 'SIGKILL' && run.effects.at(-1)?.label === effect.label) killed++
    wrong.push(...(await scene.settle()))
    tally({kind: 'recovery', name: which, wrong})
    all.push(...wrong.map((one) => `${which}: ${one}`))
  }
  tally({kind: 'recording', name: `recovery after ${name}`, effects: own.length, killed})
  return all
}
