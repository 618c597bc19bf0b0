import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {ownFile} from '../../../src/lib/tunnel/connections/run-files.js'
import {AnnouncedProcess} from '../../support/announced-process.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('forward list')

it('lists the listeners of running processes, with the log of one in the background', async () => {
  const state = path.join(scene.zt.home, 'STATE', 'zt')
  const one = await AnnouncedProcess.start(state, {
    '127.0.0.1:5432': 'db.example.com',
    'unix:/run/x': 'a.example.com',
  })
  const gone = await AnnouncedProcess.start(state, {'127.0.0.1:6379': 'cache.example.com'})
  gone.child.kill('SIGKILL')
  await gone.ended
  const log = ownFile(state, 'log', one.pid)
  await fs.writeFile(log, '')
  const rest = {http: false, token: {id: 'id-of-ci', name: 'ci'}, profile: 'default', pid: one.pid, log}
  const since = '2026-11-27T12:00:00.000Z'
  expect((await scene.zt.json('forward list'))['forwards']).toEqual([
    {host: 'a.example.com', place: 'unix:/run/x', since, ...rest},
    {host: 'db.example.com', place: '127.0.0.1:5432', since, ...rest},
  ])
  const {stdout} = await scene.zt.run('forward list')
  expect(stdout).toMatch(new RegExp(`^127\\.0\\.0\\.1:5432 +db\\.example\\.com +TCP +ci +${one.pid} `, 'm'))
  one.child.kill()
  await one.ended
})

it('says that nothing runs', async () => {
  expect(await scene.zt.run('forward list')).toMatchObject({exitCode: 0, stdout: 'No forward runs.\n'})
})
