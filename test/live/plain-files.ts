import fs from 'node:fs/promises'

/** As in src/lib/system/files.ts, without waiting for the disk: for tests that write hundreds of states. */
export async function writeFileAtomic(file: string, data: string, mode = 0o600): Promise<void> {
  await fs.writeFile(`${file}.new`, data, {mode})
  await fs.rename(`${file}.new`, file)
}
