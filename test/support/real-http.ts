import nock from 'nock'
import {afterAll, beforeAll} from 'vitest'

/** nock stands in for node's HTTP client, and then no agent's own connections are used. Only loopback is called here. */
export function useRealHttp(): void {
  beforeAll(() => {
    nock.restore()
  })
  afterAll(() => {
    nock.activate()
  })
}
