import {expect, it} from 'vitest'
import {fuzz} from '../../support/tunnel-fuzz.js'

it('10,000 made-up and damaged server streams: no crash, no hang, nothing kept back, and every frame sent is legal', async () => {
  const tally = await fuzz(10_000, 1)
  // All the ends are met, and often.
  for (const end of ['done', 'EDGE_GONE', 'TUNNEL_CLOSED', 'TUNNEL_PROTOCOL']) {
    expect(tally[end]).toBeGreaterThan(100)
  }
})
