import fs from 'node:fs'
import path from 'node:path'

/** The absolute path of a program on PATH; undefined when there is none. */
export function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const windows = process.platform === 'win32'
  const extensions = windows ? (env['PATHEXT'] ?? '.EXE;.CMD').split(';') : ['']
  for (const directory of (env['PATH'] ?? '').split(path.delimiter)) {
    // An empty entry means the current directory, where anybody may have put anything.
    if (!path.isAbsolute(directory)) continue
    for (const extension of extensions) {
      const file = path.join(directory, name + extension)
      try {
        fs.accessSync(file, fs.constants.X_OK)
        if (fs.statSync(file).isFile()) return file
      } catch {
        continue
      }
    }
  }
  return undefined
}
