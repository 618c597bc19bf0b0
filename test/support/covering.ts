import {expect} from 'vitest'

/**
 * Runs a property until its random inputs have met every case that the test is about: a single run may miss one, however
 * many inputs it tries, and the test would then fail without a fault.
 *
 * @param run calls `fc.assert`; its seed must be a new one each time
 * @param missing which cases were not met so far
 * @param rounds after so many runs, a case that was never met is a fault of the inputs
 */
export async function untilCovered(
  run: () => unknown,
  missing: () => readonly string[],
  rounds = 20,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await run()
    if (missing().length === 0) return
  }
  expect(missing()).toEqual([])
}
