import path from 'node:path'
import {fileURLToPath} from 'node:url'
import {filesSync as fs} from '../../system/disk.js'
import {BugError} from '../../core/errors.js'
import {partProgram} from '../../system/zt-program.js'

/** The program and arguments that start the keychain's child process: from the bundle, the sources or the executable. */
export function childProgram(): string[] {
  return partProgram('keychain', childWords)
}

function childWords(): string[] {
  const root = packageRoot(path.dirname(fileURLToPath(import.meta.url)))
  const built = path.join(root, 'dist', 'keychain', 'child.cjs')
  const source = path.join(root, 'src', 'lib', 'secrets', 'keychain', 'child.ts')
  const fromSources = import.meta.url.endsWith('.ts')
  return fromSources && fs.existsSync(source) ? ['--import', 'tsx', source] : [built]
}

function packageRoot(from: string): string {
  for (let directory = from; ; directory = path.dirname(directory)) {
    if (fs.existsSync(path.join(directory, 'package.json')) && fs.existsSync(path.join(directory, 'bin')))
      return directory
    if (directory === path.dirname(directory)) throw new BugError('zt cannot find its own files')
  }
}
