import {defineConfig} from 'vitest/config'
import unit from '../../vitest.config.ts'
import {ROOMS} from './rooms.mjs'

/** The unit tests of one room. */
export default defineConfig({
  test: {...unit.test, reporters: [], include: ROOMS[process.env.ZT_MUTATION_ROOM].tests},
})
