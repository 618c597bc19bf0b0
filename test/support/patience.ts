/**
 * Longer than anything that ends takes on the slowest machine: what reaches it hangs. Tests assert what happened, never
 * how long it took; speed is measured in bench/.
 */
export const AMPLE_MS = 1_800_000

/** Waits for what will be there; what never is ends with the test's own limit. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/**
 * For a limit that is to be reached at one place: on a slow machine a short one may be reached before that. It grows
 * until it is not, and the last result is the one to assert on.
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
