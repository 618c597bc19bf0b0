import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {canDrawProgress, SpinnerProgress} from '../../src/lib/cli/progress.js'

const drawn: string[] = []
let frames: string[] = []
vi.mock('yocto-spinner', () => ({
  default: ({text, spinner}: {text: string; spinner: {frames: string[]}}) => {
    frames = spinner.frames
    const one = {
      start: () => {
        drawn.push(text)
        return one
      },
      stop: () => drawn.push('gone'),
      set text(now: string) {
        drawn.push(now)
      },
    }
    return one
  },
}))

beforeEach(() => {
  drawn.length = 0
  vi.useFakeTimers()
  vi.stubEnv('COLUMNS', '80')
  vi.stubEnv('LC_ALL', 'C')
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

/** Lets so much time pass, and the spinner be loaded. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
  await vi.dynamicImportSettled()
  await vi.advanceTimersByTimeAsync(0)
}

describe('the progress line', () => {
  it('is drawn once a step takes long, and goes', async () => {
    const progress = new SpinnerProgress()
    progress.step('Reading')
    await pass(399)
    expect(drawn).toEqual([])
    await pass(1)
    expect(drawn).toEqual(['Reading'])
    progress.step('Writing')
    progress.stop()
    progress.step('Never seen')
    await pass(5000)
    expect(drawn).toEqual(['Reading', 'Writing', 'gone'])
    expect(frames.join('')).toMatch(/^[ -~]+$/)
  })

  it('is not drawn over a question, whatever goes on meanwhile', async () => {
    const progress = new SpinnerProgress()
    progress.step('Reading')
    const release = progress.hold()
    progress.step('Writing')
    await pass(5000)
    expect(drawn).toEqual([])
    release()
    progress.step('Checking')
    await pass(400)
    expect(drawn).toEqual(['Checking'])
    progress.hold()
    await pass(5000)
    expect(drawn).toEqual(['Checking', 'gone'])
  })

  it('counts, and says what is left once that can be estimated, and less of it as time passes', async () => {
    const progress = new SpinnerProgress()
    progress.step('Reading', {done: 100, of: 500})
    await pass(900)
    expect(drawn.at(-1)).toBe('Reading (100 of 500)')
    await pass(100)
    progress.step('Reading', {done: 200, of: 500})
    expect(drawn.at(-1)).toBe('Reading (200 of 500) - about 3 s left')
    await pass(1000)
    expect(drawn.at(-1)).toMatch(/about [23] s left$/)
    await pass(60_000)
    expect(drawn.at(-1)).toBe('Reading (200 of 500) - about 1 s left')
    progress.step('Reading', {done: 201, of: 500, unit: 'days'})
    expect(drawn.at(-1)).toBe('Reading (201 of 500 days) - about 4 min left')
    progress.stop()
  })

  it('begins its estimate anew with another count', async () => {
    const progress = new SpinnerProgress()
    progress.step('Reading', {done: 0, of: 10})
    await pass(5000)
    progress.step('Changing', {done: 1, of: 3})
    await pass(1000)
    expect(drawn.at(-1)).toBe('Changing (1 of 3)')
    progress.step('Waiting')
    expect(drawn.at(-1)).toBe('Waiting')
    progress.stop()
  })

  it('says why it waits in place of the count', async () => {
    const progress = new SpinnerProgress()
    progress.step('Reading', {done: 1, of: 2})
    await pass(2000)
    progress.pause('Cloudflare asks for a pause: continuing in 3 s')
    expect(drawn.at(-1)).toBe('Cloudflare asks for a pause: continuing in 3 s')
    progress.pause(undefined)
    expect(drawn.at(-1)).toBe('Reading (1 of 2)')
    progress.stop()
  })

  it.each([40, 80])('is one line of %i columns, and what is counted stays in it', async (columns) => {
    vi.stubEnv('COLUMNS', String(columns))
    const progress = new SpinnerProgress()
    const text = 'Reading what a very long name in the account of Widgetcorp is the name of, and more'
    progress.step(text, {done: 10, of: 100})
    await pass(30_000)
    progress.step(text, {done: 20, of: 100})
    expect(drawn.at(-1)).toMatch(/\(20 of 100\) - about 4 min left$/)
    // A sign and a blank come before it.
    expect((drawn.at(-1) ?? '').length).toBeLessThanOrEqual(columns - 2)
    progress.stop()
  })

  it.each([
    [true, 'xterm', true],
    [true, 'dumb', false],
    [false, 'xterm', false],
  ])('is drawn on a terminal that can: terminal %s, TERM=%s: %s', (isTTY, term, can) => {
    vi.stubEnv('TERM', term)
    const before = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY')
    Object.defineProperty(process.stderr, 'isTTY', {value: isTTY, configurable: true})
    expect(canDrawProgress()).toBe(can)
    if (before) Object.defineProperty(process.stderr, 'isTTY', before)
    else Reflect.deleteProperty(process.stderr, 'isTTY')
  })
})
