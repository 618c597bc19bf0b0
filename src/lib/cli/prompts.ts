import {cancelled, UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import {frames, SIGNS} from './signs.js'
import {comeBackWhenStopped, QuestionScreen} from './stopped.js'
import {columnsOf, errStyle, sign} from './streams.js'
import {bare, bounded, shown, styled} from './styled.js'
import {wrapped} from './wrapped.js'

/** Keeps a question with a long name on the screen. */
const LONGEST = 160
/** A list with more choices is searched by typing. */
const MOST_UNSEARCHED = 7
/** What a question takes beside its choices. */
const AROUND_CHOICES = 5

/** One line of a list to choose from. */
export interface Choice<T> {
  name: string
  value: T
  description?: string
}

/**
 * Questions on the terminal, drawn on stderr to leave stdout to data. A command asks only if {@link Prompts.possible};
 * otherwise it says which flag to give instead.
 */
export class Prompts {
  readonly #noInput: boolean
  readonly #hold: () => () => void
  #open = 0

  /** @param hold keeps what else is drawn on stderr away from a question, until what it returns is called */
  constructor(noInput: boolean, hold: () => () => void = () => () => undefined) {
    this.#noInput = noInput
    this.#hold = hold
  }

  /** Whether a question waits for its answer. */
  get asking(): boolean {
    return this.#open > 0
  }

  get possible(): boolean {
    return !this.#noInput && process.stdin.isTTY && process.stderr.isTTY
  }

  /** Whether a person may be there, even if zt may not prompt. */
  get terminal(): boolean {
    return [process.stdin, process.stdout, process.stderr].some(({isTTY}) => isTTY)
  }

  /** @throws UserError `usage` / `INPUT_REQUIRED` if prompting is not possible. */
  require(what: string, instead: string): void {
    if (this.possible) return
    throw new UserError({
      kind: 'usage',
      code: 'INPUT_REQUIRED',
      message: `${what} is missing`,
      why: this.#noInput
        ? 'zt cannot prompt for it because of --no-input.'
        : 'zt cannot prompt for it without a terminal.',
      next: [instead],
    })
  }

  async text(message: string, validate?: (value: string) => true | string): Promise<string> {
    return this.#ask(async ({input}, context) => {
      const check = validate && ((value: string) => said(validate(value)))
      return input({message: asked(message), ...(check && {validate: check}), theme: theme()}, context)
    })
  }

  /** Nothing is echoed, not even stars. */
  async secret(message: string): Promise<Secret> {
    return new Secret(await this.pasted(message))
  }

  /** The same for what may be a secret or not, as whoever pastes it may not know: make it a `Secret` once that is known. */
  async pasted(message: string): Promise<string> {
    return this.#ask(async ({password}, context) =>
      password({message: asked(message), toggleMask: false, theme: theme()}, context),
    )
  }

  /** Whether the answer is yes. */
  async agree(message: string): Promise<boolean> {
    return this.#ask(async ({confirm}, context) =>
      confirm({message: asked(message), default: false, theme: theme()}, context),
    )
  }

  /**
   * @param undone what has not happened if the answer is no
   * @throws UserError `cancelled` / `CANCELLED` if the answer is no
   */
  async confirm(message: string, undone?: string): Promise<void> {
    if (!(await this.agree(message))) throw cancelled(undone)
  }

  /**
   * For what cannot be undone: the person types a word. A wrong word asks again; an empty answer means no.
   *
   * @param word what must be typed exactly
   * @throws UserError `cancelled` / `CANCELLED` if the answer is no
   */
  async confirmByTyping(message: string, word: string): Promise<void> {
    const validate = (given: string): true | string =>
      given === word || given.trim() === '' || `That is not ${word}. Leave it empty to cancel`
    if ((await this.text(message, validate)) !== word) throw cancelled()
  }

  /** A long list shows what contains the words that are typed. */
  async choose<T>(message: string, choices: Choice<T>[]): Promise<T> {
    return this.#ask(async ({search, select}, context) => {
      const question = {message: asked(message), pageSize: pageSize()}
      if (choices.length <= MOST_UNSEARCHED)
        return select<T>({...question, choices: offered(choices), theme: theme()}, context)
      const source = (typed = ''): Choice<T>[] => offered(containing(choices, typed))
      return search<T>({...question, source, theme: theme([['type', 'filter']])}, context)
    })
  }

  /** At least one. A long list is searched as in {@link Prompts.choose}, and each answer adds one or takes it out again. */
  async chooseMany<T>(message: string, choices: Choice<T>[]): Promise<T[]> {
    if (choices.length > MOST_UNSEARCHED) return this.#chooseOneByOne(message, choices)
    return this.#ask(async ({checkbox}, context) =>
      checkbox<T>(
        {
          ...{message: asked(message), choices: offered(choices), required: true},
          ...{pageSize: pageSize(), theme: theme()},
        },
        context,
      ),
    )
  }

  async #chooseOneByOne<T>(message: string, choices: Choice<T>[]): Promise<T[]> {
    const chosen = new Set<Choice<T>>()
    for (;;) {
      const marked: Choice<Choice<T> | undefined>[] = choices.map((choice) => ({
        ...choice,
        name: `${chosen.has(choice) ? sign.checked : sign.unchecked} ${choice.name}`,
        value: choice,
      }))
      const end = {name: `Go on with the ${chosen.size} chosen`, value: undefined}
      const left = chosen.size === 0 ? marked : [end, ...marked]
      const toggled = await this.choose(
        chosen.size === 0 ? message : `${message} (${chosen.size} chosen)`,
        left,
      )
      if (toggled === undefined) return choices.filter((one) => chosen.has(one)).map(({value}) => value)
      if (!chosen.delete(toggled)) chosen.add(toggled)
    }
  }

  async #ask<T>(
    question: (
      library: typeof import('./questions.js'),
      context: {output: NodeJS.WritableStream},
    ) => Promise<T>,
  ): Promise<T> {
    this.#open += 1
    const release = this.#hold()
    const output = new QuestionScreen(process.stderr)
    const library = await import('./questions.js')
    const done = comeBackWhenStopped(output)
    try {
      return await question(library, {output})
    } catch (error) {
      if (error instanceof Error && error.name === 'ExitPromptError') throw cancelled(undefined, error)
      throw error
    } finally {
      done()
      release()
      this.#open -= 1
    }
  }
}

function asked(message: string): string {
  return shown(bounded(message, LONGEST))
}

function said(verdict: true | string): true | string {
  return verdict === true ? verdict : asked(verdict)
}

/** Those that contain each of the words, in upper or lower case. */
function containing<T>(choices: readonly Choice<T>[], typed: string): Choice<T>[] {
  const words = typed.toLowerCase().split(/\s+/)
  return choices.filter(({name}) => {
    const text = bare(name).toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** As many choices as the terminal has room for, and not the whole of a large one. */
function pageSize(): number {
  return Math.min(12, Math.max(3, (process.stderr.rows || 24) - AROUND_CHOICES))
}

/** A key, and what it does. */
type Tip = readonly [key: string, action: string]

/** The library's own look, in zt's palette and signs. */
function theme(ownTips: readonly Tip[] = []) {
  const paint =
    (colour: (text: string) => string) =>
    (text: string): string =>
      shown(colour(text))
  const {failure, heading, name, secondary, success} = errStyle
  const keys = new Map<string, string>([
    [SIGNS.upDown[0], sign.upDown],
    [SIGNS.enter[0], sign.enter],
  ])
  return {
    prefix: {idle: shown(heading('?')), done: shown(success(sign.done))},
    spinner: {interval: 80, frames: [...frames()]},
    icon: {
      cursor: shown(sign.cursor),
      checked: shown(success(sign.checked)),
      unchecked: shown(sign.unchecked),
    },
    style: {
      answer: paint(name),
      message: paint(heading),
      error: (text: string) => shown(`${failure('!')} ${text}`),
      defaultAnswer: (text: string) => shown(secondary(`(${text})`)),
      help: paint(secondary),
      // The library gives it the whole line, with its icon.
      highlight: (text: string) => shown(name(styled(text))),
      searchTerm: paint(name),
      description: paint(secondary),
      disabled: paint(secondary),
      keysHelpTip: (tips: readonly Tip[]) => {
        const parts = [...ownTips, ...tips].map(
          ([key, action]) => `${name(keys.get(key) ?? key)} ${secondary(action)}`,
        )
        return wrapped(parts.join(` ${secondary(sign.separator)} `), columnsOf('stderr'))
          .map(shown)
          .join('\n')
      },
    },
  }
}

/** Each on one line of the terminal. */
function offered<T>(choices: readonly Choice<T>[]): Choice<T>[] {
  const most = Math.max(20, columnsOf('stderr') - 6)
  const line = (text: string): string => shown(bounded(text, most))
  return choices.map(({name, value, description}) => ({
    name: line(name),
    value,
    ...(description !== undefined && {description: line(description)}),
  }))
}
