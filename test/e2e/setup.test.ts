import {createHash} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {everything} from '../support/edit-world.js'
import {TUTORIAL} from '../../src/lib/sandbox/tutorial.js'
import type {StateData} from '../../src/lib/sandbox/state.js'
import {BuiltZt, type End} from '../support/built-zt.js'
import {runOnPty} from '../support/pty.js'

const HOST = 'gitlab-ssh.widgetcorp.tech'
let zt: BuiltZt
let info: {apiUrl: string; apiToken: string}

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  await fs.writeFile(seed, JSON.stringify({...TUTORIAL, settings: {enforcement_delay_ms: 5000}}))
  info = await zt.json(['sandbox', 'start', '--seed', seed])
  await fs.writeFile(path.join(zt.home, 'ssh-config'), '# mine\r\nHost *\r\n  ServerAliveInterval 7', {
    mode: 0o640,
  })
})
afterAll(() => zt.end())

/** The sandbox's account, and every file but caches, locks, records of edits and what the sandbox itself notes. */
async function all(): Promise<JsonObject> {
  const files: JsonObject = {}
  const state = path.join(zt.home, 'STATE', 'zt', 'sandbox', 'state.json')
  for (const name of (await fs.readdir(zt.home, {recursive: true})).sort()) {
    const file = path.join(zt.home, name)
    if (/^(CACHE|STATE\/zt\/(locks|undo|run|sandbox))/.test(name) || !(await fs.lstat(file)).isFile())
      continue
    files[name] = createHash('sha256')
      .update(await fs.readFile(file))
      .digest('hex')
  }
  const data = JSON.parse(await fs.readFile(state, 'utf8')) as StateData
  return {files, account: everything({data}), tokens: data.serviceTokens.length}
}

it('takes a person from a fresh account to the banner, and all of it back', async () => {
  const before = await all()
  const said = await runOnPty(
    zt,
    ['setup', `git@${HOST}`, '--file', 'ssh-config'],
    [
      // The list goes to what is typed: "Yes".
      [/Set it up\?[^]*Yes, without/, 'y\r'],
    ],
  )
  const text = said.replaceAll(/\x1B\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '')
  expect(text).toContain(`+ Create the service token "${HOST}"`)
  expect(text).toContain(`opens: "GitLab" (${HOST}) to "${HOST}"`)
  expect(text).toMatch(/The edge accepted the token after [1-9]\d* s/)
  expect(text).toContain('Waiting until the edge enforces the rule')
  expect(text).toContain('Welcome to GitLab')

  // ssh's connection stays open for a minute, and its proxy has a file of its own.
  await zt.run(['ssh', `git@${HOST}`, '--', '-O', 'exit'])
  const again = await zt.json(['setup', `git@${HOST}`, '--yes', '--ssh-config', '--file', 'ssh-config'])
  expect(again).toMatchObject({changed: false, undo: []})

  const back = await runOnPty(
    zt,
    ['setup', HOST, '--remove', '--file', 'ssh-config'],
    [[/Take it back\?/, 'y\r']],
  )
  expect(back).toContain('Deleted the service token and its secret')
  expect(await all()).toEqual(before)
})

it('says on a signal what it has done, and the commands that it names go on and take it back', async () => {
  const enforcedAfter = async (ms: number): Promise<void> => {
    const {status} = await fetch(new URL('/sandbox/settings', info.apiUrl), {
      method: 'PATCH',
      headers: {authorization: `Bearer ${info.apiToken}`},
      body: JSON.stringify({enforcement_delay_ms: ms}),
    })
    expect(status).toBe(200)
  }
  const before = await all()
  await enforcedAfter(3_600_000)
  const setup = ['setup', `git@${HOST}`, '--yes', '--no-ssh-config', '--no-connect']
  const interrupted = (signal: NodeJS.Signals): Promise<End> =>
    zt.run(setup, {
      onStart: (child) => {
        let said = ''
        child.stderr?.on('data', (chunk: Buffer) => {
          said += chunk.toString()
          if (said.includes('Waiting until the edge')) child.kill(signal)
        })
      },
    })
  const first = await interrupted('SIGINT')
  expect(first.code).toBe(130)
  expect(first.stderr).toContain(`Done so far: Created the service token "${HOST}"`)
  expect(first.stderr).toContain(`To go on: zt ${setup.join(' ')}\n`)
  expect(first.stderr).toContain(`To take it back: zt setup ${HOST} --remove\n`)
  await enforcedAfter(0)
  const end = await zt.run(setup)
  expect(end).toMatchObject({code: 0, stdout: expect.stringContaining('has its secret in profile') as string})
  expect(end.stdout).toContain('✓ The edge accepted the token')
  await zt.json(['setup', HOST, '--remove', '--yes'])
  expect(await all()).toEqual(before)
})
