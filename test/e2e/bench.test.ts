import {spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync, rmSync, symlinkSync} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {afterAll, expect, it} from 'vitest'

const program = path.resolve(import.meta.dirname, '../../bench/run.mjs')
/** No peers and no Go: what is on this machine does not matter, and nothing is built. */
const programs = mkdtempSync(path.join(os.tmpdir(), 'zt-bench-programs-'))
symlinkSync('/usr/bin/mkfifo', path.join(programs, 'mkfifo'))
afterAll(() => {
  rmSync(programs, {recursive: true})
})
const env = {
  ...process.env,
  PATH: programs,
  BENCH_ROUNDS: '1',
  BENCH_MIB: '1',
  BENCH_DOUBLINGS: '1',
  // Half of it has more than a page of everything.
  BENCH_APPLICATIONS: '1000',
  BENCH_CONNECTIONS: '2',
  BENCH_PINGS: '5',
}
const {stdout: list} = spawnSync(process.execPath, [program, '--json'], {encoding: 'utf8'})
const {benches} = JSON.parse(list) as {benches: {name: string}[]}

it.each(benches)('npm run bench -- $name runs to its end', async ({name}) => {
  const child = spawn(process.execPath, [program, name, '--json'], {env, stdio: ['ignore', 'pipe', 'pipe']})
  const said = {stdout: '', stderr: ''}
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => (said[stream] += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  expect({code, stderr: said.stderr}).toEqual({code: 0, stderr: ''})
  expect(JSON.parse(said.stdout)).toMatchObject({bench: name})
})
