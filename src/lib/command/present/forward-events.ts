import type {AccessContext} from '../../access/account/context.js'
import {UserError} from '../../core/errors.js'
import {visible} from '../../core/text.js'
import type {Judgement, Refusal} from '../../tunnel/types.js'
import {explainAnswer, type ExplainedRefusal} from '../explain-answer.js'

/** A page asks for fifty things at once, and the same answer to all of them is told once. */
const SAME_MS = 30_000
/** A client waits for the explanation. */
const EXPLAIN_MS = 5000

/** Said where the secret from before a rotation is used (ISO 8601). */
export function onlyPreviousText(until: string): string {
  return `Access accepted only the secret that the token had before its rotation; it works until ${until}`
}

interface Target {
  edge: {host: string}
  tokenId: string
  credentials: {clientId: string}
}

/** What a forward has to tell while it runs, each thing once in half a minute. */
export class ForwardReporter {
  readonly #told = new Map<string, number>()
  readonly #explained = new Map<string, {at: number; result: Promise<ExplainedRefusal>}>()

  constructor(
    private readonly ctx: AccessContext,
    private readonly target: Target,
    private readonly show: {error(error: unknown): void; note(text: string): void},
  ) {}

  /** A connection or a request failed; a refusal is explained first. */
  onFailure(error: unknown): void {
    const refusal = refusalOf(error)
    if (!refusal || (error as UserError).kind !== 'refused') {
      this.#once(error instanceof UserError ? `${error.code} ${error.message}` : 'bug', () => {
        this.show.error(error)
      })
      return
    }
    const by = refusal.reason === 'login' ? 'access' : refusal.reason === 'challenged' ? 'zone' : 'unknown'
    void this.#explanation({by, refusal}, '/').then((explained) => {
      this.#showRefusal(refusal, explained)
    })
  }

  onNote(text: string): void {
    this.#once(text, () => {
      this.show.note(text)
    })
  }

  onlyPrevious(until: string): void {
    this.#once('previous', () => {
      this.show.note(onlyPreviousText(until))
    })
  }

  /** For the client's answer; the same is told here. */
  async explain(judgement: Judgement, path: string): Promise<{text: string; certain: boolean}> {
    const {refusal} = judgement
    const late = new Promise<undefined>((resolve) => {
      setTimeout(resolve, EXPLAIN_MS, undefined).unref()
    })
    const explained = await Promise.race([this.#explanation(judgement, path), late])
    if (!explained)
      return {text: `Access refused the service token (HTTP ${refusal.status}).`, certain: false}
    this.#showRefusal(refusal, explained)
    const {message, why, next} = explained.error
    return {text: [`${message}.`, why ?? '', ...next].map(visible).join('\n'), certain: explained.certain}
  }

  #showRefusal({status}: Refusal, {error}: ExplainedRefusal): void {
    this.#once(`refused ${status} ${error.why?.replace(/\(CF-RAY.*/, '') ?? ''}`, () => {
      this.show.error(error)
    })
  }

  #explanation(judgement: Judgement, path: string): Promise<ExplainedRefusal> {
    const {by, refusal} = judgement
    const key = `${by} ${refusal.status} ${refusal.reason} ${path}`
    const known = this.#explained.get(key)
    if (known && Date.now() - known.at < SAME_MS) return known.result
    if (this.#explained.size > 100) this.#explained.clear()
    const {edge, tokenId, credentials} = this.target
    const call = {host: edge.host, path, tokenId, clientId: credentials.clientId, judgement}
    const result = explainAnswer(this.ctx, call)
    this.#explained.set(key, {at: Date.now(), result})
    return result
  }

  #once(what: string, tell: () => void): void {
    const last = this.#told.get(what)
    if (last !== undefined && Date.now() - last < SAME_MS) return
    if (this.#told.size > 100) this.#told.clear()
    this.#told.set(what, Date.now())
    tell()
  }
}

/** The carrier's refusals carry how the edge said no. */
function refusalOf(error: unknown): Refusal | undefined {
  return error instanceof UserError && error.code === 'ACCESS_REFUSED'
    ? (error as UserError & {refusal?: Refusal}).refusal
    : undefined
}
