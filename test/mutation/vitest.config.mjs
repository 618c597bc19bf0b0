import {defineConfig} from 'vitest/config'
import unit from '../../vitest.config.ts'
import {ROOMS} from './rooms.mjs'

/** The unit tests of one room, without those that take long. */
export default defineConfig({
  test: {
    ...unit.test,
    reporters: [],
    setupFiles: [...unit.test.setupFiles, 'test/mutation/quick.mjs'],
    include: ROOMS[process.env.ZT_MUTATION_ROOM].tests,
  },
})
