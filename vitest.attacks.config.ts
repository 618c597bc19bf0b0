import {defineConfig} from 'vitest/config'

/** What hostile servers, files, texts, environments and clients do to the built zt. */
export default defineConfig({
  test: {
    include: ['test/attacks/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    globalSetup: ['test/attacks/summary.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
