import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {UserError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'
import {bundleOf, makeBundle, saveBundle, type Bundle} from '../../src/lib/doctor/bundle/bundle.js'
import {foreign, label, own, prose, type Piece} from '../../src/lib/doctor/bundle/piece.js'
import {Replacer} from '../../src/lib/doctor/bundle/replacer.js'
import {isOwnPart, isOwnText} from '../../src/lib/doctor/bundle/vocabulary.js'
import type {Finding} from '../../src/lib/doctor/types.js'
import {formsOf} from '../support/leaks.js'
import {RemoteWorld} from './remote-world.js'

const finding = (detail: string, more: Partial<Finding> = {}): Finding => ({
  ...{id: 'clock', area: 'machine', state: 'warn', title: 'Clock', detail, next: []},
  ...more,
})

/** Of a person who uses zt; the code knows none of them. */
const CANARY = {
  account: 'Zaphod Beeblebrox Holdings',
  accountId: '0123456789abcdef0123456789abcdef',
  profile: 'magrathea',
  token: 'slartibartfast-ci',
  unicode: 'Zürich–Ünïcode 🦄 job',
  hostile: 'a"b\\c\n\u202Ed \x1b[31mred',
  placeholder: 'token-2',
  tokenId: '5f0c9d2e-1b7a-4c6d-8e3f-9a0b1c2d3e4f',
  clientId: 'feedfacefeedfacefeedfacefeedface.access',
  host: 'heartofgold.vogsphere.example',
  pattern: '*.krikkit.example',
  alias: 'trillian-box',
  sshUser: 'fordprefect',
  jump: 'hop.betelgeuse.example',
  email: 'marvin@siriuscybernetics.example',
  ip: '203.0.113.77',
  ip6: '2001:db8::dead:beef',
  ray: '8d1f2a3b4c5d6e7f-FRA',
  aud: 'd0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e1',
  url: 'https://deepthought.example/answer/fortytwo?x=1',
  directory: 'magratheans-home',
  variable: 'ZT_VOGON_POETRY',
  value: 'grunthos-the-flatulent',
  rule: 'Krikkit Robots may',
  banner: 'SSH-2.0-EddieShipboard_4711',
  ca: 'Pangalactic Inspection CA',
  secretInLine: 'passwordofzarniwoop',
  reportedBy: 'agrajag',
} as const

let world: RemoteWorld
let bundle: Bundle
let json: Record<string, unknown>

const HOSTILE_SSH = `Host ${CANARY.alias} ${CANARY.pattern}
  HostName ${CANARY.host}
  User ${CANARY.sshUser}
  ProxyJump ${CANARY.jump}
  IdentityFile /home/${CANARY.reportedBy}/.ssh/id_${CANARY.reportedBy}
  # written by ${CANARY.reportedBy}
Match host none.example exec "cloudflared access ssh-gen --secret ${CANARY.secretInLine}"
`

const FINDINGS: readonly Finding[] = [
  finding("within a minute of the API's", {state: 'ok'}),
  finding(`"${CANARY.token}" expires in 3 days, on 2026-12-01`, {
    id: 'service-tokens/expiring',
    next: [`zt token refresh ${CANARY.token} --profile ${CANARY.profile}`],
  }),
  finding(`No rule of "${CANARY.rule}" admits "Node", which is bound to ${CANARY.host}`, {
    why: `Access refused ${CANARY.email} from ${CANARY.ip} and ${CANARY.ip6} (CF-RAY ${CANARY.ray}); AUD ${CANARY.aud}; see ${CANARY.url}.`,
    next: [`zt ssh ${CANARY.sshUser}@${CANARY.host}`, `zt token revoke '${CANARY.unicode}'`],
    facts: {host: CANARY.host, minutes: 4, isPublic: false},
  }),
  finding(`${CANARY.banner} by ${CANARY.ca}, ${CANARY.hostile}`),
  finding(`Cannot read /home/${CANARY.reportedBy}/.config/zt/config.json`),
  finding('It is about "Store"', {next: ['zt app explain Store --token wrong --profile gone']}),
  finding(`The account of ${CANARY.host.toUpperCase()} is "ok"`, {title: CANARY.reportedBy}),
]

beforeAll(async () => {
  world = await RemoteWorld.open()
  await world.heal()
  const {index, zt} = world
  const entry = {
    ...{clientId: CANARY.clientId, profile: CANARY.profile, accountId: CANARY.accountId, store: 'vault' as const},
    ...{storedAt: '2026-11-01T00:00:00.000Z', expiresAt: undefined},
  } as const
  const names = [CANARY.token, CANARY.unicode, CANARY.hostile, CANARY.placeholder, 'Node', 'ok']
  for (const [at, name] of names.entries())
    await index.put({...entry, name, tokenId: at === 0 ? CANARY.tokenId : `${CANARY.tokenId.slice(0, -1)}${'012345'[at]}`})
  for (const host of [CANARY.host, CANARY.pattern])
    await index.bind({profile: CANARY.profile, host, tokenId: CANARY.tokenId, boundAt: '2026-11-01T00:00:00.000Z'})
  await zt.writeConfig({
    currentProfile: CANARY.profile,
    profiles: {
      default: zt.profile,
      [CANARY.profile]: {...zt.profile, accountId: CANARY.accountId, accountName: CANARY.account},
    },
  })
  await fs.writeFile(world.sshConfig, HOSTILE_SSH)
  const doctor = await world.world({
    host: CANARY.host,
    env: {
      [CANARY.variable]: CANARY.value,
      USER: CANARY.reportedBy,
      ZT_CONNECT_TO: `${CANARY.jump}:443`,
      HTTPS_PROXY: `http://${CANARY.sshUser}:${CANARY.secretInLine}@${CANARY.jump}:3128`,
    },
  })
  await doctor.ctx.journal.update({
    ...{id: '1b4e28ba-2fa1-41d2-883f-0016d3cca427', kind: 'rotate', profile: CANARY.profile, accountId: CANARY.accountId},
    ...{apiUrl: CANARY.url, store: 'vault', name: CANARY.token, startedAt: '2026-11-01T00:00:00.000Z'},
    token: {id: CANARY.tokenId, clientId: CANARY.clientId},
  })
  new Secret(CANARY.secretInLine)
  bundle = await makeBundle({world: doctor, findings: FINDINGS, sshConfig: world.sshConfig})
  json = JSON.parse(bundle.text) as Record<string, unknown>
}, 0) // prettier-ignore
afterAll(() => world.end())

describe('the bundle of a set-up full of canaries', () => {
  it.each(Object.entries(CANARY))('has none of: %s', (_name, canary) => {
    const low = bundle.text.toLowerCase()
    const left = formsOf(canary).filter((form) => form.length > 5 && low.includes(form.toLowerCase()))
    expect(left).toEqual([])
    // Nor any part of it that is no word of zt's.
    const parts = canary.split(/[^\p{L}\p{N}]+/u).filter((part) => part.length > 3 && !isOwnText(part) && !isOwnPart(part))
    expect(parts.filter((part) => low.includes(part.toLowerCase()))).toEqual([])
  }) // prettier-ignore

  it('has nothing of this machine', () => {
    for (const text of [os.hostname(), world.zt.home, path.basename(world.zt.home), world.state.apiToken])
      expect(bundle.text.includes(text)).toBe(false)
  })

  it('replaces the same by the same everywhere, and others by others', () => {
    const tokens = json['tokens'] as {token: string; id: string; profile: string}[]
    const bound = json['hosts'] as {host: string; id: string; profile: string}[]
    const findings = json['findings'] as {detail: string; next: string[]; why?: string; facts?: {host: string}}[]
    const settings = json['settings'] as {profileName: string}
    const named = new Set(tokens.map(({token}) => token))
    expect(named.size).toBe(tokens.length)
    const mine = bound.find(({profile}) => profile === settings.profileName)
    const token = tokens.find(({id}) => id === mine?.id)
    const host = findings[2]?.facts?.host
    expect(findings[1]?.detail).toBe(`"${token?.token}" expires in 3 days, on 2026-12-01`)
    expect(findings[1]?.next).toEqual([
      `zt token refresh ${token?.token} --profile ${settings.profileName}`,
    ])
    expect(token?.profile).toBe(settings.profileName)
    expect(host).toMatch(/^host-\d+\.example$/)
    expect(bound.map((one) => one.host)).toContain(host)
    expect(findings[2]?.detail).toContain(host)
    expect(findings[2]?.next[0]).toMatch(new RegExp(`^zt ssh [a-z]+-\\d+@${host}$`))
    const ssh = json['ssh'] as {lines: {keyword: string; value: string}[]}
    expect(ssh.lines.find(({keyword}) => keyword === 'hostname')?.value).toBe(host)
  }) // prettier-ignore

  it('does not show a name that is a word of its own', () => {
    const findings = json['findings'] as {detail: string; state: string; next: string[]}[]
    expect(findings[2]?.detail).not.toContain('Node')
    expect(findings[6]?.detail).not.toContain('"ok"')
    expect(findings[5]?.next[0]).toMatch(/^zt app explain name-\d+ --token name-\d+ --profile name-\d+$/)
    expect(findings[0]?.state).toBe('ok')
  })

  it('leaves the words of a finding that are its own', () => {
    const findings = json['findings'] as {id: string; detail: string; why?: string}[]
    expect(findings[0]).toMatchObject({id: 'clock', detail: "within a minute of the API's"})
    expect(findings[1]?.id).toBe('service-tokens/expiring')
    expect(findings[2]?.why).toMatch(
      /^Access refused \w+-\d+@host-\d+\.example from ip-\d+ and ip-\d+ \(CF-RAY id-\d+\); AUD id-\d+; see https:\/\/host-\d+\.example/,
    )
    expect(findings[4]?.detail).toMatch(/^Cannot read \/home\/user-\d+\/\.config\/zt\/config\.json$/)
  })

  it('says what is in it', () => {
    expect(bundle.sections.map(({name}) => name)).toEqual(Object.keys(json).slice(1))
    expect(bundle.sections.find(({name}) => name === 'findings')?.entries).toBe(FINDINGS.length)
    expect(bundle.replaced.host).toBeGreaterThan(2)
    expect(bundle.sections.every(({entries}) => entries > 0)).toBe(false)
  })
})

describe('names that are made of the words of zt', () => {
  it('are replaced where a finding says that they are foreign, also with quotes in them', async () => {
    const ca = 'Store "the" access edge'
    const findings = [
      finding(`The certificate is by "${ca}"`, {foreign: [ca]}),
      finding('a connection for profile secret-store', {foreign: ['secret-store']}),
      finding("try zt token show 'it'\\''s a token'", {foreign: ["it's a token"]}),
    ]
    const {text} = await makeBundle({world: await world.world({host: 'h.example.com'}), findings, sshConfig: world.sshConfig})
    const shown = (JSON.parse(text) as {findings: {detail: string}[]}).findings.map(({detail}) => detail)
    expect(shown[0]).toMatch(/^The certificate is by "\w+-\d+"$/)
    expect(shown[1]).toMatch(/^a connection for profile \w+-\d+$/)
    expect(shown[2]).toMatch(/^try zt token show '\w+-\d+'$/)
  })

  it('are replaced in the command of an undo record, and in entries of a profile that is gone', async () => {
    const doctor = await world.world()
    const {ctx} = doctor
    await ctx.undo.begin({profile: 'secret-store', accountId: CANARY.accountId, at: '2026-11-01T00:00:00.000Z', command: 'zt policy delete access --profile secret-store', changes: []}, Date.now())
    const {text} = await makeBundle({world: doctor, findings: [], sshConfig: world.sshConfig})
    expect(text).toMatch(/"zt policy delete",\s+"\w+-\d+",\s+"--profile",\s+"\w+-\d+"/)
    expect(text).not.toContain('secret-store')
  })

  it('leave the words of a command that an undo took back', async () => {
    const doctor = await world.world()
    const command = 'zt undo 0tn1 (zt setup store.example --ssh-config)'
    await doctor.ctx.undo.begin({profile: 'default', accountId: CANARY.accountId, at: '2026-11-01T00:00:00.000Z', command, changes: []}, Date.now())
    const findings = [finding('none', {next: ['zt setup h.example --remove']})]
    const {text} = await makeBundle({world: doctor, findings, sshConfig: world.sshConfig})
    expect(text).toMatch(/"zt undo \(zt setup\)",\s+"[\w.-]+\d",\s+"[\w.-]+",\s+"--ssh-config"/)
    expect(text).toMatch(/"zt setup host-\d+\.example --remove"/)
    expect(text).not.toContain('store.example')
  })
}) // prettier-ignore

it('an IPv4 address within an IPv6 address is one address', () => {
  expect(new Replacer().prose('from ::ffff:192.0.2.77 and 64:ff9b::198.51.100.9')).toBe('from ip-1 and ip-2')
})

describe('writing a bundle', () => {
  it('makes a file for this user only, and never replaces one', async () => {
    const file = path.join(world.zt.home, 'bundle.json')
    await saveBundle(bundle, file)
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    expect(await fs.readFile(file, 'utf8')).toBe(bundle.text)
    await fs.writeFile(file, 'mine')
    await expect(saveBundle(bundle, file)).rejects.toMatchObject({code: 'FILE_EXISTS'})
    expect(await fs.readFile(file, 'utf8')).toBe('mine')
  })

  it('is refused if something foreign was left', () => {
    const replacer = new Replacer()
    replacer.know('name', 'Zaphodia')
    const made = (piece: Piece): Bundle => bundleOf({pieces: {about: piece}, sections: []}, replacer)
    expect(() => made(own`Zaphodia`)).toThrow(UserError)
    expect(() => made(own`WmFwaG9kaWE`)).toThrow(UserError)
    expect(() => made(own`cfast_0123456789abcdefghijABCDEFGHIJ`)).toThrow(UserError)
    expect(made(own`the name`).text).toContain('the name')
  })
})

describe('random texts', () => {
  const text = fc.oneof(
    fc.string({unit: 'grapheme', minLength: 1, maxLength: 24}),
    fc.string({minLength: 1, maxLength: 24}),
    fc.domain(),
    fc.emailAddress(),
    fc.ipV4(),
    fc.ipV6(),
    fc.uuid(),
    fc.webUrl(),
    fc.constantFrom(
      'ok',
      'Node',
      'token-1',
      'host-1.example',
      'word-1',
      '__proto__',
      'constructor',
      '"',
      "'",
    ),
  )

  it('are never in a bundle, whatever field they are in', () => {
    fc.assert(
      fc.property(fc.array(text, {minLength: 1, maxLength: 4}), (texts) => {
        const replacer = new Replacer(new Set(texts.map((one) => one.toLowerCase())))
        for (const one of texts) replacer.know('name', one)
        const rendered = JSON.stringify(
          texts.map((one) =>
            replacer.render({
              plain: one,
              field: foreign('token', one),
              path: foreign('path', `/home/${one}/x`),
              text: prose(`Cannot read "${one}" of ${one}, because ${one} is there`),
              label: label(one),
              [one]: 1,
            }),
          ),
        )
        const left = texts.filter(
          (one) => one.trim().length > 5 && !isOwnText(one) && !isOwnPart(one) && rendered.includes(one),
        )
        expect(left).toEqual([])
      }),
      {numRuns: 100},
    )
  })

  it('that are equal have the same placeholder, and others another', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const replacer = new Replacer()
        const first = replacer.place('name', one)
        expect(replacer.place('host', one)).toBe(first)
        const same = one.normalize('NFC').toLowerCase() === other.normalize('NFC').toLowerCase()
        if (!same) expect(replacer.place('name', other)).not.toBe(first)
      }),
    )
  })

  it('are replaced in a text of which zt knows nothing', () => {
    fc.assert(
      fc.property(fc.string({unit: 'grapheme', minLength: 6, maxLength: 30}), (one) => {
        const shown = new Replacer().prose(`Cannot read ${one}: no answer`)
        const words = one.split(/[ -/:-@[-`{-~]+/).filter((word) => word.length > 3 && !isOwnText(word))
        expect(words.filter((word) => shown.includes(word))).toEqual([])
      }),
      {numRuns: 100},
    )
  })
})
