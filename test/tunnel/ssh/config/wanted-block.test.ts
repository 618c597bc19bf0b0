import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {loadSettings} from '../../../../src/lib/config/settings.js'
import {blockFor} from '../../../../src/lib/tunnel/ssh/config/wanted-block.js'

let home: string
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-bf-'))
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

const HOST = 'git.example.com'
async function linesOn(
  platform: NodeJS.Platform,
  share = true,
  {variables = {}, may = false}: {variables?: Record<string, string>; may?: boolean} = {},
): Promise<{lines: string[]; warnings: string[]; notes: string[]}> {
  const env = {
    ...Object.fromEntries(['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [`XDG_${kind}_HOME`, home])),
    ...variables,
  }
  const settings = await loadSettings({env, cwd: home, flags: {}})
  const windows = platform === 'win32'
  const {text, warnings, notes} = await blockFor({
    settings: {...settings, knownHostsFile: windows ? 'C:\\Users\\J D\\known_hosts' : '/home/u/known_hosts'},
    host: HOST,
    user: 'git',
    client: 'auto',
    share,
    program: windows
      ? ['C:\\Program Files\\nodejs\\node.exe', 'C:\\Users\\J D\\zt.cjs']
      : ['/usr/bin/node', '/opt/zt.cjs'],
    platform,
    mayUseEnvironment: () => may,
  })
  return {lines: text.split('\n').map((line) => line.trim()), warnings, notes}
}

const PAIR = {TUNNEL_SERVICE_TOKEN_ID: 'the-id.access', TUNNEL_SERVICE_TOKEN_SECRET: 'the-secret'}

describe("the block with the environment's pair", () => {
  it('reads it when ssh runs, holds neither half, shares no connection, and zt says so', async () => {
    const {lines, warnings, notes} = await linesOn('linux', true, {variables: PAIR, may: true})
    expect(lines.find((line) => line.startsWith('ProxyCommand'))).toBe(
      `ProxyCommand /usr/bin/node /opt/zt.cjs ssh proxy --profile default --token env --yes ${HOST}`,
    )
    expect(lines).toContain('ControlPath none')
    expect(lines.join()).not.toMatch(/the-id|the-secret/)
    expect({warnings, notes}).toEqual({
      warnings: [],
      notes: [
        `The block sends the service token of ssh's environment (TUNNEL_SERVICE_TOKEN_ID) to ${HOST}, and holds no secret`,
      ],
    })
  })

  it('is that of a host without a binding if it may not go there', async () => {
    const plain = await linesOn('linux')
    expect(await linesOn('linux', true, {variables: PAIR, may: false})).toEqual(plain)
    expect(await linesOn('linux', true, {may: true})).toEqual(plain)
    expect(plain.notes).toEqual([])
  })
})

describe('the block', () => {
  it('for Windows shares no connection, which its ssh cannot, and says nothing of it', async () => {
    const {lines, warnings} = await linesOn('win32')
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      '#',
      'Host',
      'User',
      'ProxyCommand',
      'ServerAliveInterval',
      'ControlMaster',
      'ControlPath',
      'ControlPersist',
      'UserKnownHostsFile',
      '#',
    ])
    expect(warnings).toEqual([expect.stringContaining(HOST)])
  })

  it('for Windows has no backslash in a path: its two kinds of ssh read those differently', async () => {
    const {lines} = await linesOn('win32')
    const [command, known] = ['ProxyCommand ', 'UserKnownHostsFile '].map((word) =>
      lines.find((one) => one.startsWith(word)),
    )
    expect(command).toMatch(
      /^ProxyCommand "C:\/Program Files\/nodejs\/node\.exe" .*"C:\/Users\/J D\/zt\.cjs" ssh proxy /,
    )
    expect(known).toContain('"C:/Users/J D/known_hosts" ')
    expect(lines.join('\n')).not.toContain('\\')
  })

  it.each(['linux', 'darwin'] as const)('for %s shares one, unless it is not wanted', async (platform) => {
    const control = ({lines}: {lines: string[]}) => lines.filter((line) => line.startsWith('Control'))
    const [master, file, persist] = control(await linesOn(platform))
    expect([master, persist]).toEqual(['ControlMaster auto', 'ControlPersist 60'])
    expect(file).toContain(home)
    // Otherwise what the person's configuration says of all hosts would share.
    const alone = ['ControlMaster no', 'ControlPath none', 'ControlPersist no']
    expect(control(await linesOn(platform, false))).toEqual(alone)
    expect(control(await linesOn('win32'))).toEqual(alone)
  })
})
