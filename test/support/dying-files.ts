import fs from 'node:fs/promises'

/**
 * The functions of `node:fs/promises` that decide what a reader finds, and the argument that says which file. A file is
 * written under a temporary name first, so what is before one of these is the same as after the one that precedes it.
 */
const CHANGING = {
  rename: 1,
  unlink: 0,
  rm: 0,
  rmdir: 0,
  link: 1,
  symlink: 1,
  copyFile: 1,
  writeFile: 0,
} as const

/**
 * Runs something in this process whose file operations are counted, and which dies at one of them: nothing that it does
 * afterwards changes a file. New operations are counted without a list of steps.
 *
 * @param diesAt the number of the operation, from 0, before which it dies
 * @param counts whether a file counts; locks and caches seldom do
 * @returns the operations that were begun, and whether one was the last
 */
export async function dyingFiles(
  run: () => Promise<unknown>,
  {diesAt, counts}: {diesAt?: number | undefined; counts: (file: string) => boolean},
): Promise<{effects: string[]; died: boolean}> {
  const effects: string[] = []
  let died = false
  const real = {...fs}
  const never = (): Promise<never> => new Promise(() => undefined)
  let dead: () => void = () => undefined
  const killed = new Promise<void>((resolve) => {
    dead = resolve
  })
  const die = (): Promise<never> => {
    died = true
    dead()
    return never()
  }
  for (const [name, at] of Object.entries(CHANGING)) {
    const original = real[name as keyof typeof CHANGING] as (...args: unknown[]) => Promise<unknown>
    const replaced = async (...args: unknown[]): Promise<unknown> => {
      if (died) return never()
      const file = String(args[at])
      if (!counts(file)) return original(...args)
      return effects.push(`${name} ${file}`) - 1 === diesAt ? die() : original(...args)
    }
    Object.assign(fs, {[name]: replaced})
  }
  const handles: fs.FileHandle[] = []
  const open: typeof fs.open = async (...args) => {
    if (died) return never()
    const handle = await real.open(...args)
    handles.push(handle)
    return handle
  }
  Object.assign(fs, {open})
  try {
    await Promise.race([run(), killed])
  } finally {
    Object.assign(fs, real)
    // As the end of a process does.
    for (const handle of handles) await handle.close().catch(() => undefined)
  }
  return {effects, died}
}
