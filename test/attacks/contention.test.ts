import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {UndoRecords, type UndoRecord} from '../../src/lib/access/edit/records.js'
import {BuiltZt, type End} from '../support/built-zt.js'
import {tally} from './tally.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const TOKENS = 30

type Json = Record<string, unknown>
interface Info {
  apiUrl: string
  apiToken: string
}
interface Link {
  id: string
  name: string
  precedence: number
  include: {service_token?: {token_id: string}}[]
}

const two = (at: number): string => String(at).padStart(2, '0')
const tokenId = (at: number): string => `7a000000-0000-4000-8000-0000000000${two(at)}`
const appId = (at: number): string => `7b000000-0000-4000-8000-0000000000${two(at)}`
const policyId = (at: number): string => `7c000000-0000-4000-8000-0000000000${two(at)}`
const numbers = (count: number): number[] => Array.from({length: count}, (_, at) => at)
const tokenRule = (at: number): object => ({service_token: {token_id: tokenId(at)}})

let zt: BuiltZt
let info: Info

beforeEach(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  const app = (at: number, policies: string[] = []): object => ({
    id: appId(at),
    name: `App ${two(at)}`,
    type: 'self_hosted',
    domain: `app${two(at)}.widgetcorp.tech`,
    session_duration: '24h',
    field_of_tomorrow: {kept: ['deep', null]},
    policies,
  })
  const policy = (at: number): object => ({
    id: policyId(at),
    name: `policy ${two(at)}`,
    decision: 'non_identity',
    include: [{everyone: {}}],
    exclude: [],
    require: [],
  })
  await fs.writeFile(
    seed,
    JSON.stringify({
      accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
      zones: [{id: '9a7806061c88ada191ed06f989cc3dac', name: 'widgetcorp.tech', account: {id: ACCOUNT}}],
      apps: [app(0), app(1, numbers(5).map(policyId)), app(2, [policyId(0)])],
      policies: numbers(10).map(policy),
      groups: [
        {id: '7d000000-0000-4000-8000-000000000000', name: 'machines', include: [{ip: {ip: '192.0.2.0/24'}}]},
      ],
      service_tokens: numbers(TOKENS).map((at) => ({id: tokenId(at), name: `token-${two(at)}`})),
      settings: {strict_service_token_auth: false, enforcement_delay_ms: 0},
    }),
  )
  info = await zt.json<Info & Json>(['sandbox', 'start', '--seed', seed])
})
afterEach(() => zt.end())

/** The state of the API, read without any of zt's code. */
async function read<T = Json>(what: string): Promise<T> {
  const answer = await fetch(`${info.apiUrl}/accounts/${ACCOUNT}/access/${what}`, {
    headers: {authorization: `Bearer ${info.apiToken}`},
  })
  return ((await answer.json()) as {result: T}).result
}

const links = (at: number): Promise<Link[]> => read<Link[]>(`apps/${appId(at)}/policies`)
const names = async (what: string): Promise<unknown[]> =>
  (await read<Json[]>(`${what}?per_page=1000`)).map(({name}) => name)

/** Starts all at once; none waits for another. */
function atOnce(lines: string[][], input = ''): Promise<End[]> {
  return Promise.all(lines.map((line) => zt.run(line, {input})))
}

/** @returns the error codes of those that failed, sorted */
function codes(ends: readonly End[]): unknown[] {
  return ends
    .filter(({code}) => code !== 0)
    .map(({stdout}) => ((JSON.parse(stdout) as Json)['error'] as Json)['code'])
    .sort()
}

function expectAllWell(ends: readonly End[]): void {
  expect(ends.filter(({code}) => code !== 0).map(({stdout, stderr}) => stdout + stderr)).toEqual([])
}

const results = (ends: readonly End[]): Json[] =>
  ends.filter(({code}) => code === 0).map(({stdout}) => JSON.parse(stdout) as Json)

/** Every undo record ended as the program says. */
async function records(): Promise<UndoRecord[]> {
  const all = await new UndoRecords(path.join(zt.home, 'STATE', 'zt', 'undo')).list()
  expect(all.unread.damaged).toEqual([])
  expect(all.records.filter(({state}) => state === 'begun')).toEqual([])
  return all.records
}

/** No two rules with one precedence, and no lock of an edit left behind. */
async function expectSound(at: number): Promise<void> {
  const found = (await links(at)).map(({precedence}) => precedence)
  expect(new Set(found).size).toBe(found.length)
  expect(await fs.readdir(path.join(zt.home, 'STATE', 'zt', 'locks'))).toEqual([])
}

const addRule = (app: number, token: number, ...more: string[]): string[] => [
  'app', 'add-rule', appId(app), '--service-auth', '--token', `token-${two(token)}`, ...more, '--json',
] // prettier-ignore

describe('edits of one object', () => {
  it(`${TOKENS} rules are added to one application: all of them are there`, async () => {
    const before = await read(`apps/${appId(0)}`)
    const ends = await atOnce(numbers(TOKENS).map((at) => addRule(0, at)))
    expectAllWell(ends)
    const found = await links(0)
    expect(found.flatMap(({include}) => include.map((one) => one.service_token?.token_id)).sort()).toEqual(
      numbers(TOKENS).map(tokenId),
    )
    expect(found.map(({precedence}) => precedence).sort((a, b) => a - b)).toEqual(
      numbers(TOKENS).map((at) => at + 1),
    )
    const after = await read(`apps/${appId(0)}`)
    const rest = ({policies: _, updated_at: _u, ...others}: Json): Json => others
    expect(rest(after)).toEqual(rest(before))
    expect((await records()).map(({state}) => state)).toEqual(numbers(TOKENS).map(() => 'done'))
    await expectSound(0)
    tally('edits at the same time', TOKENS)
  })

  it('settings, rules, policies and a rule that goes: each does what it was asked', async () => {
    const ends = await atOnce([
      ['app', 'set', appId(1), '--session-duration', '8h', '--json'],
      ['app', 'set', appId(1), '--service-auth-401', '--json'],
      ...numbers(4).map((at) => addRule(1, at)),
      ...[5, 6].map((at) => ['policy', 'attach', policyId(at), appId(1), '--json']),
      ['app', 'remove-rule', appId(1), policyId(0), '--yes', '--json'],
      ['policy', 'detach', policyId(1), appId(1), '--json'],
    ])
    expectAllWell(ends)
    expect(await read(`apps/${appId(1)}`)).toMatchObject({
      session_duration: '8h',
      service_auth_401_redirect: true,
      field_of_tomorrow: {kept: ['deep', null]},
    })
    const found = await links(1)
    expect(found.map(({name}) => name).sort()).toEqual(
      [
        ...numbers(4).map((at) => `Service Auth: token-${two(at)}`),
        ...[2, 3, 4, 5, 6].map((at) => `policy ${two(at)}`),
      ].sort(),
    )
    expect(await records()).toHaveLength(10)
    await expectSound(1)
    tally('edits at the same time', ends.length)
  })

  it('one setting is set to ten values: the last of them stays, and each record says what it replaced', async () => {
    const ends = await atOnce(
      numbers(10).map((at) => ['app', 'set', appId(0), '--session-duration', `${at + 1}h`, '--json']),
    )
    expectAllWell(ends)
    let value = '24h'
    for (const {changes} of (await records()).reverse()) {
      const [field] = changes[0]?.fields ?? []
      expect(field).toMatchObject({field: 'session_duration', before: value})
      value = String(field?.after)
    }
    expect(await read(`apps/${appId(0)}`)).toMatchObject({session_duration: value})
    tally('edits at the same time', ends.length)
  })

  it('all want the first place: each gets one of its own', async () => {
    const ends = await atOnce(numbers(6).map((at) => addRule(1, at, '--precedence', '1')))
    expectAllWell(ends)
    const found = await links(1)
    expect(found).toHaveLength(11)
    expect(
      found
        .sort((a, b) => a.precedence - b.precedence)
        .slice(6)
        .map(({id}) => id),
    ).toEqual(numbers(5).map(policyId))
    await expectSound(1)
    tally('edits at the same time', ends.length)
  })

  it('ten tokens are put into one group, and some taken out again: none is lost', async () => {
    const members = async (): Promise<unknown> => (await read<Json[]>('groups'))[0]?.['include']
    expectAllWell(
      await atOnce(numbers(10).map((at) => ['group', 'add-token', 'machines', `token-${two(at)}`, '--json'])),
    )
    const all = [{ip: {ip: '192.0.2.0/24'}}, ...numbers(10).map(tokenRule)]
    expect(await members()).toHaveLength(11)
    expect(await members()).toEqual(expect.arrayContaining(all))
    const ends = await atOnce([
      ...numbers(5).map((at) => ['group', 'remove-token', 'machines', `token-${two(at)}`, '--json']),
      ...numbers(5).map((at) => ['group', 'add-token', 'machines', `token-${two(at + 10)}`, '--json']),
    ])
    expectAllWell(ends)
    expect(await members()).toHaveLength(11)
    expect(await members()).toEqual(
      expect.arrayContaining([all[0], ...numbers(10).map((at) => tokenRule(at + 5))]),
    )
    tally('edits at the same time', 20)
  })

  it('a policy is attached and detached everywhere: each application has what it was given', async () => {
    const ends = await atOnce([
      ...numbers(3).map((at) => ['policy', 'attach', policyId(9), appId(at), '--json']),
      ...numbers(5).map((at) => ['policy', 'detach', policyId(at), appId(1), '--json']),
      ['policy', 'detach', policyId(0), appId(2), '--json'],
    ])
    expectAllWell(ends)
    for (const at of numbers(3)) expect((await links(at)).map(({id}) => id)).toEqual([policyId(9)])
    tally('edits at the same time', ends.length)
  })

  it('a token is revoked with --detach while rules are added: its own go, and the others stay', async () => {
    for (const at of [0, 1]) expectAllWell([await zt.run(addRule(0, at))])
    const ends = await atOnce([
      ['token', 'revoke', 'token-00', '--detach', '--yes', '--json'],
      ['token', 'revoke', 'token-01', '--detach', '--yes', '--json'],
      ...[2, 3, 4, 5, 6].map((at) => addRule(0, at)),
    ])
    expectAllWell(ends)
    expect((await links(0)).map(({name}) => name).sort()).toEqual(
      [2, 3, 4, 5, 6].map((at) => `Service Auth: token-${two(at)}`),
    )
    await expectSound(0)
    tally('edits at the same time', ends.length)
  })
})

describe('the same thing asked for by many', () => {
  it('one rule: it is there once, and everyone is content', async () => {
    const ends = await atOnce(numbers(6).map(() => addRule(0, 0)))
    expectAllWell(ends)
    expect(await links(0)).toHaveLength(1)
    expect(results(ends).filter(({changed}) => changed === true)).toHaveLength(1)
    expect(await records()).toHaveLength(1)
    tally('edits at the same time', ends.length)
  })

  it.each([
    ['group', ['group', 'create', 'robots', '--token', 'token-00'], 'groups', 'robots'],
    ['policy', ['policy', 'create', 'robots', '--token', 'token-00'], 'policies', 'robots'],
  ])('one %s: there is one of that name, and everyone gets its id', async (_, line, what, name) => {
    const ends = await atOnce(numbers(6).map(() => [...line, '--json']))
    expectAllWell(ends)
    const made = (await read<Json[]>(what)).filter((one) => one['name'] === name)
    expect(made).toHaveLength(1)
    const kind = what === 'groups' ? 'group' : 'policy'
    expect(new Set(results(ends).map((one) => (one[kind] as Json)['id']))).toEqual(new Set([made[0]?.['id']]))
    tally('edits at the same time', ends.length)
  })

  it.each([
    ['group', 'groups', 'GROUP_NAME_TAKEN'],
    ['policy', 'policies', 'POLICY_NAME_TAKEN'],
  ])('one name for %s of different meaning: one is made', async (kind, what, code) => {
    const ends = await atOnce(
      numbers(6).map((at) => [kind, 'create', 'robots', '--token', `token-${two(at)}`, '--json']),
    )
    expect(codes(ends)).toEqual(numbers(5).map(() => code))
    expect((await names(what)).filter((name) => name === 'robots')).toHaveLength(1)
    tally('edits at the same time', ends.length)
  })

  it('one domain: one application is made, with its rule', async () => {
    const line = (at: number): string[] => [
      'app', 'create', `New ${at}`, '--domain', 'new.widgetcorp.tech', '--service-auth', '--token', `token-${two(at)}`, '--json',
    ] // prettier-ignore
    const ends = await atOnce(numbers(6).map(line))
    expect(codes(ends)).toEqual(numbers(5).map(() => 'DOMAIN_TAKEN'))
    expect(await read<Json[]>('apps')).toHaveLength(4)
    expect(await read<Json[]>('policies')).toHaveLength(11)
    tally('edits at the same time', ends.length)
  })

  it('one name for new and old service tokens: one has it', async () => {
    const ends = await atOnce([
      ...numbers(3).map(() => ['token', 'create', 'wanted', '--json']),
      ...numbers(3).map((at) => ['token', 'rename', `token-${two(at)}`, 'wanted', '--json']),
    ])
    expect(codes(ends)).toEqual(numbers(5).map(() => 'TOKEN_NAME_TAKEN'))
    expect((await names('service_tokens')).filter((name) => name === 'wanted')).toHaveLength(1)
    tally('edits at the same time', ends.length)
  })

  it('one service token is renamed, refreshed, disabled and enabled: each change is there', async () => {
    const ends = await atOnce([
      ['token', 'rename', tokenId(0), 'another', '--json'],
      ['token', 'refresh', tokenId(0), '--json'],
      ['token', 'refresh', tokenId(0), '--json'],
      ['token', 'disable', tokenId(0), '--json'],
      ...numbers(3).map(() => ['token', 'rename', tokenId(0), 'another', '--json']),
    ])
    expectAllWell(ends)
    expect(await read(`service_tokens/${tokenId(0)}`)).toMatchObject({name: 'another', enabled: false})
    tally('edits at the same time', ends.length)
  })
})

describe('undo', () => {
  const undo = (...words: string[]): string[] => ['undo', ...words, '--yes', '--json']

  it('of one edit by five: one undoes it, the others say so, and the record names the one', async () => {
    const edit = await zt.json(addRule(0, 0).slice(0, -1))
    const id = String(edit['undo'])
    for (const [undone, left] of [
      [id, 0],
      [undefined, 1],
      [undefined, 0],
    ] as const) {
      // Then the undo, and the undo of that.
      const which = undone ?? (await records())[0]?.id ?? ''
      const ends = await atOnce(numbers(5).map(() => undo(which)))
      expect(codes(ends)).toEqual(numbers(4).map(() => 'ALREADY_UNDONE'))
      expect(ends.filter(({code}) => code === 7)).toHaveLength(4)
      const [result] = results(ends)
      const record = (await records()).find((one) => one.id === which)
      expect(record).toMatchObject({state: 'undone', undoneBy: result?.['undo']})
      expect((await records())[0]).toMatchObject({id: result?.['undo'], state: 'done', undoes: which})
      expect(await links(0)).toHaveLength(left)
    }
    expect(await records()).toHaveLength(4)
    tally('edits at the same time', 15)
  })

  it('of the last one by five, after five edits: each takes back another', async () => {
    for (const at of numbers(5)) await zt.json(addRule(1, at).slice(0, -1))
    const ends = await atOnce(numbers(5).map(() => undo('--last')))
    expectAllWell(ends)
    expect(new Set(results(ends).map(({undoes}) => undoes)).size).toBe(5)
    expect((await links(1)).map(({id}) => id)).toEqual(numbers(5).map(policyId))
    expect((await records()).filter(({state}) => state === 'undone')).toHaveLength(5)
    await expectSound(1)
    tally('edits at the same time', ends.length)
  })

  it('of different edits, while others are made: what was asked is so, and nothing else', async () => {
    const ids: string[] = []
    for (const at of numbers(3)) {
      const line = ['app', 'set', appId(at), '--session-duration', '1h']
      ids.push(String((await zt.json(line))['undo']))
    }
    const ends = await atOnce([...ids.map((id) => undo(id)), ...numbers(3).map((at) => addRule(at, at))])
    expectAllWell(ends)
    for (const at of numbers(3)) {
      expect(await read(`apps/${appId(at)}`)).toMatchObject({session_duration: '24h'})
      expect((await links(at)).map(({name}) => name)).toContain(`Service Auth: token-${two(at)}`)
    }
    tally('edits at the same time', ends.length)
  })
})

describe('files of this machine', () => {
  it("ten hosts get their block in ssh's configuration, and ten profiles theirs", async () => {
    const file = path.join(zt.home, 'ssh_config')
    await fs.writeFile(file, 'Host mine\n  User me\n')
    const hosts = numbers(10).map((at) => `host${two(at)}.widgetcorp.tech`)
    const login = (at: number): string[] => [
      'login',
      '--profile',
      `profile-${two(at)}`,
      '--api-url',
      info.apiUrl,
      '--json',
    ]
    const ends = await atOnce(
      [
        ...hosts.map((host) => ['ssh', 'config', host, '--write', '--yes', '--file', file, '--json']),
        ...numbers(10).map(login),
      ],
      info.apiToken,
    )
    expectAllWell(ends)
    const text = await fs.readFile(file, 'utf8')
    for (const host of hosts)
      expect(text.split('\n').filter((line) => line === `Host ${host}`)).toHaveLength(1)
    expect(text).toContain('Host mine\n  User me\n')
    const {profiles} = await zt.json<{profiles: Json[]}>(['profile', 'list'])
    expect(profiles.map(({name}) => name)).toEqual(
      expect.arrayContaining(numbers(10).map((at) => `profile-${two(at)}`)),
    )
    tally('edits at the same time', ends.length)
  })

  it('one token is rotated by five: once, and its secrets are kept', async () => {
    await zt.json(['token', 'create', 'wheel'])
    const ends = await atOnce(numbers(5).map(() => ['token', 'rotate', 'wheel', '--grace', '1h', '--json']))
    expect(codes(ends)).toEqual(numbers(4).map(() => 'ROTATION_UNDER_WAY'))
    const wheel = (await read<Json[]>('service_tokens?per_page=1000')).find(({name}) => name === 'wheel')
    expect(wheel).toMatchObject({client_secret_version: 2})
    expect((await zt.json<{operations: Json[]}>(['token', 'recover'])).operations).toEqual([])
    tally('edits at the same time', ends.length)
  })

  it('tokens that are made, their secrets and the hosts of one application: every one is kept', async () => {
    const made = numbers(5).map((at) => `new-${at}`)
    expectAllWell(await atOnce(made.map((name) => ['token', 'create', name, '--json'])))
    const ends = await atOnce(
      made.map((name) => ['app', 'add-rule', appId(0), '--service-auth', '--token', name, '--json']),
    )
    expectAllWell(ends)
    expect(await links(0)).toHaveLength(5)
    // The host is bound to the last one.
    const last = (await links(0)).at(-1)?.include[0]?.service_token?.token_id
    const {tokens} = await zt.json<{tokens: Json[]}>(['token', 'list'])
    const bound = tokens.filter(({hosts}) => (hosts as unknown[] | undefined)?.length)
    expect(bound.map(({id}) => id)).toEqual([last])
    tally('edits at the same time', 10)
  })
})
