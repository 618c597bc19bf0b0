import type {ChildProcess} from 'node:child_process'
import {expect, it} from 'vitest'
import {runChild} from '../../../src/lib/tunnel/exec/child.js'

it.each<[platform: NodeJS.Platform, passed: string[]]>([
  ['linux', ['SIGHUP', 'SIGQUIT']],
  ['darwin', ['SIGHUP', 'SIGQUIT']],
  // Its console gave it to the child as well, and to send one would end the child at once, or throw.
  ['win32', []],
])('on %s the child is sent %j of what this process receives', async (platform, passed) => {
  const sent: unknown[] = []
  const ends = runChild({
    program: process.execPath,
    args: ['-e', 'process.stdin.resume()'],
    env: process.env,
    stdio: ['pipe', 'ignore', 'inherit'],
    platform,
    onStart: (child: ChildProcess) => {
      child.kill = (signal) => sent.push(signal) > 0
      for (const signal of ['SIGHUP', 'SIGQUIT'] as const) process.emit(signal, signal)
      child.stdin?.end()
    },
  })
  await expect(ends).resolves.toEqual({exitCode: 0, signal: undefined})
  expect(sent).toEqual(passed)
})
