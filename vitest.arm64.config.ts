import {defineConfig} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

/** The built zt and the executable on node for arm64, by qemu: scripts/test-arm64.mjs prepares it. */
export default defineConfig({
  test: {
    include: ['test/arm64/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: AMPLE_MS,
    setupFiles: ['test/support/patient.ts'],
    hookTimeout: AMPLE_MS,
    expect: {poll: {timeout: AMPLE_MS}},
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
