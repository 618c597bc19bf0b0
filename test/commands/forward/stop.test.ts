import path from 'node:path'
import {afterEach, expect, it} from 'vitest'
import {AnnouncedProcess} from '../../support/announced-process.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('forward stop')
const started: AnnouncedProcess[] = []

async function start(forwards: Record<string, string>): Promise<AnnouncedProcess> {
  const one = await AnnouncedProcess.start(path.join(scene.zt.home, 'STATE', 'zt'), forwards)
  started.push(one)
  return one
}
afterEach(async () => {
  for (const {child, ended} of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})

it.each([
  ...['db.example.com', 'DB.example.com.', '5432', '127.0.0.1:5432', 'unix:/run/zt/db', '/run/zt/db'],
  // As zt forward took or showed it.
  ...['db.example.com:5432', 'postgres://app@db.example.com:5432/app', 'https://db.example.com/a'],
  ...['localhost:5432', 'http://db-example-com.localhost:5432', 'http://127.0.0.1:5432/'],
])('ends the process of the forward called %s, and no other', async (name) => {
  const [one, other] = [
    await start({'127.0.0.1:5432': 'db.example.com', 'unix:/run/zt/db': 'db.example.com'}),
    await start({'127.0.0.1:15432': 'cache.example.com'}),
  ]
  const {forwards} = await scene.zt.json(['forward', 'stop', name])
  expect(forwards).toMatchObject([
    {host: 'db.example.com', pid: one.pid, why: null},
    {host: 'db.example.com', pid: one.pid, why: null},
  ])
  expect(await one.ended).toBe('SIGTERM')
  expect(other.isRunning()).toBe(true)
})

it.each(['db.sock', 'unix:db.sock', './db.sock'])('takes a path as zt forward took it: %s', async (name) => {
  const one = await start({[`unix:${scene.zt.file('db.sock')}`]: 'db.example.com'})
  expect((await scene.zt.json(['forward', 'stop', name]))['forwards']).toMatchObject([
    {pid: one.pid, why: null},
  ])
})

it('ends all with --all, and says which, by host', async () => {
  // Their files are read by process ID.
  const two = [await start({'127.0.0.1:2': 'b.example.com'}), await start({'127.0.0.1:1': 'a.example.com'})]
  const {stdout, exitCode} = await scene.zt.run('forward stop --all')
  for (const {ended} of two) expect(await ended).toBe('SIGTERM')
  expect(exitCode).toBe(0)
  expect(stdout.trimEnd().split('\n')).toEqual([
    '✓ Stopped 127.0.0.1:1 to a.example.com',
    '✓ Stopped 127.0.0.1:2 to b.example.com',
  ])
  expect(await scene.zt.run('forward stop --all')).toMatchObject({exitCode: 0, stdout: 'No forward runs.\n'})
})

it('ends nothing if it does not know what', async () => {
  const one = await start({'127.0.0.1:5432': 'db.example.com'})
  await scene.zt.fails('forward stop', 'usage', 'WHICH_FORWARD')
  await scene.zt.fails('forward stop 5432 --all', 'usage', 'WHICH_FORWARD')
  const others = ['db.example.com:543', 'localhost', 'localhost:543', 'unix:5432', 'http://127.0.0.1']
  for (const name of ['543', '432', 'example.com', '127.0.0.1', 'run', ...others])
    await scene.zt.fails(`forward stop ${name}`, 'not-found', 'FORWARD_NOT_FOUND')
  expect(one.isRunning()).toBe(true)
})
