import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'

const host = 'gitlab-ssh.widgetcorp.tech'
if (!hasTmux) process.stderr.write('SKIPPED: there is no tmux to be the terminal; .ci/run installs one\n')

let zt: BuiltZt
let config: string
beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  config = path.join(zt.home, 'config')
  await zt.json(['sandbox', 'start'])
  await zt.json(['token', 'create', 'admin'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'admin'])
})
afterEach(() => fs.rm(config, {force: true}))
afterAll(() => zt.end())

const file = () => ['--file', config]
const before = 'Compression yes\n\n# the others\nHost *\n  User me\n'

describe('zt ssh config', () => {
  it('writes, says what it did, and finds nothing to do the second time', async () => {
    await fs.writeFile(config, before, {mode: 0o600})
    const write = ['ssh', 'config', `git@${host}`, '--write', '--yes', ...file()]
    expect(await zt.json(write)).toMatchObject({
      host,
      user: 'git',
      file: config,
      action: 'add',
      changed: true,
      edited: false,
      others: [{line: 5, section: 'Host *', keyword: 'User'}],
      diff: expect.stringMatching(/^--- .*\n\+\+\+ .*\n@@ -1,5 \+1,\d+ @@\n/) as string,
    })
    expect(await zt.json(write)).toMatchObject({action: 'none', changed: false, diff: ''})
    const remove = ['ssh', 'config', host, '--remove', '--yes', ...file()]
    expect(await zt.json([...remove, '--dry-run'])).toMatchObject({action: 'remove', changed: false})
    expect(await zt.json(remove)).toMatchObject({action: 'remove', changed: true, block: null})
    expect(await fs.readFile(config, 'utf8')).toBe(before)
    expect(await zt.json(remove)).toMatchObject({action: 'none', changed: false})
  })

  it.each<[what: string, more: string[]]>([
    ['without --yes and a terminal', ['--write']],
    ['with --dry-run', ['--write', '--dry-run']],
    ['without --write', []],
  ])('writes nothing %s', async (_what, more) => {
    await zt.run(['ssh', 'config', host, ...file(), ...more])
    await expect(fs.stat(config)).rejects.toMatchObject({code: 'ENOENT'})
  })

  it('says that a block was edited by hand before the edit goes', async () => {
    await zt.json(['ssh', 'config', host, '--write', '--yes', ...file()])
    const edited = (await fs.readFile(config, 'utf8')).replace(
      '  ProxyCommand',
      '  Port 2222\n  ProxyCommand',
    )
    await fs.writeFile(config, edited)
    const dry = await zt.json<{warnings: string[]}>([
      'ssh',
      'config',
      host,
      '--remove',
      '--dry-run',
      ...file(),
    ])
    expect(dry).toMatchObject({edited: true, warnings: [expect.stringContaining('edited')]})
    const asked = await zt.run(['ssh', 'config', host, '--write', ...file()])
    expect(asked).toMatchObject({code: 2})
    expect(asked.stdout).toContain('-  Port 2222')
    expect(await fs.readFile(config, 'utf8')).toBe(edited)
  })

  it('writes the profile and a path of its own for the socket, and neither with --no-share', async () => {
    const shared = await zt.json<{block: string}>(['ssh', 'config', host])
    expect(shared.block).toMatch(/^ {2}ProxyCommand .* ssh proxy --profile sandbox gitlab-ssh/m)
    expect(shared.block).toMatch(/^ {2}ControlPath .*\/STATE\/zt\/ssh\/[0-9a-f]{10}-%C$/m)
    const alone = await zt.json<{block: string}>(['ssh', 'config', host, '--no-share'])
    expect(alone.block).toMatch(/^ {2}ControlMaster no\n {2}ControlPath none\n {2}ControlPersist no$/m)
  })

  it('says that a host is bound to no token yet', async () => {
    const {warnings} = await zt.json<{warnings: string[]}>(['ssh', 'config', 'docs.widgetcorp.tech'])
    expect(warnings).toEqual([expect.stringContaining('No service token is bound to docs.widgetcorp.tech')])
  })

  it.each([
    [['ssh', 'config', '-oProxyCommand=x'], 2],
    [['ssh', 'config', 'a b@host.example', '--write', '--yes'], 2],
    [['ssh', 'config', 'a\nHost *@host.example', '--write', '--yes'], 2],
    [['ssh', 'config', '*.example', '--write', '--yes'], 5],
    [['ssh', 'config', 'host.example', '--write', '--remove', '--yes'], 2],
  ])('refuses %j and writes nothing', async (args, code) => {
    expect(await zt.run([...args, ...file()])).toMatchObject({code})
    await expect(fs.stat(config)).rejects.toMatchObject({code: 'ENOENT'})
  })

  describe.skipIf(!hasTmux)('on a terminal', () => {
    let t: Terminal | undefined
    afterEach(() => t?.close())

    it.each([
      ['n', 12, false],
      ['y', 0, true],
    ])('shows the change and asks; %s ends with %i', async (key, code, written) => {
      t = await Terminal.start(zt, ['ssh', 'config', host, '--write', ...file()])
      const screen = await t.shows(/Change .*\?/)
      expect(screen).toContain(`+Host ${host}`)
      await t.type(key)
      await t.press('Enter')
      expect(await t.exitCode()).toBe(code)
      expect(await fs.readFile(config, 'utf8').catch(() => '')).toMatch(written ? /# zt: end/ : /^$/)
    })
  })
})

describe('zt ssh proxy that still connects', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends at once on %s', async (signal) => {
    const silent = net.createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const {port} = silent.address() as net.AddressInfo
    const args = ['ssh', 'proxy', host, '--connect-to', `127.0.0.1:${port}`]
    const child = spawn(process.execPath, [bin, ...args], {env: zt.env, stdio: ['pipe', 'pipe', 'inherit']})
    silent.once('connection', () => child.kill(signal))
    const code = await new Promise((resolve) => child.once('close', resolve))
    silent.close()
    expect(code).toBe(128 + os.constants.signals[signal])
  })
})
