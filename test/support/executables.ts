import {execFileSync} from 'node:child_process'
import {existsSync, readFileSync, statSync} from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../..')

export type Target = 'linux-x64' | 'linux-arm64' | 'win-x64'

/** The node that becomes the executable for a target; undefined if it is not installed. */
export function nodeFor(target: Target): string | undefined {
  const program = target === 'win-x64' ? 'node.exe' : 'node'
  const file = path.join(root, 'executable', 'node_modules', `node-${target}`, 'bin', program)
  return existsSync(file) ? file : undefined
}

/** The executable in dist-executable/, built if it is missing or older than what it is made of. */
export function executableFor(target: Target): string {
  const file = path.join(root, 'dist-executable', `zt-${target}${target === 'win-x64' ? '.exe' : ''}`)
  const scripts = ['executable', 'licences', 'node-binary'].map((name) => `scripts/${name}.mjs`)
  const parts = ['dist/build.json', ...scripts]
  const made = [...parts, ...['main', 'parts', 'load-bundle'].map((name) => `executable/${name}.cjs`)]
  const age = (one: string): number => statSync(path.join(root, one)).mtimeMs
  const fresh = existsSync(file) && made.every((one) => age(one) < statSync(file).mtimeMs)
  if (!fresh) build(target)
  return file
}

function build(target: Target): void {
  execFileSync(process.execPath, [path.join(root, 'scripts', 'executable.mjs'), '--target', target], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

const NAME = Buffer.from('VirtualAlloc2\0')

/**
 * A program of node 26 for Windows that wine 8 can run: V8 reserves memory with a function that wine has, but without the
 * flag that V8 needs; and does without if there is no function of that name.
 */
export function forWine(file: string): Buffer {
  const bytes = readFileSync(file)
  const at = bytes.indexOf(NAME)
  if (at === -1 || bytes.includes(NAME, at + 1))
    throw new Error(`${file} does not name ${NAME.toString()} once`)
  bytes.write('X', at + NAME.length - 2)
  return bytes
}
