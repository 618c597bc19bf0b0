import os from 'node:os'
import {Writable} from 'node:stream'

/** The terminal that a question is drawn on; knows what the question looks like, to draw it again. */
export class QuestionScreen extends Writable {
  readonly #terminal: NodeJS.WriteStream
  #frame = ''

  constructor(terminal: NodeJS.WriteStream) {
    super({decodeStrings: false})
    this.#terminal = terminal
  }

  get isTTY(): boolean {
    return this.#terminal.isTTY
  }

  get columns(): number {
    return this.#terminal.columns
  }

  override _write(chunk: string | Buffer, _: string, done: (error?: Error | null) => void): void {
    const text = String(chunk)
    const drawn = text.replace(ERASED, '')
    // What only moves the cursor is part of the frame before it.
    this.#frame = drawn === text ? this.#frame + text : drawn
    this.#terminal.write(text, done)
  }

  /** Leaves the terminal to another program: below the question, with a visible cursor. */
  leave(): void {
    this.#terminal.write('\u001B[J\u001B[?25h\n')
  }

  /** Draws the question once more, where the cursor is now. */
  comeBack(): void {
    this.#terminal.write(`\r${this.#frame}`)
  }
}

/** What the library writes before a frame, in place of the previous one. */
const ERASED = /^(?:\u001B\[\d*B)?\u001B\[2K(?:\u001B\[1A\u001B\[2K)*\u001B\[G/

/**
 * While a question is open, Ctrl-Z stops zt as it stops other programs, and `fg` comes back to the question. Node alone
 * stops only its own process, which leaves the terminal to whatever waits for it, and does not read on afterwards.
 *
 * @returns ends this
 */
export function comeBackWhenStopped(
  screen: Pick<QuestionScreen, 'leave' | 'comeBack'>,
  input = process.stdin,
): () => void {
  if (!('SIGTSTP' in os.constants.signals)) return () => undefined
  const stop = (): void => {
    process.off('SIGTSTP', stop)
    screen.leave()
    input.setRawMode(false)
    // The whole process group: npm, a script, or the zt that has started this one without node's debug switches.
    process.kill(0, 'SIGTSTP')
    // The signal is ignored where no shell could continue the group: then this is all that happens.
    process.kill(process.pid, 'SIGCONT')
  }
  const comeBack = (): void => {
    // Once for both signals, and after readline, which pauses its input here.
    clearImmediate(coming)
    coming = setImmediate(() => {
      process.off('SIGTSTP', stop)
      process.on('SIGTSTP', stop)
      input.setRawMode(true)
      input.resume()
      resumed = true
      screen.comeBack()
    })
  }
  let coming: NodeJS.Immediate | undefined
  let resumed = false
  process.on('SIGTSTP', stop)
  process.on('SIGCONT', comeBack)
  return () => {
    clearImmediate(coming)
    process.off('SIGTSTP', stop)
    process.off('SIGCONT', comeBack)
    // readline takes its input for paused already, and an input that is read keeps the process.
    if (resumed) input.pause()
  }
}
