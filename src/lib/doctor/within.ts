import {abandon} from '../system/abandoned.js'

/**
 * What `work` gives, or, if it has not ended by then, what `late` gives; the process does not wait for the rest.
 *
 * @param isHeld whether a person is asked, whose time does not count
 */
export async function within<T>(
  limitMs: number,
  work: Promise<T>,
  late: () => T,
  isHeld: () => boolean = () => false,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<T>((resolve) => {
    const begin = (): void => {
      timer = setTimeout(() => {
        if (isHeld()) return begin()
        abandon()
        resolve(late())
      }, limitMs)
    }
    begin()
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
