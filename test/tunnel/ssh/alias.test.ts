import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {IndexFiles} from '../../../src/lib/secrets/index-files.js'
import {findProgram} from '../../../src/lib/system/programs.js'
import {aliasFor} from '../../../src/lib/tunnel/ssh/alias.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a name means\n')

const BOUND = 'gitlab-ssh.example.com'
const ACCESS = 'ProxyCommand cloudflared access ssh --hostname %h'
let home: string
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-al-'))
  await new IndexFiles(home).bind({
    profile: 'default',
    host: BOUND,
    tokenId: 'token',
    boundAt: '2026-11-01T00:00:00Z',
  })
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

async function meant(written: string, text: string, env: NodeJS.ProcessEnv = process.env) {
  const file = path.join(home, 'config')
  await fs.writeFile(file, text, {mode: 0o600})
  const settings = {profileName: 'default', paths: {data: home}} as Parameters<typeof aliasFor>[0]['settings']
  const host = written.slice(written.lastIndexOf('@') + 1).toLowerCase()
  const found = await aliasFor({settings, host, written, file, env: {...env, XDG_STATE_HOME: home}})
  return found && `${found.name} is ${found.host}`
}

describe.skipIf(ssh === undefined)('a name of the command line', () => {
  it.each<[written: string, text: string, is: string | undefined]>([
    ['gl', `Host gl\n  HostName ${BOUND}\n`, `gl is ${BOUND}`],
    ['me@gl', `Host gl\n  HostName ${BOUND.toUpperCase()}\n`, `gl is ${BOUND}`],
    ['GitLab', `Host GitLab\n  HostName ${BOUND}\n`, `GitLab is ${BOUND}`],
    ['gl', `Host gl\n  ${ACCESS.replace('%h', BOUND)}\n`, `gl is ${BOUND}`],
    ['gl', `Host g?\n  HostName %h-ssh.example.com\n`, 'gl is gl-ssh.example.com'],
    [
      'gl',
      `Match originalhost gl exec "false"\n  HostName not.example.com\nHost gl\n  HostName ${BOUND}\n`,
      `gl is ${BOUND}`,
    ],
    // A host name is itself, unless the configuration has a host of Access for it.
    [BOUND, `Host ${BOUND}\n  HostName other.example.com\n  ${ACCESS}\n`, undefined],
    ['git.example.com', `Host git.example.com\n  HostName ${BOUND}\n`, `git.example.com is ${BOUND}`],
    [
      'git.example.com',
      `Host git.example.com\n  HostName x.example.com\n  ${ACCESS}\n`,
      'git.example.com is x.example.com',
    ],
    ['git.example.com', 'Host git.example.com\n  HostName x.example.com\n', undefined],
    ['git.example.com', 'Host git.example.com\n  HostName 10.0.0.1\n', undefined],
    ['git.example.com', 'Nonsense yes\n', undefined],
  ])('%s with %j', async (written, text, is) => {
    expect(await meant(written, text)).toBe(is)
  })

  it.each<[text: string, kind: string, code: string]>([
    ['', 'not-found', 'ALIAS_NOT_FOUND'],
    ['Host gl\n  User git\n', 'not-found', 'ALIAS_NOT_FOUND'],
    ['Host gl\n  HostName 10.0.0.1\n', 'config', 'ALIAS_NOT_PUBLIC'],
    ['Host gl\n  HostName inner\n', 'config', 'ALIAS_NOT_PUBLIC'],
    ['Host gl\n  HostName a..b\n', 'config', 'ALIAS_NOT_PUBLIC'],
    ['Nonsense yes\n', 'config', 'SSH_CONFIG_BROKEN'],
  ])('gl is no host with %j: %s %s', async (text, kind, code) => {
    await expect(meant('gl', text)).rejects.toMatchObject({kind, code})
  })
})

it('is not looked up for a host that is bound', async () => {
  const record = path.join(home, 'asked')
  await fs.writeFile(path.join(home, 'ssh'), `#!/bin/sh\necho hostname ${BOUND}\n: > '${record}'\n`, {
    mode: 0o755,
  })
  const env = {PATH: home}
  expect(await meant(BOUND, '', env)).toBeUndefined()
  await expect(fs.access(record)).rejects.toThrow('ENOENT')
  expect(await meant('gl', '', env)).toBe(`gl is ${BOUND}`)
  await fs.access(record)
})

it('cannot be looked up without ssh, which a host name needs not be', async () => {
  await expect(meant('gl', '', {PATH: home})).rejects.toMatchObject({code: 'SSH_NOT_FOUND'})
  expect(await meant('git.example.com', '', {PATH: home})).toBeUndefined()
})
