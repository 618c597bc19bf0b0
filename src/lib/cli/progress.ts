import type {Part, Progress} from '../core/progress.js'
import {PALETTE} from './palette.js'
import {frames} from './signs.js'
import {columnsOf, sign} from './streams.js'
import {bounded, shown} from './styled.js'
import {widthOf} from './width.js'

/** How long a step may take before it is shown. */
const PATIENCE_MS = 400
/** After this much of a step, the rest can be estimated. */
const MEASURED_MS = 1000
const TICK_MS = 1000

/** What is counted, since when, and how much of it was done then. */
interface Counted extends Part {
  from: number
  began: number
  at: number
}

/** Whether a line can be drawn again and again on stderr. */
export function canDrawProgress(): boolean {
  return process.stderr.isTTY && process.env['TERM'] !== 'dumb'
}

/**
 * A line with a spinner on stderr, shown when a step takes long; only on a terminal. Where the use-case says how much is done,
 * it counts, and says how long the rest will take.
 */
export class SpinnerProgress implements Progress {
  #spinner: {text: string; stop(): unknown} | undefined
  #timer: NodeJS.Timeout | undefined
  #step = ''
  #part: Counted | undefined
  #pause: string | undefined
  #ended = false
  #held = 0

  step(text: string, part?: Part): void {
    this.#step = text
    this.#part = part && this.#counted(part)
    this.#draw()
  }

  wait(text: string): void {
    this.step(text)
  }

  pause(text: string | undefined): void {
    this.#pause = text
    this.#draw()
  }

  /** Removes the line; the next step may bring it back. */
  hide(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#spinner?.stop()
    this.#spinner = undefined
  }

  /** Removes the line; nothing is drawn until what it returns is called, as over a question. */
  hold(): () => void {
    this.#held += 1
    this.hide()
    return () => {
      this.#held -= 1
    }
  }

  /** Removes the line. Nothing is drawn afterwards. */
  stop(): void {
    this.#ended = true
    this.hide()
  }

  #counted(part: Part): Counted {
    const [before, at] = [this.#part, Date.now()]
    const goesOn = before?.of === part.of && before.done <= part.done
    return {...part, from: goesOn ? before.from : part.done, began: goesOn ? before.began : at, at}
  }

  /** One line, so that it can be cleared completely. What is counted is never cut off. */
  get #text(): string {
    const room = Math.max(20, columnsOf('stderr') - 4)
    const count = this.#pause === undefined && this.#part ? ` ${this.#count(this.#part)}` : ''
    return shown(bounded(this.#pause ?? this.#step, Math.max(8, room - widthOf(count))) + count)
  }

  #count({done, of, unit, from, began, at}: Counted): string {
    const counted = `(${done} of ${of}${unit === undefined ? '' : ` ${unit}`})`
    if (done <= from || at - began < MEASURED_MS) return counted
    const left = ((at - began) / (done - from)) * (of - done) - (Date.now() - at)
    return `${counted} ${sign.separator} ${leftInWords(left)}`
  }

  #draw(): void {
    if (this.#held > 0) return
    if (this.#spinner) this.#spinner.text = this.#text
    else if (!this.#ended) this.#timer ??= setTimeout(() => void this.#show(), PATIENCE_MS).unref()
  }

  async #show(): Promise<void> {
    const timer = this.#timer
    const {default: yoctoSpinner} = await import('yocto-spinner')
    // It was hidden or stopped meanwhile.
    if (this.#ended || timer !== this.#timer) return
    this.#spinner = yoctoSpinner({
      text: this.#text,
      stream: process.stderr,
      color: PALETTE.success,
      spinner: {frames: [...frames()], interval: 80},
    }).start()
    this.#timer = setInterval(() => {
      this.#draw()
    }, TICK_MS).unref()
  }
}

function leftInWords(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  return seconds < 60 ? `about ${seconds} s left` : `about ${Math.ceil(seconds / 60)} min left`
}
