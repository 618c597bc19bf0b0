import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {findProgram} from '../../../src/lib/system/programs.js'
import {askSeveral, settingIn, settingsFromSsh} from '../../../src/lib/tunnel/ssh/ask-ssh.js'
import {configTexts, HOSTS} from './config/config-texts.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

let home: string
let file: string
let touched: string
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-as-'))
  file = path.join(home, 'config')
  touched = path.join(home, 'touched')
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

/** Where the copies are: a path with what ssh's files must quote, and of more bytes than characters. */
const state = (): string => path.join(home, 'Zust\u00e4nde \u2013 "1"')
const put = (text: string, name = 'config', mode = 0o600) =>
  fs.writeFile(path.join(home, name), text.replaceAll('RUN', `touch ${touched}`).replaceAll('HOME', home), {
    mode,
  })
const ran = () =>
  fs.access(touched).then(
    () => true,
    () => false,
  )
const ask = (host: string, more: object = {}) =>
  settingsFromSsh({
    ssh: ssh ?? '',
    args: [host],
    file,
    env: {...process.env, XDG_STATE_HOME: state()},
    ...more,
  })
async function answered(host: string, more: object = {}) {
  const answer = await ask(host, more)
  if ('failed' in answer) throw new Error(answer.failed)
  return answer
}
/** What ssh itself does with the file. */
const bySsh = (host: string): string =>
  execFileSync(ssh ?? '', ['-T', '-G', '-F', file, host], {encoding: 'utf8', stdio: 'pipe'})

describe.skipIf(ssh === undefined)('a program of Match exec', () => {
  it.each([
    'Match exec "RUN"\n  User other\n',
    'Match host h exec "RUN"\n  User other\n',
    'match HOST=h,x EXEC="RUN"\n  User other\n',
    '"Match" exec "RUN"\n  User other\n',
    'Match !exec "RUN"\n  User other\n',
    'Match originalhost h exec "RUN" user root,me\n  User other\n',
    'Match all\n  Include HOME/more\n',
    'Include HOME/m*re\n',
    'Include "HOME/more" HOME/none\n',
    '\t Match host h exec "RUN"\r\n  User other\r\n',
  ])('is not started, where ssh itself starts it: %j', async (text) => {
    await put('Match host h exec "RUN"\n  User other\n', 'more')
    await put(`${text}Host h\n  Port 2222\n`)
    bySsh('h')
    expect(await ran()).toBe(true)
    await fs.rm(touched)
    const answer = await answered('h')
    expect(await ran()).toBe(false)
    // What does not depend on the program is as before.
    expect(settingIn(answer, 'port')).toBe('2222')
    expect(settingIn(answer, 'user')).not.toBe('other')
    expect(answer.settings).not.toContain('ZT_')
    // Nothing is left behind.
    expect(await fs.readdir(home)).not.toContainEqual(expect.stringMatching(/copy/))
    expect(await fs.readdir(path.join(state(), 'zt', 'run'))).toEqual([])
  })

  it.each<[text: string, host: string, lines: string[]]>([
    ['Match host h exec "one"\n', 'h', ['1 one']],
    ['Match host h exec "one"\n', 'other', []],
    ['Match originalhost *.example,h exec "one"\nMatch exec "two"\n', 'h', ['1 one', '2 two']],
    ['Match host real exec "one"\nHost h\n  HostName real\nMatch host real exec "two"\n', 'h', ['4 two']],
    ['Host h\n  HostName h.\nMatch host h exec "one"\n', 'h', []],
    ['Host other\n  Include HOME/more\n', 'h', []],
    ['Host h\n  Include HOME/more\n', 'h', ['1 %h']],
    ['Match host h user no-one exec "one"\n', 'h', []],
    ['Match host h exec "one" user no-one\n', 'h', ['1 one']],
  ])('is named where ssh would start it: %j, for %s', async (text, host, lines) => {
    await put('Match exec "%h"\n', 'more')
    await put(text)
    const {execs} = await answered(host)
    expect(execs.map(({line, command}) => `${line} ${command}`)).toEqual(lines)
    for (const one of execs) expect([file, path.join(home, 'more')]).toContain(one.file)
  })

  // Whether ssh reads these depends on its version.
  it.each([
    'Match host h exec = "RUN"\n  User other\n',
    '"Match"exec "RUN"\n  User other\n',
    'Match "exec" "RUN"\n  User other\n',
    'Match ex"ec" "RUN"\n  User other\n',
    'Ma"tch" exec "RUN"\n  User other\n',
    'Inc"lude" HOME/more\n',
    "Match exec 'RUN'\n  User other\n",
    'Match exec="RUN" host="h"\n  User other\n',
  ])('is not started by a line in an unusual form: %j', async (text) => {
    await put('Match exec "RUN"\n  User other\n', 'more')
    await put(`${text}Host h\n  Port 2222\n`)
    await ask('h')
    expect(await ran()).toBe(false)
  })

  it('is not started by a line that is not to be read with certainty', async () => {
    await put(
      `Match host 'h exec RUN'\n  User other\nMatch host "h\\" exec "RUN"\n  User other\nHost h\n  Port 2222\n`,
    )
    expect(settingIn(await answered('h'), 'port')).toBe('2222')
    expect(await ran()).toBe(false)
  })

  it('in a file that zt does not read is not started, either', async () => {
    await put('Match exec "RUN"\n', 'more')
    await put('Include HOME/[m]ore\nHost h\n  Port 2222\n')
    bySsh('h')
    expect(await ran()).toBe(true)
    await fs.rm(touched)
    expect(settingIn(await answered('h'), 'port')).toBe('2222')
    expect(await ran()).toBe(false)
  })
})

describe('ssh', () => {
  /** Fails with these words at its first questions, and notes each question. */
  async function standIn(words: string, times: number): Promise<{ssh: string; asked: () => Promise<number>}> {
    const [program, notes] = ['ssh', 'asked'].map((name) => path.join(home, name)) as [string, string]
    const said = words.replaceAll("'", `'\\''`)
    const code = `#!/bin/sh
echo "$*" >>'${notes}'
[ "$(wc -l <'${notes}')" -gt ${times} ] && { echo port 2222; exit; }
printf '%s\\n' '${said}' >&2
exit 255
`
    await fs.writeFile(program, code, {mode: 0o755})
    return {
      ssh: program,
      asked: async () => (await fs.readFile(notes, 'utf8')).trimEnd().split('\n').length,
    }
  }
  const questions = (program: string, count: number) =>
    askSeveral({ssh: program, file, env: {...process.env, XDG_STATE_HOME: state()}}, async (one) => {
      const answers = []
      for (let at = 0; at < count; at++) answers.push(await one([`h${at}`]))
      return answers
    })
  // As a scanner on Windows leaves it for a moment.
  const HELD = "Can't open user config file C:/zt/run/1.config: Permission denied"
  const WRONG = '/run/1.config line 2: Bad configuration option: nonsense'

  it.each([
    ['that could not open a copy is asked again', HELD, 1, 1, 2, 1],
    ['is asked again once, however often it fails', HELD, 9, 1, 2, 0],
    ['is asked again once for several command lines', HELD, 9, 3, 4, 0],
    ['that fails for another reason is not asked again', WRONG, 1, 1, 1, 0],
    ['that says nothing is not asked again', '', 1, 1, 1, 0],
  ])('%s', async (_, words, times, count, asked, answered) => {
    await put('Match exec "false"\nHost h\n  Port 2222\n')
    const one = await standIn(words, times)
    const answers = await questions(one.ssh, count)
    expect(await one.asked()).toBe(asked)
    expect(answers.filter((answer) => 'settings' in answer)).toHaveLength(answered)
  })
})

describe.skipIf(ssh === undefined)('the copies that ssh reads', () => {
  it('mean the same as the files', async () => {
    await put('Port 23\nMatch exec "false"\n  User other\nHost *.example\n  User inner\n', 'more')
    await put(
      'Compression yes\nHost h.example\n  Include HOME/more\n  HostName there\nInclude HOME/none\nHost *\n  User last\n',
    )
    for (const host of ['h.example', 'x.example', 'x'])
      expect((await answered(host)).settings).toBe(bySsh(host))
  })

  it('mean the same for any file, whatever is around the lines whose program fails', async () => {
    const exec = fc.constantFrom(
      'Match exec "false"',
      'match host a.example,b.example exec="false"',
      'Match user root originalhost *.example exec false',
      '\tMatch host * exec "exit 1" user *\r',
    )
    await fc.assert(
      fc.asyncProperty(
        configTexts,
        exec,
        configTexts,
        exec,
        configTexts,
        async (one, first, two, second, three) => {
          await put('', 'config')
          await fs.writeFile(file, [one, first, two, second, three].join('\n'), 'latin1')
          for (const host of HOSTS) expect((await answered(host)).settings).toBe(bySsh(host))
        },
      ),
      {numRuns: 12},
    )
  })

  it('are not in an error', async () => {
    await put('Match exec "false"\nNonsense 1\n', 'more')
    await put('Include HOME/more\n')
    expect(await ask('h')).toEqual({
      late: false,
      quotes: expect.any(Array) as string[],
      failed: expect.stringContaining(`${path.join(home, 'more')}`) as string,
    })
    expect(JSON.stringify(await ask('h'))).not.toContain('zt/run')
  })

  it('are refused where ssh refuses the file', async () => {
    await put('Match exec "false"\n', 'more', 0o600)
    await fs.chmod(path.join(home, 'more'), 0o666)
    await put('Include HOME/more\n')
    expect(await ask('h')).toEqual({
      late: false,
      quotes: expect.any(Array) as string[],
      failed: expect.stringContaining(`permissions on ${path.join(home, 'more')}`) as string,
    })
  })

  it('can be of a text that is in no file yet', async () => {
    await put('User one\n')
    expect(settingIn(await answered('h', {text: 'Match exec "RUN"\nHost *\n  User two\n'}), 'user')).toBe(
      'two',
    )
    expect(await fs.readFile(file, 'utf8')).toBe('User one\n')
  })
})
