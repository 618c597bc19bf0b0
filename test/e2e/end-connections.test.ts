import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {HOST, SshThroughSandbox, type OpenSession} from '../support/ssh-through-sandbox.js'

interface Closed {
  connections: {
    carries: string
    host: string
    pid: number
    profile: string
    outcome: string
    why: string | null
  }[]
}

describe('what ends the access of a token, and the connections that are open with it', () => {
  let world: SshThroughSandbox
  const sessions: OpenSession[] = []

  beforeAll(async () => {
    world = await SshThroughSandbox.make()
  })
  afterEach(async () => {
    for (const {child, ended} of sessions.splice(0)) {
      child.kill()
      await ended
    }
    await world.ztSsh([], ['-O', 'exit'])
    for (const name of ['one', 'other']) await world.zt.run(['token', 'enable', name])
  })
  afterAll(() => world.close())

  const directory = () => path.join(world.zt.home, 'STATE', 'zt', 'run')
  const announced = async () => (await fs.readdir(directory())).filter((name) => name.endsWith('.connection'))
  const outcomes = ({connections}: Closed) =>
    connections.map(({carries, host, outcome}) => `${carries} ${host} ${outcome}`).sort()
  const bothWays = ['ssh', 'forward'].map((carries) => `${carries} ${HOST}`)

  async function open(what: Promise<OpenSession>): Promise<OpenSession> {
    const session = await what
    sessions.push(session)
    return session
  }
  const forward = (name: string) =>
    open(world.start(['forward', HOST, '--token', name, '--yes', '--json'], /"listening"/))
  const alone = (name: string) => open(world.openByZt(['--no-share', '--token', name, '--yes']))

  it('are found and ended by disable, shared or not, and no other ones', async () => {
    // Leaves a shared connection open.
    expect(await world.ztSsh([], [])).toMatchObject({code: 1})
    const mine = [await alone('one'), await forward('one')]
    const others = [await alone('other'), await forward('other')]
    expect(await announced()).toHaveLength(5)

    const plan = await world.zt.json<Closed>(['token', 'disable', 'one', '--dry-run'])
    expect(outcomes(plan)).toEqual([
      `forward ${HOST} would-end`,
      `ssh ${HOST} would-end`,
      `ssh ${HOST} would-end`,
    ])
    expect(await announced()).toHaveLength(5)

    const said = await world.zt.run(['token', 'disable', 'one'])
    expect(said).toMatchObject({code: 0})
    expect(said.stdout).toMatch(new RegExp(`connections +ended SSH to ${HOST} \\(process \\d+\\), `))
    for (const {ended} of mine) await ended
    const check = async () => (await world.ztSsh([], ['-O', 'check'])).code
    await expect.poll(check, {timeout: 60_000}).toBe(255)
    expect(others.map(({child}) => child.exitCode)).toEqual([null, null])
    expect(await announced()).toHaveLength(2)
    expect((await world.ztSsh([], [])).code).toBe(255)

    // Run again, it ends what was opened in the meantime: here, nothing.
    expect((await world.zt.json<Closed>(['token', 'disable', 'one'])).connections).toEqual([])
  })

  it('stay open with --keep-connections, which says so', async () => {
    const {child} = await alone('one')
    const said = await world.zt.run(['token', 'disable', 'one', '--keep-connections'])
    expect(said.code).toBe(0)
    expect(said.stderr).toMatch(new RegExp(`warning: Still open: SSH to ${HOST} \\(process \\d+\\)`))
    expect(child.exitCode).toBeNull()
    const again = await world.zt.json<Closed>(['token', 'disable', 'one', '--keep-connections'])
    expect(outcomes(again)).toEqual([`ssh ${HOST} kept`])
    // The token is disabled already, and the command still ends them.
    expect(outcomes(await world.zt.json<Closed>(['token', 'disable', 'one']))).toEqual([`ssh ${HOST} ended`])
  })

  it.each<[what: string, args: string[], before: string[][]]>([
    ['rotate --finish', ['rotate', 'one', '--finish'], [['rotate', 'one']]],
    ['rotate --grace 0', ['rotate', 'one', '--grace', '0'], []],
  ])('are ended by %s', async (_what, args, before) => {
    const {ended} = await alone('one')
    await forward('one')
    for (const words of before) {
      expect((await world.zt.json<Closed>(['token', ...words])).connections).toEqual([])
    }
    expect(outcomes(await world.zt.json<Closed>(['token', ...args, '--dry-run']))).toEqual(
      bothWays.map((way) => `${way} would-end`).sort(),
    )
    expect(outcomes(await world.zt.json<Closed>(['token', ...args]))).toEqual(
      bothWays.map((way) => `${way} ended`).sort(),
    )
    await ended
    // The new secret opens a new one.
    expect(await world.ztSsh([], [])).toMatchObject({code: 1})
  })

  it('are ended by recover, where that ends the secret before a rotation', async () => {
    const {ended} = await alone('one')
    // Killed once the new secret is made, and before it is in the store.
    const preload = path.join(world.zt.home, 'killed-at-the-store.cjs')
    await fs.writeFile(
      preload,
      `const fs = require('node:fs/promises')
       const {rename} = fs
       fs.rename = (from, to) =>
         /service-token/.test(to) ? process.kill(process.pid, 'SIGKILL') : rename(from, to)`,
    )
    const rotated = await world.zt.run(['token', 'rotate', 'one', '--grace', '0'], {
      env: {NODE_OPTIONS: `--require ${JSON.stringify(preload)}`},
    })
    expect(rotated.code).toBeNull()
    type Recovered = {operations: Closed[]}
    const plan = await world.zt.json<Recovered>(['token', 'recover', '--dry-run'])
    expect(plan.operations.map(outcomes)).toEqual([[`ssh ${HOST} would-end`]])
    const done = await world.zt.json<Recovered>(['token', 'recover'])
    expect(done.operations.map(outcomes)).toEqual([[`ssh ${HOST} ended`]])
    await ended
    expect(await world.ztSsh([], [])).toMatchObject({code: 1})
  })

  it('are ended by revoke', async () => {
    await world.zt.json(['token', 'create', 'gone'])
    await world.zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'gone'])
    await world.zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'one'])
    const {ended} = await alone('gone')
    const revoked = await world.zt.json<Closed>(['token', 'revoke', 'gone', '--detach', '--yes'])
    expect(outcomes(revoked)).toEqual([`ssh ${HOST} ended`])
    await ended
  })

  it('are those of the environment, too, and those of plain ssh with a socket of its own', async () => {
    const {clientSecret, token} = await world.zt.json<{clientSecret: string; token: {clientId: string}}>(
      ['token', 'create', 'of-a-job', '--reveal'], // prettier-ignore
    )
    await world.zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'of-a-job'])
    await world.zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'one'])
    const env = {CF_ACCESS_CLIENT_ID: token.clientId, CF_ACCESS_CLIENT_SECRET: clientSecret}
    expect(await world.ztSsh(['--token', 'env', '--yes'], [], env)).toMatchObject({code: 1})
    expect(outcomes(await world.zt.json<Closed>(['token', 'disable', 'of-a-job']))).toEqual([
      `ssh ${HOST} ended`,
    ])

    const {block} = await world.zt.json<{block: string}>(['ssh', 'config', `git@${HOST}`, '--no-share'])
    await fs.writeFile(world.config, `${block}\n`)
    const socket = path.join(world.zt.home, 'mine')
    const mine = ['-o', `ControlPath=${socket}`, '-o', 'ControlMaster=auto', '-o', 'ControlPersist=yes']
    expect(await world.ssh(...mine, `git@${HOST}`, 'x')).toMatchObject({code: 1})
    expect(outcomes(await world.zt.json<Closed>(['token', 'disable', 'one']))).toEqual([`ssh ${HOST} ended`])
    const there = () => fs.access(socket).then(() => true, () => false) // prettier-ignore
    await expect.poll(there, {timeout: 60_000}).toBe(false)
    await fs.writeFile(world.config, '')
  })

  it('are left where another profile opened them, and named', async () => {
    const {child} = await alone('one')
    const [name = ''] = await announced()
    const file = path.join(directory(), name)
    const entry = JSON.parse(await fs.readFile(file, 'utf8')) as object
    await fs.writeFile(file, JSON.stringify({...entry, profile: 'elsewhere'}))
    const said = await world.zt.run(['token', 'disable', 'one'])
    expect(said).toMatchObject({code: 0})
    expect(said.stderr).toContain('belongs to the profile elsewhere')
    expect(child.exitCode).toBeNull()
  })

  it('are never a process of another time, nor anything but a connection', async () => {
    const {child} = await alone('one')
    const [name = ''] = await announced()
    const entry = JSON.parse(await fs.readFile(path.join(directory(), name), 'utf8')) as {started: string}
    const innocent = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
    const [space] = name.split('-')
    const planted = (kind: string) => path.join(directory(), `${space}-${innocent.pid}-0123456789ab${kind}`)
    try {
      await fs.writeFile(planted('.connection'), JSON.stringify(entry))
      await fs.symlink(
        '/dev/zero',
        path.join(directory(), `${space}-${innocent.pid}-0123456789ac.connection`),
      )
      await fs.writeFile(
        path.join(directory(), `${space}-${innocent.pid}-0123456789ad.connection`),
        '{"version":1',
      )
      const {connections} = await world.zt.json<Closed>(['token', 'disable', 'one'])
      expect(connections.map(({pid, outcome}) => ({pid, outcome}))).toEqual([
        {pid: Number(name.split('-')[1]), outcome: 'ended'},
      ])
      expect(innocent.exitCode ?? innocent.signalCode).toBeNull()
      // Others could have written there.
      await fs.chmod(directory(), 0o777)
      const said = await world.zt.run(['token', 'disable', 'one'])
      expect(said.code).toBe(0)
      expect(said.stderr).toMatch(/may still be open: .*run can be changed by others/)
    } finally {
      await fs.chmod(directory(), 0o700)
      innocent.kill('SIGKILL')
    }
    expect(child.exitCode).not.toBeNull()
  })

  it.each(['SIGKILL', 'SIGSTOP'] as const)('is no trouble after %s', async (signal) => {
    const {child, ended} = await alone('one')
    const [name = ''] = await announced()
    const pid = Number(name.split('-')[1])
    process.kill(pid, signal)
    if (signal === 'SIGKILL') await ended
    const {connections} = await world.zt.json<Closed>(['token', 'disable', 'one'])
    // A stopped process is continued, and then ends as asked.
    expect(connections.map(({outcome}) => outcome)).toEqual(signal === 'SIGKILL' ? [] : ['ended'])
    await ended
    expect(child.exitCode).not.toBeNull()
    await world.zt.json(['token', 'enable', 'one'])
    expect(await world.ztSsh(['--no-share'], [])).toMatchObject({code: 1})
    // Its proxy ends a moment after ssh.
    await expect.poll(announced, {timeout: 60_000}).toEqual([])
  })

  it('leave nothing of a zt ssh that was killed, but a file that the next one removes', async () => {
    const ours = async () => (await fs.readdir(os.tmpdir())).filter((name) => /^zt-ssh-(?!\d)/.test(name))
    const before = await ours()
    const {child, ended} = await alone('one')
    child.kill('SIGKILL')
    await ended
    expect(await ours()).toEqual(before)
    // The file of a process that no longer runs.
    const [name = ''] = await announced()
    await fs.writeFile(path.join(directory(), `${name.split('-')[0]}-${child.pid}-0123456789ab.report`), '{}')
    expect(await world.ztSsh(['--no-share'], [])).toMatchObject({code: 1})
    expect((await fs.readdir(directory())).filter((one) => one.endsWith('.report'))).toEqual([])
  })
})
