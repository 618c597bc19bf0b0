import type {Progress} from '../core/progress.js'
import {columnsOf} from './streams.js'
import {bounded, shown} from './styled.js'

/** How long a step may take before it is shown. */
const PATIENCE_MS = 400

/** A line with a spinner on stderr, shown when a step takes long; only on a terminal. */
export class SpinnerProgress implements Progress {
  #spinner: {text: string; stop(): unknown} | undefined
  #timer: NodeJS.Timeout | undefined
  #step = ''
  #pause: string | undefined
  #ended = false

  step(text: string): void {
    this.#step = text
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

  /** Removes the line. Nothing is drawn afterwards. */
  stop(): void {
    this.#ended = true
    this.hide()
  }

  /** One line, so that it can be cleared completely. */
  get #text(): string {
    return shown(bounded(this.#pause ?? this.#step, Math.max(20, columnsOf('stderr') - 4)))
  }

  #draw(): void {
    if (this.#spinner) this.#spinner.text = this.#text
    else if (!this.#ended) this.#timer ??= setTimeout(() => void this.#show(), PATIENCE_MS).unref()
  }

  async #show(): Promise<void> {
    const timer = this.#timer
    const {default: yoctoSpinner} = await import('yocto-spinner')
    // It was hidden or stopped meanwhile.
    if (this.#ended || timer !== this.#timer) return
    this.#timer = undefined
    this.#spinner = yoctoSpinner({text: this.#text, stream: process.stderr}).start()
  }
}
