import {availableParallelism} from 'node:os'
import {suite} from './test/support/suite.js'

const OTHERS = ['e2e', 'contract', 'faults', 'attacks', 'windows', 'arm64']

export default suite('test', {
  exclude: OTHERS.map((name) => `test/${name}/**`),
  // One more than there are cores, because they also wait for the disk.
  maxWorkers: availableParallelism() + 1,
  setupFiles: ['test/support/hermetic.ts'],
})
