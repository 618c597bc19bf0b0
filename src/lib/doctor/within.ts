import {abandon} from '../system/abandoned.js'

/** What `work` gives, or, if it has not ended by then, what `late` gives; the process does not wait for the rest. */
export async function within<T>(limitMs: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<T>((resolve) => {
    timer = setTimeout(() => {
      abandon()
      resolve(late())
    }, limitMs)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
