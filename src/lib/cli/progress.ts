import type {Progress} from '../core/context.js'

/** How long something may take before it is worth saying so. */
const PATIENCE_MS = 400

/** A line with a spinner on stderr, shown when a step takes long; only on a terminal. */
export class SpinnerProgress implements Progress {
  #spinner: {text: string; stop(): unknown} | undefined
  #timer: NodeJS.Timeout | undefined
  #text = ''
  #ended = false

  step(text: string): void {
    this.#text = text
    if (this.#spinner) this.#spinner.text = text
    else this.#timer ??= setTimeout(() => void this.#show(), PATIENCE_MS).unref()
  }

  /** Removes the line. Nothing is drawn afterwards. */
  stop(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#spinner?.stop()
    this.#spinner = undefined
  }

  async #show(): Promise<void> {
    const {default: yoctoSpinner} = await import('yocto-spinner')
    if (this.#ended) return
    this.#spinner = yoctoSpinner({text: this.#text, stream: process.stderr}).start()
  }
}
