import {defineConfig} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

/** Hostile servers, files, texts, environments and clients against the built zt. */
export default defineConfig({
  test: {
    include: ['test/attacks/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: AMPLE_MS,
    setupFiles: ['test/support/patient.ts'],
    hookTimeout: AMPLE_MS,
    expect: {poll: {timeout: AMPLE_MS}},
    globalSetup: ['test/attacks/summary.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
