import {suite} from './test/support/suite.js'

/** Hostile servers, files, texts, environments and clients against the built zt: two thirds of the time it waits for them. */
export default suite('test/attacks', {maxWorkers: 4, globalSetup: ['test/attacks/summary.ts']})
