import {afterEach, expect, it, vi} from 'vitest'
import {Prompts} from '../../src/lib/cli/prompts.js'

const drawn: string[] = []
/** What the last question was asked with. */
let asked: Asked
/** What a person types and takes in a list that is searched, one after the other. */
let taken: string[] = []
interface Asked {
  choices?: {name: string}[]
  source?: (typed?: string) => {name: string; value: string}[]
  theme: {
    icon: Record<string, string>
    prefix: Record<string, string>
    style: {
      highlight: (line: string) => string
      keysHelpTip: (tips: [string, string][]) => string
    }
  }
}
afterEach(() => vi.unstubAllEnvs())

vi.mock('../../src/lib/cli/questions.js', () => {
  const ask =
    (answer: unknown) =>
    (question: Asked): Promise<unknown> => {
      drawn.push('question')
      asked = question
      return Promise.resolve(answer)
    }
  return {
    input: ask('x'),
    password: ask('x'),
    confirm: ask(true),
    select: ask('x'),
    search: async (question: Asked): Promise<unknown> => {
      const answer = await ask('x')(question)
      const typed = taken.shift()
      return typed === undefined ? answer : question.source?.(typed)[0]?.value
    },
    checkbox: ask(['x']),
  }
})

it.each<[string, (prompts: Prompts) => Promise<unknown>]>([
  ['a text', async (prompts) => prompts.text('Name')],
  ['a secret', async (prompts) => prompts.secret('Secret')],
  ['yes or no', async (prompts) => prompts.agree('Go on')],
  ['one of a list', async (prompts) => prompts.choose('Token', [{name: 'x', value: 'x'}])],
  [
    'one of a long list',
    async (prompts) =>
      prompts.choose(
        'Token',
        'abcdefgh'.split('').map((name) => ({name, value: name})),
      ),
  ],
  ['some of a list', async (prompts) => prompts.chooseMany('Tokens', [{name: 'x', value: 'x'}])],
])('the progress line is kept away from a question for %s', async (_, ask) => {
  drawn.length = 0
  const asking: boolean[] = []
  const prompts = new Prompts(false, () => {
    drawn.push('held')
    return () => {
      asking.push(prompts.asking)
      drawn.push('released')
    }
  })
  await ask(prompts)
  expect(drawn).toEqual(['held', 'question', 'released'])
  expect([...asking, prompts.asking]).toEqual([true, false])
})

const choices = (names: readonly string[]): {name: string; value: string}[] =>
  names.map((name) => ({name, value: name}))
const NAMES = [
  'GitLab',
  'Grafana',
  'git mirror of GitLab',
  'Build',
  'Vault',
  'Registry',
  'Postgres',
  'a\u001B[2Jb',
]

it('a list that is longer than seven is searched: upper or lower case, each word anywhere in the name', async () => {
  await new Prompts(false).choose('Application', choices(NAMES))
  const found = (typed?: string): string[] => asked.source?.(typed).map(({value}) => value) ?? []
  expect(found()).toEqual(NAMES)
  expect(found('git')).toEqual(['GitLab', 'git mirror of GitLab'])
  expect(found(' LAB  mirror ')).toEqual(['git mirror of GitLab'])
  expect(found('nothing')).toEqual([])
  // As it is shown, and nothing else, is what is searched and drawn.
  expect(asked.source?.('x1b[2J')).toEqual([{name: String.raw`a\x1b[2Jb`, value: 'a\u001B[2Jb'}])
})

it('a short list is shown whole', async () => {
  await new Prompts(false).choose('Application', choices(NAMES.slice(0, 7)))
  expect(asked.source).toBeUndefined()
  expect(asked.choices).toHaveLength(7)
})

it.each([
  ['C', /^[ -~]+$/],
  ['C.UTF-8', /❯.*✓|✓.*❯/],
])('the marks of a question are those of the locale: %s', async (locale, signs) => {
  vi.stubEnv('LC_ALL', locale)
  await new Prompts(false).choose('Application', choices(NAMES))
  const {icon, prefix, style} = asked.theme
  const tips = style.keysHelpTip([
    ['↑↓', 'navigate'],
    ['⏎', 'select'],
  ])
  expect(tips).toMatch(/^type filter . (↑↓|up\/down) navigate . (⏎|enter) select$/)
  expect([...Object.values(icon), ...Object.values(prefix), tips].join(' ')).toMatch(signs)
})

it('the line where the cursor is keeps the colours of its icon, and shows no control sequence as text', async () => {
  await new Prompts(false).chooseMany('Tokens', choices(['ci', 'a\u001B[2Jb']))
  const {icon, style} = asked.theme
  const green = `\u001B[32m${icon['checked'] ?? ''}\u001B[39m`
  for (const {name} of asked.choices ?? [])
    expect(style.highlight(`${green} ${name}`)).toContain(`${green} ${name}`)
})

it('several of a long list are found by typing, one after the other, and can be taken out again', async () => {
  taken = ['mirror', 'vault', 'grafana', 'vault', '']
  const chosen = await new Prompts(false).chooseMany('Applications', choices(NAMES))
  expect(chosen).toEqual(['Grafana', 'git mirror of GitLab'])
  expect(taken).toEqual([])
  expect(asked.source?.()[0]?.name).toBe('Go on with the 2 chosen')
  expect(asked.source?.('grafana')[0]?.name).toContain('Grafana')
  // None chosen: there is no way on.
  taken = ['vault', 'vault', 'build', '']
  expect(await new Prompts(false).chooseMany('Applications', choices(NAMES))).toEqual(['Build'])
}) // prettier-ignore

it('several of a short list are ticked in it', async () => {
  taken = []
  await new Prompts(false).chooseMany('Applications', choices(NAMES.slice(0, 7)))
  expect(asked.source).toBeUndefined()
})
