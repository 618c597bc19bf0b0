import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {findProgram} from '../../../../src/lib/system/programs.js'
import {planSshConfig} from '../../../../src/lib/tunnel/ssh/config/change.js'
import {withoutSecrets} from '../../../../src/lib/tunnel/ssh/config/diff.js'
import type {HostBlockOptions} from '../../../../src/lib/tunnel/ssh/config/block.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

const H = 'git.example.com'
const ACCESS = 'ProxyCommand cloudflared access ssh --hostname %h'
const GEN = `Match host ${H} exec "/usr/bin/cloudflared access ssh-gen --hostname %h"\n`
let home: string
let file: string
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-aa-'))
  file = path.join(home, 'config')
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

async function planned(text: string, more: Partial<HostBlockOptions> = {}, included?: string) {
  await fs.writeFile(file, text.replaceAll('HOME', home), {mode: 0o600})
  if (included !== undefined) await fs.writeFile(path.join(home, 'more'), included, {mode: 0o600})
  const block = {host: H, proxyCommand: `/zt ssh proxy ${H}`, ...more}
  return planSshConfig({file, host: block.alias ?? H, block, env: {...process.env, XDG_STATE_HOME: home}})
}

describe.skipIf(ssh === undefined)('the other names of a host', () => {
  it.each<[what: string, text: string, aliases: string[]]>([
    ['none', `Host other\n  HostName other.example.com\n`, []],
    ['the host itself', `Host ${H}\n  User git\n`, []],
    ['cloudflared', `Host a\n  HostName ${H}\n  ${ACCESS}\n`, ['1 a cloudflared']],
    ['cloudflared, which names the host', `Host a\n  ${ACCESS.replace('%h', H)}\n`, ['1 a cloudflared']],
    ['no ProxyCommand', `Host a\n  HostName ${H}\n`, ['1 a direct']],
    ['ProxyJump', `Host a\n  HostName ${H}\n  ProxyJump b\n`, ['1 a other']],
    ['zt', `Host a\n  HostName x\n  ProxyCommand zt ssh proxy ${H}\n`, ['1 a zt']],
    ['several on a line', `Host a *.x !c "b"\n  HostName ${H}\nHost d\n`, ['1 a direct', '1 b direct']],
    [
      'a pattern with the name elsewhere',
      `Host a\n  User x\nHost a* b\n  HostName ${H}\n`,
      ['3 b direct', '1 a direct'],
    ],
    [
      'Match',
      `Match originalhost a,b* exec "false"\n  User x\nMatch originalhost=c\n  HostName ${H}\n`,
      ['3 c direct'],
    ],
    ['a certificate', `Host a\n  HostName ${H}\n${GEN}  ${ACCESS}\n`, ['1 a cloudflared']],
    ['a host made of the name', 'Host git\n  HostName %h.example.com\n', ['1 git direct']],
    ['a ProxyCommand made of the name', `Host git\n  ${ACCESS}.example.com\n`, ['1 git cloudflared']],
    ['a name like an option', `Host -v\n  HostName ${H}\n`, []],
  ])('by %s', async (_what, text, aliases) => {
    const plan = await planned(text)
    // Where they are once the block is there.
    const added = plan.after.split('\n').length - text.split('\n').length
    expect(plan.aliases.map(({line, name, route}) => `${line - added} ${name} ${route}`)).toEqual(aliases)
  })

  it('are found for the block of an alias, too, with the host itself', async () => {
    const text = `Host gl\n  HostName ${H}\nMatch host ${H}\n  ${ACCESS}\n`
    expect((await planned(text, {alias: 'gl'})).aliases).toMatchObject([{name: H, route: 'cloudflared'}])
  })

  it('are found in included files', async () => {
    const {aliases} = await planned('Host *\n  Include HOME/more\n', {}, `\nHost a\n  HostName ${H}\n`)
    expect(aliases).toEqual([{name: 'a', file: path.join(home, 'more'), line: 2, route: 'direct'}])
  })

  it('are found among more names than ssh is asked about', async () => {
    const many = Array.from({length: 110}, (_, at) => `Host h${at}\n  User x\n`).join('')
    const {aliases} = await planned(`${many}Host a\n  HostName ${H}\n`)
    expect(aliases).toMatchObject([{name: 'a'}])
  })
})

describe.skipIf(ssh === undefined)('a block for an alias', () => {
  it('shows the own lines, and which of them it replaces', async () => {
    const text = `User all\nHost gl\n  HostName ${H}\n  # mine\n  User git\n  ${ACCESS} --secret abc\n  ProxyJump b\nHost * !gl\n  Port 3\nHost g*\n  Port 2222\nHost *\n  User x\n`
    const plan = await planned(text, {alias: 'gl', user: 'me'}).catch((error: unknown) => error)
    expect(plan).toMatchObject({
      taken: [
        {file, line: 3, text: `HostName ${H}`, effect: 'kept'},
        {file, line: 5, text: 'User git', effect: 'replaced'},
        {file, line: 6, text: `${ACCESS} --secret [hidden]`, effect: 'replaced'},
        {file, line: 7, text: 'ProxyJump b', effect: 'replaced'},
        {file, line: 11, text: 'Port 2222', effect: 'kept'},
      ],
      after: expect.stringContaining(
        `# zt: begin gl\nHost gl\n  User me\n  ProxyCommand /zt ssh proxy ${H}\n`,
      ) as string,
    })
  })

  it('that an included file would override names that file', async () => {
    await expect(
      planned('Include HOME/more\nHost x\n', {alias: 'gl'}, `Host gl\n  HostName ${H}\n  ${ACCESS}\n`),
    ).rejects.toMatchObject({
      code: 'SSH_CONFIG_NOT_EFFECTIVE',
      next: [`zt ssh config gl --write --file ${path.join(home, 'more')}`],
    })
  })

  it('is removed by its name in any case', async () => {
    const {after} = await planned(`Host GL\n  HostName ${H}\n`, {alias: 'GL'})
    await fs.writeFile(file, after)
    const plan = await planSshConfig({file, host: 'gl', block: undefined, env: {}})
    expect(plan).toMatchObject({action: 'remove', after: `Host GL\n  HostName ${H}\n`})
  })
})

describe.skipIf(ssh === undefined)('a short-lived certificate', () => {
  const names = {hostName: `${H}.`, hostKeyAlias: H}

  it('is named with its line', async () => {
    const {warnings} = await planned(`User x\n\n${GEN}  ${ACCESS}\nMatch exec "true"\n  Port 3\n`)
    expect(warnings).toEqual([expect.stringContaining(`line 3 of ${file}: `) as string])
    expect(warnings[0]).toContain('--no-short-lived-cert')
    expect((await planned(GEN.replace(H, 'other.example.com'))).warnings).toEqual([])
  })

  it('is switched off by another HostName', async () => {
    expect((await planned(`${GEN}  ${ACCESS}\n`, {names})).warnings).toEqual([])
  })

  it.each([
    'Match exec "cloudflared access ssh-gen --hostname %h"\n',
    `Match originalhost ${H} exec "cloudflared access ssh-gen --hostname %h"\n`,
    'Match host git.* exec "cloudflared access ssh-gen --hostname %h"\n',
  ])('that another HostName does not switch off is refused: %j', async (text) => {
    await expect(planned(text, {names})).rejects.toMatchObject({
      code: 'SSH_GEN_STILL_RUNS',
      kind: 'conflict',
      next: [`Write !originalhost ${H} before exec in line 1 of ${file}`],
    })
  })

  it('is switched off with a warning where a section loses the host, too', async () => {
    const text = `${GEN}  ${ACCESS}\nMatch host ${H}\n  Port 2222\n`
    expect((await planned(text, {names})).warnings).toEqual([
      expect.stringContaining('also changes port: ') as string,
    ])
  })
})

it.each([
  [
    'ProxyCommand cloudflared access ssh --hostname h --id a --secret s3cret',
    'ProxyCommand cloudflared access ssh --hostname h --id a --secret [hidden]',
  ],
  ['  --service-token-secret=s3cret --x', '  --service-token-secret=[hidden] --x'],
  ["-secret 's3cret'", "-secret '[hidden]'"],
  ['-H "CF-Access-Client-Secret: s3cret"', '-H "CF-Access-Client-Secret: [hidden]"'],
  [`SetEnv X=${'0123456789abcdef'.repeat(4)}`, 'SetEnv X=[hidden]'],
  ['IdentityFile ~/.ssh/secret', 'IdentityFile ~/.ssh/secret'],
])('%s is shown as %s', (line, shown) => {
  expect(withoutSecrets(line)).toBe(shown)
})
