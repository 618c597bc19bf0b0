import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {Readable} from 'node:stream'
import {Config, type Command} from '@oclif/core'
import {afterAll, beforeAll, beforeEach, expect} from 'vitest'
import {ASKABLE} from '../../src/lib/access/rules/input.js'
import {exitCodeOfKind} from '../../src/lib/core/exit-codes.js'
import type {ErrorKind} from '../../src/lib/core/errors.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {hoistGlobalFlags} from '../../src/lib/cli/hoist.js'
import {startSandboxApi} from '../../src/lib/sandbox/api/server.js'
import {sandboxFiles} from '../../src/lib/sandbox/files.js'
import {AccessRecord} from '../../src/lib/sandbox/record.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {FaultyApi} from '../faults/faulty-api.js'
import {COMMAND_FILES} from './command-files.js'
import {COMMAND_SEED} from './command-seed.js'
import {againstSchema} from './json-schemas.js'
import {ScriptedPerson, type Answer} from './scripted-person.js'

const root = path.resolve(import.meta.dirname, '../..')
// Each command that pipes a child's output leaves node's listeners there: one process, many commands.
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0)
const sources = path.join(root, 'src', 'commands')
const DIRECTORIES = ['CONFIG', 'DATA', 'STATE', 'CACHE'] as const
/** Every command has them; test/commands/global-flags.test.ts tries them. */
const GLOBAL_FLAGS = ['--json', '--fields', '--jq', '--no-input', '--profile', '--account']

/** Several commands have them; test/commands/secret-field.test.ts and quiet.test.ts try each of these commands. */
const SHARED_FLAGS = ['--secret-field', '--quiet']

/** They come from one table, and test/commands/every-command.test.ts tries each row. */
const SELECTOR_FLAGS = ASKABLE.flatMap(({include, require, exclude}) =>
  [include, require, exclude].flatMap((flag) => (flag ? [`--${flag[0]}`] : [])),
)

/** Every command by its words (`token create`), and its file in src/commands. */
export const COMMANDS = COMMAND_FILES

export interface RunOptions {
  /** What stdin holds. */
  input?: string
  /** A person at a terminal, who answers each question with the next of these. Left out: there is no terminal. */
  answers?: Answer[]
  /** Added to the environment; undefined removes a variable. */
  env?: Record<string, string | undefined>
  /** Called as soon as the command has printed its first line. */
  onOutput?: (line: string) => void
}

export interface CommandEnd {
  exitCode: number
  stdout: string
  stderr: string
  /** The questions that were asked. */
  asked: string[]
}

interface JsonOptions extends RunOptions {
  /** The kind whose exit code a command ends with that reports a problem in its result. */
  ends?: ErrorKind | number
}

/** What `--json` prints of an error. */
export interface JsonError extends JsonObject {
  code: string
  kind: string
  message: string
  next: string[]
  exitCode: number
}

interface WorldOptions {
  seed?: SandboxSeed
  /** Starts an edge before the applications; what is behind a host: `ADDRESS:PORT`. */
  originOf?: (host: string) => string
}

/**
 * Commands run in this process through their classes, against the sandbox's API on a port of its own, with a vault as
 * the secret store and a temporary home. One world for each test file; each test begins with a fresh account and home.
 */
export class CommandWorld {
  private constructor(
    readonly home: string,
    readonly state: SandboxState,
    /** A proxy in front of the sandbox's API, which can spoil requests. */
    readonly api: FaultyApi,
    private readonly beginning: SandboxState['data'],
    /** As config.json has it at the beginning of each test. */
    readonly profile: JsonObject,
    private readonly config: Config,
    /** The sandbox's API itself, at another address. */
    readonly directUrl: string,
    readonly end: () => Promise<void>,
  ) {}

  static async open({seed = COMMAND_SEED, originOf}: WorldOptions = {}): Promise<CommandWorld> {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-commands-'))
    const state = await SandboxState.open({file: path.join(home, 'sandbox.json'), seed})
    const server = await startSandboxApi({state})
    const api = await FaultyApi.start(server.url)
    const closers = [
      () => api.close(),
      () => server.close(),
      () => fs.rm(home, {recursive: true, force: true}),
    ]
    const profile: JsonObject = {apiUrl: api.url, accountId: state.accountId, store: 'vault'}
    if (originOf) {
      // Only few tests need them, and they take longest to load.
      const {openCertificateAuthority} = await import('../../src/lib/sandbox/certificates.js')
      const {startEdge} = await import('../../src/lib/sandbox/edge/edge.js')
      const authority = await openCertificateAuthority(home, Date.now())
      const edge = await startEdge({state, authority, originOf, httpOriginOf: originOf})
      closers.unshift(() => edge.close())
      Object.assign(profile, {connectTo: edge.address, caFile: authority.caFile})
    }
    // Its durability takes most of the time, and only the edge needs what it does besides.
    else state.save = () => Promise.resolve()
    const world = new CommandWorld(
      home,
      state,
      api,
      structuredClone(state.data),
      profile,
      await loadConfig(),
      server.url,
      async () => {
        for (const close of closers) await close()
      },
    )
    return world
  }

  /** The account and the home as at the beginning. */
  async reset(): Promise<void> {
    this.api.reset()
    Object.assign(this.state.data, structuredClone(this.beginning))
    Object.assign(this.state, {record: await AccessRecord.open(sandboxFiles(this.home), {empty: true})})
    await this.state.save()
    for (const name of [...DIRECTORIES, 'work'])
      await fs.rm(path.join(this.home, name), {recursive: true, force: true})
    await fs.mkdir(path.join(this.home, 'work'))
    await this.writeConfig({currentProfile: 'default', profiles: {default: this.profile}})
  }

  async writeConfig(config: JsonObject): Promise<void> {
    const file = path.join(this.home, 'CONFIG', 'zt', 'config.json')
    await fs.mkdir(path.dirname(file), {recursive: true, mode: 0o700})
    await fs.writeFile(file, JSON.stringify({version: 1, ...config}), {mode: 0o600})
  }

  async readConfig(): Promise<{currentProfile: string; profiles: Record<string, JsonObject>}> {
    const text = await fs.readFile(path.join(this.home, 'CONFIG', 'zt', 'config.json'), 'utf8')
    return JSON.parse(text) as {currentProfile: string; profiles: Record<string, JsonObject>}
  }

  /**
   * Runs a command line.
   *
   * @param line split at spaces, unless it is a list of words
   */
  async run(line: string | string[], options: RunOptions = {}): Promise<CommandEnd> {
    const words = wordsIn(line)
    const {id, command, argv} = await commandOf(words)
    noteFlags(id, argv, command)
    const person = new ScriptedPerson(options.answers)
    const surroundings = new Surroundings(
      this.environment(options.env),
      path.join(this.home, 'work'),
      words,
      options,
    )
    try {
      await person.attend(async () => command.run(argv, this.config))
      return {...surroundings.output(), asked: person.asked}
    } finally {
      surroundings.restore()
    }
  }

  /** Runs a command line with `--json`; its result, which is as the command's schema says. */
  async json(line: string | string[], {ends = 0, ...options}: JsonOptions = {}): Promise<JsonObject> {
    const {id, end} = await this.runJson(line, options)
    const expected = typeof ends === 'number' ? ends : exitCodeOfKind(ends)
    if (end.exitCode !== expected)
      throw new Error(`${String(line)} ended with ${end.exitCode}: ${end.stdout}${end.stderr}`)
    return againstSchema(id, onlyDocument(end))
  }

  /** Runs a command line with `--json` that fails so; its error, which is as the schema of errors says. */
  async fails(
    line: string | string[],
    kind: ErrorKind,
    code: string,
    options: RunOptions = {},
  ): Promise<JsonError> {
    const {end} = await this.runJson(line, options)
    const {error} = againstSchema('error', onlyDocument(end)) as {error: JsonError}
    expect({kind: error.kind, code: error.code}, end.stdout + end.stderr).toEqual({kind, code})
    expect(end.exitCode).toBe(error.exitCode)
    return error
  }

  /** Runs a command line with `--no-input` at a terminal: it asks nothing, and says what is missing. */
  async failsWithoutAsking(
    line: string | string[],
    kind: ErrorKind = 'usage',
    code = 'INPUT_REQUIRED',
  ): Promise<JsonError> {
    return this.fails([...wordsIn(line), '--no-input'], kind, code, {answers: []})
  }

  /** Runs something that must leave the account and this machine as they are. */
  async unchanged<T>(act: () => Promise<T>): Promise<T> {
    const before = await this.everything()
    const requests = this.api.changes.length
    const result = await act()
    expect(this.api.changes.slice(requests)).toEqual([])
    expect(await this.everything()).toEqual(before)
    return result
  }

  /** What was asked of the API to be changed, as `POST /service_tokens`. */
  get changes(): string[] {
    return this.api.changes
  }

  /** Whether the edge would take these credentials now. */
  async admits(clientId: unknown, clientSecret: unknown): Promise<boolean> {
    await SandboxState.prototype.save.call(this.state)
    return this.state.edgeView().authenticate(String(clientId), String(clientSecret)) !== undefined
  }

  token(name: string): JsonObject {
    return this.named(
      name,
      this.state.data.serviceTokens.map(({object}) => object),
    )
  }

  app(name: string): JsonObject {
    return this.named(name, this.state.data.apps)
  }

  policy(name: string): JsonObject {
    return this.named(name, [...this.state.data.policies, ...this.state.data.inlinePolicies])
  }

  group(name: string): JsonObject {
    return this.named(name, this.state.data.groups)
  }

  /** Writes a program into the one directory on PATH. */
  async program(name: string, script: string): Promise<void> {
    await fs.mkdir(this.file('bin'), {recursive: true})
    await fs.writeFile(path.join(this.file('bin'), name), `#!${process.execPath}\n${script}`, {mode: 0o755})
  }

  /** A file in the directory in which commands run. */
  file(name: string): string {
    return path.join(this.home, 'work', name)
  }

  private named(name: string, all: readonly JsonObject[]): JsonObject {
    const found = all.find((one) => one['name'] === name)
    if (!found) throw new Error(`nothing in the account is called ${name}`)
    return found
  }

  private async runJson(
    line: string | string[],
    options: RunOptions,
  ): Promise<{id: string; end: CommandEnd}> {
    const words = wordsIn(line)
    const at = words.indexOf('--')
    const own = at < 0 ? words : words.slice(0, at)
    const end = await this.run([...own, '--json', ...words.slice(own.length)], options)
    return {id: idOf(words), end}
  }

  /** The account, and what is written down on this machine but for locks and caches. */
  private async everything(): Promise<JsonObject> {
    const files: JsonObject = {}
    for (const name of await fs.readdir(this.home, {recursive: true})) {
      const file = path.join(this.home, name)
      if (/^(CACHE|sandbox\.json|STATE\/zt\/locks|work\/bin)/.test(name) || !(await fs.stat(file)).isFile())
        continue
      files[name] = await fs.readFile(file, 'base64')
    }
    return {account: structuredClone(this.state.data), files}
  }

  private environment(more: RunOptions['env']): NodeJS.ProcessEnv {
    const directories = Object.fromEntries(
      DIRECTORIES.map((name) => [`XDG_${name}_HOME`, path.join(this.home, name)]),
    )
    const env: NodeJS.ProcessEnv = {
      // This machine's own credential helpers are no part of the test.
      PATH: this.file('bin'),
      HOME: this.home,
      NO_COLOR: '1',
      CLOUDFLARE_API_TOKEN: this.state.apiToken,
      ...directories,
    }
    for (const [name, value] of Object.entries(more ?? {}))
      if (value === undefined) delete env[name]
      else env[name] = value
    return env
  }
}

/** What a command finds around it in this process, and what it leaves: put back by {@link Surroundings.restore}. */
class Surroundings {
  #stdout = ''
  #stderr = ''
  readonly #undo: (() => void)[] = []

  constructor(
    env: NodeJS.ProcessEnv,
    cwd: string,
    words: readonly string[],
    {input, answers, onOutput}: RunOptions,
  ) {
    const terminal = answers !== undefined
    // The environment itself, and no other object: the system's functions (os.homedir) read it, too.
    const old = {...process.env}
    replaceEnvironment(env)
    this.#undo.push(() => {
      replaceEnvironment(old)
    })
    this.#set(process, 'argv', [process.execPath, 'zt', ...words])
    const before = process.cwd()
    process.chdir(cwd)
    this.#undo.push(() => {
      process.chdir(before)
    })
    this.#set(
      process,
      'stdin',
      Object.assign(Readable.from(input === undefined ? [] : [input]), {isTTY: terminal}),
    )
    this.#set(process.stdout, 'isTTY', false)
    this.#set(process.stderr, 'isTTY', terminal)
    this.#set(process.stdout, 'write', (text: string, done?: () => void) => {
      if (this.#stdout === '') queueMicrotask(() => onOutput?.(this.#stdout.split('\n')[0] ?? ''))
      this.#stdout += text
      done?.()
      return true
    })
    this.#set(process.stderr, 'write', (text: string, done?: () => void) => {
      this.#stderr += text
      done?.()
      return true
    })
    process.exitCode = undefined
  }

  output(): Omit<CommandEnd, 'asked'> {
    return {exitCode: Number(process.exitCode ?? 0), stdout: this.#stdout, stderr: this.#stderr}
  }

  restore(): void {
    for (const undo of this.#undo.reverse()) undo()
    process.exitCode = undefined
  }

  #set(object: object, name: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(object, name)
    Object.defineProperty(object, name, {value, configurable: true, writable: true, enumerable: true})
    this.#undo.push(() => {
      if (before) Object.defineProperty(object, name, before)
      else Reflect.deleteProperty(object, name)
    })
  }
}

function replaceEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, env)
}

/** The package as oclif sees it, by its manifest: nothing built is loaded, and the commands that run are the sources'. */
async function loadConfig(): Promise<Config> {
  const text = await fs.readFile(path.join(root, 'package.json'), 'utf8')
  const pjson = JSON.parse(text) as {oclif: JsonObject}
  const {hooks: _hooks, helpClass: _help, ...oclif} = pjson.oclif
  return Config.load({root, pjson: {...pjson, oclif} as never, userPlugins: false})
}

// A command that runs another: oclif would load what is built.
Config.prototype.runCommand = async function <T>(id: string, argv: string[] = []): Promise<T> {
  const {command} = await commandOf(id.split(':'))
  return (await command.run(argv, this)) as T
}

async function commandOf(words: readonly string[]) {
  const id = idOf(words)
  const {default: command} = (await import(path.join(sources, COMMANDS.get(id) ?? ''))) as {
    default: typeof Command & {run(argv: string[], config: Config): Promise<unknown>}
  }
  command.id = id.replaceAll(' ', ':')
  return {id, command, argv: words.slice(id.split(' ').length)}
}

/** As bin/zt.cjs hands them to oclif. */
function wordsIn(line: string | string[]): string[] {
  return hoistGlobalFlags(typeof line === 'string' ? line.split(' ') : line)
}

/** The longest command that the words begin with. */
function idOf(words: readonly string[]): string {
  for (let length = Math.min(words.length, 2); length > 0; length -= 1) {
    const id = words.slice(0, length).join(' ')
    if (COMMANDS.has(id)) return id
  }
  throw new Error(`there is no command ${words.join(' ')}`)
}

/** The one JSON document that was printed; where stdout is another program's, on stderr. */
function onlyDocument({stdout, stderr}: CommandEnd): JsonObject {
  const text = stdout.startsWith('{') ? stdout : stderr
  return JSON.parse(text) as JsonObject
}

const tried = new Map<string, Set<string>>()

function noteFlags(id: string, argv: readonly string[], {flags = {}}: Partial<typeof Command>): void {
  const end = argv.indexOf('--')
  const given = (end < 0 ? argv : argv.slice(0, end)).filter((word) => word.startsWith('-'))
  const chars = new Map(Object.entries(flags).map(([name, {char}]) => [`-${char ?? ''}`, `--${name}`]))
  const seen = tried.get(id) ?? new Set()
  for (const word of given) {
    const [name = ''] = word.split('=')
    const positive = name.replace(/^--no-/, '--')
    seen.add(chars.get(name) ?? (positive.slice(2) in flags ? positive : name))
  }
  tried.set(id, seen)
}

/**
 * A world for the tests of one command, fresh before each of them. A last test fails where a flag of the command was
 * not tried.
 */
export function commandTests(id: string, options?: WorldOptions): {readonly zt: CommandWorld} {
  let world: CommandWorld | undefined
  const scene = {
    get zt(): CommandWorld {
      if (!world) throw new Error('the world is opened before the first test')
      return world
    },
  }
  beforeAll(async () => {
    world = await CommandWorld.open(options)
  })
  beforeEach(async () => scene.zt.reset())
  afterAll(async () => {
    await world?.end()
    const {command} = await commandOf(id.split(' '))
    const flags = Object.keys((command as Partial<typeof Command>).flags ?? {}).map((name) => `--${name}`)
    expect(
      flags.filter(
        (flag) =>
          !tried.get(id)?.has(flag) && ![...GLOBAL_FLAGS, ...SHARED_FLAGS, ...SELECTOR_FLAGS].includes(flag),
      ),
      `flags of zt ${id} that no test has tried`,
    ).toEqual([])
  })
  return scene
}
