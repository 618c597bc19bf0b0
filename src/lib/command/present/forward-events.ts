import {mark, style} from '../../cli/streams.js'
import {shellQuote} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {RefusedError} from '../../tunnel/failure/refusal.js'
import {onlyPreviousText, type Target} from '../../tunnel/target/target.js'
import type {ForwardListener, HostForward, RequestFacts, RunningForward} from '../../tunnel/types.js'

/** A page makes many requests at once, and the same message for all of them is shown once. */
const SAME_MS = 30_000
/** How long a client waits for the explanation. */
const EXPLAIN_MS = 5000

export interface ForwardShow {
  /** Why a connection failed, as far as the account tells. */
  explain(error: UserError, sent: RequestFacts): Promise<UserError>
  error(error: unknown): void
  note(text: string): void
}

/** Where a forward listens. */
export function listeningText({url, place, host}: ForwardListener): string {
  return leadsTo(url ?? place, host, 'Ctrl-C ends it')
}

/** The same for scripts. */
export function listeningEvent({listen, host, token, url}: HostForward): object {
  return {event: 'listening', ...listen, host, token, url: url ?? null}
}

/** Where a forward in the background listens. */
export function backgroundText({url, place, host}: ForwardListener, pid: number): string {
  return leadsTo(url ?? place, host, `in the background, process ${pid}`)
}

function leadsTo(place: string, host: string, how: string): string {
  return `${mark.done} ${place} leads to ${host} ${style.secondary(`(${how})`)}`
}

/** How to end what runs in the background. */
export function stopSteps(forwards: readonly {host: string}[]): string[] {
  const [only, ...more] = forwards
  return more.length > 0 || !only ? ['zt forward list'] : [`zt forward stop ${shellQuote(only.host)}`]
}

/** A warning about listeners that others can reach. */
export function exposedText(forwards: readonly HostForward[]): string {
  const places = forwards.map(({place, token}) => `${place} uses "${token.name}"`)
  return `Anyone who reaches ${places.join(', or ')}`
}

/** The end of a forward, with that of the command beside it. */
export function endedEvent(
  {host, token, served}: HostForward,
  end: {exitCode: number; signal: string | undefined} | undefined,
): object {
  const command = end && {exitCode: end.exitCode, signal: end.signal ?? null}
  return {event: 'ended', host, token, served: served(), ...command}
}

/** The JSON shape of a running forward. */
export function runningForwardJson({
  host,
  place,
  http,
  token,
  profile,
  pid,
  since,
  log,
}: RunningForward): object {
  return {host, place, http, token, profile, pid, since, log: log ?? null}
}

/** A forward that was stopped. */
export function stoppedText({place, host}: RunningForward): string {
  return `${mark.done} Stopped ${place} to ${host}`
}

/** Why a forward has ended without a signal. */
export function reasonText(reason: 'parent' | 'reader'): string {
  const what = reason === 'parent' ? 'the process that started zt' : "the reader of zt's output"
  return `${what} has ended, and so does zt; --keep keeps it running`
}

/** Shows what happens while a forward runs, each message once in half a minute. */
export class ForwardReporter {
  readonly #shown = new Map<string, number>()
  readonly #pending = new Set<Promise<void>>()
  readonly #explained = new Map<string, {at: number; result: Promise<UserError>}>()

  constructor(
    private readonly target: Pick<Target, 'name'>,
    private readonly show: ForwardShow,
  ) {}

  /** A connection or a request failed; a refusal is explained first. */
  onFailure(error: unknown): void {
    if (!(error instanceof RefusedError)) return this.#error(error)
    const shown = this.explain(error, {}).then((known) => {
      this.#pending.delete(shown)
      this.#error(known)
    })
    this.#pending.add(shown)
  }

  async settled(): Promise<void> {
    await Promise.all(this.#pending)
  }

  onNote(text: string): void {
    this.#once(text, () => this.show.note(text))
  }

  onlyPrevious(until: string): void {
    this.#once('previous', () => this.show.note(onlyPreviousText(this.target, until)))
  }

  /** For the client's answer; the same is shown here. An explanation that takes too long is left out. */
  async explain(error: RefusedError, sent: RequestFacts): Promise<UserError> {
    const late = new Promise<undefined>((resolve) => {
      setTimeout(resolve, patient(EXPLAIN_MS), undefined).unref()
    })
    const explained = await Promise.race([this.#explanation(error, sent), late])
    if (explained) this.#error(explained)
    return explained ?? error
  }

  #explanation(error: RefusedError, sent: RequestFacts): Promise<UserError> {
    const {by, status, reason} = error.answer
    const key = JSON.stringify([by, status, reason, sent])
    const known = this.#explained.get(key)
    if (known && Date.now() - known.at < SAME_MS) return known.result
    if (this.#explained.size > 100) this.#explained.clear()
    const result = this.show.explain(error, sent)
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
