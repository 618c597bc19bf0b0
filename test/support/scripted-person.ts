import {vi} from 'vitest'

/** What a person does when asked: the value, or the beginning of the choices' names; `leave` is Ctrl-D. */
export type Answer = string | boolean | readonly string[] | typeof LEAVE

export const LEAVE = Symbol('leaves the prompt')

interface Question {
  message: string
  validate?: (value: string) => true | string
  choices?: {name: string; value: unknown}[]
  toggleMask?: boolean
}

/** Answers the questions of one command, in place of the library that draws them on a terminal. */
export class ScriptedPerson {
  /** The questions so far, and what was said of an answer that did not do. */
  readonly asked: string[] = []
  readonly #answers: Answer[]

  constructor(answers: readonly Answer[] = []) {
    this.#answers = [...answers]
  }

  /** Runs a command whose questions this person answers, each of them and no more. */
  async attend(command: () => Promise<unknown>): Promise<void> {
    asking.push(this)
    try {
      await command()
    } finally {
      asking.pop()
    }
    if (this.#answers.length > 0)
      throw new Error(
        `was not asked for ${this.#answers.map(String).join(', ')}, only: ${this.asked.join(' | ')}`,
      )
  }

  typed({message, validate}: Question): string {
    this.asked.push(message)
    for (;;) {
      const text = this.#next() as string
      const verdict = validate?.(text) ?? true
      if (verdict === true) return text
      this.asked.push(verdict)
    }
  }

  confirmed({message}: Question): boolean {
    this.asked.push(message)
    return this.#next() as boolean
  }

  chosen({message, choices = []}: Question): unknown[] {
    this.asked.push(message)
    return [this.#next() as string | readonly string[]].flat().map((wanted) => {
      const found = choices.find(({name}) => name.startsWith(wanted))
      if (!found) throw new Error(`no choice is ${wanted}, but ${choices.map(({name}) => name).join(', ')}`)
      return found.value
    })
  }

  #next(): Answer {
    const answer = this.#answers.shift()
    if (answer === undefined) throw new Error(`was asked: ${this.asked.join(' | ')}`)
    // As the library says it.
    if (answer === LEAVE)
      throw Object.assign(new Error('User force closed the prompt'), {name: 'ExitPromptError'})
    return answer
  }
}

/** Whom the running command asks. */
const asking: ScriptedPerson[] = []

function person(): ScriptedPerson {
  const present = asking.at(-1)
  if (!present) throw new Error('a question outside of a command')
  return present
}

vi.doMock('../../src/lib/cli/questions.js', () => ({
  input: async (question: Question) => person().typed(question),
  password: async (question: Question) => {
    // A key that shows what was pasted, and a line that offers it.
    if (question.toggleMask !== false) throw new Error('a secret at a prompt could be shown')
    return person().typed(question)
  },
  confirm: async (question: Question) => person().confirmed(question),
  select: async (question: Question) => person().chosen(question)[0],
  search: async ({source, ...question}: Question & {source: () => NonNullable<Question['choices']>}) =>
    person().chosen({...question, choices: source()})[0],
  checkbox: async (question: Question) => person().chosen(question),
}))
// There is no terminal to draw on.
vi.doMock('yocto-spinner', () => ({
  default: () => ({text: '', start: () => ({text: '', stop: () => undefined})}),
}))
