import {suite} from './test/support/suite.js'

/** Every answer of the sandbox against the published contract. */
export default suite('test/contract')
