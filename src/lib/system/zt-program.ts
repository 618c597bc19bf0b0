import path from 'node:path'
import {isSea} from 'node:sea'

/** Whether this is the single executable (docs/executable.md). */
export function isExecutable(): boolean {
  return isSea()
}

/**
 * How zt is started once more: as ssh's ProxyCommand, as the sandbox. The program and the words before its arguments;
 * the single executable is a program of its own, which has node's flags built in.
 *
 * @param root the package's directory
 * @param nodeFlags for node itself
 */
export function ztProgram(root: string, nodeFlags: readonly string[] = []): string[] {
  return partProgram('', () => [...nodeFlags, path.join(root, 'bin', 'zt.cjs')])
}

/**
 * How a part of zt is started that is no command. In the executable its first word has a colon, which no command can
 * have, and executable/main.cjs knows it.
 *
 * @param nodeWords what node is given where zt is files
 */
export function partProgram(name: string, nodeWords: () => readonly string[]): string[] {
  if (!isExecutable()) return [process.execPath, ...nodeWords()]
  return name === '' ? [process.execPath] : [process.execPath, `:${name}`]
}
