import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {fieldChanges} from '../../../src/lib/access/edit/change.js'
import {placeRule} from '../../../src/lib/access/rules/precedence.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import type {Rule} from '../../../src/lib/api/types.js'
import {canonicalJson} from '../../../src/lib/core/canonical-json.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {World} from '../../support/access-world.js'
import {
  APP,
  asWritten,
  everything,
  GROUP,
  order,
  planEdit,
  type Edit,
  type Editable,
} from '../../support/edit-world.js'
import {answeredJson} from '../../support/answered-json.js'

const rule = fc.oneof(
  fc.constant<Rule>({everyone: {}}),
  fc.ipV4().map((ip): Rule => ({ip: {ip: `${ip}/32`}})),
  fc.constant<Rule>({group: {id: GROUP}}),
  answeredJson.map((value): Rule => ({selector_of_tomorrow: value})),
)
const rules = fc.array(rule, {minLength: 1, maxLength: 3})
const unknownFields = fc.dictionary(
  fc.constantFrom('x_one', 'x_two', 'tags', '__proto', 'x-üñí'),
  answeredJson,
)
const policy = fc.record({
  decision: fc.constantFrom('allow', 'deny', 'non_identity', 'bypass'),
  include: rules,
  exclude: fc.array(rule, {maxLength: 2}),
  more: unknownFields,
  gap: fc.integer({min: 1, max: 3}),
})
/** Applications of one kind are the rule; those with both are kept by Cloudflare, too. */
const application = fc.record({
  fields: unknownFields,
  kind: fc.constantFrom('reusable', 'inline', 'mixed'),
  policies: fc.array(fc.tuple(policy, fc.boolean()), {maxLength: 20}),
})
const at = fc.nat(19)
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    edit: fc.constant('set' as const),
    field: fc.constantFrom('session_duration', 'x_one', 'x_new'),
    value: fc.oneof(answeredJson, fc.constant(undefined)),
  }),
  fc.record({edit: fc.constant('rules' as const), at, part: fc.constantFrom('include' as const, 'exclude' as const, 'require' as const), rules}), // prettier-ignore
  fc.record({edit: fc.constant('rename' as const), at, name: fc.constantFrom('Renamed', 'Also renamed')}),
  fc.record({
    edit: fc.constant('add' as const),
    name: fc.constant('Added'),
    place: fc.oneof(
      fc.constant('last' as const),
      fc.record({precedence: fc.integer({min: 1, max: 40})}),
      fc.record({before: fc.constant(0)}),
    ),
  }),
  fc.record({edit: fc.constant('move' as const), at, precedence: fc.integer({min: 1, max: 40})}),
  fc.record({edit: fc.constant('drop' as const), at}),
  fc.record({edit: fc.constant('group' as const), rules}),
)

let world: World
beforeEach(async () => {
  world = await World.open({
    // The rules are drawn from more selectors than the sandbox knows.
    settings: {unknown_selectors: 'accept'},
    ...{zones: [{name: 'example.com'}], apps: [], policies: [], groups: []},
  })
  // Durability of the sandbox is not what is tested here, and takes most of the time.
  world.state.save = () => Promise.resolve()
})
afterEach(() => world.end())

type RandomApplication = typeof application extends fc.Arbitrary<infer T> ? T : never

function put({fields, kind, policies}: RandomApplication): void {
  const {data} = world.state
  let precedence = 0
  const made = policies.map(([{more, gap, ...rest}, isInline], number) => ({
    link: {id: `policy-${number}`, precedence: (precedence += gap)},
    inline: kind === 'inline' || (kind === 'mixed' && isInline),
    policy: {...more, ...rest, require: [], id: `policy-${number}`, name: `Policy ${number}`},
  }))
  const account: Editable = {
    policies: made.filter(({inline}) => !inline).map((one) => one.policy),
    inlinePolicies: made.filter(({inline}) => inline).map((one) => one.policy),
    groups: [{id: GROUP, name: 'Group', include: [{everyone: {}}], exclude: [], require: [], x_one: [null]}],
    apps: [
      {...fields, id: APP, name: 'App', type: 'self_hosted', domain: 'a.example.com', policies: made.map(({link}) => link)},
    ],
  } // prettier-ignore
  // The server takes no tags but texts.
  Object.assign(data, asWritten(account))
}

/** What an edit must do, worked out without any code of the edits: the order of the policies, and all the rest. */
function expected(wanted: Edit): {order: unknown[]; rest: string} {
  const names = order(world.state)
  const {data} = world.state
  const links = [...(data.apps[0]?.['policies'] as {id: string; precedence: number}[])].sort((a, b) => a.precedence - b.precedence) // prettier-ignore
  const held = structuredClone({apps: data.apps, policies: data.policies, inlinePolicies: data.inlinePolicies, groups: data.groups}) // prettier-ignore
  const place = 'at' in wanted ? links[wanted.at]?.id : undefined
  const object = [...held.policies, ...held.inlinePolicies].find(({id}) => id === place)
  const app = held.apps[0] ?? {}
  const insert = (name: unknown, where: number, others: unknown[]): void => {
    others.splice(where, 0, name)
  }
  let after = names
  switch (wanted.edit) {
    case 'set':
      if (wanted.value === undefined) delete app[wanted.field]
      else app[wanted.field] = wanted.value
      break
    case 'group':
      if (held.groups[0]) held.groups[0]['include'] = wanted.rules
      break
    case 'rules':
      if (object) object[wanted.part] = wanted.rules
      break
    case 'rename':
      if (object) object['name'] = wanted.name
      after = names.map((name, index) => (object && index === wanted.at ? wanted.name : name))
      break
    case 'add': {
      after = [...names]
      const {place: where} = wanted
      const first = where === 'last' ? -1 : 'before' in where ? 0 : links.findIndex(({precedence}) => precedence >= where.precedence) // prettier-ignore
      insert(wanted.name, first < 0 ? names.length : first, after)
      const list = held.inlinePolicies.length > 0 ? held.inlinePolicies : held.policies
      list.push({id: 'x', name: 'Added', decision: 'non_identity', include: [{everyone: {}}], exclude: [], require: []}) // prettier-ignore
      break
    }
    case 'move': {
      const others = links.filter(({id}) => id !== place)
      const first = others.findIndex(({precedence}) => precedence >= wanted.precedence)
      after = names.filter((_, index) => index !== wanted.at)
      if (object) insert(names[wanted.at], first < 0 ? after.length : first, after)
      break
    }
    case 'drop':
      after = names.filter((_, index) => index !== wanted.at)
      held.policies = held.policies.filter((one) => one !== object)
      held.inlinePolicies = held.inlinePolicies.filter((one) => one !== object)
  }
  return {order: after, rest: rest(held)}
}

/** All but the links, whose order is compared by name. */
function rest(state: Editable): string {
  const data = asWritten(state)
  // prettier-ignore
  const plain = ({id: _i, created_at: _c, updated_at: _u, ...one}: JsonObject): JsonObject => one
  const sorted = (list: JsonObject[]): string[] => list.map((one) => canonicalJson(plain(one))).sort()
  return canonicalJson({
    apps: data.apps.map(({policies: _p, ...app}) => plain(app)),
    policies: sorted(data.policies),
    inline: sorted(data.inlinePolicies),
    groups: sorted(data.groups),
  })
}

describe('any edits of any application', () => {
  it('change exactly what was asked, and undone in reverse leave all as it was', async () => {
    await fc.assert(
      fc.asyncProperty(application, fc.array(edit, {minLength: 1, maxLength: 4}), async (app, edits) => {
        put(app)
        const [before, withIds] = [everything(world.state, {ids: false}), everything(world.state)]
        const done: string[] = []
        for (const any of edits) {
          const count = Math.max(1, order(world.state).length)
          const wanted = 'at' in any ? {...any, at: any.at % count} : any
          // Cloudflare takes no first inline policy: the last one cannot come back.
          if (wanted.edit === 'drop' && world.state.data.inlinePolicies.length === 1) continue
          const {order: wantedOrder, rest: wantedRest} = expected(wanted)
          const untouched = everything(world.state)
          let changes
          try {
            changes = await planEdit(world.ctx, wanted)
          } catch (error) {
            // Such a set of policies cannot be changed safely, which is said.
            if (!(error instanceof UserError) || !['MIXED_POLICIES', 'RULE_NOT_FOUND'].includes(error.code)) throw error // prettier-ignore
            expect(everything(world.state)).toBe(untouched)
            continue
          }
          // Each of these edits changes one field of each object that is there already.
          for (const change of changes.filter(({action}) => action === 'replace')) {
            const asked = fieldChanges(change).map(({field}) => field)
            expect(asked).toHaveLength(1)
          }
          const {undoId} = await applyChanges(world.ctx, changes, {command: `zt ${wanted.edit}`})
          if (undoId !== undefined) done.push(undoId)
          expect(order(world.state)).toEqual(wantedOrder)
          expect(rest(world.state.data)).toBe(wantedRest)
        }
        for (const id of done.reverse()) await undoEdit(world.ctx, await planUndo(world.ctx, id))
        expect(everything(world.state, {ids: false})).toBe(before)
        if (!edits.some((one) => one.edit === 'drop')) expect(everything(world.state)).toBe(withIds)
      }),
      {numRuns: 25},
    )
  })
})

describe('a rule put among others', () => {
  const links = fc
    .array(fc.integer({min: 1, max: 4}), {maxLength: 20})
    .map((gaps) => gaps.map((gap, i) => ({id: `p${i}`, precedence: gaps.slice(0, i).reduce((a, b) => a + b, gap)}))) // prettier-ignore

  it('keeps the order of the others and moves as few of them as it can', () => {
    fc.assert(
      fc.property(links, fc.integer({min: 1, max: 60}), (present, precedence) => {
        const {links: placed, renumbered} = placeRule(present, 'new', {precedence})
        expect(placed.filter(({id}) => id !== 'new').map(({id}) => id)).toEqual(present.map(({id}) => id))
        expect(placed.find(({id}) => id === 'new')?.precedence).toBe(precedence)
        const numbers = placed.map((one) => one.precedence)
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
        // Those without a gap from the wanted number on, each by one.
        const run: string[] = []
        for (let next = precedence; ; next++) {
          const there = present.find((one) => one.precedence === next)
          if (!there) break
          run.push(there.id)
        }
        expect(renumbered.map(({id}) => id)).toEqual(run)
        for (const {from, to} of renumbered) expect(to).toBe(from + 1)
      }),
    )
  })

  it('is right before the named rule', () => {
    fc.assert(
      fc.property(
        links.filter(({length}) => length > 0),
        fc.nat(),
        (present, n) => {
          const before = present[n % present.length]?.id
          const ids = placeRule(present, 'new', {before}).links.map(({id}) => id)
          expect(ids[ids.indexOf('new') + 1]).toBe(before)
        },
      ),
    )
  })

  it.each([0, -1, 1.5, NaN, Infinity])('cannot have the precedence %s', (precedence) => {
    expect(() => placeRule([], 'new', {precedence})).toThrow('precedence')
  })
})
