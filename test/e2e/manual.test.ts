import {readFileSync} from 'node:fs'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {findProgram} from '../../src/lib/system/programs.js'
import {checkPage, PAGES, readPage, root, wrongWith, type Result} from '../support/manual/check.js'
import type {Command} from '../support/manual/parse.js'
import {hasNssWrapper} from '../support/nss-wrapper.js'

const read = (name: string): string => readFileSync(path.join(root, name), 'utf8')
const has = (program: string): boolean => findProgram(program, process.env) !== undefined
/** What no session can do without. */
const missingForAll = [
  ...['script', 'bash', 'ssh'].filter((program) => !has(program)),
  ...(hasNssWrapper() ? [] : ['libnss-wrapper']),
]
const missing = (name: string): string[] => [
  ...missingForAll,
  ...readPage(name).needs.filter((program) => !has(program)),
]
const RUN = PAGES.filter((name) => missing(name).length === 0)
for (const name of PAGES.filter((one) => !RUN.includes(one)))
  process.stderr.write(`SKIPPED: ${name}: there is no ${missing(name).join(', ')}; .ci/run installs it\n`)

/** Two at a time: they mostly start programs. */
const checked = new Map<string, Promise<Result>>()
for (const lane of [0, 1]) {
  let before: Promise<unknown> = Promise.resolve()
  for (const name of RUN.filter((_, at) => at % 2 === lane)) {
    const result = before.then(() => checkPage(readPage(name)))
    checked.set(name, result)
    // Its own test reports a failure.
    before = result.catch(() => undefined)
  }
}
const results = (): Promise<Result[]> => Promise.all(checked.values())

describe('the manual: what a page shows is what zt does', () => {
  it.for(PAGES.map((name) => [name] as const))('%s', async ([name], {skip}) => {
    const result = await (checked.get(name) ?? skip())
    expect(result.problems.join('\n')).toBe('')
  })

  it.skipIf(RUN.length === 0)(
    'every command that it shows was run, and what is not run says why',
    async () => {
      const all = await results()
      // Counted without the reader of pages.
      const shown = RUN.flatMap((name) => read(name).match(/^ *```console\n[^]*?^ *```$/gm) ?? [])
      const commands = shown.flatMap((block) => block.match(/^ *\$ /gm) ?? [])
      const ran = all.flatMap((one) => one.ran.filter((command) => command.shown !== undefined))
      expect(ran).toHaveLength(commands.length)
      const reasons = all.flatMap(({page}) => page.notRun.map(({reason}) => reason))
      const count = (reason: string): number => reasons.filter((one) => one === reason).length
      const notRun = [...new Set(reasons)].sort().map((reason) => `${reason}: ${count(reason)}`)
      process.stderr.write(`the manual: ${ran.length} commands run in ${RUN.length} pages; blocks not run: ${notRun.join(', ') || 'none'}\n`) // prettier-ignore
    },
  )

  it.skipIf(RUN.length === 0)('fails for each output of which one word is changed', async () => {
    const all = await results()
    const changed = all.flatMap(({home, ran}) =>
      ran.flatMap(({command, shown}) => {
        const other = withAnotherWord(command)
        return other ? [{command: other.command, wrong: wrongWith(other, shown, home)}] : []
      }),
    )
    expect(changed.length).toBeGreaterThan(0)
    expect(changed.filter(({wrong}) => wrong === undefined)).toEqual([])
  })
})

describe.skipIf(missingForAll.length > 0)('a page that is changed', () => {
  const page = () => readPage('test/manual/pages/example.md')
  const changed = async (from: string, to: string): Promise<string[]> => {
    const steps = page().steps.map((step) =>
      step.kind === 'command' ? {...step, command: step.command.replace(from, to)} : step,
    )
    return (await checkPage({...page(), steps})).problems
  }

  it('passes as it is, also as the beginning of another one, whose questions are answered', async () => {
    expect((await checkPage(page())).problems).toEqual([])
    expect((await checkPage(readPage('test/manual/pages/prompts.md'))).problems).toEqual([])
  })

  it('fails for one flag', async () => {
    const [first = '', ...more] = await changed('--service-auth', '--service-autk')
    expect(first).toMatch(/example\.md:11: \$ zt app add-rule GitLab --service-autk [^]*exit 2 instead of 0/)
    expect(more).toEqual([])
  })

  it('fails for one exit code, and for a command that ends the session', async () => {
    expect((await changed('# exit 1', '; true')).join('\n')).toContain('exit 0 instead of 1')
    expect((await changed('cat $FILE missing', 'exit 1')).join('\n')).toContain('the session ended here')
  })
})

/** The same with one letter more in a word of its output; undefined if it shows no word. */
function withAnotherWord(command: Command): Command | undefined {
  const at = command.expected.findIndex((line) => /(?<![\w…])[a-z]{3,}(?![\w…])/i.test(line))
  if (at < 0) return undefined
  const line = (command.expected[at] ?? '').replace(/(?<![\w…])[a-z]{3,}(?![\w…])/i, '$&x')
  return {...command, expected: command.expected.with(at, line)}
}
