import path from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import type {End} from '../support/built-zt.js'
import {linesOf} from '../support/command-lines.js'
import {commands} from '../support/manifest.js'
import {NamelessZt} from '../support/nameless-zt.js'

/** Two cores: more processes at once would only wait for each other. */
const AT_ONCE = 4
/** They start and end the sandbox that the others use. */
const OF_THE_SANDBOX = /^sandbox:(start|stop|reset)$/

let nameless: NamelessZt
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  nameless = await NamelessZt.make()
  // No HOME either, which the system would look up by the name.
  env = {NO_COLOR: '1', ZT_PATIENCE: '40', ZT_STORE: 'vault', ZT_PROFILE: 'sandbox'}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE'])
    env[`XDG_${kind}_HOME`] = path.join(nameless.own, kind)
  const start = await nameless.zt(['sandbox', 'start'], env)
  expect(start.code, start.stderr).toBe(0)
})
afterAll(async () => {
  const stop = await nameless.zt(['sandbox', 'stop'], env)
  await nameless.end()
  expect(stop.code, stop.stderr).toBe(0)
})

/** What zt made of each line. */
async function endsOf(lines: readonly string[][]): Promise<Map<string, End>> {
  const ends = new Map<string, End>()
  const queue = [...lines]
  const work = async (): Promise<void> => {
    for (let line = queue.shift(); line !== undefined; line = queue.shift())
      ends.set(line.join(' '), await nameless.zt(line, env))
  }
  await Promise.all(Array.from({length: AT_ONCE}, work))
  return ends
}

it('is a user whom the system does not know', async () => {
  const {stdout, stderr} = await nameless.run(process.execPath, ['-e', 'os.userInfo()'], env)
  expect(stdout + stderr).toContain('ERR_SYSTEM_ERROR')
})

it('gets the help of every command', async () => {
  const ends = await endsOf(commands.map(({id}) => [...id.split(':'), '--help']))
  const broken = [...ends].filter(([, {code, stdout}]) => code !== 0 || !stdout.includes('USAGE'))
  expect(broken).toEqual([])
})

it('can use every command', async () => {
  const lines = linesOf('leak')
  const others = commands.filter(({id}) => !OF_THE_SANDBOX.test(id))
  const ends = await endsOf([
    ...others.map(({id}) => lines[id]?.[0] ?? id.split(':')),
    // As the framework writes it.
    ['token', 'list', '--help', '--json'],
    ['no-such-command'],
  ])
  // 1 is a bug in zt.
  const crashed = [...ends].filter(
    ([, {code, stderr}]) => code === 1 || code === null || /bug|system error/i.test(stderr),
  )
  expect(crashed).toEqual([])
  // That some of them do what they are for, too.
  expect(ends.get('app list')).toMatchObject({code: 0, stdout: expect.stringContaining('GitLab') as string})
  expect(ends.get('token create ci')).toMatchObject({code: 0})
  expect(ends.get('ssh git@gitlab-ssh.widgetcorp.tech -- -T')?.code).not.toBe(0)
})
