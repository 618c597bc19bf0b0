import {describe, expect, it} from 'vitest'
import {simpleCommands} from '../support/manual/shell-words.js'
import {wrongWithWords, ztCommands} from '../support/manual/zt-lines.js'

describe('the commands of a shell', () => {
  it.each([
    ['zt a b  # c', [['zt', 'a', 'b']]],
    ["zt a 'b c' \"d e\" f\\ g", [['zt', 'a', 'b c', 'd e', 'f g']]],
    ['zt a \\\n  --b\nzt c', [['zt', 'a', '--b'], ['zt', 'c']]],
    ['echo x | zt a && zt b; zt c', [['echo', 'x'], ['zt', 'a'], ['zt', 'b'], ['zt', 'c']]],
    ['source <(zt completion bash)', [['source'], ['zt', 'completion', 'bash']]],
    ['zt a > file 2>&1 < in', [['zt', 'a']]],
    ['zt a#b', [['zt', 'a#b']]],
    ["zt a ''", [['zt', 'a', '']]],
    ['zt a -- psql -h {host}', [['zt', 'a', '--', 'psql', '-h', '{host}']]],
  ])('%j', (text, commands) => {
    expect(simpleCommands(text)).toEqual(commands)
  }) // prettier-ignore

  it('of zt are found behind assignments and other words', () => {
    const text = 'A=1 zt token list\nsudo zt version | cat\necho zt\nif zt whoami; then zt a; fi'
    expect(ztCommands(text)).toEqual([['zt', 'token', 'list'], ['zt', 'version'], ['zt', 'whoami'], ['zt', 'a']]) // prettier-ignore
  })
})

describe('a line of zt that is only shown', () => {
  it.each([
    'zt',
    'zt --version --json',
    'zt help exit-codes',
    'zt token --help',
    'zt token create ci --duration 90d',
    'zt token create NAME --duration DURATION --store=STORE',
    'zt --profile sandbox token list',
    'zt app add-rule APP --service-auth --token NAME',
    'zt ssh git@gitlab-ssh.widgetcorp.tech -- -T',
    'zt exec ci -- anything --at-all',
    'zt policy test expectations.yaml',
    'zt access tcp --hostname db.example.com --url localhost:5432',
    'zt access curl https://api.example.com/items -X POST',
  ])('%s is one that can be run', async (line) => {
    expect(await wrongWithWords(line.split(' '), 'whole')).toBeUndefined()
  })

  it.each([
    ['zt tokens create', /no such command/],
    ['zt token made', /no such command/],
    ['zt token create ci --durations 90d', /durations/],
    ['zt token create ci cd', /Unexpected argument/],
    ['zt ssh config', undefined],
    ['zt app show GitLab --reveal', /reveal/],
    ['zt access tcp --hostnames db.example.com', /hostnames/],
    ['zt policy create', undefined],
    ['zt completion tcsh', /tcsh/],
    ['zt token create ci --reveal --quiet', /quiet|reveal/],
  ])('%s', async (line, problem) => {
    const found = await wrongWithWords(line.split(' '), 'whole')
    if (problem === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(problem)
  })

  it.each([
    ['zt token create --duration', undefined],
    ['zt token', undefined],
    ['zt token list --duration', 'there is no flag --duration'],
    ['zt token make', 'there is no such command'],
    ['zt token list -z', 'there is no flag -z'],
  ])('in a text: %s', async (line, problem) => {
    expect(await wrongWithWords(line.split(' '), 'form')).toBe(problem)
  })
})
