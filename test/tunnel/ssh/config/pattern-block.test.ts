import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {Settings} from '../../../../src/lib/config/types.js'
import {findProgram} from '../../../../src/lib/system/programs.js'
import {applySshConfig, planSshConfig} from '../../../../src/lib/tunnel/ssh/config/change.js'
import {requestedBlock} from '../../../../src/lib/tunnel/ssh/config/requested-block.js'
import {boundSettings} from './bound-settings.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

const ZT = '/node /zt.cjs ssh proxy --profile default'

let home: string
let file: string
let settings: Settings
let env: NodeJS.ProcessEnv
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-pb-'))
  file = path.join(home, 'config')
  ;({settings, env} = await boundSettings(home, ['*.example.com', '*-ssh.example.com']))
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

async function write(destination: string, {remove = false, share = true} = {}): Promise<string[]> {
  const asked = {destination, file, remove, share, client: 'auto' as const, shortLivedCert: true}
  const {name, block, warnings} = await requestedBlock({
    ...asked,
    settings,
    program: ['/node', '/zt.cjs'],
    env,
    mayUseEnvironment: () => false,
  })
  const change = {file, host: name, block: block?.options, env}
  const plan = await planSshConfig(change)
  await applySshConfig(plan, change, {state: settings.paths.state, again: true})
  return [...warnings, ...plan.warnings]
}
const meaning = (name: string, ...keywords: string[]): (string | undefined)[] => {
  const answer = execFileSync(ssh ?? '', ['-T', '-G', '-F', file, name], {encoding: 'utf8'})
  return keywords.map((keyword) => new RegExp(`^${keyword} (.*)$`, 'm').exec(answer)?.[1])
}
const proxyFor = (name: string) => meaning(name, 'proxycommand')[0]

describe.skipIf(ssh === undefined)('a block for all hosts of a wildcard application', () => {
  it('is for the hosts that Access covers, and no others', async () => {
    await fs.writeFile(file, 'Host *\n  ProxyCommand other %h\n', {mode: 0o600})
    expect(await write('git@*.Example.com.')).toEqual([])
    expect(meaning('a.example.com', 'proxycommand', 'user')).toEqual([`${ZT} %h`, 'git'])
    for (const other of ['example.com', 'a.b.example.com', 'a.example.com.evil.net', 'aexample.com'])
      expect(proxyFor(other)).toBe('other %h')
    await write('*.example.com', {remove: true})
    expect(await fs.readFile(file, 'utf8')).toBe('Host *\n  ProxyCommand other %h\n')
  })

  it('leaves hosts alone that have another way, and takes those that have none', async () => {
    const own = [
      'Host direct.example.com\n  HostName 10.0.0.1\n',
      'Host old.example.com\n  ProxyCommand cloudflared access ssh --hostname %h\n',
      'Host jumped.example.com\n  ProxyJump bastion\n',
      'Host key.example.com\n  IdentityFile ~/.ssh/key\n',
      'Match host matched.example.com\n  ProxyCommand none\n',
      'Host a.b.example.com\n  ProxyJump bastion\n',
    ].join('')
    await fs.writeFile(file, own, {mode: 0o600})
    const before = ['direct', 'old', 'jumped', 'matched', 'a.b'].map((name) =>
      meaning(`${name}.example.com`, 'hostname', 'proxycommand', 'proxyjump'),
    )
    const [warning] = await write('*.example.com')
    expect(warning).toMatch(
      /leaves out direct\.example\.com, old\.example\.com, jumped\.example\.com, matched\.example\.com: .* zt ssh config --adopt$/,
    )
    expect(
      ['direct', 'old', 'jumped', 'matched', 'a.b'].map((name) =>
        meaning(`${name}.example.com`, 'hostname', 'proxycommand', 'proxyjump'),
      ),
    ).toEqual(before)
    expect(proxyFor('key.example.com')).toBe(`${ZT} %h`)
    await write('*.example.com', {remove: true})
    expect(await fs.readFile(file, 'utf8')).toBe(own)
  })

  it.each([
    [['*.example.com', '*-ssh.example.com', 'git@gitlab-ssh.example.com']],
    [['git@gitlab-ssh.example.com', '*.example.com', '*-ssh.example.com']],
    [['*-ssh.example.com', 'git@gitlab-ssh.example.com', '*.example.com']],
  ])('comes after those for fewer hosts, in whatever order they are written: %j', async (order) => {
    await fs.writeFile(file, 'Host *\n', {mode: 0o600})
    for (const one of order) await write(one === '*-ssh.example.com' ? `me@${one}` : one)
    expect(meaning('gitlab-ssh.example.com', 'proxycommand', 'user')).toEqual([
      `${ZT} gitlab-ssh.example.com`,
      'git',
    ])
    expect(meaning('b-ssh.example.com', 'proxycommand', 'user')).toEqual([`${ZT} %h`, 'me'])
    for (const one of order) await write(one, {remove: true})
    expect(await fs.readFile(file, 'utf8')).toBe('Host *\n')
  })

  it('is not made where no token is bound to the pattern: it would take over every host', async () => {
    await expect(write('*.elsewhere.com')).rejects.toMatchObject({
      code: 'HOST_NOT_BOUND',
      next: expect.arrayContaining(["zt app add-rule '*.elsewhere.com' --service-auth"]) as string[],
    })
    await expect(fs.stat(file)).rejects.toMatchObject({code: 'ENOENT'})
  })
})

describe.skipIf(ssh === undefined)('a block', () => {
  it('has the port of its destination', async () => {
    await write('ssh://git@a.example.com:2222/')
    expect(meaning('a.example.com', 'port', 'user')).toEqual(['2222', 'git'])
  })

  it('says which forwards outlive a session, and how to avoid it, if it shares connections', async () => {
    await write('a.example.com')
    expect(await fs.readFile(file, 'utf8')).toMatch(
      /# Ports that a session forwards \(-L, -R, -D\) stay open .*--no-share/,
    )
    await write('a.example.com', {share: false})
    expect(await fs.readFile(file, 'utf8')).not.toContain('--no-share')
  })
})
