import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {sshdProgram} from '../support/sshd.js'
import {hasTmux, Terminal} from '../support/terminal.js'
import {TUNNELLED as host, TunnelledSshd} from '../support/tunnelled-sshd.js'

if (sshdProgram === undefined)
  process.stderr.write(
    'SKIPPED: there is no sshd (neither ZT_TEST_SSHD nor /usr/sbin/sshd); .ci/run brings one\n',
  )
if (!hasTmux) process.stderr.write('SKIPPED: there is no tmux to be the terminal; .ci/run installs one\n')

describe.skipIf(sshdProgram === undefined)('one connection for the sessions of a host', () => {
  let world: TunnelledSshd
  let sockets: string

  beforeAll(async () => {
    world = await TunnelledSshd.make()
    sockets = path.join(world.zt.home, 'STATE', 'zt', 'ssh')
    const {zt, config, sshd} = world
    await zt.json(['ssh', 'config', `${sshd.user}@${host}`, '--write', '--file', config, '--yes'])
  })
  afterEach(async () => {
    await end()
    world.relay.taken()
  })
  afterAll(() => world.close())

  /** Ends the connection that zt ssh shares with these flags and arguments; the master needs a moment for it. */
  async function end(flags: string[] = [], args: string[] = []): Promise<void> {
    await world.ztSsh(flags, ...args, '-O', 'exit')
    const check = async () => (await world.ztSsh(flags, ...args, '-O', 'check')).code
    await expect.poll(check).not.toBe(0)
  }

  /** The number of handshakes of an action when the connection is open already. */
  async function costs(what: () => Promise<unknown>): Promise<number> {
    expect(await world.ztSsh([], 'true')).toMatchObject({code: 0})
    expect(world.relay.taken()).toBe(1)
    await what()
    return world.relay.taken()
  }

  it('a second zt ssh costs no handshake, and ends at once with its own status', async () => {
    expect(await costs(async () => expect(await world.ztSsh([], 'exit 7')).toMatchObject({code: 7}))).toBe(0)
    expect((await fs.stat(sockets)).mode & 0o777).toBe(0o700)
    expect(await fs.readdir(sockets)).toHaveLength(1)
  })

  it.each<[what: string, flags: string[], args: string[]]>([
    ['--no-share', ['--no-share'], []],
    ['a ControlPath of the person', [], ['-o', 'ControlPath=none']],
    ['-S of the person', [], ['-S', 'none']],
    ['another token', ['--token', 'other', '--yes'], []],
    ['another cipher', [], ['-c', 'aes128-ctr']],
    ['another identity', [], ['-o', 'IdentityFile=/dev/null']],
    ['a forwarded agent', [], ['-A']],
    ['-v', [], ['-v']],
  ])('%s costs a handshake of its own', async (_what, flags, args) => {
    const more = async () => expect(await world.ztSsh(flags, ...args, 'true')).toMatchObject({code: 0})
    expect(await costs(more)).toBe(1)
    await end(flags, args)
  })

  it('another user costs one too', async () => {
    const unknownUser = ['ssh', `no-such-user@${host}`, '--', ...world.sshd.clientOptions, 'true']
    expect(await costs(async () => expect(await world.zt.run(unknownUser)).toMatchObject({code: 255}))).toBe(
      1,
    )
  })

  it('and so does the environment of another token', async () => {
    const {zt, sshd} = world
    const {clientSecret, token} = await zt.json<{clientSecret: string; token: {clientId: string}}>(
      ['token', 'create', `of-a-job-${Date.now()}`, '--reveal'], // prettier-ignore
    )
    const env = {CF_ACCESS_CLIENT_ID: token.clientId, CF_ACCESS_CLIENT_SECRET: clientSecret}
    const asJob = [
      'ssh',
      `${sshd.user}@${host}`,
      '--token',
      'env',
      '--yes',
      '--',
      ...sshd.clientOptions,
      'true',
    ]
    const refused = async () => expect(await zt.run(asJob, {env})).toMatchObject({code: 255})
    // It is not admitted: through the other token's connection it would exit with 0.
    expect(await costs(refused)).toBe(1)
  })

  it('a socket without a listener, or whose connection is cut, is replaced by a new connection', async () => {
    await world.ztSsh([], 'true')
    const [name = ''] = await fs.readdir(sockets)
    const {stderr} = await world.ztSsh([], '-O', 'check')
    process.kill(Number(/pid=(\d+)/.exec(stderr)?.[1]), 'SIGKILL')
    expect(await fs.readdir(sockets)).toEqual([name])
    expect(await world.ztSsh([], 'echo', 'again')).toMatchObject({code: 0, stdout: 'again\n'})
    expect(world.relay.taken()).toBe(2)
  })

  it('zt ssh and plain ssh share, as they name the same socket', async () => {
    const socketOf = (text: string) => /^controlpath (.*)$/m.exec(text)?.[1]
    const there = `${world.sshd.user}@${host}`
    const byZt = socketOf((await world.zt.run(['ssh', there, '--', '-G'])).stdout)
    expect(byZt).toContain(`${sockets}/`)
    expect(socketOf((await world.ssh('-G', there)).stdout)).toBe(byZt)
  })

  it('leaves no file behind when the sessions are over', async () => {
    const reports = async () => (await fs.readdir(os.tmpdir())).filter((name) => name.startsWith('zt-ssh-'))
    const before = [await fs.readdir(sockets), await reports()]
    await world.ztSsh([], 'true')
    expect(await fs.readdir(sockets)).toHaveLength((before[0]?.length ?? 0) + 1)
    await end()
    expect([await fs.readdir(sockets), await reports()]).toEqual(before)
  })

  it.skipIf(!hasTmux)('Ctrl-C ends the session that opened it, and no other one', async () => {
    const {zt, sshd} = world
    const words = ['ssh', `${sshd.user}@${host}`, '--', ...sshd.clientOptions]
    const t = await Terminal.start(zt, [...words, 'echo opened; sleep 60'])
    try {
      await t.shows(/opened/)
      const other = world.ztSsh([], 'sleep 3; echo still here')
      await expect.poll(() => world.relay.taken()).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1500))
      await t.press('C-c')
      // The shell around it has no job control and ends with it, and so does the terminal.
      await expect
        .poll(() =>
          t.screen().then(
            () => 'there',
            () => 'gone',
          ),
        ) // prettier-ignore
        .toBe('gone')
      expect(await other).toMatchObject({code: 0, stdout: 'still here\n'})
      expect(world.relay.taken()).toBe(0)
    } finally {
      await t.close()
    }
    expect(await world.ztSsh([], 'true')).toMatchObject({code: 0})
    expect(world.relay.taken()).toBe(0)
  })

  describe('that is refused', () => {
    const elsewhere = `docs.${host.split('.').slice(1).join('.')}`
    const why = /No service token is bound to/

    it('is explained by zt ssh, also while another one is open', async () => {
      await world.ztSsh([], 'true')
      const refused = await world.zt.run(['ssh', host, '--token', 'nothing-such', '--', 'true'])
      expect(refused.stderr).toContain('No service token "nothing-such"')
      await world.zt.json(['token', 'disable', 'other'])
      const disabled = await world.ztSsh(['--token', 'other', '--yes'], 'true')
      expect(disabled.code).toBe(255)
      expect(disabled.stderr).toMatch(/error: [\s\S]*CF-RAY/)
      await world.zt.json(['token', 'enable', 'other'])
    })

    it.each<[where: string, shell: string]>([
      ['a pipe', 'ssh -F "$CONFIG" "$THERE" true 2>&1 | cat'],
      ['a file', 'ssh -F "$CONFIG" "$THERE" true 2>said; cat said'],
      [
        'the file of a job that goes on writing',
        '{ echo before; ssh -F "$CONFIG" "$THERE" true; seq 1000; } >said 2>&1; cat said',
      ],
    ])('is explained by plain ssh, though its proxy has no stderr then: in %s', async (_where, shell) => {
      const config = path.join(world.zt.home, 'elsewhere')
      await world.zt.json(['ssh', 'config', elsewhere, '--write', '--file', config, '--yes'])
      const end = await world.run('sh', ['-c', shell], {CONFIG: config, THERE: elsewhere})
      expect(end.stdout).toMatch(why)
      expect(end.stdout).toMatch(/next: {2}zt app add-rule/)
      if (shell.includes('seq')) expect(end.stdout).toMatch(/^before\n[^]*\n1\n[^]*\n1000\n$/)
    })

    it('is silent if the person asks for that', async () => {
      const config = path.join(world.zt.home, 'elsewhere')
      const end = await world.run('sh', ['-c', 'ssh -F "$CONFIG" "$THERE" true 2>/dev/null'], {
        CONFIG: config,
        THERE: elsewhere,
      })
      expect(end).toEqual({code: 255, stdout: '', stderr: ''})
    })
  })
})
