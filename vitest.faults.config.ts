import {suite} from './test/support/suite.js'

/** Every fault that can hit a one-time secret: the built bin, real processes, killed or disconnected at every step. */
export default suite('test/faults', {
  fileParallelism: false,
  maxConcurrency: 10,
  globalSetup: ['test/faults/summary.ts'],
  reporters: ['dot', './test/support/count-reporter.ts'],
})
