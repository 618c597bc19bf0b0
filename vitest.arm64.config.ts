import {suite} from './test/support/suite.js'

/** The built zt and the executable on node for arm64, by qemu: scripts/test-arm64.mjs prepares it. */
export default suite('test/arm64', {maxWorkers: 2})
