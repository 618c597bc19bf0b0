import {bePatient} from '../../src/lib/core/patience.js'

const FACTOR = '40'

/** For classes of zt that a test uses in its own process; a zt that it starts has ZT_PATIENCE. */
bePatient(FACTOR)

/** With the limits that a person meets: for what hangs, and is to be given up. */
export async function asUsual(run: () => Promise<void>): Promise<void> {
  bePatient('1')
  try {
    await run()
  } finally {
    bePatient(FACTOR)
  }
}
