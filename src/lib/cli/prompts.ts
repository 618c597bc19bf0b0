import {cancelled, UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import {comeBackWhenStopped, QuestionScreen} from './stopped.js'
import {columnsOf} from './streams.js'
import {bounded, shown} from './styled.js'

/** Keeps a question with a long name on the screen. */
const LONGEST = 160

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
  readonly #clear: () => void

  /** @param clear removes what else is drawn on stderr, before each question */
  constructor(noInput: boolean, clear: () => void = () => undefined) {
    this.#noInput = noInput
    this.#clear = clear
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
      return input({message: asked(message), ...(check && {validate: check})}, context)
    })
  }

  /** Nothing is echoed, not even stars. */
  async secret(message: string): Promise<Secret> {
    return new Secret(await this.pasted(message))
  }

  /** The same for what may be a secret or not, as whoever pastes it may not know: make it a `Secret` once that is known. */
  async pasted(message: string): Promise<string> {
    return this.#ask(async ({password}, context) =>
      password({message: asked(message), toggleMask: false}, context),
    )
  }

  /** Whether the answer is yes. */
  async agree(message: string): Promise<boolean> {
    return this.#ask(async ({confirm}, context) =>
      confirm({message: asked(message), default: false}, context),
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

  async choose<T>(message: string, choices: Choice<T>[]): Promise<T> {
    return this.#ask(async ({select}, context) =>
      select<T>({message: asked(message), choices: offered(choices)}, context),
    )
  }

  /** At least one. */
  async chooseMany<T>(message: string, choices: Choice<T>[]): Promise<T[]> {
    return this.#ask(async ({checkbox}, context) =>
      checkbox<T>({message: asked(message), choices: offered(choices), required: true}, context),
    )
  }

  async #ask<T>(
    question: (
      library: typeof import('./questions.js'),
      context: {output: NodeJS.WritableStream},
    ) => Promise<T>,
  ): Promise<T> {
    this.#clear()
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
    }
  }
}

function asked(message: string): string {
  return shown(bounded(message, LONGEST))
}

function said(verdict: true | string): true | string {
  return verdict === true ? verdict : asked(verdict)
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
