import {defineConfig} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

/** Every answer of the sandbox against the published contract. */
export default defineConfig({
  test: {
    include: ['test/contract/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    testTimeout: AMPLE_MS,
    setupFiles: ['test/support/patient.ts'],
    hookTimeout: AMPLE_MS,
    expect: {poll: {timeout: AMPLE_MS}},
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
