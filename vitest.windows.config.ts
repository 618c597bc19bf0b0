import {defineConfig} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

/** The installed zt on Windows' node, under wine. */
export default defineConfig({
  test: {
    include: ['test/windows/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: AMPLE_MS,
    setupFiles: ['test/support/patient.ts'],
    hookTimeout: AMPLE_MS,
    expect: {poll: {timeout: AMPLE_MS}},
    globalSetup: ['test/windows/install.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
