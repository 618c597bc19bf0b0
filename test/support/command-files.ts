import {readdirSync} from 'node:fs'
import path from 'node:path'

/** Every command by its words (`token create`), and its file in src/commands. */
export const COMMAND_FILES: ReadonlyMap<string, string> = new Map(
  readdirSync(path.resolve(import.meta.dirname, '../../src/commands'), {recursive: true, encoding: 'utf8'})
    .filter((file) => file.endsWith('.ts'))
    .map((file): [string, string] => [wordsOf(file), file])
    .sort(([a], [b]) => a.localeCompare(b)),
)

function wordsOf(file: string): string {
  return file
    .replace(/\.ts$/, '')
    .split(path.sep)
    .filter((part) => part !== 'index')
    .join(' ')
}
