import {chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend} from '@vitest/expect'

/** In place of vitest where it cannot run, as its native parts are not for arm64: what the store contract uses of it. */
for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin)

export const expect = (value: unknown): unknown => chai.expect(value)

type Prepare = () => Promise<(() => Promise<unknown>) | undefined>
const suites: {name: string; before: Prepare[]; tests: {name: string; run: () => unknown}[]}[] = []

export function describe(name: string, body: () => void): void {
  suites.push({name, before: [], tests: []})
  body()
}

export function beforeAll(prepare: Prepare): void {
  suites.at(-1)?.before.push(prepare)
}

export function it(name: string, run: () => unknown): void {
  suites.at(-1)?.tests.push({name, run})
}

it.each =
  <T>(rows: readonly T[]) =>
  (name: string, run: (row: T) => unknown): void => {
    for (const row of rows) it(name.replace('%j', JSON.stringify(row)), () => run(row))
  }

export interface Result {
  name: string
  failure?: string
}

/** Runs everything that was described, one after the other. */
export async function results(): Promise<Result[]> {
  const all: Result[] = []
  for (const {name: suite, before, tests} of suites) {
    const ends = []
    for (const prepare of before) ends.push(await prepare())
    for (const {name, run} of tests) {
      const result: Result = {name: `${suite}: ${name}`}
      try {
        await run()
      } catch (error) {
        result.failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
      }
      all.push(result)
    }
    for (const end of ends) await end?.()
  }
  return all
}
