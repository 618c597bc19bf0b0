import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {findProgram} from '../../../../src/lib/system/programs.js'
import {
  applySshConfig,
  planSshConfig,
  type SshConfigChange,
} from '../../../../src/lib/tunnel/ssh/config/change.js'
import {defaultSshConfig} from '../../../../src/lib/tunnel/ssh/config-values.js'
import {requireName} from '../../../../src/lib/tunnel/ssh/user-name.js'
import {readConfigFile} from '../../../../src/lib/tunnel/ssh/config/file.js'
import {configTexts, HOSTS} from './config-texts.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

let home: string
let file: string
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-sc-'))
  file = path.join(home, '.ssh', 'config')
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

const [host, second] = HOSTS
const change = (more: Partial<SshConfigChange> = {}): SshConfigChange => {
  const of = more.host ?? host
  return {
    file,
    host: of,
    block: {host: of, proxyCommand: `/zt ssh proxy ${of}`},
    env: {...process.env, XDG_STATE_HOME: home},
    ...more,
  }
}
const make = async (wanted: SshConfigChange, again = true) =>
  applySshConfig(await planSshConfig(wanted), wanted, {state: path.join(home, 'state'), again})
const write = (of: string = host) => make(change({host: of}))
const remove = (of: string = host) => make(change({host: of, block: undefined}))
async function put(text: string, mode = 0o600): Promise<void> {
  await fs.mkdir(path.dirname(file), {recursive: true, mode: 0o700})
  await fs.writeFile(file, text, 'latin1')
  await fs.chmod(file, mode)
}
const read = () => fs.readFile(file, 'latin1')
const beside = async () => (await fs.readdir(path.dirname(file))).sort()
const modeOf = async (at: string) => ((await fs.stat(at)).mode & 0o7777).toString(8)

describe('the file', () => {
  it('is made 0600 in a directory 0700 where there is none', async () => {
    expect(await write()).toMatchObject({action: 'add', edited: false, warnings: []})
    expect(await modeOf(file)).toBe('600')
    expect(await modeOf(path.dirname(file))).toBe('700')
    expect(await beside()).toEqual(['config'])
  })

  it('is not touched by a plan, nor by a change that changes nothing', async () => {
    await planSshConfig(change())
    await expect(fs.stat(file)).rejects.toMatchObject({code: 'ENOENT'})
    await write()
    const {mtimeNs, ino} = await fs.stat(file, {bigint: true})
    expect(await write()).toMatchObject({action: 'none', diff: ''})
    expect(await remove(second)).toMatchObject({action: 'none', diff: ''})
    expect(await fs.stat(file, {bigint: true})).toMatchObject({mtimeNs, ino})
  })

  it.each(['600', '644', '640', '400'].map((mode) => [mode, mode !== '400'] as const))(
    'keeps its mode %s (written: %s)',
    async (mode, written) => {
      await put('Host x\n', parseInt(mode, 8))
      if (written) await write()
      else await expect(write()).rejects.toMatchObject({code: 'FILE_NOT_WRITABLE', kind: 'not-written'})
      expect(await modeOf(file)).toBe(mode)
      expect((await read()) === 'Host x\n').toBe(!written)
    },
  )

  it.each(['666', '660', '622'])('is refused where others may write to it, as ssh does: %s', async (mode) => {
    await put('Host x\n', parseInt(mode, 8))
    await expect(write()).rejects.toMatchObject({code: 'UNSAFE_PERMISSIONS', kind: 'needs-action'})
    expect(await read()).toBe('Host x\n')
  })

  it.each<[platform: NodeJS.Platform, refused: boolean]>([
    ['linux', true],
    ['darwin', true],
    ['win32', false],
  ])('is looked at on %s for who may write to it: %s', async (platform, refused) => {
    await put('Host x\n', 0o666)
    const read = readConfigFile(file, platform)
    if (refused) await expect(read).rejects.toMatchObject({next: [`chmod go-w ${file}`]})
    else await expect(read).resolves.toMatchObject({text: 'Host x\n'})
  })

  it.each<[platform: NodeJS.Platform, next: string]>([
    ['linux', 'chmod u+w '],
    ['win32', 'attrib -r '],
  ])('is named before anything is written where it is read-only, on %s', async (platform, next) => {
    await put('Host x\n', 0o444)
    await expect(readConfigFile(file, platform)).rejects.toMatchObject({
      code: 'FILE_NOT_WRITABLE',
      why: expect.stringContaining('read-only') as string,
      next: [expect.stringContaining(next) as string],
    })
  })

  it.each([
    ['with a mark', '\uFEFFHost x\r\n'],
    ['without one', 'Host x\r\n'],
  ])('is not written to in UTF-16 %s, as PowerShell saves it', async (_, text) => {
    const before = Buffer.from(text, 'utf16le').toString('latin1')
    await put(before)
    await expect(write()).rejects.toMatchObject({why: expect.stringContaining('UTF-16') as string})
    expect(await read()).toBe(before)
  })

  it('stays behind its link, which stays a link', async () => {
    await put('')
    await fs.rm(file)
    await fs.mkdir(path.join(home, 'dotfiles'))
    const real = path.join(home, 'dotfiles', 'ssh-config')
    await fs.writeFile(real, 'Host x\n', {mode: 0o600})
    await fs.symlink('../dotfiles/ssh-config', file)
    await write()
    expect(await fs.readlink(file)).toBe('../dotfiles/ssh-config')
    expect(await fs.readFile(real, 'utf8')).toContain(`Host ${host}`)
    await remove()
    expect(await fs.readFile(real, 'utf8')).toBe('Host x\n')
    await fs.rm(real)
    await write()
    expect(await fs.readFile(real, 'utf8')).toContain(`Host ${host}`)
    expect(await fs.readlink(file)).toBe('../dotfiles/ssh-config')
  })

  it.each<[what: string, prepare: () => Promise<unknown>]>([
    ['a directory', () => fs.mkdir(file, {recursive: true})],
    [
      'a pipe',
      () =>
        put('')
          .then(() => fs.rm(file))
          .then(() => execFileSync('mkfifo', ['-m', '600', file])),
    ],
    [
      'a link to itself',
      () =>
        put('')
          .then(() => fs.rm(file))
          .then(() => fs.symlink('config', file)),
    ],
    ['below a file', () => fs.writeFile(path.join(home, '.ssh'), '')],
  ])('is refused when it is %s', async (_what, prepare) => {
    await prepare()
    const error = (await write().catch((thrown: unknown) => thrown)) as {code?: string}
    expect(error.code).toMatch(/^FILE_NOT_(READ|WRIT)ABLE$/)
  })

  it('keeps bytes that are no UTF-8', async () => {
    const bytes = Buffer.from([0x23, 0xff, 0xfe, 0x80, 0x0a, 0x48, 0x6f, 0x73, 0x74, 0x20, 0x78])
    await put(bytes.toString('latin1'))
    await write()
    await write(second)
    await remove()
    await remove(second)
    expect(await fs.readFile(file)).toEqual(bytes)
  })
})

it.each<[platform: NodeJS.Platform, home: string, file: string]>([
  ['linux', '/home/u', '/home/u/.ssh/config'],
  ['darwin', '/Users/J D/', '/Users/J D/.ssh/config'],
  ['win32', 'C:\\Users\\J D', 'C:\\Users\\J D\\.ssh\\config'],
])('on %s with the home %s the usual configuration is %s', (platform, of, usual) => {
  expect(defaultSshConfig(of, platform)).toBe(usual)
})

describe('in a container', () => {
  it('the file is written although no directory of zt can be', async () => {
    await put('Host x\n')
    // A file in the place of the state directory: not even root can write below it.
    const state = path.join(home, 'state')
    await fs.writeFile(state, '')
    const wanted = change()
    const plan = await planSshConfig(wanted)
    await applySshConfig(plan, wanted, {state, again: false})
    expect(await read()).toContain(`# zt: end ${host} `)
    await expect(applySshConfig(plan, wanted, {state, again: false})).rejects.toMatchObject({
      code: 'SSH_CONFIG_CHANGED',
    })
  })

  it('a user without a name has no configuration of its own, ssh is not asked, and zt ssh says why ssh does not run', async () => {
    const nameless = vi.spyOn(os, 'userInfo').mockImplementation(() => {
      throw Object.assign(new Error('no entry'), {code: 'ERR_SYSTEM_ERROR'})
    })
    try {
      expect(() => defaultSshConfig()).toThrow(expect.objectContaining({code: 'NO_SSH_CONFIG'}) as Error)
      const {action, warnings} = await planSshConfig(change())
      expect({action, warnings}).toEqual({
        action: 'add',
        warnings: [
          'ssh does not run for a user without a name, so zt could not check that the block takes effect',
        ],
      })
      expect(() => {
        requireName()
      }).toThrow(expect.objectContaining({kind: 'needs-action', code: 'USER_WITHOUT_NAME'}) as Error)
    } finally {
      nameless.mockRestore()
    }
    expect(() => {
      requireName()
    }).not.toThrow()
  })
})

describe('writers at once', () => {
  it('all get their block in', async () => {
    await put('# mine\nHost x\n')
    const hosts = Array.from({length: 8}, (_, at) => `h${at}.example`)
    await Promise.all(hosts.map((one) => write(one)))
    const text = await read()
    for (const one of hosts) expect(text).toContain(`# zt: end ${one} `)
    await Promise.all(hosts.map((one) => remove(one)))
    expect(await read()).toBe('# mine\nHost x\n')
    expect(await beside()).toEqual(['config'])
  })

  it('are not overruled by someone who was shown another file', async () => {
    await put('Host x\n')
    const wanted = change()
    const plan = await planSshConfig(wanted)
    await put('Host y\n')
    const options = {state: path.join(home, 'state'), again: false}
    await expect(applySshConfig(plan, wanted, options)).rejects.toMatchObject({code: 'SSH_CONFIG_CHANGED'})
    expect(await read()).toBe('Host y\n')
    expect(await beside()).toEqual(['config'])
  })
})

describe.skipIf(ssh === undefined)('ssh itself', () => {
  const asked = (of: string): string =>
    execFileSync(ssh ?? '', ['-T', '-G', '-F', file, of], {encoding: 'latin1'})

  it('uses the block, whatever follows it', async () => {
    await put('Compression yes\nHost *.example\n  ProxyCommand none\n  User x\n  HostName 192.0.2.1\n')
    const {others} = await write()
    expect(others.map(({line, keyword}) => `${line} ${keyword}`)).toEqual(['3 ProxyCommand', '4 User'])
    const meaning = asked(host)
    expect(meaning).toContain(`proxycommand /zt ssh proxy ${host}\n`)
    expect(meaning).toMatch(/^compression yes$/m)
    expect(meaning).toMatch(/^user x$/m)
  })

  it.each<[what: string, text: string, why: RegExp]>([
    ['a setting of all hosts', 'ProxyCommand /other %h\n', /"ProxyCommand \/other %h"/],
    ['a ProxyJump of all hosts', 'ProxyJump inner.example\nHost x\n', /no ProxyCommand/],
    ['a file that is included', 'Include INCLUDED\nHost x\n', /"ProxyCommand \/included"/],
    [
      'a line that ssh does not understand',
      'Host x\n  Nonsense yes\n',
      /line \d+: Bad configuration option: nonsense/,
    ],
  ])('would not use it because of %s: then nothing is written, and why is said', async (_what, text, why) => {
    await fs.writeFile(path.join(home, 'included'), `Host ${host}\n  ProxyCommand /included\n`, {mode: 0o600})
    const given = text.replace('INCLUDED', path.join(home, 'included'))
    await put(given)
    await expect(write()).rejects.toMatchObject({
      code: 'SSH_CONFIG_NOT_EFFECTIVE',
      why: expect.stringMatching(why) as string,
    })
    await expect(write()).rejects.not.toMatchObject({why: expect.stringContaining(os.tmpdir() + '/zt-ssh-config') as string}) // prettier-ignore
    expect(await read()).toBe(given)
    expect(await beside()).toEqual(['config'])
  })

  it('reads paths in any script, and an edit by hand is noticed there too', async () => {
    const proxyCommand = `'/home/jürgen/Zoë/日本 x/\u0065\u0301' ${host}`
    const wanted = change({block: {host, proxyCommand, knownHostsFile: '/home/jürgen/k'}})
    expect(await make(wanted)).toMatchObject({action: 'add', edited: false})
    expect(await fs.readFile(file, 'utf8')).toContain(`ProxyCommand ${proxyCommand}\n`)
    expect(await make(wanted)).toMatchObject({action: 'none', edited: false, diff: ''})
    await fs.writeFile(file, (await fs.readFile(file, 'utf8')).replace('Zoë', 'Zoe'))
    expect(await planSshConfig(wanted)).toMatchObject({action: 'update', edited: true})
    expect(await remove()).toMatchObject({action: 'remove'})
    expect(await read()).toBe('')
  })

  it('reports another user that is set before it', async () => {
    await put('User somebody\nHost x\n')
    const {warnings} = await make(change({block: {host, user: 'git', proxyCommand: '/zt'}}))
    expect(warnings).toEqual([expect.stringContaining('somebody')])
  })

  it('reads the same of every other host as before', async () => {
    const others = ['other.example', 'x.b.example', HOSTS[2]]
    await fc.assert(
      fc.asyncProperty(configTexts, async (text) => {
        await put(text)
        const before = others.map(asked)
        // A file that ssh would not use it from is left as it is; also a good end.
        await write().catch((error: unknown) =>
          expect(error).toMatchObject({code: 'SSH_CONFIG_NOT_EFFECTIVE'}),
        )
        await write(second).catch((error: unknown) =>
          expect(error).toMatchObject({code: 'SSH_CONFIG_NOT_EFFECTIVE'}),
        )
        expect(others.map(asked)).toEqual(before)
        await remove()
        expect(others.map(asked)).toEqual(before)
        await remove(second)
        expect(await read()).toBe(text)
      }),
      {numRuns: 25},
    )
  })
})

it('without ssh the block is written, with a warning that it was not checked', async () => {
  const {action, warnings} = await make(change({env: {PATH: home, XDG_STATE_HOME: home}}))
  expect(action).toBe('add')
  expect(warnings).toEqual([expect.stringContaining('ssh is not installed')])
})
