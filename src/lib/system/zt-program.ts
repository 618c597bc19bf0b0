import path from 'node:path'
import {isSea} from 'node:sea'
import {filesSync as fs} from './disk.js'

/** Whether this is the single executable (docs/how-to/executable.md). */
export function isExecutable(): boolean {
  return isSea()
}

/**
 * The program and first arguments that start zt again: as ssh's ProxyCommand, as the sandbox. The single executable has
 * node's flags built in.
 *
 * @param root the package's directory
 * @param nodeFlags for node itself
 */
export function ztProgram(root: string, nodeFlags: readonly string[] = []): string[] {
  return partProgram('', () => [...nodeFlags, path.join(root, 'bin', 'zt.cjs')])
}

/**
 * The same for a part of zt that is not a command. In the single executable, its first argument begins with a colon, as no
 * command does; executable/main.cjs reads it.
 *
 * @param nodeWords node's arguments if zt is not a single executable
 */
export function partProgram(name: string, nodeWords: () => readonly string[]): string[] {
  if (!isExecutable()) return [lastingPath(process.execPath), ...nodeWords()]
  return name === '' ? [process.execPath] : [process.execPath, `:${name}`]
}

/**
 * The path of node, as a file may name it for later. fnm makes a directory of links for each shell, and Windows tells node
 * that path; the directory goes, and node stays.
 */
export function lastingPath(node: string, real: (file: string) => string = fs.realpathSync): string {
  return /[\\/]fnm_multishells[\\/]/.test(node) ? real(node) : node
}
