import {suite} from './test/support/suite.js'

/** The installed zt on Windows' node, under wine. */
export default suite('test/windows', {maxWorkers: 2, globalSetup: ['test/windows/install.ts']})
