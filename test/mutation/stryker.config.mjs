import {ROOMS} from './rooms.mjs'

const room = process.env.ZT_MUTATION_ROOM

export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: {configFile: 'test/mutation/vitest.config.mjs', related: false},
  mutate: ROOMS[room].mutate,
  ignorePatterns: ['dist', 'dist-executable', 'bench', 'docs'],
  coverageAnalysis: 'perTest',
  // What runs once, when a module is loaded, cannot be attributed to a test.
  ignoreStatic: true,
  disableTypeChecks: true,
  timeoutMS: 60_000,
  concurrency: 2,
  tempDirName: 'coverage/stryker',
  reporters: ['clear-text', 'json'],
  jsonReporter: {fileName: `coverage/mutation-${room}.json`},
  clearTextReporter: {reportTests: false, reportMutants: false},
}
