import {style} from '../../cli/streams.js'
import {UserError} from '../../core/errors.js'
import {RefusedError} from '../../tunnel/failure/refusal.js'
import {onlyPreviousText, type Target} from '../../tunnel/target/target.js'

/** A page makes many requests at once, and the same message for all of them is shown once. */
const SAME_MS = 30_000
/** How long a client waits for the explanation. */
const EXPLAIN_MS = 5000

export interface ForwardShow {
  /** Why a connection failed, as far as the account tells. */
  explain(error: UserError, path: string): Promise<UserError>
  error(error: unknown): void
  note(text: string): void
}

/** Where a forward listens. */
export function listeningText(authority: string, host: string, http: boolean): string {
  return `${style.green('✓')} ${http ? 'http://' : ''}${authority} leads to ${host} ${style.dim('(Ctrl-C ends it)')}`
}

/** Shows what happens while a forward runs, each message once in half a minute. */
export class ForwardReporter {
  readonly #shown = new Map<string, number>()
  readonly #explained = new Map<string, {at: number; result: Promise<UserError>}>()

  constructor(
    private readonly target: Pick<Target, 'name'>,
    private readonly show: ForwardShow,
  ) {}

  /** A connection or a request failed; a refusal is explained first. */
  onFailure(error: unknown): void {
    if (error instanceof RefusedError)
      void this.#explanation(error, '/').then((explained) => this.#error(explained))
    else this.#error(error)
  }

  onNote(text: string): void {
    this.#once(text, () => this.show.note(text))
  }

  onlyPrevious(until: string): void {
    this.#once('previous', () => this.show.note(onlyPreviousText(this.target, until)))
  }

  /** For the client's answer; the same is shown here. An explanation that takes too long is left out. */
  async explain(error: RefusedError, path: string): Promise<UserError> {
    const late = new Promise<undefined>((resolve) => {
      setTimeout(resolve, EXPLAIN_MS, undefined).unref()
    })
    const explained = await Promise.race([this.#explanation(error, path), late])
    if (explained) this.#error(explained)
    return explained ?? error
  }

  #explanation(error: RefusedError, path: string): Promise<UserError> {
    const {by, status, reason} = error.answer
    const key = `${by} ${status} ${reason} ${path}`
    const known = this.#explained.get(key)
    if (known && Date.now() - known.at < SAME_MS) return known.result
    if (this.#explained.size > 100) this.#explained.clear()
    const result = this.show.explain(error, path)
    this.#explained.set(key, {at: Date.now(), result})
    return result
  }

  #error(error: unknown): void {
    const key =
      error instanceof UserError
        ? `${error.code} ${error.message} ${error.why?.replace(/\(CF-RAY.*/, '') ?? ''}`
        : 'bug'
    this.#once(key, () => this.show.error(error))
  }

  #once(key: string, show: () => void): void {
    const last = this.#shown.get(key)
    if (last !== undefined && Date.now() - last < SAME_MS) return
    if (this.#shown.size > 100) this.#shown.clear()
    this.#shown.set(key, Date.now())
    show()
  }
}
