import {expect, it} from 'vitest'
import {fuzz} from '../support/tunnel-fuzz.js'

it('100,000 made-up and damaged server streams: no crash, no hang, and the memory stays', async () => {
  await fuzz(5000, 1_000_000)
  const before = process.memoryUsage().rss
  const tally = await fuzz(100_000, 2_000_000)
  expect(Object.values(tally).reduce((sum, times) => sum + times)).toBe(100_000)
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
})
