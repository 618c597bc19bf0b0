import nock from 'nock'
import {afterEach} from 'vitest'

nock.disableNetConnect()
nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/)

afterEach(() => {
  nock.cleanAll()
})

/** HTTP that is answered within the test. A request to another machine without an answer fails. */
export default nock
