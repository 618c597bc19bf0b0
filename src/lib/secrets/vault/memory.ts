import path from 'node:path'
import {files as fs} from '../../system/disk.js'
import {hasCode} from '../../core/errors.js'

/** Linux file systems in memory, by their type in statfs(2). */
const IN_MEMORY = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** A warning if the directory, or the place where it would be made, is in memory. */
export async function memoryWarning(
  directory: string,
  statfs: (of: string) => Promise<{type: number}> = fs.statfs,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  if (platform !== 'linux') return undefined
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    try {
      const kind = IN_MEMORY.get((await statfs(at)).type)
      return kind && `The vault is in memory (${kind} at ${at}) and is lost when the machine restarts.`
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR') || at === path.dirname(at)) return undefined
    }
  }
}
