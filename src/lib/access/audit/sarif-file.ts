import path from 'node:path'
import {hasCode, UserError} from '../../core/errors.js'
import {replaceFile} from '../../system/files.js'

/**
 * Writes a SARIF document to a person's file; its mode follows the umask.
 *
 * @throws UserError `not-written` / `FILE_NOT_WRITABLE`
 */
export async function writeSarif(file: string, text: string): Promise<void> {
  try {
    await replaceFile(path.resolve(file), {mode: 0o666, write: (handle) => handle.writeFile(`${text}\n`)})
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error
    throw new UserError({
      kind: 'not-written',
      code: 'FILE_NOT_WRITABLE',
      message: `Cannot write ${file}`,
      why: 'Its directory does not exist, or it is a directory itself.',
      next: ['Give a file in a directory that exists: --sarif FILE'],
      cause: error,
    })
  }
}
