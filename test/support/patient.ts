import {bePatient} from '../../src/lib/core/patience.js'

const FACTOR = '40'

/** For classes of zt in the test's own process; a zt that it starts has ZT_PATIENCE. */
bePatient(FACTOR)

/** With the limits that users have: for what hangs, and must be given up. */
export async function asUsual(run: () => Promise<void>): Promise<void> {
  bePatient('1')
  try {
    await run()
  } finally {
    bePatient(FACTOR)
  }
}
