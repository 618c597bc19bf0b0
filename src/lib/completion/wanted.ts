import type {ArgumentWords, Candidate, CommandWords, FlagWords, Kind, Words} from './types.js'

/** What can be typed at the cursor. */
export interface Wanted {
  /** The part of the word before the value: `--token=`. */
  prefix: string
  /** Words of zt itself. */
  words: Candidate[]
  /** What else: names, hosts, files. `other`: the word belongs to another program. */
  kind: Kind | 'other'
  /** Where the names come from, if the line says so. */
  profile: string | undefined
  account: string | undefined
  zone: string | undefined
}

const HELP: FlagWords = {name: 'help', about: 'Show help'}

/**
 * Reads a command line up to the cursor as zt itself would.
 *
 * @param before the words after `zt` and before the one that is being typed, without the shell's quotes
 * @param current the typed part of the word at the cursor
 */
export function wantedAt(words: Words, before: readonly string[], current: string): Wanted {
  const leading = readFlags(before, words.global, 1)
  const typed = before.slice(leading.end)
  const path = commandPath(words, typed)
  const id = path.join(' ')
  const command = words.commands[id]
  const own = readFlags(typed.slice(path.length), command?.flags ?? [], Infinity)
  const value = (name: string): string | undefined => own.values.get(name) ?? leading.values.get(name)
  const wanted: Wanted = {
    prefix: '',
    words: [],
    kind: 'none',
    profile: value('profile'),
    account: value('account'),
    zone: value('zone'),
  }
  const pending = leading.pending ?? own.pending
  if (own.ended || isOthers(command, own)) return {...wanted, kind: 'other'}
  if (pending) return {...wanted, ...valueOf(pending)}
  const [, name = ''] = /^--([^=]+)=/.exec(current) ?? []
  if (name !== '') {
    const flag = (command?.flags ?? words.global).find((one) => one.name === name)
    return flag?.kind === undefined ? wanted : {...wanted, ...valueOf(flag), prefix: `--${name}=`}
  }
  if (current.startsWith('-')) {
    const flags = command ? [...command.flags, HELP] : [...words.global, HELP]
    if (typed.length === 0) flags.push({name: 'version', about: 'Show the version'})
    return {...wanted, words: flagsLeft(flags, [...leading.given, ...own.given], current)}
  }
  const nothingElse = own.positions.length === 0 && own.given.length === 0
  const below = nothingElse ? children(words, path) : []
  if (!command) return {...wanted, words: below}
  const argument = argumentAt(command, id === 'help' ? 0 : own.positions.length)
  if (!argument) return {...wanted, words: below}
  if (argument.kind !== 'command') {
    const {kind, words: values} = valueOf(argument)
    return {...wanted, kind, words: [...below, ...values]}
  }
  const topic = children(words, own.positions)
  return {
    ...wanted,
    words: own.positions.length === 0 ? [...topic, ...words.helpTopics.map((value) => ({value}))] : topic,
  }
}

/** Whether another program's words have begun without `--`, as for zt itself (cli/behind-dashes.ts). */
function isOthers(command: CommandWords | undefined, {positions}: ReadFlags): boolean {
  if (command?.others === undefined) return false
  if (command.args.at(-1)?.many) return positions.slice(1).some((word) => /^[\w-]+$/.test(word))
  return positions.length > command.args.length
}

function argumentAt({args}: CommandWords, at: number): ArgumentWords | undefined {
  const last = args.at(-1)
  return args[at] ?? (last?.many ? last : undefined)
}

function valueOf({
  kind = 'none',
  values,
}: Pick<FlagWords, 'kind' | 'values'>): Pick<Wanted, 'kind' | 'words'> {
  return {kind, words: (values ?? []).map((value) => ({value}))}
}

interface ReadFlags {
  /** As they are written, without their values. */
  given: string[]
  values: Map<string, string>
  positions: string[]
  /** The flag whose value comes next. */
  pending: FlagWords | undefined
  /** After `--`. */
  ended: boolean
  /** How many words were read. */
  end: number
}

/** @param positions stops before this many words that are not flags */
function readFlags(words: readonly string[], flags: readonly FlagWords[], positions: number): ReadFlags {
  const read: ReadFlags = {
    given: [],
    values: new Map(),
    positions: [],
    pending: undefined,
    ended: false,
    end: 0,
  }
  for (; read.end < words.length; read.end++) {
    const word = words[read.end] ?? ''
    if (read.pending) {
      read.values.set(read.pending.name, word)
      read.pending = undefined
    } else if (word === '--') {
      return {...read, ended: true}
    } else if (!word.startsWith('-') || word === '-') {
      if (read.positions.length + 1 >= positions) return read
      read.positions.push(word)
    } else {
      const [, name, , value] = /^(--[^=]*|-.)(=?([^]*))/.exec(word) ?? []
      const flag = flags.find((one) => `--${one.name}` === name || `-${one.char ?? ''}` === name)
      read.given.push(flag && name?.startsWith('--') === false ? `--${flag.name}` : (name ?? word))
      if (flag?.kind === undefined) continue
      if (word === name) read.pending = flag
      else read.values.set(flag.name, value ?? '')
    }
  }
  return read
}

/** The first words, as far as they name a topic or command. */
function commandPath(words: Words, typed: readonly string[]): string[] {
  let length = 0
  while (length < typed.length) {
    const id = typed.slice(0, length + 1).join(' ')
    if (!Object.hasOwn(words.commands, id) && !Object.hasOwn(words.topics, id)) break
    length++
  }
  return typed.slice(0, length)
}

/** The commands and topics that are one word longer. */
function children(words: Words, path: readonly string[]): Candidate[] {
  const found = new Map<string, string>()
  const start = path.length === 0 ? '' : `${path.join(' ')} `
  for (const [id, about] of [
    ...Object.entries(words.topics),
    ...Object.entries(words.commands).map(([id, command]) => [id, command.about] as const),
  ]) {
    if (!id.startsWith(start)) continue
    const word = id.slice(start.length)
    if (word !== '' && !word.includes(' ') && !found.has(word)) found.set(word, about)
  }
  return [...found].map(([value, about]) => ({value, about}))
}

/** The flags that can still be given. */
function flagsLeft(flags: readonly FlagWords[], given: readonly string[], current: string): Candidate[] {
  const isGiven = (name: string): boolean => given.includes(`--${name}`) || given.includes(`--no-${name}`)
  const present = flags.filter(({name}) => isGiven(name))
  const left = flags.filter(
    ({name, many, not = []}) =>
      (many === true || !isGiven(name.replace(/^no-/, ''))) &&
      !not.some(isGiven) &&
      !present.some((one) => one.not?.includes(name)),
  )
  return left.flatMap(({name, char, about}) => [
    {value: `--${name}`, about},
    ...(char !== undefined && !current.startsWith('--') ? [{value: `-${char}`, about}] : []),
  ])
}
