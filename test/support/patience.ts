/**
 * Longer than anything that ends takes on the slowest machine: what reaches this limit hangs. Tests assert what happened, never
 * how long it took; speed is measured in bench/.
 */
export const AMPLE_MS = 1_800_000

/** Waits until something is there; if it never is, the test's own limit ends the wait. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/**
 * For a limit that must be reached at one point: on a slow machine a short one may be reached earlier. It grows
 * until it is not; assert on the last result.
 */
export async function withGrowingLimit<T>(
  firstMs: number,
  attempt: (ms: number) => Promise<T>,
  isThere: (result: T) => boolean | Promise<boolean>,
): Promise<T> {
  for (let ms = firstMs; ; ms *= 5) {
    const result = await attempt(ms)
    if (ms > AMPLE_MS / 5 || (await isThere(result))) return result
  }
}
