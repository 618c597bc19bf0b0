import {afterEach, describe, expect, it} from 'vitest'
import {accountAfter} from '../../../src/lib/access/edit/foresee.js'
import {applyPlanned, type PlannedEdit} from '../../../src/lib/access/edit/planned.js'
import {reachLines, reachOfEdit, type EditReach} from '../../../src/lib/access/edit/reach.js'
import {planUndo} from '../../../src/lib/access/edit/undo.js'
import {readAccountRules} from '../../../src/lib/access/account/account-rules.js'
import {planCreateApplication} from '../../../src/lib/access/applications/create.js'
import {planAddRule} from '../../../src/lib/access/rules/add.js'
import {planRemoveRule} from '../../../src/lib/access/rules/remove.js'
import {groupsById, type AccountRules} from '../../../src/lib/policy/references.js'
import {reachOf} from '../../../src/lib/policy/reach.js'
import type {World} from '../../support/access-world.js'
import {asked, openWorld, plan, type Wanted} from '../../support/policy-group-world.js'

let world: World
afterEach(async () => world.end())

const TOKENS = ['token-ci', 'token-cd', 'token-off']

/** Who gets in where, by the names of applications. */
function entrances({applications, groups}: AccountRules): string[] {
  const byId = groupsById(groups)
  return applications
    .flatMap((one) => TOKENS.map((id) => `${id} ${one.name} ${one.domains.join()} ${reachOf(id, one, byId)}`))
    .sort()
}

const said = (reach: EditReach): string[] => reachLines(reach)

type Plan = () => Promise<Pick<PlannedEdit, 'changes'>>
const group = (wanted: Wanted): Plan => () => plan(world.ctx, wanted) // prettier-ignore
const addRule = (application: string): Plan => () => planAddRule(world.ctx, {application, rules: asked({tokens: ['cd'], require: {countries: ['DE']}})}) // prettier-ignore
const createApp: Plan = () =>
  planCreateApplication(world.ctx, {name: 'New', domains: ['new.example.com'], rules: asked({anyToken: true}), ruleName: undefined, sessionDuration: undefined, serviceAuth401: undefined}) // prettier-ignore

describe('what an edit opens and closes', () => {
  it.each<[string, Plan, string[]]>([
    ['app add-rule', addRule('Git'), ['opens: "Git" (git.example.com) to "cd", under conditions']],
    ['app add-rule with policies of its own', addRule('Old'), ['opens: "Old" (old.example.com) to "cd", under conditions']],
    ['app remove-rule', () => planRemoveRule(world.ctx, {application: 'Git', rule: 'Robots', token: undefined, delete: false}), ['closes: "Git" (git.example.com) for "ci", "off"']],
    ['app create', createApp, ['opens: "New" (new.example.com) to every other service token']],
    ['policy attach', group({do: 'attach', policy: 'Free', application: 'Git'}), ['opens: "Git" (git.example.com) to everyone, without credentials too']],
    ['policy detach', group({do: 'detach', policy: 'Robots', application: 'Git'}), ['closes: "Git" (git.example.com) for "ci", "off"']],
    ['policy make-reusable', group({do: 'make-reusable', application: 'Old'}), ['opens and closes nothing for service tokens']],
    ['policy create', group({do: 'create-policy', name: 'X', decision: 'non_identity', rules: {tokens: ['cd']}}), ['opens and closes nothing for service tokens']],
    ['group add-token', group({do: 'add-token', group: 'robots', token: 'cd'}), ['opens: "Git" (git.example.com) to "cd"', 'opens: "Strict" (strict.example.com) to "cd"']],
    ['group remove-token', group({do: 'remove-token', group: 'robots', token: 'ci'}), ['closes: "Git" (git.example.com) for "ci"', 'closes: "Strict" (strict.example.com) for "ci"']],
  ])('by zt %s is what the account says afterwards', async (_, planned, lines) => {
    world = await openWorld()
    const api = await world.ctx.api()
    const read = async (): Promise<AccountRules> =>
      (await readAccountRules(api, {allNeeded: true, thorough: false})).rules
    const before = await read()
    const {changes} = await planned()
    expect(said(await reachOfEdit(world.ctx, changes))).toEqual(lines)
    const foreseen = accountAfter(before, changes.map(({action, target, after = {}}) => ({action, target, fields: after}))) // prettier-ignore
    const {undoId = ''} = await applyPlanned(world.ctx, {changes}, 'zt')
    expect(entrances(foreseen)).toEqual(entrances(await read()))
    if (changes.every(({action}) => action === 'make-reusable')) return
    // And the other way round.
    const undo = await planUndo(world.ctx, undoId)
    const swapped = lines.map((line) => line.split(/[: ]/)[0]).map((verb) => ({opens: 'closes', closes: 'opens'})[verb ?? '']) // prettier-ignore
    const back = said(await reachOfEdit(world.ctx, undo.changes)).map((line) => line.split(/[: ]/)[0])
    if (!lines[0]?.startsWith('opens and')) expect(back).toEqual(swapped)
  }) // prettier-ignore

  it('takes no requests where rules stay as they are', async () => {
    const seen: string[] = []
    world = await openWorld(({method, path}) => seen.push(`${method} ${path}`))
    const {changes} = await plan(world.ctx, {do: 'create-group', name: 'X', rules: {tokens: ['ci']}})
    const before = seen.length
    await reachOfEdit(world.ctx, changes)
    expect(seen.slice(before)).toEqual([])
  })

  it('is said to be unknown where the API token may not read the account', async () => {
    world = await openWorld()
    const {changes} = await plan(world.ctx, {do: 'attach', policy: 'CD', application: 'Git'})
    const api = await world.ctx.api()
    const closed = Object.create(api) as typeof api
    const {UserError} = await import('../../../src/lib/core/errors.js')
    closed.listGroups = () => Promise.reject(new UserError({kind: 'permission', code: 'X', message: 'The API token may not list the Access groups'})) // prettier-ignore
    const reach = await reachOfEdit({...world.ctx, api: () => Promise.resolve(closed)}, changes)
    expect(said(reach)).toEqual([
      'zt does not know what this opens and closes: The API token may not list the Access groups',
    ])
  })

  it('is counted where it is much', () => {
    const tokens = Array.from({length: 8}, (_, at) => ({id: `${at}`, name: `t${at}`}))
    const place = {application: {id: 'a', name: 'A'}, address: undefined, who: 'named', tokens, before: 'no', reach: 'yes'} as const // prettier-ignore
    const lines = reachLines({opens: Array.from({length: 15}, () => ({...place, tokens})), closes: []})
    expect(lines).toHaveLength(13)
    expect(lines[0]).toBe('opens: "A" to "t0", "t1", "t2", "t3", "t4" and 3 more')
    expect(lines.at(-1)).toBe('opens: 3 more')
  })
})
