import path from 'node:path'
import {fileURLToPath} from 'node:url'
import {filesSync as fs} from '../../system/disk.js'
import {BugError} from '../../core/errors.js'
import {partProgram} from '../../system/zt-program.js'

/** The program and arguments that start the keychain's child process: from the bundle, the sources or the executable. */
export function childProgram(): string[] {
  return partProgram('keychain', childWords)
}

/**
 * The directory of keytar: in zt's own node_modules, or in one that zt is installed in. By its name, node would look for it in
 * every directory up to the root of the drive, where on Windows anyone may make a directory node_modules.
 *
 * @param isThere for tests
 * @returns undefined if it is not installed
 */
export function keytarDirectory(
  root = packageRoot(path.dirname(fileURLToPath(import.meta.url))),
  isThere: (directory: string) => boolean = fs.existsSync,
): string | undefined {
  const around = [path.join(root, 'node_modules')]
  for (let directory = root; directory !== path.dirname(directory); directory = path.dirname(directory))
    if (path.basename(directory) === 'node_modules') around.push(directory)
  return around.map((directory) => path.join(directory, 'keytar')).find((one) => isThere(one))
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
