import {afterAll, beforeAll, describe, expect, inject, it} from 'vitest'
import {CommandWorld, type Line} from '../contract/command-world.js'
import {SCENES} from '../support/command-lines.js'
import {commandIn, manifest} from '../support/manifest.js'
import {Windows} from './wine.js'
import {WindowsZt} from './windows-zt.js'

const wine = inject('wine')

/** Those of {@link SCENES} that have nearly every command between them. */
const CHOSEN = [
  'who is asking',
  'a service token from its creation to its end',
  'what is wrong',
  'a service token that comes to nothing',
  'rules, and a token that is taken out of all of them',
  'policies and Access groups from their creation to their end',
  'applications, and their rules one by one',
  'names for the shells',
  'a token that Access refuses',
  'hosts that are set up, and that taken back',
  'the sandbox, which is another account',
]
const had = new Set<string>()
/** Without the lines behind the last command that no scene before has: each line is a process, and wine's are slow. */
const chosen = CHOSEN.map((name) => {
  const lines = SCENES[name] ?? []
  const last = lines.findLastIndex(({args}) => !had.has(commandIn(args)))
  for (const {args} of lines) had.add(commandIn(args))
  return lines.slice(0, last + 1)
})
/** Of the lists, which need nothing before them, those that no scene has. */
const lists = (SCENES['lists, narrowed and of a zone'] ?? []).filter(({args}) => !had.has(commandIn(args)))
const scenes = [...chosen, lists]

/** A process that is stopped on Windows ends at once, with 1: there are no signals. */
const onWindows = (line: Line): Line => (line.during ? {...line, ends: 1} : line)

describe.skipIf(!wine)('every command on Windows', () => {
  /** How each line ended. */
  const ended = new Map<Line, Promise<void>>()
  let windows: Windows

  beforeAll(async () => {
    windows = await Windows.join(wine?.prefix ?? '')
    // Three at a time; the tests below wait for their own.
    const left = [...scenes]
    const settle = new Map<Line, () => void>()
    const outcome = new Map<Line, Error>()
    for (const line of scenes.flat()) {
      const done = new Promise<void>((resolve) => settle.set(line, resolve))
      ended.set(
        line,
        done.then(() => {
          const error = outcome.get(line)
          if (error) throw error
        }),
      )
      ended.get(line)?.catch(() => undefined)
    }
    const lane = async (): Promise<void> => {
      for (let scene = left.shift(); scene; scene = left.shift()) {
        const world = await CommandWorld.open(WindowsZt.make(windows, {ZT_STORE: 'vault'}))
        for (const line of scene) {
          await world.run(onWindows(line)).catch((error: unknown) => outcome.set(line, error as Error))
          settle.get(line)?.()
        }
        await world.end()
      }
    }
    for (let lanes = 0; lanes < 3; lanes++) void lane()
  })

  afterAll(() => {
    windows.end()
  })

  it.each(scenes.flat().map((line) => [`zt ${line.args.join(' ')}`, line] as const))(
    'runs: %s',
    async (_, line) => {
      await ended.get(line)
    },
  )

  it('has a line of each', () => {
    const run = new Set(scenes.flat().map(({args}) => commandIn(args)))
    expect(Object.keys(manifest.commands).filter((id) => !run.has(id))).toEqual([])
  })
})
