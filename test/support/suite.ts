import {defineConfig, type ViteUserConfig} from 'vitest/config'
import {AMPLE_MS} from './patience.js'

/** What all suites have in common: processes of their own, and no outcome that depends on the machine's speed. */
export const PATIENT = {
  disableConsoleIntercept: true,
  pool: 'forks',
  testTimeout: AMPLE_MS,
  hookTimeout: AMPLE_MS,
  setupFiles: ['test/support/patient.ts'],
  expect: {poll: {timeout: AMPLE_MS}},
} satisfies ViteUserConfig['test']

/** All tests in a directory. */
export function suite(directory: string, own: ViteUserConfig['test'] = {}): ViteUserConfig {
  return defineConfig({
    test: {
      ...PATIENT,
      include: [`${directory}/**/*.test.ts`],
      reporters: ['default', './test/support/count-reporter.ts'],
      ...own,
    },
  })
}
