import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, expect, it} from 'vitest'
import {isRunning} from '../../../src/lib/system/processes.js'
import {runDirectory} from '../../../src/lib/tunnel/connections/run-files.js'
import {loadSettings} from '../../../src/lib/config/settings.js'
import {
  backgroundEnvironment,
  forwardInBackground,
  startInBackground,
} from '../../../src/lib/tunnel/forward/background.js'
import type {ForwardPlan} from '../../../src/lib/tunnel/forward/plan.js'
import {chooseToken} from '../../../src/lib/tunnel/target/target.js'

let directory: string
const pids: number[] = []
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-b-'))
})
afterEach(async () => {
  for (const pid of pids.splice(0)) process.kill(pid, 'SIGKILL')
  await fs.rm(directory, {recursive: true, force: true})
})

/** Starts a program that plays zt, in JavaScript. */
const start = (script: string, hosts = 1) =>
  startInBackground({
    command: [process.execPath, '-e', script],
    state: directory,
    hosts,
    environment: process.env,
  })
const logs = () => fs.readdir(runDirectory(directory))
const say = (...lines: object[]): string =>
  lines.map((line) => `console.log(${JSON.stringify(JSON.stringify(line))});`).join('')
const STAY = 'setInterval(() => undefined, 1000)'
const listening = {event: 'listening', host: 'db.example.com', address: '127.0.0.1', port: 5432, url: null}

it('waits until each host has its listener, and leaves the process running', async () => {
  const second = {event: 'listening', host: 'a.example.com', socket: '/run/a', url: null}
  const script = `${say(listening)} setTimeout(() => { ${say({event: 'note', text: 'x'}, second)} }, 100); ${STAY}`
  const {pid, log, listeners} = await start(script, 2)
  pids.push(pid)
  expect(listeners).toEqual([
    {host: 'db.example.com', place: '127.0.0.1:5432', url: undefined, event: listening},
    {host: 'a.example.com', place: 'unix:/run/a', url: undefined, event: second},
  ])
  expect(isRunning(pid)).toBe(true)
  expect(path.basename(log)).toContain(`-${pid}-`)
  expect((await fs.stat(log)).mode & 0o777).toBe(0o600)
})

it('fails as the process did, and leaves no log', async () => {
  const error = {
    kind: 'not-found',
    code: 'HOST_NOT_BOUND',
    message: 'm',
    why: 'a\nb',
    next: ['zt x'],
    exitCode: 5,
  }
  await expect(start(`${say(listening, {error})} process.exitCode = 5`, 2)).rejects.toMatchObject({
    ...error,
    why: 'a b',
    whyLines: ['a', 'b'],
  })
  expect(await logs()).toEqual([])
})

it.each([
  ['it says nothing', ''],
  ['it says something else', 'console.log("{}\\nnull\\nnot JSON")'],
  ['it is killed', 'process.kill(process.pid, "SIGKILL")'],
  ['it ends before all listeners are open', say(listening)],
])('is a bug if %s', async (_what, script) => {
  await expect(start(script, 2)).rejects.toMatchObject({name: 'BugError'})
  expect(await logs()).toEqual([])
})

it('a signal ends it before it listens', async () => {
  const file = path.join(directory, 'pid')
  const script = `require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); ${STAY}`
  const started = start(script)
  await expect.poll(() => fs.readFile(file, 'utf8').catch(() => '')).not.toBe('')
  process.emit('SIGHUP')
  await expect(started).rejects.toMatchObject({code: 'CANCELLED'})
  expect(isRunning(Number(await fs.readFile(file, 'utf8')))).toBe(false)
})

it.each([undefined, 'other.example.com'])(
  'what a person confirmed for the pair of the environment needs no second answer, with ZT_HOSTS=%s',
  async (ZT_HOSTS) => {
    const env = {
      HOME: directory,
      CF_ACCESS_CLIENT_ID: `${'a'.repeat(32)}.access`,
      CF_ACCESS_CLIENT_SECRET: 'b'.repeat(64),
      ZT_HOSTS,
    }
    const settingsOf = (one: Record<string, string | undefined>) =>
      loadSettings({env: one, cwd: directory, flags: {}})
    const bound = async (one: Record<string, string | undefined>, host: string): Promise<boolean> =>
      (await chooseToken({settings: await settingsOf(one), host})).bound
    const hosts = ['db.example.com', 'cache.example.com']
    const child = backgroundEnvironment(env, await settingsOf(env), hosts)
    for (const host of hosts)
      expect([await bound(env, host), await bound(child, host)]).toEqual([false, true])
    // Nothing else is confirmed by that.
    expect(await bound(child, 'third.example.com')).toBe(false)
    expect(await bound(child, 'other.example.com')).toBe(ZT_HOSTS !== undefined)
    expect(backgroundEnvironment(env, await settingsOf(env), [])).toBe(env)
  },
)

it.each([
  [['db.example.com', '--background']],
  [['--background', '--fields', 'host', 'db.example.com']],
  [['--jq=.host', 'db.example.com', '--background']],
  [['db.example.com', '--background', '--jq', '.host', '--']],
])('the process in the background gets what is for it of %j, and what was confirmed', async (argv) => {
  const environment = {...process.env, ZT_HOSTS: undefined}
  const settings = {...(await loadSettings({env: {HOME: directory}, cwd: directory, flags: {}}))}
  const script = `console.log(JSON.stringify({event: 'listening', host: process.env.ZT_HOSTS ?? 'none', socket: process.argv.slice(1).join(' '), url: null})); ${STAY}`
  const {pid, listeners} = await forwardInBackground({
    ...{program: [process.execPath, '-e', script, '--'], argv},
    ...{plans: [{fromProject: false} as ForwardPlan], settings, environment, confirmed: ['db.example.com']},
  })
  pids.push(pid)
  expect(listeners).toMatchObject([
    {host: 'db.example.com', place: 'unix:forward --keep --json --no-input --yes db.example.com'},
  ])
})
