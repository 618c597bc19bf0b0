import {defineConfig} from 'vitest/config'

/** The sandbox's every answer against the published contract. */
export default defineConfig({
  test: {
    include: ['test/contract/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    testTimeout: 60_000,
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
