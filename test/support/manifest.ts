import fs from 'node:fs'
import path from 'node:path'
import type {Asks} from '../../src/lib/api/operations.js'
import type {Kind, Words} from '../../src/lib/completion/types.js'

export interface ManifestValue {
  name: string
  description?: string
  hidden?: boolean
  options?: string[]
  completes?: Kind
  helpValue?: string
}

export interface ManifestFlag extends ManifestValue {
  type: 'boolean' | 'option'
  helpGroup?: string
}

/** What of oclif's manifest the tests read. */
export interface ManifestCommand {
  summary?: string
  aliases?: string[]
  asks?: Asks
  profile?: 'new' | 'ignored'
  args: Record<string, ManifestValue>
  flags: Record<string, ManifestFlag>
}

export const root = path.resolve(import.meta.dirname, '../..')
const read = <T>(name: string): T => JSON.parse(fs.readFileSync(path.join(root, name), 'utf8')) as T

export const manifest = read<{commands: Record<string, ManifestCommand>}>('oclif.manifest.json')
export const {topics} = read<{oclif: {topics: Record<string, {description: string}>}}>('package.json').oclif
export const commands = Object.entries(manifest.commands).map(([id, command]) => ({id, ...command}))

/** A command by its ID, e.g. `token:create`. */
export function commandOf(id: string): ManifestCommand {
  const command = manifest.commands[id]
  if (!command) throw new Error(`no command ${id}`)
  return command
}

/** The ID of the command of a command line: as many of its first words as make one. */
export function commandIn(args: readonly string[]): string {
  if (args[0] === '__complete') return 'completion'
  const ids = args.map((_, at) => args.slice(0, at + 1).join(':'))
  const id = ids.findLast((one) => one in manifest.commands)
  if (id === undefined) throw new Error(`no command: zt ${args.join(' ')}`)
  return id
}

type Build = (from: {commands: object}, topics: object, helpTopics: string[]) => Words
export const {completionWords} = (await import(path.join(root, 'scripts', 'completion-words.mjs'))) as {
  completionWords: Build
}
/** What the completer reads, as the build makes it. */
export const words = completionWords(manifest, topics, ['environment', 'exit-codes'])
