import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {Settings} from '../../../../src/lib/config/types.js'
import {findProgram} from '../../../../src/lib/system/programs.js'
import {proxyLines, withProxyLines} from '../../../../src/lib/tunnel/ssh/config/adopted-lines.js'
import {applyAdoption, planAdoption} from '../../../../src/lib/tunnel/ssh/config/adopt.js'
import {readCloudflared, runsCloudflared} from '../../../../src/lib/tunnel/ssh/config/cloudflared-line.js'
import {configTexts} from './config-texts.js'
import {dyingFiles} from '../../../support/dying-files.js'
import {boundSettings} from './bound-settings.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')

const SECRET = 'a'.repeat(63) + 'b'
const ZT = '/node /zt.cjs ssh proxy --profile default'

let home: string
let file: string
let settings: Settings
let env: NodeJS.ProcessEnv
beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ad-'))
  file = path.join(home, 'config')
  ;({settings, env} = await boundSettings(home, ['gitlab.example.com', '*.apps.example.com']))
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

const put = (text: string, at = file, mode = 0o600) => fs.writeFile(at, text, {encoding: 'latin1', mode})
const read = (at = file) => fs.readFile(at, 'latin1')
const plan = (remove = false, more: {program?: string[]} = {}) =>
  planAdoption({file, remove, client: 'auto', settings, program: ['/node', '/zt.cjs'], env, ...more})
async function adopt(remove = false, more: {program?: string[]} = {}) {
  const planned = await plan(remove, more)
  await applyAdoption(planned, settings.paths.state)
  return planned
}
const commandFor = (name: string): string | undefined =>
  /^proxycommand (.*)$/m.exec(execFileSync(ssh ?? '', ['-G', '-F', file, name], {encoding: 'utf8'}))?.[1]

describe.skipIf(ssh === undefined)(
  'a ProxyCommand of cloudflared goes through zt, and back to its bytes',
  () => {
    it.each<[what: string, text: string, name: string, command: string]>([
      [
        'a host',
        'Host gitlab.example.com\n  ProxyCommand cloudflared access ssh --hostname %h\n',
        'gitlab.example.com',
        `${ZT} %h`,
      ],
      [
        'an alias',
        'Host gl\n\tHostName gitlab.example.com\n\tUser git\n\tProxyCommand /usr/local/bin/cloudflared access ssh --hostname %h\n',
        'gl',
        `${ZT} %h`,
      ],
      [
        'a host by its name',
        'Host x\n ProxyCommand cloudflared access tcp --hostname gitlab.example.com\n',
        'x',
        `${ZT} gitlab.example.com`,
      ],
      [
        'a wildcard',
        'Host *.apps.example.com\nProxyCommand cloudflared access ssh --hostname %h',
        'a.apps.example.com',
        `${ZT} %h`,
      ],
      [
        'a short name',
        'Host *.x\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n',
        'a.x',
        `${ZT} gitlab.example.com`,
      ],
      [
        'names below a wildcard',
        'Host web db\n ProxyCommand cloudflared access ssh --hostname %h.apps.example.com\n',
        'db',
        `${ZT} %h.apps.example.com`,
      ],
      [
        'a bastion',
        'Host 10.0.0.*\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com --destination %h:%p\n',
        '10.0.0.7',
        `${ZT} --destination %h:%p gitlab.example.com`,
      ],
      [
        'a Match that compares the host',
        'Match originalhost gl\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n',
        'gl',
        `${ZT} gitlab.example.com`,
      ],
      [
        'CR LF, and =',
        'Host gl\r\n  ProxyCommand=cloudflared access ssh --hostname gitlab.example.com --log-level debug\r\n',
        'gl',
        `${ZT} gitlab.example.com`,
      ],
      [
        'bytes that are no UTF-8',
        'Host gl # \xff\xfe\n  ProxyCommand cloudflared  access ssh --hostname "gitlab.example.com"  \n  User \xe9\n',
        'gl',
        `${ZT} gitlab.example.com`,
      ],
    ])('%s', async (_what, text, name, command) => {
      await put(text)
      const {adopted, left, warnings, diff} = await adopt()
      expect([adopted.length, left, warnings]).toEqual([1, [], []])
      expect(diff).toContain(
        `+${/^[ \t]*/.exec(text.split('\n').find((line) => line.includes('Proxy')) ?? '')?.[0] ?? ''}ProxyCommand ${command}`,
      )
      expect(commandFor(name)).toBe(command)
      expect((await adopt(true)).adopted).toHaveLength(1)
      expect(await read()).toBe(text)
      expect((await adopt(true)).adopted).toEqual([])
    })

    it('below more names than ssh is asked about', async () => {
      const many = Array.from({length: 51}, (_, at) => `Host h${at}\n`).join('')
      await put(`${many}Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n`)
      expect(await adopt()).toMatchObject({adopted: [{line: 53}], left: []})
    })

    it('in all files that the configuration includes, which keep their mode', async () => {
      const [a, b] = [path.join(home, 'd-a.conf'), path.join(home, 'd-b.conf')]
      await put(`Include ${home}/d-*.conf\nHost *\n  ServerAliveInterval 7\n`)
      await put('Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n', a, 0o644)
      await put(`Host a.apps.example.com\n  ProxyCommand cloudflared access ssh --hostname %h\n`, b)
      const {adopted} = await adopt()
      expect(adopted.map((one) => one.file)).toEqual([a, b])
      expect([commandFor('gl'), commandFor('a.apps.example.com')]).toEqual([
        `${ZT} gitlab.example.com`,
        `${ZT} %h`,
      ])
      expect((await fs.stat(a)).mode & 0o777).toBe(0o644)
      await adopt(true)
      expect(await read(a)).toContain(
        'Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n',
      )
    })
  },
)

describe.skipIf(ssh === undefined)(
  'what zt cannot do in place of cloudflared stays as it is, with the reason',
  () => {
    it.each<[text: string, why: RegExp]>([
      [
        'Host gitlab.example.com\n ProxyCommand cloudflared access ssh --hostname %h --id x.access --secret SECRET\n',
        /credentials on the command line/,
      ],
      [
        'Host gl\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com --service-token-secret=SECRET\n',
        /credentials on the command line/,
      ],
      [
        'Host gl\n ProxyCommand sh -c "TUNNEL_SERVICE_TOKEN_SECRET=SECRET cloudflared access ssh --hostname gitlab.example.com"\n',
        /credentials on the command line/,
      ],
      [
        'Host gl\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com -H "X: SECRET"\n',
        /no counterpart of its option --H/,
      ],
      [
        'Host gl\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com --url localhost:1\n',
        /no counterpart of its option --url/,
      ],
      [
        'Host gl\n ProxyCommand bash -c "cloudflared access ssh --hostname gitlab.example.com"\n',
        /does not read/,
      ],
      [
        'Host gl\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com 2>/dev/null\n',
        /does not read/,
      ],
      ['Host gl\n ProxyCommand cloudflared access ssh --hostname $(cat host)\n', /does not read/],
      ['Host gl\n ProxyCommand cloudflared access ssh --hostname\n', /has no value/],
      ['Host gl\n ProxyCommand cloudflared access ssh --log-level info\n', /has no --hostname/],
      ['Host gl\n ProxyCommand cloudflared access ssh gitlab.example.com\n', /an argument that is no option/],
      ['Host gl\n ProxyCommand cloudflared access ssh --hostname 10.0.0.1\n', /not a host name/],
      [
        'Host gl\n ProxyCommand cloudflared access ssh --hostname elsewhere.example.com\n',
        /No service token is bound to elsewhere\.example\.com/,
      ],
      [
        'Host a.apps.example.com b.example.com\n ProxyCommand cloudflared access ssh --hostname %h\n',
        /No service token is bound to b\.example\.com/,
      ],
      [
        'Host *.example.com\n ProxyCommand cloudflared access ssh --hostname %h\n',
        /No service token is bound to \*\.example\.com/,
      ],
      ['Host *\n ProxyCommand cloudflared access ssh --hostname %h\n', /every host that "\*" matches/],
      [
        'Host a?.apps.example.com\n ProxyCommand cloudflared access ssh --hostname %h\n',
        /every host that "a\?\.apps\.example\.com" matches/,
      ],
      ['ProxyCommand cloudflared access ssh --hostname %h\n', /no Host line above it/],
      [
        'Match host gitlab.example.com exec "cloudflared access ssh-gen --hostname %h"\n ProxyCommand cloudflared access ssh --hostname %h\n',
        /only ssh can evaluate/,
      ],
      [
        'Host gl\n Nonsense yes\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n',
        /ssh does not say what it does for gl/,
      ],
      [
        'Host gl\n ProxyCommand none\nHost gl\n ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n',
        /a line before it counts/,
      ],
    ])('%j', async (text, why) => {
      const written = text.replace('SECRET', SECRET)
      await put(written)
      const planned = await adopt()
      expect(planned.adopted).toEqual([])
      expect(planned.left).toHaveLength(1)
      expect(planned.left[0]?.why).toMatch(why)
      expect(JSON.stringify({...planned, files: []})).not.toContain(SECRET)
      expect(await read()).toBe(written)
    })

    it('and the lines beside it are moved; a secret beside them is not shown', async () => {
      const secret = `Host old\n  ProxyCommand cloudflared access ssh --hostname %h --id x --secret ${SECRET}\n`
      await put(
        `${secret}Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n${secret}`,
      )
      const planned = await adopt()
      expect([planned.adopted.length, planned.left.length]).toEqual([1, 2])
      expect(JSON.stringify({...planned, files: []})).not.toContain(SECRET)
      expect(planned.diff).toContain('--secret [hidden]')
      expect(await read()).toContain(secret)
    })

    it('also where the file cannot be written', async () => {
      const other = path.join(home, 'other')
      await put(`Include ${other}\n`)
      await put(
        'Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n',
        other,
        0o400,
      )
      const {adopted, left} = await adopt()
      expect(adopted).toEqual([])
      expect(left).toEqual([
        expect.objectContaining({file: other, line: 2, why: expect.stringContaining('read-only') as string}),
      ])
    })

    it('an edit by hand is said to be lost, and a comment without its line is named', async () => {
      const text = 'Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n'
      await put(text)
      await adopt()
      await put((await read()).replace(' ssh proxy ', ' ssh proxy --client cloudflared '))
      expect((await adopt(true)).warnings).toEqual([
        expect.stringMatching(/edited zt's ProxyCommand in line 3/),
      ])
      expect(await read()).toBe(text)
      await adopt()
      await put((await read()).replace(/\n {2}ProxyCommand.*\n/, '\n  User git\n'))
      expect((await plan(true)).warnings).toEqual([expect.stringMatching(/line 2 .* no ProxyCommand/)])
    })

    it('runs no Match exec', async () => {
      const touched = path.join(home, 'touched')
      await put(
        `Match exec "touch ${touched}"\n  User x\nHost gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n`,
      )
      expect((await plan()).adopted).toHaveLength(1)
      await expect(fs.stat(touched)).rejects.toMatchObject({code: 'ENOENT'})
    })

    it('is refused where the file changes between plan and write', async () => {
      await put('Host gl\n  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n')
      const planned = await plan()
      await put('Host new\n')
      await expect(applyAdoption(planned, settings.paths.state)).rejects.toMatchObject({
        code: 'SSH_CONFIG_CHANGED',
      })
      expect(await read()).toBe('Host new\n')
    })
  },
)

it.skipIf(ssh === undefined)(
  'several files: killed at any operation, a repetition has the same end',
  async () => {
    const LINE = '  ProxyCommand cloudflared access ssh --hostname gitlab.example.com\n'
    const texts = new Map([
      [file, `Include ${home}/one ${home}/two\nHost a\n${LINE}`],
      [path.join(home, 'one'), `Host b\n${LINE}`],
      [path.join(home, 'two'), `Host c\n${LINE}`],
    ])
    const all = () => Promise.all([...texts.keys()].map((one) => read(one)))
    const before = [...texts.values()]
    const restore = async (): Promise<void> => {
      for (const [at, text] of texts) await put(text, at)
    }
    const {state} = settings.paths
    const counts = (name: string): boolean => name.startsWith(home) && !name.startsWith(state)
    await restore()
    const planned = await plan()
    const {effects} = await dyingFiles(() => applyAdoption(planned, state), {counts})
    const end = await all()
    expect(end.filter((text, nth) => text === before[nth])).toEqual([])
    expect(effects.length).toBeGreaterThanOrEqual(texts.size)
    for (const [diesAt, effect] of effects.entries()) {
      await restore()
      const again = await plan()
      await dyingFiles(() => applyAdoption(again, state), {diesAt, counts})
      // Its locks ended with it.
      await fs.rm(path.join(state, 'locks'), {recursive: true, force: true})
      const half = await all()
      expect(
        half.map((text, nth) => [before[nth], end[nth]].includes(text)),
        effect,
      ).toEqual([true, true, true])
      await adopt()
      expect(await all(), effect).toEqual(end)
      await adopt(true)
      expect(await all(), effect).toEqual(before)
    }
  },
)

it('any line is given back to its bytes, wherever it is in whatever file', () => {
  const own = fc.constantFrom(
    '  ProxyCommand cloudflared access ssh --hostname %h\n',
    'proxycommand=cloudflared access tcp --hostname a.example.com  \r\n',
    '\tProxyCommand "C:\\Program Files\\cloudflared.exe" access ssh --hostname %h\r\n',
    ' ProxyCommand cloudflared access ssh --hostname \xff',
    ' ProxyCommand cloudflared access ssh --hostname %h\r',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(configTexts, own), {maxLength: 5}), (parts) => {
      const text = parts.join('')
      const {lines} = proxyLines(text)
      const change = new Map(
        lines.filter(({current}) => current === undefined).map(({number}) => [number, {command: '/zt %h'}]),
      )
      const after = withProxyLines(text, lines, change)
      const again = proxyLines(after)
      expect(again.damaged).toEqual([])
      const back = again.lines.filter(({current}) => current !== undefined)
      expect(back.map(({edited}) => edited)).toEqual([...change].map(() => false))
      expect(withProxyLines(after, again.lines, new Map(back.map(({number}) => [number, 'own'])))).toBe(text)
    }),
  )
})

describe('a ProxyCommand', () => {
  it.each([
    ['"C:\\Program Files (x86)\\cloudflared\\cloudflared.exe" access ssh --hostname %h', '%h'],
    ['C:\\bin\\cloudflared.exe access ssh --hostname=gitlab.example.com', 'gitlab.example.com'],
    ['exec /opt/homebrew/bin/cloudflared forward smb -hostname GitLab.example.com.', 'gitlab.example.com'],
    ["'/opt/my cloudflared/cloudflared' access rdp -T https://gitlab.example.com/", 'gitlab.example.com'],
  ])('%s connects to %s', (value, host) => {
    expect(readCloudflared(value)).toMatchObject({host})
  })

  it.each([
    ['cloudflared access ssh --hostname %h', true],
    ['/x/cloudflared.exe --loglevel debug access "tcp" -T a', true],
    ['/usr/bin/node /zt.cjs ssh proxy --client cloudflared a.example.com', false],
    ['cloudflared access ssh-gen --hostname %h', false],
    ['ssh -W %h:%p bastion', false],
  ])('%s runs cloudflared: %s', (value, expected) => {
    expect(runsCloudflared(value)).toBe(expected)
  })
})
