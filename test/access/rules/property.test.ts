import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {applyPlanned} from '../../../src/lib/access/edit/planned.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {planRemoveRule} from '../../../src/lib/access/rules/remove.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {evaluate} from '../../../src/lib/policy/evaluate.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {World} from '../../support/access-world.js'
import {addRule, type RuleToAdd} from '../../support/add-rule.js'
import {APP, everything, order} from '../../support/edit-world.js'

const TOKENS = ['ci', 'cd', 'backup']
const GROUPS = ['robots', 'offices']

let world: World
beforeAll(async () => {
  world = await World.open({zones: [{name: 'example.com'}], apps: [], policies: [], groups: []})
  // Durability of the sandbox is not what is tested here, and takes most of the time.
  world.state.save = () => Promise.resolve()
  for (const name of TOKENS) await createServiceToken(world.ctx, {name})
})
afterAll(() => world.end())

const tokenId = (name: string): unknown =>
  world.state.data.serviceTokens.find(({object}) => object['name'] === name)?.object['id']

const include = fc.constantFrom('everyone', 'ci', 'robots', 'address')
const application = fc.record({
  inline: fc.boolean(),
  policies: fc.array(
    fc.record({
      decision: fc.constantFrom('allow', 'deny', 'non_identity', 'bypass'),
      include: fc.array(include, {minLength: 1, maxLength: 3}),
      narrowed: fc.boolean(),
      gap: fc.integer({min: 1, max: 3}),
    }),
    {minLength: 1, maxLength: 6},
  ),
})
const several = (of: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...of])
const place = fc.oneof(
  fc.constant({}),
  fc.record({precedence: fc.integer({min: 1, max: 20})}),
  fc.record({at: fc.nat(5)}),
)
const rule = fc
  .record({
    token: several(TOKENS),
    group: several(GROUPS),
    'any-token': fc.boolean(),
    'require-ip': several(['203.0.113.0/24']),
    'require-country': several(['DE']),
    'require-group': several(GROUPS),
    'exclude-ip': several(['198.51.100.0/24', '2001:db8::/32']),
    'exclude-country': several(['FR', 'CH']),
    'exclude-group': several(GROUPS),
  })
  .filter(({token, group, 'any-token': any}) => any || token.length + group.length > 0)

function put({inline, policies}: typeof application extends fc.Arbitrary<infer T> ? T : never): void {
  const selectors: Record<string, JsonObject> = {
    everyone: {everyone: {}},
    ci: {service_token: {token_id: tokenId('ci')}},
    robots: {group: {id: 'group-robots'}},
    address: {ip: {ip: '192.0.2.0/24'}},
  }
  const {data} = world.state
  let precedence = 0
  const links = policies.map(({gap}, at) => ({id: `p${at}`, precedence: (precedence += gap)}))
  const made = policies.map(({decision, include: of, narrowed}, at) => ({
    id: `p${at}`,
    name: `Policy ${at}`,
    decision,
    include: of.map((name) => selectors[name]),
    exclude: [],
    require: narrowed ? [{geo: {country_code: 'DE'}}] : [],
    field_of_tomorrow: [null, {at}],
  }))
  data.policies = inline ? [] : made
  data.inlinePolicies = inline ? made : []
  data.groups = [
    {id: 'group-robots', name: 'robots', include: [selectors['ci']], exclude: [], require: []},
    {id: 'group-offices', name: 'offices', include: [selectors['address']], exclude: [], require: []},
  ]
  data.apps = [
    {
      id: APP,
      name: 'App',
      type: 'self_hosted',
      domain: 'a.example.com',
      policies: links,
      x_new: {kept: null},
    },
  ]
}

/** Which of the tokens get in from an address and a country. */
async function admitted(ip: string, country: string): Promise<string[]> {
  const api = await world.ctx.api()
  const policies = await api.listApplicationPolicies(APP)
  const groups = new Map((await api.listGroups()).map((group) => [group.id, group]))
  return TOKENS.filter((name) => {
    const request = {serviceTokenId: String(tokenId(name)), ip, country}
    return evaluate({application: {name: 'App', policies}, groups, request}).admitted
  })
}

describe('any rule on any application', () => {
  it('lets in whom it means, keeps the others in order, and undone leaves all as it was', async () => {
    await fc.assert(
      fc.asyncProperty(application, rule, place, async (app, flags, where) => {
        put(app)
        const before = everything(world.state)
        const names = order(world.state)
        const {token: tokens, ...others} = flags
        const standing: Partial<RuleToAdd> =
          'at' in where ? {before: String(names[where.at % names.length])} : where
        const added = await addRule(world.ctx, {application: 'App', tokens, flags: others, ruleName: 'New', ...standing}) // prettier-ignore
        const after = order(world.state)
        expect(after.filter((name) => name !== 'New')).toEqual(names)
        expect(after.includes('New')).toBe(added.changed)
        if (added.changed && 'before' in standing)
          expect(after[after.indexOf('New') + 1]).toBe(standing.before)
        const conditions = Object.entries(flags).some(([flag, value]) => /^(require|exclude)-/.test(flag) && (value as string[]).length > 0) // prettier-ignore
        if (!conditions)
          expect(await admitted('203.0.113.9', 'DE')).toEqual(expect.arrayContaining(flags['any-token'] ? TOKENS : tokens)) // prettier-ignore
        const again = await addRule(world.ctx, {application: 'App', tokens, flags: others, ...standing})
        expect(again).toMatchObject({changed: false})
        if (added.undo !== undefined) await undoEdit(world.ctx, await planUndo(world.ctx, added.undo))
        expect(everything(world.state)).toBe(before)
      }),
      {numRuns: 25},
    )
  })

  it('removed admits only those whom a Block kept out, and undone leaves everything as it was', async () => {
    await fc.assert(
      fc.asyncProperty(application, fc.nat(5), fc.boolean(), async (app, at, andDelete) => {
        // Cloudflare takes no first inline policy: the last one cannot come back.
        fc.pre(!app.inline || app.policies.length > 1)
        put(app)
        const before = everything(world.state, {ids: false})
        const names = order(world.state)
        const which = at % names.length
        const wereIn = await admitted('203.0.113.9', 'DE')
        const plan = await planRemoveRule(world.ctx, {application: 'App', rule: String(names[which]), delete: andDelete}) // prettier-ignore
        const {undoId} = await applyPlanned(world.ctx, plan, 'zt app remove-rule')
        expect(order(world.state)).toEqual(names.filter((_, index) => index !== which))
        // Machine rules come before Blocks, so that none of them held a token back.
        for (const name of await admitted('203.0.113.9', 'DE')) expect(wereIn).toContain(name)
        await undoEdit(world.ctx, await planUndo(world.ctx, undoId ?? ''))
        expect(everything(world.state, {ids: false})).toBe(before)
      }),
      {numRuns: 25},
    )
  })

  it('does without one of its tokens, or says why it cannot; the others get in as before', async () => {
    await fc.assert(
      fc.asyncProperty(rule, fc.constantFrom(...TOKENS), async (flags, token) => {
        put({inline: false, policies: [{decision: 'allow', include: ['everyone'], narrowed: false, gap: 1}]})
        const {token: tokens, ...others} = flags
        await addRule(world.ctx, {application: 'App', tokens, flags: others, ruleName: 'New'})
        const before = everything(world.state)
        const wereIn = await admitted('203.0.113.9', 'DE')
        try {
          const plan = await planRemoveRule(world.ctx, {application: 'App', rule: 'New', token})
          const {undoId} = await applyPlanned(world.ctx, plan, 'zt app remove-rule')
          const areIn = await admitted('203.0.113.9', 'DE')
          expect(areIn.filter((name) => name !== token)).toEqual(wereIn.filter((name) => name !== token))
          if (plan.how === 'token' && !flags['any-token'] && flags.group.length === 0)
            expect(areIn).not.toContain(token)
          if (undoId !== undefined) await undoEdit(world.ctx, await planUndo(world.ctx, undoId))
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          expect(['RULE_WOULD_BE_EMPTY', 'TOKEN_IN_GROUP']).toContain(error.code)
        }
        expect(everything(world.state)).toBe(before)
      }),
      {numRuns: 25},
    )
  })
})
