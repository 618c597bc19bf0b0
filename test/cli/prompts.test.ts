import {expect, it, vi} from 'vitest'
import {Prompts} from '../../src/lib/cli/prompts.js'

const drawn: string[] = []

vi.mock('../../src/lib/cli/questions.js', () => {
  const ask = (answer: unknown) => (): Promise<unknown> => {
    drawn.push('question')
    return Promise.resolve(answer)
  }
  return {
    input: ask('x'),
    password: ask('x'),
    confirm: ask(true),
    select: ask('x'),
    search: ask('x'),
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
])('the progress line is removed before a question for %s is drawn', async (_, ask) => {
  drawn.length = 0
  await ask(new Prompts(false, () => drawn.push('cleared')))
  expect(drawn).toEqual(['cleared', 'question'])
})
