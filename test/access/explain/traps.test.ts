import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import type {TrapId} from '../../../src/lib/policy/traps.js'
import {RefusalWorld} from '../../support/refusal-world.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const TOKENS = ['ci', 'cd', 'off']
/** In the office, and elsewhere. */
const ADDRESSES = ['203.0.113.7', '198.51.100.1']
const secretOf = (name: string): string => `cfast_${name.padEnd(48, 'x')}`

const token = (name: string) => ({service_token: {token_id: name}})
const group = (name: string) => ({group: {id: name}})
const office = {ip: {ip: '203.0.113.0/24'}}
const everyone = {everyone: {}}
const any = {any_valid_service_token: {}}
const staff = {email_domain: {domain: 'example.com'}}

interface Rule {
  decision: 'allow' | 'deny' | 'non_identity' | 'bypass'
  include: object[]
  require?: object[]
  exclude?: object[]
}
type Rules = Record<string, Rule>

const allow = (...include: object[]): Rule => ({decision: 'allow', include})
const block = (...include: object[]): Rule => ({decision: 'deny', include})
const bypass = (...include: object[]): Rule => ({decision: 'bypass', include})
const serviceAuth = (...include: object[]): Rule => ({decision: 'non_identity', include})

interface World {
  /** The rules of the application Git, in order; the policies are shared unless `inline`. */
  rules: Rules
  inline?: boolean
  /** Further applications: their domain, and their rules. */
  others?: Record<string, Rules>
  groups?: Record<string, object[]>
  /** Fields of Git. */
  git?: JsonObject
}

function seedOf({rules, inline = false, others = {}, groups = {}, git = {}}: World): SandboxSeed {
  const all = {'git.example.com': rules, ...others}
  const shared = new Map(Object.values(all).flatMap((some) => Object.entries(some)))
  const policies = [...shared].map(([name, rule]) => ({id: `policy-${name}`, name, ...rule}))
  return {
    accounts: [{id: ACCOUNT, name: 'Example', type: 'standard'}],
    zones: [{id: '9a7806061c88ada191ed06f989cc3dac', name: 'example.com', account: {id: ACCOUNT}}],
    service_tokens: TOKENS.map((name) => ({
      ...{id: name, name, client_id: `${name}.access`, client_secret: secretOf(name)},
      enabled: name !== 'off',
    })),
    groups: Object.entries(groups).map(([name, include]) => ({id: name, name, include})),
    policies: inline ? [] : policies,
    apps: Object.entries(all).map(([domain, some], at) => ({
      ...{id: `app-${at}`, name: at === 0 ? 'Git' : `Other ${at}`, type: 'self_hosted', domain},
      ...(at === 0 ? git : {}),
      policies: Object.entries(some).map(([name, rule], place) =>
        inline
          ? {id: `policy-${name}`, name, ...rule, precedence: place + 1}
          : {id: `policy-${name}`, precedence: place + 1},
      ),
    })),
  }
}

/** Who comes in where: `ci git.example.com 203.0.113.7`. */
type Probes = ReadonlySet<string>

let world: RefusalWorld
beforeAll(async () => {
  world = await RefusalWorld.open()
})
afterAll(() => world.end())

function probe(hosts: readonly string[]): Probes {
  const inside = new Set<string>()
  for (const host of hosts)
    for (const name of [...TOKENS, 'no one'])
      for (const from of ADDRESSES) {
        const pair = name === 'no one' ? {} : {clientId: `${name}.access`, secret: secretOf(name)}
        const [plain = '', ...path] = host.split('/')
        if (!world.ask({host: plain, path: `/${path.join('/')}`, from, ...pair}))
          inside.add(`${name} ${host} ${from}`)
      }
  return inside
}

function difference(before: Probes, after: Probes): string[] {
  return [
    ...[...after].filter((one) => !before.has(one)).map((one) => `+ ${one}`),
    ...[...before].filter((one) => !after.has(one)).map((one) => `- ${one}`),
  ].sort()
}

interface Explained {
  id: string
  policyId: string | null
  otherId: string | null
  remedies: {what: string; command: string | null}[]
}

async function trapsAt(application = 'Git'): Promise<Explained[]> {
  const {stdout, stderr} = await world.run(`zt app explain ${application} --no-credentials --json`)
  const {traps} = JSON.parse(stdout || stderr) as {traps: Explained[]}
  return traps
}

/** What each remedy changes: `opens` or `closes` whom where; without a command, what is said in its place. */
type Effect = string[] | RegExp

const at = (sign: '+' | '-', who: string, host = 'git.example.com', from = ADDRESSES): string[] =>
  from.map((one) => `${sign} ${who} ${host} ${one}`)

/** The applications that are tried beside Git. */
const rows: [trap: TrapId, name: string, world: World, effects: Effect[], hosts?: string[]][] = [
  ['token-under-allow', 'beside people', {rules: {P: allow(token('ci'), staff)}}, [[], at('+', 'ci')]],
  ['token-under-allow', 'alone', {rules: {P: allow(token('ci'))}}, [[], at('+', 'ci')]],
  ['token-under-allow', 'under a condition', {rules: {P: {...allow(token('ci'), staff), require: [office]}}}, [[], at('+', 'ci', undefined, ['203.0.113.7'])]],
  ['token-under-allow', 'of several', {rules: {P: allow(token('ci'), token('cd'), staff)}}, [[], [], [...at('+', 'cd'), ...at('+', 'ci')]]],
  ['token-under-allow', 'in an inline rule', {rules: {P: allow(token('ci'), staff)}, inline: true}, [[], at('+', 'ci')]],
  ['token-under-allow', 'under Bypass', {rules: {P: bypass(token('ci'))}}, [[], at('+', 'ci')]],
  ['token-under-allow', 'under Block', {rules: {P: block(token('ci'), staff), Q: serviceAuth(token('ci'))}}, [[]]],
  ['token-under-allow', 'shared by another application', {rules: {P: allow(token('ci'), staff)}, others: {'web.example.com': {P: allow(token('ci'), staff), Q: serviceAuth(token('cd'))}}}, [[], at('+', 'ci')], ['web.example.com']],
  ['token-under-allow', 'where a Block rule keeps machines out', {rules: {P: allow(token('ci'), staff), B: block(office)}}, [[]]],
  ['token-under-allow', 'under a condition that zt has no flag for', {rules: {P: {...allow(token('ci'), staff), require: [{login_method: {id: 'x'}}]}}}, [[]]],
  ['token-under-allow', 'any token', {rules: {P: allow(any, staff)}}, [/dashboard/]],
  ['group-under-allow', 'of tokens', {rules: {P: allow(group('robots'))}, groups: {robots: [token('ci'), token('cd')]}}, [[], [...at('+', 'cd'), ...at('+', 'ci')]]],
  ['group-under-allow', 'of tokens and people', {rules: {P: allow(group('team'))}, groups: {team: [token('ci'), staff]}}, [/dashboard/, at('+', 'ci')]],
  ['group-under-allow', 'of tokens and places', {rules: {P: allow(group('team'))}, groups: {team: [token('ci'), office]}}, [/dashboard/, at('+', 'ci')]],
  ['group-under-allow', 'where the conditions of the rule keep out whom it names', {rules: {P: {...bypass(group('g'), staff), require: [token('cd')]}}, groups: {g: [office, token('ci')]}}, [/Take the Access group out of the rule in the dashboard/]],
  ['empty-include', 'people under Service Auth', {rules: {P: serviceAuth(staff), Q: serviceAuth(token('cd'))}}, [[]]],
  ['empty-include', 'an empty group', {rules: {P: serviceAuth(group('none'))}, groups: {none: []}}, [[]]],
  ['empty-include', 'the last Service Auth rule of an application that answers 401', {rules: {P: serviceAuth(staff)}, git: {service_auth_401_redirect: true}}, [/service_auth_401_redirect/]],
  ['never-holds', 'two tokens required', {rules: {P: {...serviceAuth(any), require: [token('ci'), token('cd')]}}}, [[]]],
  ['never-holds', 'a token required under Allow', {rules: {P: {...allow(staff), require: [token('ci')]}, Q: serviceAuth(token('cd'))}}, [[]]],
  ['idle-tokens', 'a disabled token', {rules: {P: serviceAuth(token('off')), Q: serviceAuth(token('cd'))}}, [[]]],
  ['unreachable-rule', 'the same rule again', {rules: {P: serviceAuth(token('ci')), Q: serviceAuth(token('ci'))}}, [[]]],
  ['unreachable-rule', 'Block after Allow for the same places', {rules: {P: allow(office), Q: block(office)}}, [[], []]],
  ['rule-after-everyone', 'Service Auth after Bypass', {rules: {P: bypass(everyone), Q: serviceAuth(token('ci'))}}, [[]]],
  ['rule-after-everyone', 'Allow after Block', {rules: {P: block(everyone), Q: allow(staff)}}, [[]]],
  ['condition-gone-past', 'by a rule of its own', {rules: {P: {...serviceAuth(token('ci')), require: [office]}, Q: serviceAuth(token('ci'))}}, [at('-', 'ci', undefined, ['198.51.100.1'])]],
  ['condition-gone-past', 'by a rule for others too', {rules: {P: {...serviceAuth(token('ci')), require: [office]}, Q: serviceAuth(token('ci'), token('cd'))}}, [at('-', 'ci', undefined, ['198.51.100.1'])]],
  ['condition-gone-past', 'by a rule that another application has too', {rules: {P: {...serviceAuth(token('ci')), require: [office]}, Q: serviceAuth(token('ci'), token('cd'))}, others: {'web.example.com': {Q: serviceAuth(token('ci'), token('cd'))}}}, [/other applications have the rule too/], ['web.example.com']],
  ['condition-gone-past', 'by name and by an Access group', {rules: {P: {...serviceAuth(token('ci')), require: [office]}, Q: serviceAuth(token('ci'), group('g'))}, groups: {g: [token('ci'), token('cd')]}}, [/also includes them in another way/]],
  ['condition-gone-past', 'by name and by any token', {rules: {P: {...serviceAuth(token('ci')), require: [office]}, Q: serviceAuth(token('ci'), any)}}, [/also includes them in another way/]],
  ['condition-gone-past', 'by Bypass', {rules: {P: {...serviceAuth(token('ci')), require: [office]}, Q: bypass(everyone)}}, [/does not name them one by one/]],
  ['block-too-late', 'above Service Auth', {rules: {P: block(everyone), Q: serviceAuth(token('ci'))}}, [[], at('-', 'ci')]],
  ['block-too-late', 'above Service Auth, inline', {rules: {P: block(office), Q: serviceAuth(token('ci')), R: allow(staff)}, inline: true}, [at('-', 'ci')]],
  ['any-valid-token', 'beside a rule that names one', {rules: {Q: serviceAuth(token('ci')), P: serviceAuth(any)}}, [at('-', 'cd')]],
  ['shadowed-by-path', 'by a path', {rules: {P: serviceAuth(token('ci'))}, others: {'git.example.com/api': {Q: serviceAuth(token('cd'))}}}, [at('+', 'ci', 'git.example.com/api')], ['git.example.com/api']],
  ['shadowed-by-path', 'with a condition', {rules: {P: {...serviceAuth(token('ci')), require: [office]}}, others: {'git.example.com/api': {Q: allow(staff)}}}, [at('+', 'ci', 'git.example.com/api', ['203.0.113.7'])], ['git.example.com/api']],
  ['shadowed-by-path', 'by a path that blocks', {rules: {P: serviceAuth(token('ci'))}, others: {'git.example.com/api': {Q: block(everyone)}}}, [/more specific application/], ['git.example.com/api']],
] // prettier-ignore

describe('a trap is found, and what is proposed removes it and changes nothing else', () => {
  it.each(rows)('%s: %s', async (id, _, built, effects, hosts = []) => {
    const all = ['git.example.com', ...hosts]
    const begin = () => world.begin(seedOf(built), undefined, 'git.example.com')
    await begin()
    const found = (await trapsAt()).filter((one) => one.id === id)
    expect(found, 'the trap is found once').toHaveLength(1)
    const {policyId, otherId, remedies} = found[0]!
    const said = remedies.map(({command, what}) => command ?? what)
    expect(remedies.length, said.join('\n')).toBe(effects.length)
    const [last] = effects.slice(-1)
    const commands = remedies.filter(({command}) => command !== null).length
    for (const [place, effect] of effects.entries()) {
      const {what, command} = remedies[place]!
      if (effect instanceof RegExp) {
        expect(command).toBeNull()
        expect(what).toMatch(effect)
        continue
      }
      await begin()
      const before = probe(all)
      const end = await world.run(`${command} --yes`)
      expect(end.exitCode, `${command}\n${end.stderr}`).toBe(0)
      expect(difference(before, probe(all)), command ?? '').toEqual([...effect].sort())
      // Of several tokens, one after the other.
      if (commands > 2 && effect !== last) continue
      const left = (await trapsAt()).filter((one) => one.id === id && one.policyId === policyId && one.otherId === otherId)
      expect(left, command ?? '').toEqual([])
    }
  }) // prettier-ignore

  const EVERY: Record<TrapId, true> = {
    ...{'token-under-allow': true, 'group-under-allow': true, 'empty-include': true, 'never-holds': true},
    ...{'idle-tokens': true, 'unreachable-rule': true, 'rule-after-everyone': true, 'any-valid-token': true},
    ...{'condition-gone-past': true, 'block-too-late': true, 'shadowed-by-path': true},
  }

  it('has a row for every trap, here and in the documents', async () => {
    const every = Object.keys(EVERY).sort()
    expect([...new Set(rows.map(([id]) => id))].sort()).toEqual(every)
    const file = path.resolve(import.meta.dirname, '../../../docs/reference/refusals.md')
    const [, section = ''] = (await fs.readFile(file, 'utf8')).split('## Traps\n')
    const [table = ''] = section.split('\n## ')
    expect([...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id).sort()).toEqual(every)
  })
})
