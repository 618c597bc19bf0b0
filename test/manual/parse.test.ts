import {describe, expect, it} from 'vitest'
import {commandsOf, parsePage} from '../support/manual/parse.js'

const page = (...lines: string[]): ReturnType<typeof parsePage> => parsePage('page.md', lines.join('\n'))
const block = (info: string, ...lines: string[]): string[] => [`\`\`\`${info}`, ...lines, '```']

describe('a console block', () => {
  it('has commands with their lines, exit codes and outputs, in order', () => {
    const {problems, steps} = page(
      'Text.',
      ...block('console', '$ a', 'one', '', '$ b \\', '> c   # exit 5', '$ d'),
    )
    expect(problems).toEqual([])
    const same = {kind: 'command', indent: '', typed: [], tty: false}
    expect(steps).toEqual([
      {...same, line: 3, command: 'a', expected: ['one', ''], exitCode: 0, outputLine: 4},
      {...same, line: 6, command: 'b \\\nc   # exit 5', expected: [], exitCode: 5, outputLine: 8},
      {...same, line: 8, command: 'd', expected: [], exitCode: 0, outputLine: 9},
    ])
  })

  it('in a list is read without its indentation', () => {
    const {steps} = page('1. Do it:', '', '   ```console', '   $ a', '     one', '', '   two', '   ```')
    expect(steps).toMatchObject([{command: 'a', expected: ['  one', '', 'two'], indent: '   '}])
  })

  it('has the keys that the comments before it name, and no other block has them', () => {
    const {steps, problems} = page(
      '<!-- session: sandbox tty -->',
      '<!-- type: Add it? => y -->',
      '<!-- type: Name => a => b -->',
      ...block('console', '$ a'),
      ...block('console', '$ b'),
    )
    expect(problems).toEqual([])
    const typed = [
      {shown: 'Add it?', keys: 'y'},
      {shown: 'Name', keys: 'a => b'},
    ]
    expect(steps).toMatchObject([
      {typed, tty: true},
      {typed: [], tty: true},
    ])
  })
})

describe('the order of a page', () => {
  it('has files, hidden commands and commands as they come', () => {
    const {steps, problems} = page(
      ...block('yaml file=a.yaml', 'a: 1'),
      '<!-- run',
      '  one',
      '    two',
      '-->',
      ...block('console', '$ a'),
      '<!-- run three -->',
    )
    expect(problems).toEqual([])
    expect(steps).toMatchObject([
      {kind: 'file', name: 'a.yaml', text: 'a: 1\n'},
      {kind: 'hidden', line: 4, command: 'one\n  two'},
      {kind: 'command'},
      {kind: 'hidden', command: 'three'},
    ])
  })

  it.each([
    ['', {sandbox: false, tty: false, seed: undefined}],
    ['empty', {sandbox: false, tty: false, seed: undefined}],
    ['tty', {sandbox: false, tty: true, seed: undefined}],
    ['empty tty', {sandbox: false, tty: true, seed: undefined}],
    ['sandbox', {sandbox: true, tty: false, seed: undefined}],
    ['sandbox tty', {sandbox: true, tty: true, seed: undefined}],
    ['sandbox seed=a.json tty', {sandbox: true, tty: true, seed: 'a.json'}],
  ])('begins with the session %j', (comment, session) => {
    const read = page(...(comment === '' ? [] : [`<!-- session: ${comment} -->`]), '# Title')
    expect(read).toMatchObject({session, problems: []})
  })

  it('may begin where another page ends', () => {
    expect(page('<!-- continues: ../a.md -->').continues).toBe('../a.md')
  })
})

it('reads blocks that are not run, data, and code in the text', () => {
  const {notRun, data, inline, problems} = page(
    'Call `zt token list` or `ztx`, not `npm ci` and `zt`.',
    ...block('sh not-run="needs an account"', 'zt login'),
    ...block('json', '{}'),
    ...block('hcl', '{'),
    ...block('text', '+--+'),
  )
  expect(problems).toEqual([])
  expect(notRun).toEqual([{line: 2, reason: 'needs an account', text: 'zt login\n'}])
  expect(data).toEqual([{line: 5, language: 'json', text: '{}\n'}])
  expect(inline.map(({code}) => code)).toEqual(['zt token list', 'zt'])
})

describe('what is not in the format is a problem', () => {
  it.each([
    [block('', 'zt token list'), 'page.md:1: a block that is not classified: it has no language'],
    [block('sh', 'zt token list'), 'page.md:1: a block that is not classified: sh'],
    [block('bash', 'a'), 'page.md:1: a block that is not classified: bash'],
    [block('console', 'zt token list'), 'page.md:1: a console block that does not begin with `$ `'],
    [block('console'), 'page.md:1: a console block that does not begin with `$ `'],
    [block('sh not-run="slow"', 'a'), 'page.md:1: no reason of the list: slow'],
    [block('sh not-run', 'a'), 'page.md:1: a block that is not classified: sh not-run'],
    [block('console not-run="a synopsis"', '$ a'), 'page.md:1: a block that is not classified: console not-run="a synopsis"'], // prettier-ignore
    [['```text', 'a'], 'page.md:1: a block without an end'],
    [['<!-- run', 'a'], 'page.md:1: a comment without an end'],
    [['<!-- session: account -->'], 'page.md:1: no such session: account'],
    [[...block('console', '$ a'), '<!-- session: sandbox -->'], 'page.md:4: `session` behind the first block'],
    [['<!-- type: y -->'], 'page.md:1: a comment `type` that is not `type: WHAT THE SCREEN SHOWS => KEYS`'],
    [['<!-- type: a => b -->', ...block('console', '$ a')], 'page.md:3: keys are typed, and the session has no `tty`'],
  ])('%j', (lines, problem) => {
    expect(page(...lines).problems).toEqual([problem])
  }) // prettier-ignore
})

it('the commands of a page are those of its console blocks', () => {
  const read = page('<!-- run a -->', ...block('console', '$ b', '$ c'), ...block('text', '$ d'))
  expect(commandsOf(read).map(({command}) => command)).toEqual(['b', 'c'])
})
