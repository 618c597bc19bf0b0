import fs from 'node:fs/promises'
import path from 'node:path'
import {hasCode} from '../../core/errors.js'

/** File systems of Linux that lie in memory, by statfs(2)'s type. */
const IN_MEMORY = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** A sentence when the directory, or where it would be made, is gone at the next restart. */
export async function memoryWarning(
  directory: string,
  statfs: (of: string) => Promise<{type: number}> = fs.statfs,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  if (platform !== 'linux') return undefined
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    try {
      const kind = IN_MEMORY.get((await statfs(at)).type)
      return kind && `The vault lies in memory (${kind} at ${at}): it is gone when the machine restarts.`
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR') || at === path.dirname(at)) return undefined
    }
  }
}
