import {table} from '../../src/lib/cli/table.js'
import {writeFileAtomic} from '../../src/lib/system/files.js'
import type {Answer, Question} from './context.js'
import type {LiveResult} from './run.js'

interface Row {
  mark: string
  question: string
  account: string
  sandbox: string
  /** Only of what differs. */
  matters: string
}

const wordsOf = (answer: Answer | undefined): string => {
  if (answer === undefined) return '-'
  if (Array.isArray(answer)) return answer.map((one) => wordsOf(one as Answer)).join(', ') || 'none'
  if (answer === true) return 'yes'
  if (answer === false) return 'no'
  return typeof answer === 'object' ? JSON.stringify(answer) : String(answer)
}

const partsOf = (answer: Answer | undefined): readonly [string, Answer][] =>
  typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? Object.entries(answer) : []

const partOf = (answer: Answer | undefined, name: string): Answer | undefined =>
  new Map(partsOf(answer)).get(name)

/** One row for each question, or for each part of an answer that has several. `≠`: the sandbox answers differently. */
export function comparison(
  questions: readonly Question[],
  account: LiveResult,
  sandbox: LiveResult | undefined,
): string[] {
  const rows = questions.flatMap(({id, question, matters}): Row[] => {
    const [here, there] = [account.answers.get(id), sandbox?.answers.get(id)]
    const row = (title: string, one: Answer | undefined, other: Answer | undefined): Row => {
      const [a, b] = [wordsOf(one), wordsOf(other)]
      const differs = one !== undefined && other !== undefined && a !== b
      return {
        mark: differs ? '≠' : '',
        question: title,
        account: a,
        sandbox: b,
        matters: differs ? matters : '',
      }
    }
    const names = [...new Set([...partsOf(here), ...partsOf(there)].map(([name]) => name))]
    const why = account.unanswered.get(id)
    if (why !== undefined)
      return [{mark: '', question, account: `(${why})`, sandbox: wordsOf(there), matters}]
    if (names.length === 0) return [row(question, here, there)]
    const parts = names.map((name) => row(`    ${name}`, partOf(here, name), partOf(there, name)))
    const differs = parts.some(({mark}) => mark !== '')
    const title = {mark: '', question, account: '', sandbox: '', matters: differs ? matters : ''}
    return [title, ...parts.map((part) => ({...part, matters: ''}))]
  })
  return table(rows, [
    {title: '', value: ({mark}) => mark},
    {title: 'question', value: (one) => one.question, wraps: true},
    {title: 'account', value: (one) => one.account, wraps: true},
    {title: 'sandbox', value: (one) => one.sandbox, wraps: true},
    {title: 'where it matters', value: (one) => one.matters, optional: true},
  ])
}

/** What `zt sandbox start --observed FILE` reads: settings for the sandbox, and answers for people. No IDs and no names. */
export async function writeObserved(file: string, {settings, answers}: LiveResult): Promise<void> {
  const observed = {version: 1, settings, answers: Object.fromEntries(answers)}
  await writeFileAtomic(file, `${JSON.stringify(observed, null, 2)}\n`)
}
