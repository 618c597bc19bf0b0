import {afterEach, describe, expect, it} from 'vitest'
import {applyCreateApplication, planCreateApplication} from '../../../src/lib/access/applications/create.js'
import {planSetApplication, type ApplicationSettings} from '../../../src/lib/access/applications/set.js'
import {applyPlanned, type PlannedEdit} from '../../../src/lib/access/edit/planned.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {planRemoveRule} from '../../../src/lib/access/rules/remove.js'
import {revokeToken} from '../../../src/lib/access/tokens/revoke.js'
import {ruleInputOf} from '../../../src/lib/command/rule-flags.js'
import {ApiError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {World} from '../../support/access-world.js'
import {addRule} from '../../support/add-rule.js'
import {asWritten, everything, failure} from '../../support/edit-world.js'
import {openWorld, plan, type Wanted} from '../../support/policy-group-world.js'

let world: World
afterEach(() => world.end())

/** The shared world, in which `cd` is beside others in a reusable and in an inline policy. */
async function open(): Promise<void> {
  world = await openWorld()
  const {policies, inlinePolicies} = world.state.data
  for (const {name, include} of [...policies, ...inlinePolicies])
    if (name === 'Staff' || name === 'first')
      (include as JsonObject[]).push({service_token: {token_id: 'token-cd'}})
}

const PARTS = ['include', 'require', 'exclude']
const SETS = [...PARTS, 'tags', 'allowed_idps', 'destinations', 'self_hosted_domains']

/** What of the account means something: without the order of sets, and with what the server fills in. */
function meaning(): string {
  const data = asWritten(world.state.data)
  for (const object of [...data.apps, ...data.groups])
    for (const set of SETS) if (Array.isArray(object[set])) object[set] = inOrder(object[set])
  const whole = JSON.parse(everything({data}, {ids: false})) as JsonObject
  return JSON.stringify({...whole, groups: inOrder(whole['groups'] as unknown[])})
}

function inOrder(list: readonly unknown[]): unknown[] {
  return [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** The account after a client has written everything as it was: all is filled in, and each set has another order. */
function writeAll(): void {
  const {data} = world.state
  Object.assign(data, asWritten(data))
  for (const object of [...data.apps, ...data.policies, ...data.inlinePolicies, ...data.groups])
    for (const set of SETS)
      if (Array.isArray(object[set])) object[set] = [...(object[set] as unknown[])].reverse()
}

/** The account as it was before Cloudflare had these defaults. */
function takeDefaultsOut(): void {
  const filled = ['allowed_idps', 'tags', 'destinations', 'self_hosted_domains', 'session_duration', 'http_only_cookie_attribute', 'app_launcher_visible', 'auto_redirect_to_identity', 'enable_binding_cookie', 'options_preflight_bypass', 'approval_required', 'isolation_required', 'purpose_justification_required'] // prettier-ignore
  const {apps, policies, inlinePolicies} = world.state.data
  for (const object of [...apps, ...policies, ...inlinePolicies])
    for (const field of filled) delete object[field]
}

const apply = async (planned: Promise<PlannedEdit>): Promise<string | undefined> =>
  (await applyPlanned(world.ctx, await planned, 'zt x')).undoId
const wanted = (one: Wanted) => () => apply(plan(world.ctx, one))
const set = (settings: ApplicationSettings) => () => apply(planSetApplication(world.ctx, 'Git', settings))
const narrowing = {
  'require-ip': ['203.0.113.0/24'],
  'exclude-country': ['FR', 'CH'],
  group: ['robots', 'solo'],
}
const rules = {tokens: ['off', 'ci'], groups: ['solo'], ips: ['203.0.113.7'], countries: ['GB', 'DE']}

/** Each gives the ID for its undo. */
const EDITS: [string, () => Promise<string | undefined>][] = [
  [
    'app create with a rule',
    async () => {
      const options = {name: 'New', domains: ['b.example.com', 'a.example.com'], rules: ruleInputOf({token: ['off', 'ci']}), serviceAuth401: true} // prettier-ignore
      const planned = await planCreateApplication(world.ctx, options)
      return (await applyCreateApplication(world.ctx, planned, 'zt x')).undoId
    },
  ],
  [
    'app add-rule',
    async () =>
      (await addRule(world.ctx, {application: 'Git', tokens: ['off', 'ci'], flags: narrowing})).undo,
  ],
  [
    'app add-rule, inline',
    async () =>
      (await addRule(world.ctx, {application: 'Old', tokens: ['off', 'ci'], flags: narrowing})).undo,
  ],
  ['app remove-rule', () => apply(planRemoveRule(world.ctx, {application: 'Git', rule: 'Robots'}))],
  ['app remove-rule, inline', () => apply(planRemoveRule(world.ctx, {application: 'Old', rule: 'first'}))],
  [
    'app remove-rule --token',
    () => apply(planRemoveRule(world.ctx, {application: 'Git', rule: 'Staff', token: 'cd'})),
  ],
  [
    'app remove-rule --token, inline',
    () => apply(planRemoveRule(world.ctx, {application: 'Old', rule: 'first', token: 'cd'})),
  ],
  ['app set --session-duration', set({sessionDuration: '1h'})],
  ['app set --service-auth-401', set({serviceAuth401: true})],
  ['policy create', wanted({do: 'create-policy', name: 'New', decision: 'non_identity', rules})],
  ['policy delete', wanted({do: 'delete-policy', policy: 'CD'})],
  ['policy attach', wanted({do: 'attach', policy: 'CD', application: 'Git', before: 'Staff'})],
  ['policy detach', wanted({do: 'detach', policy: 'Robots', application: 'Git'})],
  ['group create', wanted({do: 'create-group', name: 'New', rules})],
  ['group add-token', wanted({do: 'add-token', group: 'robots', token: 'cd'})],
  ['group remove-token', wanted({do: 'remove-token', group: 'robots', token: 'ci'})],
  ['group delete', wanted({do: 'delete-group', group: 'odd'})],
  [
    'token revoke --detach',
    async () => {
      // The token is not deleted, so that it can be put back.
      const no = new ApiError({kind: 'api', code: 'API_ERROR', message: 'no', status: 500})
      const api = {...(await world.ctx.api()), deleteServiceToken: () => Promise.reject(no)}
      const ctx = {...world.ctx, api: () => Promise.resolve(api)}
      return String((await failure(revokeToken(ctx, {token: 'cd', detach: true}))).details['undo'])
    },
  ],
]

describe.each<[string, () => void]>([
  ['that has filled in all of them', () => undefined],
  ['that fills them in at the first write', takeDefaultsOut],
])('a server with defaults, %s', (_, begin) => {
  it.each(EDITS)('takes %s, and its undo although all was written again', async (_name, edit) => {
    await open()
    begin()
    const before = meaning()
    const undoId = await edit()
    expect(meaning()).not.toBe(before)
    writeAll()
    await undoEdit(world.ctx, await planUndo(world.ctx, String(undoId)))
    expect(meaning()).toBe(before)
  })

  const repeatable = EDITS.filter(([name]) => /add-|set|create|attach|detach/.test(name) && !/^(app create|token)/.test(name)) // prettier-ignore
  it.each(repeatable)('finds %s made already, although all was written again', async (_name, edit) => {
    await open()
    begin()
    await edit()
    writeAll()
    world.exchanges.length = 0
    expect(await edit()).toBeUndefined()
    expect(world.changes).toEqual([])
  })

  it('takes an inline policy that becomes reusable', async () => {
    await open()
    begin()
    writeAll()
    const {changes} = await applyPlanned(world.ctx, await plan(world.ctx, {do: 'make-reusable', application: 'Old'}), 'zt x') // prettier-ignore
    expect(changes.map(({action}) => action)).toEqual(['make-reusable', 'make-reusable'])
  })
})
