import {afterEach, beforeEach, expect, it} from 'vitest'
import {applyPlanned} from '../../../src/lib/access/edit/planned.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {planAddRule} from '../../../src/lib/access/rules/add.js'
import {World} from '../../support/access-world.js'

// The sandbox's API behaves as Cloudflare's is reported to (src/lib/sandbox/settings.ts has the sources).

let world: World
beforeEach(async () => {
  world = await World.open({
    zones: [{name: 'example.com'}],
    service_tokens: [{name: 'ci'}],
    apps: [
      {name: 'App', type: 'self_hosted', domain: 'a.example.com', tags: ['z', 'a'], policies: []},
      {name: 'Wiki', type: 'saas', saas_app: {auth_type: 'oidc', redirect_uris: ['https://wiki.example']}},
    ],
  })
  world.state.save = () => Promise.resolve()
})
afterEach(() => world.end())

const rules = {include: {service_token: ['ci']}, require: {}, exclude: {}}

it.each([
  ['fills in no fields and sorts nothing', {server_defaults: false}],
  ['does not know a new policy for four writes', {policy_lag: 4}],
  ['refuses two requests with 403 in between', {throttle_403: 2}],
  ['hides secrets by a mask', {hidden_secrets: 'mask' as const}],
  ['leaves secrets out', {hidden_secrets: 'omit' as const}],
])('a rule is added once and undone where the API %s', async (_, settings) => {
  // One client, as a command has it.
  const api = await world.ctx.api()
  const ctx = {...world.ctx, api: () => Promise.resolve(api)}
  const plan = await planAddRule(ctx, {application: 'App', rules})
  Object.assign(world.state.data.settings, settings)
  const {undoId = ''} = await applyPlanned(ctx, plan, 'zt app add-rule')
  expect(world.state.data.policies).toHaveLength(1)
  expect(world.app('App')['policies']).toHaveLength(1)
  const saas = structuredClone(world.app('Wiki')['saas_app'])
  await undoEdit(ctx, await planUndo(ctx, undoId))
  expect(world.state.data.policies).toEqual([])
  expect(world.app('App')['policies']).toEqual([])
  expect(world.app('Wiki')['saas_app']).toEqual(saas)
})
