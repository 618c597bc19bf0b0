import {afterEach, expect, it} from 'vitest'
import {revokeToken} from '../../../src/lib/access/tokens/revoke.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import {World} from '../../support/access-world.js'

const CI = '11111111-1111-4111-8111-111111111111'
const ci: JsonObject = {service_token: {token_id: CI}}
const scheme = {scheme: 'access_service_token', client_id: 'ci.access', client_secret: '******'}
const basic = {scheme: 'httpbasic', user: 'u', password: '******'}

let world: World
afterEach(() => world.end())

async function open(authentication: unknown, more: SandboxSeed = {}): Promise<void> {
  world = await World.open({
    zones: [{name: 'example.com'}],
    service_tokens: [{id: CI, name: 'ci', client_id: 'ci.access'}],
    ...more,
    apps: [
      {
        ...{id: 'a-hr', name: 'HR', type: 'self_hosted', domain: 'hr.example.com'},
        scim_config: {idp_uid: 'idp', remote_uri: 'https://hr.example.com/scim', authentication},
      },
    ],
  })
}

async function refused(how: {detach?: boolean; dryRun?: boolean}): Promise<UserError> {
  const error: unknown = await revokeToken(world.ctx, {token: 'ci', ...how}).catch(
    (reason: unknown) => reason,
  )
  if (error instanceof UserError) return error
  throw new Error('it was not refused')
}

it.each<[string, unknown, {detach?: boolean; dryRun?: boolean}]>([
  ['without --detach', scheme, {}],
  ['with --detach', scheme, {detach: true}],
  ['with --detach, where it is one of several schemes', [basic, scheme], {detach: true}],
  ['as a dry run', scheme, {detach: true, dryRun: true}],
])(
  'a token of a SCIM configuration is not revoked, and nothing is changed: %s',
  async (_, authentication, how) => {
    await open(authentication)
    const error = await refused(how)
    expect(error).toMatchObject({
      kind: 'conflict',
      code: 'TOKEN_IN_USE',
      details: {references: [{kind: 'scim', id: 'a-hr', applications: [{id: 'a-hr', name: 'HR'}]}]},
    })
    expect(error.why).toContain('SCIM provisioning of "HR"')
    expect(error.next).toEqual([
      'In the dashboard, give the SCIM configuration of "HR" another service token, then run the command again',
    ])
    expect(world.changes).toEqual([])
  },
)

it('what else names the token is listed too; --detach is proposed only once SCIM does not', async () => {
  await open(scheme, {
    policies: [{id: 'p', name: 'CI', decision: 'non_identity', include: [ci], require: [], exclude: []}],
  })
  for (const detach of [false, true]) {
    const error = await refused({detach})
    expect(error.whyLines.join('\n')).toMatch(/SCIM provisioning of "HR"[^]*Service Auth rule "CI"/)
    expect(error.next).toHaveLength(1)
  }
  Reflect.deleteProperty(world.app('HR'), 'scim_config')
  expect((await refused({})).next).toContain('zt token revoke ci --detach --dry-run')
  expect(world.changes).toEqual([])
})

it('a token that another scheme or application names is revoked', async () => {
  await open([basic, {...scheme, client_id: 'cd.access'}])
  expect(await revokeToken(world.ctx, {token: 'ci', detach: true})).toMatchObject({deleted: true})
})
