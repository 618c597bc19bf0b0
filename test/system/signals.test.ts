import {afterEach, expect, it, vi} from 'vitest'
import {interrupted, type UserError} from '../../src/lib/core/errors.js'
import {endBySignal, interruptions, Unfinished} from '../../src/lib/system/signals.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const before = SIGNALS.map((signal) => process.listeners(signal))
/** What only this test's code listens with. */
const ours = (signal: (typeof SIGNALS)[number]): ((signal: NodeJS.Signals) => void)[] =>
  process.listeners(signal).filter((one) => !before.some((known) => known.includes(one)))

afterEach(() => {
  expect(SIGNALS.map((signal) => process.listeners(signal))).toEqual(before)
  vi.restoreAllMocks()
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends an unfinished operation with what it leaves, and %i', async (signal, exitCode) => {
  const ends: UserError[] = []
  const interruptible = interruptions((error) => ends.push(error))
  const done = await interruptible(
    () => interrupted({next: ['zt undo 01']}),
    async () => {
      await Promise.resolve()
      ours(signal)[0]?.(signal)
      return 'done'
    },
  )
  expect(done).toBe('done')
  expect(ends).toMatchObject([{code: 'INTERRUPTED', next: ['zt undo 01'], exitCode}])
})

it('is heard before whoever listened already, as the progress line does, which ends the process silently', async () => {
  const heard: string[] = []
  const line = (): void => void heard.push('line')
  process.on('SIGINT', line)
  const interruptible = interruptions(() => heard.push('ours'))
  await interruptible(
    () => interrupted(),
    () => {
      for (const listener of process.listeners('SIGINT'))
        if (!before[0]?.includes(listener)) listener('SIGINT')
      return Promise.resolve()
    },
  )
  process.removeListener('SIGINT', line)
  expect(heard).toEqual(['ours', 'line'])
})

it('ends as usual where there is nothing to say, and after the operation', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  const ends: UserError[] = []
  const interruptible = interruptions((error) => ends.push(error))
  await interruptible(
    (inner) => inner,
    () => {
      ours('SIGTERM')[0]?.('SIGTERM')
      expect(SIGNALS.flatMap(ours)).toEqual([])
      return Promise.resolve()
    },
  )
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']])
  await expect(
    interruptible(
      () => interrupted(),
      () => Promise.reject(new Error('failed')),
    ),
  ).rejects.toThrow('failed')
  expect(SIGNALS.flatMap(ours)).toEqual([])
  expect(ends).toEqual([])
})

it('says what the innermost operation leaves, to which the outer ones add', async () => {
  const unfinished = new Unfinished()
  const said: unknown[] = []
  const note = (): Promise<void> => Promise.resolve(void said.push(unfinished.said()?.whyLines))
  await unfinished.during(
    (inner) => interrupted({why: [...(inner?.whyLines ?? []), 'outer']}),
    async () => {
      await unfinished.during((inner) => inner, note)
      await unfinished.during(() => interrupted({why: 'inner'}), note)
    },
  )
  await note()
  expect(said).toEqual([['outer'], ['inner', 'outer'], undefined])
})

it.each<[platform: NodeJS.Platform, ends: unknown[]]>([
  ['linux', ['kill', 4, 'SIGHUP']],
  ['darwin', ['kill', 4, 'SIGHUP']],
  // To send it there would throw (ENOSYS), and another one would end the process with 1, which means a bug.
  ['win32', ['exit', 129]],
])('on %s a signal ends this process by %j', (platform, ends) => {
  const seen: unknown[] = []
  const self = {
    pid: 4,
    kill: (...given: unknown[]) => seen.push('kill', ...given) > 0,
    exit: (code: unknown) => seen.push('exit', code),
  } as unknown as NodeJS.Process
  endBySignal('SIGHUP', {platform, self})
  expect(seen).toEqual(ends)
})
