import {afterAll, beforeAll, describe, inject} from 'vitest'
import {CommandWorld} from '../contract/command-world.js'
import type {End} from '../support/built-zt.js'
import {Windows} from './wine.js'
import {WindowsZt} from './windows-zt.js'

export interface World {
  readonly windows: Windows
  readonly zt: WindowsZt
  readonly api: CommandWorld
}

/** Tests with one user on Windows, whose zt uses a sandbox here; skipped without wine. */
export function describeOnWindows(name: string, tests: (world: World) => void): void {
  const wine = inject('wine')
  describe.skipIf(!wine)(name, () => {
    const world = {} as {-readonly [K in keyof World]: World[K]}
    beforeAll(async () => {
      world.windows = await Windows.join(wine?.prefix ?? '')
      world.zt = WindowsZt.make(world.windows, {ZT_STORE: 'vault'})
      world.api = await CommandWorld.open(world.zt)
    })
    afterAll(async () => {
      await world.api.end()
      world.windows.end()
    })
    tests(world)
  })
}

/** What zt printed and how it ended, for a failure's message. */
export const said = ({code, stdout, stderr}: End): string => `${code}\n${stdout}${stderr}`

/** A failure that zt words itself, with its exit code; a bug's is 1. */
export function isWorded({code, stderr}: End): boolean {
  return code !== null && code > 1 && /^error: /m.test(stderr)
}
