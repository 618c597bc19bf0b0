import {readFileSync} from 'node:fs'
import path from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import {planAttach, planDetachPolicy, planMakeReusable} from '../../../src/lib/access/policies/edits.js'
import {planAddRule} from '../../../src/lib/access/rules/add.js'
import {planRemoveRule} from '../../../src/lib/access/rules/remove.js'
import {
  APPLICATION_TYPES,
  kindOf,
  refusalInWords,
  serviceAuthDoubt,
} from '../../../src/lib/access/applications/kinds.js'
import {importToken} from '../../../src/lib/access/tokens/import.js'
import {toApplication} from '../../../src/lib/api/convert.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {World} from '../../support/access-world.js'

const CI = '11111111-1111-4111-8111-111111111111'
const everyone = [{everyone: {}}]
const rules = {include: {service_token: ['ci']}, require: {}, exclude: {}}

let world: World
afterEach(() => world.end())

/** One application `App` of a type, on a host of its own. */
async function open(type: string, policies: unknown[] = []): Promise<void> {
  world = await World.open({
    zones: [{name: 'example.com'}],
    service_tokens: [{id: CI, name: 'ci', client_id: 'ci.access'}],
    policies: [
      {id: 'p-ci', name: 'CI', decision: 'non_identity', include: [{service_token: {token_id: CI}}]},
      {id: 'p-all', name: 'All', decision: 'allow', include: everyone},
    ],
    apps: [{id: 'app', name: 'App', type, domain: 'app.example.com', policies}],
  })
  const credentials = {clientId: 'ci.access', clientSecret: new Secret('ci'.repeat(32))}
  await importToken(world.ctx, {credentials, host: 'other.example.com'})
}

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error: unknown = await promise.catch((reason: unknown) => reason)
  if (error instanceof UserError) return error
  throw new Error('it did not fail')
}

const attach = (policy: string) => planAttach(world.ctx, {policy, application: 'App', place: {}})
const add = () => planAddRule(world.ctx, {application: 'App', rules})

describe('a Service Auth rule', () => {
  it.each(['bookmark', 'infrastructure'])('is refused on an application of type %s', async (type) => {
    await open(type)
    expect(await failure(add())).toMatchObject({
      code: 'NO_SERVICE_AUTH_HERE',
      why: `${kindOf(type).why ?? ''}.`,
    })
    expect(await failure(attach('CI'))).toBeInstanceOf(UserError)
    expect(world.changes).toEqual([])
  })

  it.each(['self_hosted', 'warp', 'mcp_portal'])(
    'is put on an application of type %s without a doubt',
    async (type) => {
      await open(type)
      const plan = await add()
      expect(plan.changes).not.toEqual([])
      expect(plan.warnings.join('\n')).not.toMatch(/may not admit/)
      expect((await attach('CI')).notes.join('\n')).not.toMatch(/may not admit/)
    },
  )

  const doubtful = APPLICATION_TYPES.filter((type) => kindOf(type).serviceAuth === 'unclear')
  it.each([...doubtful, 'of_tomorrow'])(
    'is put on an application of type %s with a warning',
    async (type) => {
      await open(type)
      const doubt = serviceAuthDoubt({name: 'App', type})
      expect(doubt).toContain(`"App" (type ${type}) may not admit machines: `)
      expect((await add()).warnings).toContain(doubt)
      expect((await attach('CI')).notes).toContain(doubt)
      expect((await attach('All')).notes).not.toContain(doubt)
    },
  )

  it('binds the token to the hosts only where machines connect to them', async () => {
    for (const [type, hosts] of [
      ['self_hosted', ['app.example.com']],
      ['warp', []],
      ['of_tomorrow', ['app.example.com']],
    ] as const) {
      await open(type)
      expect((await add()).binding.bound.map(({host}) => host)).toEqual(hosts)
      expect(((await attach('CI')).binding?.bound ?? []).map(({host}) => host)).toEqual(hosts)
      await world.end()
    }
    await open('warp')
  })
})

describe('an infrastructure application', () => {
  const own = {id: 'own', name: 'Own', decision: 'allow', include: everyone, precedence: 1}

  it('takes no reusable policy, and making its own ones reusable is never proposed', async () => {
    await open('infrastructure', [own])
    const errors = [
      await failure(attach('All')),
      await failure(attach('CI')),
      await failure(planMakeReusable(world.ctx, {application: 'App', rule: undefined})),
      await failure(planDetachPolicy(world.ctx, {policy: 'Own', application: 'App'})),
      await failure(planAddRule(world.ctx, {application: 'App', rules})),
    ]
    expect(errors.map(({code}) => code)).toEqual([
      ...['TAKES_INLINE_ONLY', 'TAKES_INLINE_ONLY', 'TAKES_INLINE_ONLY'],
      ...['POLICY_IS_INLINE', 'NO_SERVICE_AUTH_HERE'],
    ])
    for (const {next} of errors) expect(next.join('\n')).not.toContain('make-reusable')
    expect(errors[3]?.next).toEqual(['To delete it: zt app remove-rule App Own'])
    expect(world.changes).toEqual([])
  })

  it('loses a policy of its own, which can come back', async () => {
    await open('infrastructure', [own])
    const {how, notes} = await planRemoveRule(world.ctx, {application: 'App', rule: 'Own'})
    expect(how).toBe('delete')
    expect(notes.join('\n')).not.toContain('Cloudflare may not accept another inline policy')
  })
})

describe('what a machine meets that is not admitted', () => {
  const staff = {id: 'p', name: 'Staff', decision: 'allow', include: [{everyone: {}}]}
  const said = (raw: JsonObject, strict?: boolean): string =>
    refusalInWords(toApplication({id: 'a', name: 'A', policies: [staff], ...raw}), strict)

  it.each<[string, JsonObject, boolean | undefined, string]>([
    ['a web application', {type: 'self_hosted'}, undefined, 'redirect to the login page'],
    ['with service_auth_401_redirect', {type: 'self_hosted', service_auth_401_redirect: true}, false, '401'],
    ['with Managed OAuth', {type: 'self_hosted', oauth_configuration: {}}, undefined, '401'],
    [
      'with Managed OAuth that is off',
      {type: 'ssh', oauth_configuration: {enabled: false}},
      undefined,
      'redirect to the login page',
    ],
    ['without an Allow rule', {type: 'self_hosted', policies: []}, false, '403'],
    [
      'without one, with service_auth_401_redirect',
      {type: 'ssh', policies: [], service_auth_401_redirect: true},
      false,
      '401',
    ],
    [
      'without one, in a strict organisation',
      {type: 'self_hosted', policies: []},
      true,
      '401 for wrong credentials, 403 for others',
    ],
    ['in a strict organisation', {type: 'self_hosted'}, true, '401 for wrong credentials, 403 for others'],
    ['a bookmark', {type: 'bookmark'}, true, 'nothing: a bookmark is only a link'],
    ['a type that zt does not know', {type: 'of_tomorrow'}, undefined, 'redirect to the login page'],
  ])('%s', async (_, raw, strict, words) => {
    await open('self_hosted')
    expect(said(raw, strict)).toBe(words)
  })

  it('is no login page for a bookmark, WARP, a portal or infrastructure', async () => {
    await open('self_hosted')
    for (const type of ['bookmark', 'warp', 'infrastructure', 'mcp', 'mcp_portal'])
      expect(said({type})).not.toContain('login page')
  })
})

it('the table of types in docs/reference/application-types.md is that of the code', async () => {
  await open('self_hosted')
  const file = path.resolve(import.meta.dirname, '../../../docs/reference/application-types.md')
  const rows = readFileSync(file, 'utf8').matchAll(/^\| `(\w+)` +\| (yes|no|unclear)\b[^|]*\| ([^|]*?) *\|/gm)
  const documented = [...rows].map(([, type = '', serviceAuth, refusal]) => [type, serviceAuth, refusal])
  expect(documented).toEqual(
    APPLICATION_TYPES.map((type) => [
      type,
      kindOf(type).serviceAuth,
      kindOf(type).refusal ?? 'by its settings',
    ]),
  )
})
