import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {CauseId} from '../../../src/lib/access/explain/causes.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import {RefusalWorld, type Sent, type Stored} from '../../support/refusal-world.js'

const HOST = 'app.widgetcorp.tech'
const OTHER_HOST = 'other.widgetcorp.tech'
const RIGHT = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'
const OTHER = 'cfast_Zc8rHj4gLf6aEu5pDq7nWk3vYt9sXb2mTq1oVd0eRi5wKs7b'
const LONG_AGO = '2026-01-01T00:00:00Z'
const ZONE = '9a7806061c88ada191ed06f989cc3dac'
const HERE = '127.0.0.1'
const OFFICE = '10.1.2.3'

const token: JsonObject = {service_token: {token_id: 'token-ci'}}
const another: JsonObject = {service_token: {token_id: 'token-cd'}}
const any: JsonObject = {any_valid_service_token: {}}
const everyone: JsonObject = {everyone: {}}
const people: JsonObject = {email_domain: {domain: 'widgetcorp.tech'}}
const office: JsonObject = {ip: {ip: '10.0.0.0/8'}}
const germany: JsonObject = {geo: {country_code: 'DE'}}
const inGroup = (id: string): JsonObject => ({group: {id}})

const rule = (decision: string, include: JsonObject[], more: JsonObject = {}): JsonObject => ({
  ...{decision, include, updated_at: LONG_AGO},
  ...more,
})
const STAFF = rule('allow', [people])
const ADMITS = rule('non_identity', [token])
const BLOCK = rule('deny', [everyone])

const GROUPS: JsonObject[] = [
  {id: 'robots', include: [token]},
  {id: 'outer', include: [inGroup('robots')]},
  {id: 'at-work', include: [token], require: [office]},
  {id: 'nested-at-work', include: [inGroup('at-work')]},
  {id: 'offices', include: [office]},
  {id: 'others', include: [another]},
]

/** Settings of the application and the organisation, each with what the edge then answers. */
const SETTINGS = {
  plain: {},
  'with service_auth_401_redirect': {app: {service_auth_401_redirect: true}},
  'with Managed OAuth': {app: {oauth_configuration: {enabled: true}}},
  'with strict authentication': {strict: true},
  'that offers a login although no one can log in': {withoutAllow: 'login'},
} satisfies Record<string, Setting>

interface Setting {
  app?: JsonObject
  strict?: boolean
  /** What the edge answers without an Allow rule: 403, unless it is set. */
  withoutAllow?: 'login' | 'forbidden'
}

interface Scene {
  what: string
  policies?: JsonObject[]
  groups?: JsonObject[]
  app?: JsonObject
  others?: JsonObject[]
  zones?: JsonObject[]
  strict?: boolean
  ci?: JsonObject
  /** Of the other token. */
  cd?: JsonObject
  /** Not in the account. */
  gone?: true
  /** What was sent, and what this machine knows of it: by default the right secret, which zt saved itself. */
  sent?: Partial<Sent>
  stored?: Partial<Stored>
  fromEnvironment?: true
  /** The causes, by construction: those that are certain, or the true one among several that are possible. */
  causes: CauseId[]
  /** The cause is one of several that the account cannot tell apart. */
  possible?: true
  /** A change of place that the condition asks for. */
  moveTo?: string
  /** zt has no command that removes the cause. */
  noWay?: true
  /** The proposal that goes past something, which is said. */
  past?: string
}

const RULES: Omit<Scene, 'sent' | 'stored'>[] = [
  {what: 'no rule', policies: [], causes: ['rule-missing']},
  {what: 'an identity rule only', policies: [STAFF], causes: ['rule-missing']},
  {what: 'a rule for another token', policies: [rule('non_identity', [another]), STAFF], causes: ['rule-missing']},
  {what: 'a group of another token', policies: [rule('non_identity', [inGroup('others')])], causes: ['rule-missing']},
  {what: 'a rule for addresses, and no token', policies: [rule('non_identity', [office])], causes: ['rule-missing'], moveTo: OFFICE},
  {what: 'Bypass for addresses', policies: [rule('bypass', [office]), STAFF], causes: ['rule-missing'], moveTo: OFFICE},
  {what: 'named by Allow', policies: [rule('allow', [token, people])], causes: ['rule-trap']},
  {what: 'named by Allow, in a group', policies: [rule('allow', [inGroup('robots')])], causes: ['rule-trap']},
  {what: 'named by Allow, in a nested group', policies: [rule('allow', [inGroup('outer')])], causes: ['rule-trap']},
  {what: 'any token under Allow', policies: [rule('allow', [any])], causes: ['rule-trap']},
  {what: 'named by Bypass', policies: [rule('bypass', [token]), STAFF], causes: ['rule-trap']},
  {what: 'Block for everyone', policies: [BLOCK], causes: ['rule-missing'], past: 'Block'},
  {what: 'Block for another country', policies: [rule('deny', [germany]), STAFF], causes: ['rule-missing'], past: 'Block'},
  {what: 'Allow, then Block', policies: [STAFF, BLOCK], causes: ['rule-missing']},
  {what: 'an address, directly', policies: [rule('non_identity', [token], {require: [office]})], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'an address, then Block', policies: [rule('non_identity', [token], {require: [office]}), BLOCK], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'an address, for any token', policies: [rule('non_identity', [any], {require: [office]})], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'an address, for everyone', policies: [rule('non_identity', [everyone], {require: [office]})], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'a group of addresses', policies: [rule('non_identity', [token], {require: [inGroup('offices')]})], causes: ['rule-condition']},
  {what: 'an address, inside a group', policies: [rule('non_identity', [inGroup('at-work')])], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'an address, inside a nested group, then Block', policies: [rule('non_identity', [inGroup('nested-at-work')]), BLOCK], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'an address, and the token is required', policies: [rule('non_identity', [office], {require: [token]}), BLOCK], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'a group of addresses, and any token is required', policies: [rule('non_identity', [inGroup('offices')], {require: [any]})], causes: ['rule-condition']},
  {what: 'a selector that is not known', policies: [rule('non_identity', [{future: {id: '1'}}])], causes: ['rule-unknown']},
  {what: 'a country', policies: [rule('non_identity', [token], {require: [germany]})], causes: ['rule-condition'], moveTo: '127.0.0.2'},
  {what: 'an excluded address', policies: [rule('non_identity', [token], {exclude: [{ip: {ip: '127.0.0.1/32'}}]})], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'another group', policies: [rule('non_identity', [token], {require: [inGroup('others')]})], causes: ['rule-condition']},
  {what: 'excluded by name', policies: [rule('non_identity', [any], {exclude: [token]})], causes: ['rule-condition']},
  {what: 'a condition, below a rule for another token', policies: [rule('non_identity', [another]), rule('non_identity', [token], {require: [office]}), STAFF], causes: ['rule-condition'], moveTo: OFFICE},
] // prettier-ignore

const CREDENTIALS: Scene[] = [
  {what: 'the token is disabled', ci: {enabled: false}, causes: ['token-disabled']},
  {what: 'the token is expired', ci: {expires_at: LONG_AGO}, causes: ['token-expired']},
  {what: 'the token is disabled and expired', ci: {enabled: false, expires_at: LONG_AGO}, causes: ['token-disabled', 'token-expired']},
  {what: 'the token is disabled, and no rule admits it', ci: {enabled: false}, policies: [STAFF], causes: ['token-disabled', 'rule-missing']},
  {what: 'the token was deleted', gone: true, causes: ['token-unknown']},
  {what: 'the secret was rotated elsewhere', sent: {secret: OTHER}, ci: {client_secret_version: 2}, stored: {version: 1}, causes: ['secret']},
  {what: 'the secret was imported wrongly', sent: {secret: OTHER}, stored: {version: 1, imported: true}, causes: ['secret'], possible: true},
  {what: 'the secret is wrong, and its version not known', sent: {secret: OTHER}, stored: {version: undefined}, causes: ['secret'], possible: true},
  {what: 'the secret of the environment is wrong', sent: {secret: OTHER}, fromEnvironment: true, causes: ['secret'], possible: true},
  {what: 'the secret in the store was replaced', sent: {secret: OTHER}, causes: ['secret'], possible: true},
  {what: 'rotated elsewhere, and no rule admits it', sent: {secret: OTHER}, ci: {client_secret_version: 2}, stored: {version: 1}, policies: [STAFF], causes: ['rule-missing', 'secret']},
] // prettier-ignore

const APPLICATIONS: Scene[] = [
  {what: 'no application', sent: {host: 'nowhere.widgetcorp.tech'}, causes: ['no-application']},
  {what: 'no application, in no zone', sent: {host: 'app.elsewhere.example'}, causes: ['no-application']},
  {what: 'a more specific path', policies: [ADMITS], others: [{name: 'Admin', domain: `${HOST}/admin`, policies: [STAFF]}], sent: {path: '/admin/x'}, causes: ['rule-missing']},
  {what: 'a more specific host', app: {domain: '*.widgetcorp.tech'}, policies: [ADMITS], others: [{name: 'Exact', domain: HOST, policies: [STAFF]}], causes: ['rule-missing']},
  {what: 'an application of the zone, and a token of the account', app: {zone_id: ZONE}, policies: [STAFF], causes: ['rule-missing'], noWay: true},
  {what: 'an application and a token of the zone', app: {zone_id: ZONE}, ci: {zone_id: ZONE}, policies: [STAFF], causes: ['rule-missing']},
  {what: 'an application of the zone, and its own disabled token', app: {zone_id: ZONE}, ci: {zone_id: ZONE, enabled: false}, policies: [ADMITS], causes: ['token-disabled'], noWay: true},
  {what: 'an application of the zone with a condition', app: {zone_id: ZONE}, policies: [rule('non_identity', [token], {require: [office]})], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'an application of the zone, and a disabled token', app: {zone_id: ZONE}, policies: [ADMITS], ci: {enabled: false}, causes: ['token-disabled']},
  {what: 'by destinations', app: {domain: undefined, destinations: [{type: 'public', uri: HOST}]}, policies: [STAFF], causes: ['rule-missing']},
  {what: 'of the zone, whose token has the name of one of the account', app: {zone_id: ZONE}, ci: {zone_id: ZONE}, cd: {name: 'ci'}, policies: [STAFF], causes: ['rule-missing']},
  {what: 'of the zone with a condition, and a token of the account with the name of one of the zone', app: {zone_id: ZONE}, cd: {name: 'ci', zone_id: ZONE}, policies: [rule('non_identity', [token], {require: [office]})], causes: ['rule-condition'], moveTo: OFFICE},
  {what: 'of type ssh', app: {type: 'ssh'}, policies: [STAFF], causes: ['rule-missing'], noWay: true},
  {what: 'of type app_launcher', app: {type: 'app_launcher'}, policies: [STAFF], causes: ['rule-missing'], noWay: true},
  {what: 'of type infrastructure', app: {type: 'infrastructure'}, policies: [], causes: ['application-type']},
] // prettier-ignore

const hasAllow = ({policies = []}: Scene): boolean => policies.some(({decision}) => decision === 'allow')

type Row = Scene & {setting: keyof typeof SETTINGS}

const ROWS: Row[] = [
  ...(Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]).flatMap((setting) =>
    [...RULES, ...CREDENTIALS]
      .filter((scene) => !('withoutAllow' in SETTINGS[setting]) || !hasAllow(scene))
      .map((scene) => ({...scene, setting})),
  ),
  ...APPLICATIONS.map((scene) => ({...scene, setting: 'plain' as const})),
]

function seedOf(row: Row): SandboxSeed {
  const {app = {}, strict = false, withoutAllow = 'forbidden'}: Setting = SETTINGS[row.setting]
  const policies = (row.policies ?? [ADMITS]).map((one, at) => ({
    ...{id: `policy-${at}`, name: `Rule ${at + 1}`},
    ...one,
  }))
  const ofZone = row.app?.['zone_id'] !== undefined
  const application = (id: string, more: JsonObject, own: JsonObject[]): JsonObject => ({
    ...{id, name: id, type: 'self_hosted', updated_at: LONG_AGO, ...more},
    policies: own,
  })
  return {
    zones: row.zones ?? [{id: ZONE, name: 'widgetcorp.tech'}],
    groups: GROUPS.map((group) => ({name: String(group['id']), updated_at: LONG_AGO, ...group})),
    policies: ofZone ? [] : policies,
    apps: [
      application(
        'App',
        {domain: HOST, ...app, ...row.app},
        ofZone ? policies : policies.map(({id}, at) => ({id, precedence: at + 1})),
      ),
      ...(row.others ?? []).map((one, at) => application(`more-${at}`, one, one['policies'] as JsonObject[])),
      application('Other', {domain: OTHER_HOST}, [{...ADMITS, id: 'for-ci', name: 'For ci'}]),
      application('Closed', {domain: 'closed.widgetcorp.tech'}, [{...STAFF, id: 'closed', name: 'Closed'}]),
    ],
    service_tokens: [
      ...(row.gone
        ? []
        : [
            {
              ...{id: 'token-ci', name: 'ci', client_id: 'ci.access', client_secret: RIGHT},
              ...{client_secret_version: 1, updated_at: LONG_AGO, ...row.ci},
            },
          ]),
      {
        ...{id: 'token-cd', name: 'cd', client_id: 'cd.access', client_secret: OTHER},
        ...{updated_at: LONG_AGO, ...row.cd},
      },
    ],
    settings: {
      strict_service_token_auth: strict,
      without_allow: withoutAllow,
      country_of: {'127.0.0.2/32': 'DE', '127.0.0.1/32': 'FR'},
    },
  }
}

let world: RefusalWorld
beforeAll(async () => {
  world = await RefusalWorld.open()
})
afterAll(() => world.end())

async function begin(row: Row): Promise<Sent & {tokenId: string}> {
  const {version = 1, imported = false} = {version: 1, ...row.stored}
  const known = {
    tokenId: 'token-ci',
    clientId: 'ci.access',
    version: row.stored && 'version' in row.stored ? row.stored.version : version,
    imported,
  }
  const sent = {host: HOST, from: HERE, clientId: 'ci.access', secret: RIGHT, ...row.sent}
  await world.begin(seedOf(row), row.fromEnvironment ? undefined : known, sent.host)
  return {...sent, tokenId: row.fromEnvironment ? 'env' : 'token-ci'}
}

/** Requests of others, and of the same token elsewhere: what they get must not change unless that is the point. */
const PROBES: Sent[] = [
  ...[HOST, OTHER_HOST, 'closed.widgetcorp.tech', `x.widgetcorp.tech`].flatMap((host) =>
    [HERE, '127.0.0.2', OFFICE].flatMap((from) => [
      {host, from},
      {host, from, clientId: 'cd.access', secret: OTHER},
      {host, from, clientId: 'ci.access', secret: 'wrong'},
    ]),
  ),
  {host: HOST, path: '/admin/x', clientId: 'cd.access', secret: OTHER},
]
/** Where the token itself may not get in by a change of the rules of one application. */
const ELSEWHERE: Sent[] = ['closed.widgetcorp.tech', 'x.widgetcorp.tech'].map((host) => ({
  ...{host, clientId: 'ci.access', secret: RIGHT},
}))

const admitted = (probes: readonly Sent[]): string[] =>
  probes.filter((one) => world.ask(one) === undefined).map((one) => JSON.stringify(one))

/** Causes that a command of zt removes. */
const MENDED: CauseId[] = ['rule-missing', 'rule-trap', 'token-disabled', 'token-expired', 'secret']

/** Commands that change nothing: they show what decides. */
const LOOKS = /^zt (app (explain|show|list)|token (show|list)|ssh check|curl) /

describe.each(Object.keys(SETTINGS) as (keyof typeof SETTINGS)[])(
  'a refusal of an application %s',
  (setting) => {
    const rows = ROWS.filter((row) => row.setting === setting)
    it.each(rows)(
      '$what: the causes contain the true one, and what is proposed removes it alone',
      async (row) => {
        const sent = await begin(row)
        const answer = world.ask(sent)
        if (!answer) throw new Error('the edge lets it in')
        const {error, causes} = await world.explain(sent, answer)
        const shown = `${String(answer.status)} ${error.why ?? ''} ${error.next.join(' | ')}`

        const certain = causes.filter((one) => one.certain).map(({id}) => id)
        if (row.setting === 'plain' && !hasAllow(row) && row.app === undefined && !row.others)
          expect(answer.status, shown).toBe(row.causes.includes('no-application') ? 530 : 403)
        // The redirect to the login page says whether the pair was accepted.
        expect(answer.credentials !== undefined, shown).toBe(answer.reason === 'login')
        const named = causes.map(({id}) => id)
        if (answer.credentials === 'accepted') expect(named, shown).not.toContain('secret')
        if (answer.credentials === 'not-accepted' && row.possible)
          expect(named.slice(0, row.causes.length), shown).toEqual(row.causes)
        else if (row.possible && certain.length === 0)
          expect(
            causes.map(({id}) => id),
            shown,
          ).toEqual(expect.arrayContaining(row.causes))
        else if (row.causes.includes('rule-condition')) expect(causes[0]?.id, shown).toBe('rule-condition')
        else
          expect(
            causes
              .slice(0, row.causes.length)
              .map(({id}) => id)
              .sort(),
            shown,
          ).toEqual([...row.causes].sort())

        // What goes past something is said, and is no step of its own.
        expect(
          error.next.some(
            (one) =>
              one.startsWith('zt') &&
              one.includes('add-rule') &&
              (row.past !== undefined || row.causes.includes('rule-condition')),
          ),
          shown,
        ).toBe(false)
        expect(
          error.next.some((one) => one.startsWith('To go past')),
          shown,
        ).toBe(row.past !== undefined)
        expect(
          error.next.every((one) => !/^Try again/.test(one)),
          shown,
        ).toBe(true)

        const before = [admitted(PROBES), admitted(ELSEWHERE)]
        if (row.moveTo !== undefined) {
          expect(
            error.next.some((one) => one.startsWith('Connect from')),
            shown,
          ).toBe(true)
          expect(world.ask({...sent, from: row.moveTo}), shown).toBeUndefined()
        }
        const perCause = row.causes.map(
          (id) =>
            causes
              .find((one) => one.id === id)
              ?.next.filter((one) => one.startsWith('zt ') && !LOOKS.test(`${one} `)) ?? [],
        )
        const missing = row.causes.filter((id, at) => MENDED.includes(id) && perCause[at]?.length === 0)
        const none = row.noWay ?? (row.past !== undefined || row.fromEnvironment)
        expect(missing, shown).toEqual(none ? expect.anything() : [])
        const ways = Math.max(...perCause.map((one) => one.length))
        for (let way = 0; way < ways; way += 1) {
          if (way > 0) await begin(row)
          for (const commands of perCause) {
            const command = commands[Math.min(way, commands.length - 1)]
            if (command === undefined) continue
            const input = JSON.stringify({client_id: 'ci.access', client_secret: RIGHT})
            const end = await world.run(command, command.includes('import') ? input : undefined)
            expect(end.exitCode, `${command}: ${end.stderr}`).toBe(0)
          }
          const changedSecret = row.causes.includes('secret')
          const secret = changedSecret ? await world.secretHere('token-ci') : sent.secret
          expect(
            world.ask({...sent, secret}),
            `${perCause.map((one) => one[way] ?? '').join('; ')}: ${shown}`,
          ).toBeUndefined()
          expect(admitted(PROBES), shown).toEqual(before[0])
          if (!row.causes.some((id) => id.startsWith('token') || id === 'secret'))
            expect(admitted(ELSEWHERE), shown).toEqual(before[1])
        }
        const past = causes.find(({opens}) => opens)?.opens?.command
        if (past !== undefined) {
          expect((await world.run(past)).exitCode).toBe(0)
          expect(world.ask(sent)).toBeUndefined()
        }
        for (const look of error.next.filter((one) => /^zt (app|token) (explain|show|list)/.test(one))) {
          const end = await world.run(look)
          expect(end.exitCode, `${look}: ${end.stderr}`).toBe(0)
        }
      },
    )
  },
)

it('there are at least 60 refusals in the table, of every kind of cause', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(60)
})
