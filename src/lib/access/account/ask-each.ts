import type {AccessApi} from '../../api/types.js'
import type {Progress} from '../../core/progress.js'

/** How many requests are under way at a time. */
const AT_ONCE = 4

export interface AskingEach<T, Answer> {
  /** As progress shows it: `Reading the rules of zones`. */
  doing: string
  progress?: Progress | undefined
  /** False: the others need not be asked. */
  goesOn?: (() => boolean) | undefined
  ask: (of: T) => Promise<Answer>
  /** How many requests each takes, at least. Default 1. */
  requests?: number | undefined
  /** Where the requests were announced already. */
  expect?: ((left: number) => void) | undefined
}

/**
 * Asks the API about each object of a list, which takes at least one request for each: a few at a time, in their order, with
 * progress. The requests are announced, so that a long run is paced and the time that it takes is said in advance. Every
 * loop of requests over objects of an account goes through here, or through {@link askInTurn} (a lint rule).
 *
 * @returns the answers, in the same order
 */
export async function askEach<T, Answer>(
  api: Pick<AccessApi, 'expecting'>,
  all: readonly T[],
  {
    doing,
    progress,
    goesOn = () => true,
    ask,
    requests = 1,
    expect = api.expecting?.(),
  }: AskingEach<T, Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  try {
    for (let from = 0; from < all.length && goesOn(); from += AT_ONCE) {
      expect?.((all.length - from) * requests)
      progress?.step(doing, {done: from, of: all.length})
      answers.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(ask))))
    }
  } finally {
    expect?.(0)
  }
  return answers
}

/** The same one after the other, where each step depends on the one before it. */
export async function askInTurn<T>(
  api: Pick<AccessApi, 'expecting'>,
  all: readonly T[],
  step: (of: T, at: number) => Promise<unknown>,
  {requests = 1}: Pick<AskingEach<T, unknown>, 'requests'> = {},
): Promise<void> {
  if (all.length === 0) return
  const expect = api.expecting?.()
  try {
    for (const [at, of] of all.entries()) {
      expect?.((all.length - at) * requests)
      await step(of, at)
    }
  } finally {
    expect?.(0)
  }
}
