import {isDeepStrictEqual} from 'node:util'
import {Command, Flags, type Interfaces} from '@oclif/core'
import {commandIn, withFlags} from '../core/command-line.js'
import type {JsonObject} from '../core/json.js'
import {noProgress, type Progress} from '../core/progress.js'
import {errorJson, type ErrorJson} from '../core/error-text.js'
import {exitCodeOf} from '../core/exit-codes.js'
import {redact, refuseSecretWords} from '../core/redact.js'
import {unusableFile} from '../system/own-files.js'
import {withSandboxStart} from '../config/sandbox-down.js'
import {loadSettings} from '../config/settings.js'
import type {Settings} from '../config/types.js'
import {jsonWish} from '../core/json-wish.js'
import {
  correctedLine,
  withDashes,
  type BehindDashes,
  type CommandLine,
  type OptionOf,
} from './behind-dashes.js'
import {currentDirectory} from '../system/platform.js'
import {interruptions} from '../system/signals.js'
import {completing} from './completing.js'
import {leadingFlags} from './hoist.js'
import {fromOclif} from './parse-error.js'
import {JsonFilter} from './json-filter.js'
import {ListOutput, type ListForm, type ListShape} from './list-output.js'
import {resultFields} from './result-fields.js'
import {canDrawProgress, SpinnerProgress} from './progress.js'
import {Prompts} from './prompts.js'
import {printError, printLabelled, printNext} from './report-error.js'
import {
  columnsOf,
  errJson,
  errStyle,
  errTabbed,
  out,
  outDocument,
  outJson,
  outTabbed,
  type Text,
} from './streams.js'
import {takeLeftOut} from './table.js'
import {wrapped} from './wrapped.js'

export type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<
  (typeof BaseCommand)['baseFlags'] & T['flags']
>
export type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>

/**
 * What every command shares: flags, settings, where text goes, errors and exit codes. It knows nothing of Access.
 *
 * A command returns a plain object; with --json that object is printed, otherwise the command has said it by
 * {@link BaseCommand.print}.
 */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    profile: completing(
      'profile',
      Flags.string({
        description: 'profile to use [env: ZT_PROFILE]',
        helpValue: 'NAME',
        helpGroup: 'GLOBAL',
      }),
    ),
    account: completing(
      'account',
      Flags.string({
        description: 'Cloudflare account ID [env: CLOUDFLARE_ACCOUNT_ID]',
        helpValue: 'ID',
        helpGroup: 'GLOBAL',
      }),
    ),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'GLOBAL'}),
    fields: Flags.string({
      description: 'print only these fields of the JSON, separated by commas',
      helpValue: 'NAMES',
      helpGroup: 'GLOBAL',
    }),
    jq: Flags.string({
      description: 'print what this jq expression makes of the JSON',
      helpValue: 'EXPR',
      helpGroup: 'GLOBAL',
    }),
    'no-input': Flags.boolean({
      description: 'never prompt; fail if something is missing',
      helpGroup: 'GLOBAL',
    }),
  }
  /**
   * What a command does with the profile. Undefined: it works on the profile, which must exist. `new`: it may create the
   * profile. `ignored`: it works the same with every profile, so a suggested command line need not name one.
   */
  static profile: 'new' | 'ignored' | undefined
  /**
   * What --json prints. Undefined: one document on stdout. `stderr`: one document on stderr, because stdout belongs to another
   * program. `lines`: any number of events on stdout, each on a line of its own.
   */
  static jsonOutput: 'stderr' | 'lines' | undefined
  /** What the words after `--` are. Undefined: `--` ends the flags, so that an argument may begin with a dash. */
  static behindDashes: BehindDashes | undefined

  protected flags!: FlagsOf<T>
  protected args!: ArgsOf<T>
  /** What follows `--`. */
  protected rest: string[] = []
  /** What comes before it. */
  protected ownWords: string[] = []
  protected settings!: Settings
  protected prompts!: Prompts
  readonly #warnings: string[] = []
  #progress: SpinnerProgress | undefined
  #list: Pick<ListOutput<never>, 'end' | 'shown'> | undefined
  #documentPrinted = false
  #filter: JsonFilter | undefined
  #last: (() => void) | undefined
  /** For use-cases: a signal meanwhile ends the process with what is left to say. */
  protected readonly interruptible = interruptions((error) => {
    this.showError(error)
    process.exit(exitCodeOf(error))
  })

  override async init(): Promise<void> {
    await super.init()
    const {behindDashes} = this.ctor as typeof BaseCommand
    if (behindDashes && process.platform === 'win32') this.argv = [...withDashes(this.lineOf(behindDashes))]
    const end = behindDashes ? this.argv.indexOf('--') : -1
    this.ownWords = end < 0 ? this.argv : this.argv.slice(0, end)
    this.rest = end < 0 ? [] : this.argv.slice(end + 1)
    // main() has looked at the words before it.
    if (!behindDashes) refuseSecretWords(this.argv.filter((word) => word !== '--'))
    const {args, flags} = await this.parse(
      {
        flags: this.ctor.flags,
        baseFlags: (super.ctor as typeof BaseCommand).baseFlags,
        enableJsonFlag: this.ctor.enableJsonFlag,
        args: this.ctor.args,
        strict: this.ctor.strict,
      },
      this.ownWords,
    )
    this.flags = withFalse(flags, this.ctor) as FlagsOf<T>
    this.args = args as ArgsOf<T>
    if (jsonWish(this.argv))
      this.#filter = await JsonFilter.make(this.flags, () => resultFields(this.config.root, this.id ?? ''))
    this.prompts = new Prompts(this.flags['no-input'], () => this.#spinner?.hold() ?? (() => undefined))
    this.settings = await this.loadSettings()
  }

  /** Whether stdout belongs to another program, so that JSON goes to stderr. */
  protected get stdoutIsTaken(): boolean {
    return this.jsonOutput === 'stderr'
  }

  /** Under --json, and under what is made of it: --fields and --jq. */
  override jsonEnabled(): boolean {
    return this.ctor.enableJsonFlag && jsonWish(this.argv) !== undefined
  }

  /**
   * Text for people on stdout: a sentence, which is wrapped, or lines; nothing under --json and --quiet, where what a function
   * would make is not made.
   */
  protected print(text: Text | (() => Text) = ''): void {
    this.#progress?.stop()
    this.#show(text)
  }

  /** The same in the middle of a longer run: the progress line may come back below it. */
  protected printSoFar(text: Text): void {
    this.#progress?.hide()
    this.#show(text)
  }

  #show(given: Text | (() => Text)): void {
    if (this.jsonEnabled() || this.quiet) return
    const text = typeof given === 'function' ? given() : given
    out(typeof text === 'string' ? wrapped(text, columnsOf('stdout')) : text)
  }

  /** What --quiet prints: the ID of what was made, or of what is listed. */
  protected printId(id: string | null | undefined): void {
    if (this.quiet && typeof id === 'string') out(id)
  }

  protected get quiet(): boolean {
    return (this.flags as {quiet?: boolean} | undefined)?.quiet === true
  }

  /**
   * Shows a list while it arrives; the command then returns nothing. A table page by page, or one JSON document
   * `{[key]: […], warnings}`. Holds one page in memory. A failure in the middle ends the document with `error`.
   *
   * @returns how many items were shown
   */
  protected async showList<Item>(
    pages: AsyncIterable<{items: readonly Item[]; total: number | undefined}>,
    shape: ListShape<Item>,
  ): Promise<number> {
    const filter = this.#filter
    const pick = (item: object) => filter?.pickItems(shape.key, [item])[0] ?? item
    const picked = {...shape, json: (item: Item) => pick(shape.json(item))}
    if (filter?.hasExpression) return this.showFiltered(pages, picked)
    const list = new ListOutput(picked, this.listForm, () => this.#progress?.hide())
    this.#list = list
    const total = await list.show(pages)
    this.#progress?.stop()
    this.#documentPrinted = list.end({warnings: this.#warnings})
    const {shown} = list
    if (shown === 0) this.print(shape.empty)
    else if (total !== undefined && total > shown) this.note(`${shown} of ${total} are shown`)
    return shown
  }

  private get listForm(): ListForm {
    if (this.jsonEnabled()) return 'json'
    return this.quiet ? 'ids' : 'table'
  }

  /** A list for --jq, which works on the whole document. */
  private async showFiltered<Item>(
    pages: AsyncIterable<{items: readonly Item[]}>,
    {key, json}: ListShape<Item>,
  ): Promise<number> {
    const items: object[] = []
    for await (const page of pages) items.push(...page.items.map(json))
    this.#progress?.stop()
    this.#documentPrinted = true
    this.printFiltered(this.toSuccessJson({[key]: items}))
    return items.length
  }

  /** Something about the result, on stderr; nothing under --json and --quiet. */
  protected note(text: string): void {
    if (!this.jsonEnabled() && !this.quiet) printLabelled(errStyle.secondary('note:'), text)
  }

  /** The same where only stderr is read too: with --json and with --quiet. */
  protected notice(text: string): void {
    this.#progress?.hide()
    printLabelled(errStyle.secondary('note:'), text)
  }

  /** On stderr, or in `warnings` of the JSON result; with --jq in both, because the expression may leave them out. */
  override warn(input: string | Error): string | Error {
    const text = redact(typeof input === 'string' ? input : input.message)
    this.#warnings.push(text)
    if (jsonWish(this.argv) !== 'document') printLabelled(errStyle.caution('warning:'), text)
    return input
  }

  /** Suggests the next steps, on stderr. */
  protected next(...steps: string[]): void {
    if (!this.jsonEnabled() && !this.quiet) printNext(steps.map((step) => this.step(step)))
  }

  /** Progress for a use-case: drawn only on a terminal, and only when a step takes long. */
  protected get progress(): Progress {
    if (this.jsonEnabled()) return noProgress
    return this.#spinner ?? {...noProgress, wait: this.#said}
  }

  get #spinner(): SpinnerProgress | undefined {
    if (canDrawProgress()) this.#progress ??= new SpinnerProgress()
    return this.#progress
  }

  /** Says each wait once, for who sees no progress line. */
  get #said(): Progress['wait'] {
    const said = new Set<string>()
    return (text) => {
      if (!said.has(text)) this.note(text)
      said.add(text)
    }
  }

  /** Prints an event, or the one document of this command: its failure if one was shown, otherwise its result. */
  override logJson(json: unknown): void {
    const document = json as JsonObject
    if (this.jsonOutput === 'lines') return this.printResult(document, true)
    if (this.#documentPrinted) return
    this.#documentPrinted = true
    this.printResult(document, false)
  }

  private printResult(document: JsonObject, isEvent: boolean): void {
    const filter = this.#filter
    if (!filter || 'error' in document) return this.printDocument(document)
    try {
      const picked = isEvent ? filter.pickSome(document) : filter.pick(document)
      this.printFiltered({...picked, ...(!isEvent && {warnings: document['warnings']})})
    } catch (error) {
      // What was done is done: the result is not lost because of how it was to be shown.
      this.printDocument(document)
      process.exitCode = exitCodeOf(error)
      printError(error, (step) => this.step(step))
      printLabelled(
        errStyle.secondary('note:'),
        'the command itself has succeeded; its whole result was printed',
      )
    }
  }

  /** What --jq makes of a document; the document without it. */
  private printFiltered(document: object): void {
    const filter = this.#filter
    if (!filter?.hasExpression) return this.printDocument(document)
    const {lines, said} = filter.lines(document, process.stdout.isTTY)
    const print = this.stdoutIsTaken ? errTabbed : outTabbed
    if (lines.length > 0) print(lines)
    for (const line of said) printLabelled(errStyle.secondary('jq:'), line)
  }

  private printDocument(document: object): void {
    const isEvent = this.jsonOutput === 'lines'
    if (this.stdoutIsTaken) errJson(JSON.stringify(document, null, isEvent ? 0 : 2))
    else if (isEvent) outJson(JSON.stringify(document))
    else outDocument(document)
  }

  private get jsonOutput(): 'stderr' | 'lines' | undefined {
    return (this.ctor as typeof BaseCommand).jsonOutput
  }

  override toSuccessJson(result: unknown): JsonObject {
    return {...(result as JsonObject), warnings: this.#warnings}
  }

  override async catch(thrown: Error): Promise<void> {
    const error = fromOclif(unusableFile(thrown), this.id?.replaceAll(':', ' '), this.corrected())
    process.exitCode = isInterrupt(error) ? 130 : exitCodeOf(error)
    this.showError(error)
  }

  /** How the program after `--` reads its options. */
  protected optionBehindDashes: OptionOf = () => undefined

  /** For a command line that was refused: the same with `--`, if that is what is missing. */
  private corrected(): (BehindDashes & {line: string | undefined}) | undefined {
    const {behindDashes: behind} = this.ctor as typeof BaseCommand
    return (
      behind && {...behind, line: correctedLine(this.id?.replaceAll(':', ' ') ?? '', this.lineOf(behind))}
    )
  }

  private lineOf(behind: BehindDashes): CommandLine {
    const {args, flags, baseFlags} = this.ctor as typeof BaseCommand
    // They were moved behind the other words.
    const lead = leadingFlags(process.argv.slice(2))
    const own = this.argv.slice(0, this.argv.length - lead.length)
    return {
      words: isDeepStrictEqual(this.argv.slice(own.length), lead) ? [...lead, ...own] : this.argv,
      args,
      flags: {...baseFlags, ...flags},
      behind,
      optionOf: this.optionBehindDashes,
    }
  }

  /** Reports a failure, as text or as the JSON document. A failure after the document is text. */
  protected showError(thrown: unknown): void {
    const error = withSandboxStart(thrown, this.settings)
    this.#progress?.stop()
    if (jsonWish(this.argv) === 'document' && !this.#documentPrinted) {
      const json = {error: this.errorJson(thrown)}
      if (this.#list?.end({...json, warnings: this.#warnings})) this.#documentPrinted = true
      else this.logJson(json)
    } else {
      printError(error, (step) => this.step(step))
      if (this.#list && this.#list.shown > 0) this.note('the list above is incomplete')
    }
  }

  /** For a result that contains failures. */
  protected errorJson(error: unknown): ErrorJson {
    return errorJson(withSandboxStart(error, this.settings), (step) => this.step(step))
  }

  /** A suggested command must work on the profile and in the zone that this command was given. */
  protected step(step: string): string {
    const {lead = '', line} = commandIn(step) ?? {}
    const command = line === undefined ? undefined : this.commandOf(line)
    if (line === undefined || command === undefined) return step
    // The settings and flags are missing if the command line could not be read.
    const {profileName, profileSource} = (this.settings as Settings | undefined) ?? {}
    const {zone} = (this.flags as {zone?: string} | undefined) ?? {}
    const takesZone = command.flags['zone'] !== undefined && command.flags['zone'].hidden !== true
    const takesProfile = profileSource === 'flag' && command['profile'] !== 'ignored'
    const flags = {zone: takesZone ? zone : undefined, profile: takesProfile ? profileName : undefined}
    return lead + withFlags(line, flags)
  }

  /** The command of a suggested line: as many of its first words as name one. */
  private commandOf(line: string): Command.Loadable | undefined {
    const [, topic = '', verb = ''] = line.split(' ')
    return this.config.findCommand(`${topic}:${verb}`) ?? this.config.findCommand(topic)
  }

  /** For what may end the process: it happens once the result is printed. */
  protected afterResult(last: () => void): void {
    this.#last = last
  }

  protected override async _run<T>(): Promise<T> {
    takeLeftOut()
    const result = await super._run<T>()
    const leftOut = takeLeftOut()
    if (leftOut.length > 0) this.note(`no room for ${leftOut.join(', ')}; --json has everything`)
    this.#last?.()
    return result
  }

  override async finally(error: Error | undefined): Promise<void> {
    this.#progress?.stop()
    await super.finally(error)
  }

  /** The settings of this command line, or those that it would have with another profile. */
  protected async loadSettings(profile?: string): Promise<Settings> {
    const flags = this.flags as JsonObject
    const text = (name: string): string | undefined =>
      typeof flags[name] === 'string' ? flags[name] : undefined
    return loadSettings({
      env: process.env,
      cwd: currentDirectory(),
      flags: {
        profile: profile ?? text('profile'),
        account: text('account'),
        apiUrl: text('api-url'),
        store: text('store'),
        connectTo: text('connect-to'),
        caFile: text('ca-file'),
      },
      missingProfile: (this.ctor as typeof BaseCommand).profile,
    })
  }
}

/** oclif leaves out a boolean flag that was not given, which its types call false. One with `--no-` stays undefined. */
function withFalse(given: object, {flags = {}}: Partial<typeof Command>): object {
  const yesOrNo = Object.entries(flags).filter(([, flag]) => flag.type === 'boolean' && flag.allowNo !== true)
  return {...Object.fromEntries(yesOrNo.map(([name]) => [name, false])), ...given}
}

/** Ctrl-C at a prompt. */
function isInterrupt(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && cause.name === 'ExitPromptError' && /SIGINT/.test(cause.message)
}
