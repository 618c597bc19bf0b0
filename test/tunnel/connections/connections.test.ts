import {spawn} from 'node:child_process'
import {once} from 'node:events'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {connectionsText} from '../../../src/lib/command/present/connections.js'
import {startTimeOf} from '../../../src/lib/system/processes.js'
import {announce} from '../../../src/lib/tunnel/connections/announce.js'
import {
  ownFile,
  processOf,
  runDirectory,
  sweep,
  temporaryPlace,
} from '../../../src/lib/tunnel/connections/run-files.js'
import {endConnections, startedBy} from '../../../src/lib/tunnel/connections/end.js'
import {openConnections, renameInRecords} from '../../../src/lib/tunnel/connections/read.js'
import type {ClosedConnection} from '../../../src/lib/tunnel/types.js'
import {AnnouncedProcess} from '../../support/announced-process.js'
import {AMPLE_MS} from '../../support/patience.js'

let state: string
beforeEach(async () => {
  state = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-c-'))
})
afterEach(() => fs.rm(state, {recursive: true, force: true}))

const what = {
  carries: 'ssh',
  host: 'a.example',
  profile: 'p',
  tokenId: 't',
  clientId: 'c.access',
  identity: '0123456789',
  plainSsh: false,
  cloudflared: false,
} as const
const names = () => fs.readdir(runDirectory(state))

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await new Promise((resolve) => child.once('close', resolve))
  return child.pid ?? 0
}

/** Ways in which others could choose what lies in a directory. */
const UNSAFE: [what: string, code: string, make: (at: string) => Promise<unknown>][] = [
  ['others may write to it', 'UNSAFE_PERMISSIONS', (at) => fs.mkdir(at).then(() => fs.chmod(at, 0o770))],
  [
    'others may write to the one above it',
    'UNSAFE_PERMISSIONS',
    (at) => fs.mkdir(at, 0o700).then(() => fs.chmod(path.dirname(at), 0o777)),
  ],
  ['it is a link', 'NOT_OUR_DIRECTORY', (at) => fs.symlink(os.tmpdir(), at)],
  ['it is a file', 'NOT_OUR_DIRECTORY', (at) => fs.writeFile(at, '')],
]

describe('what a process says of its connections', () => {
  it('has the new name of the profile, and ends with its tokens', async () => {
    const withdraw = announce(state, what)
    const other = announce(state, {...what, profile: 'other'})
    renameInRecords(state, 'p', 'q')
    expect(
      openConnections(state)
        .map(({profile, host}) => [profile, host])
        .sort(),
    ).toEqual([
      ['other', 'a.example'],
      ['q', 'a.example'],
    ])
    const ofNew = {state, profile: 'q', token: {id: 't', clientId: 'c.access'}, keep: true, dryRun: true}
    const {connections} = await endConnections(ofNew)
    expect(connections.map(({outcome}) => outcome).sort()).toEqual(['kept', 'left'])
    withdraw()
    other()
    expect(await names()).toEqual([])
  })

  it('is there until it is taken back, for this user alone', async () => {
    const [one, other] = [announce(state, what), announce(state, what)]
    expect(openConnections(state)).toMatchObject([
      {...what, pid: process.pid},
      {...what, pid: process.pid},
    ])
    expect((await fs.stat(runDirectory(state))).mode & 0o777).toBe(0o700)
    one()
    one()
    expect(await names()).toHaveLength(1)
    other()
    expect(await names()).toEqual([])
  })

  it('does not prevent a connection if it cannot be written', async () => {
    await fs.writeFile(runDirectory(state), '')
    const withdraw = announce(state, what)
    withdraw()
    sweep(state)
    expect(await fs.readFile(runDirectory(state), 'utf8')).toBe('')
  })

  it('goes with its process: what a killed one left is removed, and no other file', async () => {
    const withdraw = announce(state, what)
    const [own = ''] = await names()
    const [space] = own.split('-')
    const dead = await deadProcess()
    const [month, now] = [Date.now() - 31 * 24 * 3600_000, Date.now()]
    const files: [name: string, stays: boolean, at: number][] = [
      [`${space}-${dead}-0123456789ab.connection`, false, now],
      [`.${space}-${dead}-0123456789ab.connection`, false, now],
      [`${space}-${dead}-0123456789ab.report`, false, now],
      [`.${space}-${dead}-0123456789ab.report.77.0a0b0c0d`, false, now],
      [`${space}-${process.pid}-0123456789ab.report`, true, now],
      [`00000000-${dead}-0123456789ab.connection`, true, now],
      [`00000000-${dead}-0123456789ac.connection`, false, month],
      ['notes.txt', true, month],
    ]
    for (const [name, , at] of files) {
      const file = path.join(runDirectory(state), name)
      await fs.writeFile(file, '')
      await fs.utimes(file, at / 1000, at / 1000)
    }
    sweep(state)
    const left = files.filter(([, stays]) => stays).map(([name]) => name)
    expect((await names()).sort()).toEqual([own, ...left].sort())
    withdraw()
  })

  it.each<[what: string, write: (file: string) => Promise<unknown>]>([
    ['too long', (file) => fs.writeFile(file, ' '.repeat(9000))],
    ['no JSON', (file) => fs.writeFile(file, '{')],
    ['of another shape', (file) => fs.writeFile(file, JSON.stringify({...what, version: 1, host: 7}))],
    ['a link', (file) => fs.symlink('/dev/zero', file)],
    ['a directory', (file) => fs.mkdir(file)],
  ])('is not believed when it is %s', async (_what, write) => {
    await fs.mkdir(runDirectory(state), {mode: 0o700})
    await write(ownFile(state, 'connection'))
    expect(openConnections(state)).toEqual([])
  })

  it.each(UNSAFE)('is not read from a directory when %s', async (_what, code, make) => {
    await make(runDirectory(state))
    expect(() => openConnections(state)).toThrow(expect.objectContaining({code}))
  })

  it('is named by its process', () => {
    expect(processOf(ownFile(state, 'report'))).toEqual({pid: process.pid, here: true})
    for (const name of ['report.json', 'x-1-0123456789ab.a', '01234567-0-0123456789ab.a', '01234567-1-.a'])
      expect(processOf(name)).toBeUndefined()
  })

  it('and by when that started, where the system has no better than ps', async () => {
    const before = new Date(Date.now() - 1000)
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const started = new Date((await startedBy(child.pid ?? 0)) ?? 0)
    child.kill('SIGKILL')
    // In whole seconds, and a system's clock may be moved a little meanwhile.
    expect(started.getTime()).toBeGreaterThan(before.getTime() - 60_000)
    expect(started.getTime()).toBeLessThanOrEqual(Date.parse(new Date().toISOString()) + 60_000)
    expect(await startedBy(await deadProcess())).toBeUndefined()
  })
})

describe('a process that carries connections and does not end when it is asked', () => {
  it.each([
    ['is ended all the same', false, {outcome: 'ended'}],
    ['is left and named where cloudflared would go on without it', true, {outcome: 'left'}],
  ])('%s', async (_what, cloudflared, expected) => {
    const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('listens')"
    const child = spawn(process.execPath, ['-e', deaf], {stdio: ['ignore', 'pipe', 'inherit']})
    try {
      await once(child.stdout, 'data')
      const withdraw = announce(state, {...what, cloudflared})
      const [name = ''] = await names()
      const own = path.join(runDirectory(state), name)
      const entry = JSON.parse(await fs.readFile(own, 'utf8')) as object
      withdraw()
      const file = own.replace(`-${process.pid}-`, `-${child.pid}-`)
      await fs.writeFile(file, JSON.stringify({...entry, started: startTimeOf(child.pid ?? 0)}), {
        mode: 0o600,
      })
      const token = {id: what.tokenId, clientId: what.clientId}
      const asked = {state, profile: what.profile, token, keep: false, dryRun: false}
      const {connections} = await endConnections(asked, cloudflared ? 200 : 2000)
      expect(connections).toMatchObject([{pid: child.pid, ...expected}])
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('a file that is there for one call', () => {
  it('lies in the state directory, where the next one removes what a killed one left', async () => {
    const env = {XDG_STATE_HOME: state}
    const run = runDirectory(path.join(state, 'zt'))
    const {file, remove} = await temporaryPlace(env, 'config')
    expect(path.dirname(file)).toBe(run)
    await fs.writeFile(file, 'x')
    const killed = path.basename(file).replace(`-${process.pid}-`, `-${await deadProcess()}-`)
    await fs.writeFile(path.join(run, killed), 'x')
    const other = await temporaryPlace(env, 'pipe')
    expect(await fs.readdir(run)).toEqual([path.basename(file)])
    await Promise.all([remove(), other.remove()])
    expect(await fs.readdir(run)).toEqual([])
  })

  it.each<[what: string, make: (at: string) => Promise<unknown>]>([
    ['nothing can be written there', (at) => fs.writeFile(at, '')],
    ...UNSAFE.map(([what, , make]): [string, (at: string) => Promise<unknown>] => [
      `something else could be put there: ${what}`,
      async (at) => {
        await fs.mkdir(at, 0o700)
        await make(runDirectory(at))
      },
    ]),
  ])('lies in one for temporary files where %s', async (_what, make) => {
    await make(path.join(state, 'zt'))
    const {file, remove} = await temporaryPlace({XDG_STATE_HOME: state}, 'config')
    expect(path.dirname(path.dirname(file))).toBe(os.tmpdir())
    expect((await fs.stat(path.dirname(file))).mode & 0o777).toBe(0o700)
    await remove()
    await expect(fs.stat(path.dirname(file))).rejects.toMatchObject({code: 'ENOENT'})
  })
})

describe('what is said of connections that were closed', () => {
  const of = (outcome: ClosedConnection['outcome'], pid: number, why?: string): ClosedConnection => ({
    ...{carries: 'ssh', host: 'a.example', pid, profile: 'p', openedAt: '2026-01-01T00:00:00.000Z'},
    outcome,
    why,
  })

  it('names each by what it is and its process', () => {
    const forward = {...of('ended', 2), carries: 'forward'} as const
    expect(
      connectionsText({connections: [of('ended', 1), forward, of('left', 3, 'it does not end')]}),
    ).toEqual({
      line: 'ended SSH to a.example (process 1), zt forward to a.example (process 2)',
      warnings: ['Still open: SSH to a.example (process 3); it does not end'],
    })
    expect(connectionsText({connections: [of('would-end', 1)]}).line).toBe(
      'would end SSH to a.example (process 1)',
    )
    expect(connectionsText({connections: [of('kept', 1)]})).toEqual({
      line: undefined,
      warnings: ['Still open: SSH to a.example (process 1)'],
    })
  })

  it('says when it is not known which there are', () => {
    expect(connectionsText({connections: [], unknown: 'x is not private'}).warnings).toEqual([
      'Connections opened with it may still be open: x is not private',
    ])
  })
})

it('a process that carries several connections gets one signal, so that it ends in order', async () => {
  // As zt does: a second signal would end it at once.
  const script =
    'let n = 0; process.on("SIGTERM", () => (n++ ? process.exit(9) : setTimeout(process.exit, 300, 0)))'
  const one = await AnnouncedProcess.start(
    state,
    {'127.0.0.1:1': 'a.example', '127.0.0.1:2': 'b.example'},
    script,
  )
  const token = {id: 'id-of-ci', clientId: 'c.access'}
  const of = {state, profile: 'default', token, keep: false, dryRun: false}
  const {connections} = await endConnections(of, AMPLE_MS)
  expect(connections.map(({host, outcome}) => `${host} ${outcome}`).sort()).toEqual([
    'a.example ended',
    'b.example ended',
  ])
  expect(await one.ended).toBe(0)
})
