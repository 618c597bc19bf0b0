import {spawnSync} from 'node:child_process'
import {closeSync, existsSync, openSync} from 'node:fs'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'

let zt: BuiltZt

beforeAll(async () => {
  zt = await BuiltZt.make()
})
afterAll(() => zt.end())

/** As `| head` does that has seen enough, before anything was written. */
const unread = {onStart: (child: {stdout: {destroy(): void} | null}) => child.stdout?.destroy()}

describe('when whoever read the output has gone', () => {
  it.each([
    [['help']],
    [['help', 'exit-codes']],
    [['help', 'exit-codes', '--json']],
    [['profile', 'list', '--json']],
    [['profile', 'list', '--jq', '.']],
  ])('zt %j ends as a program does that SIGPIPE has ended, and says nothing', async (args) => {
    expect(await zt.run(args, unread)).toMatchObject({code: 141, stderr: ''})
  })

  it('a failure keeps its own exit code', async () => {
    expect((await zt.run(['token', 'list', '--json'], unread)).code).toBe(3)
  })
})

// Every write to it fails as on a full disk (full(4)).
describe.skipIf(!existsSync('/dev/full'))('when the output cannot be written', () => {
  it('a command that has nothing to print there, or has failed, says nothing of it', () => {
    const on = (args: string[]) => {
      const full = openSync('/dev/full', 'w')
      const env = {...zt.env, CF_ACCESS_CLIENT_ID: 'x.access', CF_ACCESS_CLIENT_SECRET: 'y'.repeat(20)}
      const {status, stderr} = spawnSync(process.execPath, [bin, ...args], {
        env,
        cwd: zt.home,
        encoding: 'utf8',
        stdio: ['ignore', full, 'pipe'],
      })
      closeSync(full)
      return {status, stderr}
    }
    expect(on(['exec', 'env', '--', 'true'])).toEqual({status: 0, stderr: ''})
    const {status, stderr} = on(['whoami'])
    expect(status).toBe(3)
    expect(stderr.match(/^error:.*/gm)).toEqual(['error: Profile default has no API token'])
    // Its document is what cannot be written.
    expect(on(['whoami', '--json']).stderr).toMatch(/^error: +Cannot write stdout$/m)
  })

  it.each([
    [['help']],
    [['--version']],
    [['help', 'exit-codes', '--json']],
    [['profile', 'list']],
    [['profile', 'list', '--json']],
    [['profile', 'list', '--jq', '.']],
  ])('zt %j says so, and fails', (args) => {
    const full = openSync('/dev/full', 'w')
    const end = spawnSync(process.execPath, [bin, ...args], {
      env: zt.env,
      cwd: zt.home,
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    expect(end.status).toBe(13)
    expect(end.stderr).toMatch(/^error: +Cannot write stdout/m)
    expect(end.stderr).not.toContain('zt itself')
  })

  it.each([
    [['whoami'], 3],
    [['no-such-command'], 2],
    [['profile', 'list'], 13],
    [['ssh', 'proxy', '--hostname', 'not a host'], 2],
  ])('zt %j keeps its exit code, %i, where stderr cannot be written either', (args, code) => {
    const full = openSync('/dev/full', 'w')
    const {status} = spawnSync(process.execPath, [bin, ...args], {
      env: zt.env,
      cwd: zt.home,
      stdio: ['ignore', full, full],
    })
    closeSync(full)
    expect(status).toBe(code)
  })
})
