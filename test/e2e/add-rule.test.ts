import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const APP = 'f1e2d3c4-b5a6-4978-8a9b-acbdcedf0011'
const policyId = (n: number): string => `b6f1c3d2-5a4e-4f7b-9c8d-0e1f2a3b4c5${n}`

type Json = Record<string, unknown>
interface Info {
  apiUrl: string
  apiToken: string
}

/** Three policies whose order matters, and fields that no current client knows. */
const policies = [
  {name: 'Block the contractors', decision: 'deny', include: [{email_domain: {domain: 'contractor.example'}}]},
  {name: 'Widgetcorp staff', decision: 'allow', include: [{email_domain: {domain: 'widgetcorp.tech'}}]},
  {name: 'Monitoring', decision: 'bypass', include: [{ip: {ip: '192.0.2.0/24'}}], approval_groups: []},
].map((policy, at) => ({id: policyId(at), exclude: [], require: [], ...policy})) // prettier-ignore

const application = {
  id: APP,
  name: 'GitLab',
  type: 'self_hosted',
  domain: 'gitlab-ssh.widgetcorp.tech',
  session_duration: '24h',
  tags: ['engineering'],
  field_of_tomorrow: {kept: ['deep', {down: [null, 0, '']}], empty: {}},
}

let zt: BuiltZt
afterEach(() => zt.end())

async function begin(apps: object[], accountPolicies: object[]): Promise<Info> {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  await fs.writeFile(
    seed,
    JSON.stringify({
      accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
      zones: [{id: '9a7806061c88ada191ed06f989cc3dac', name: 'widgetcorp.tech', account: {id: ACCOUNT}}],
      apps,
      policies: accountPolicies,
      groups: [],
      service_tokens: [],
      settings: {strict_service_token_auth: false, enforcement_delay_ms: 0},
    }),
  )
  const info = await zt.json<Info & Json>(['sandbox', 'start', '--seed', seed])
  await zt.json(['token', 'create', 'ci'])
  return info
}

/** The state of the API, read without any of zt's code. */
async function read({apiUrl, apiToken}: Info, what: string): Promise<Json & Json[]> {
  const answer = await fetch(`${apiUrl}/accounts/${ACCOUNT}/access/${what}`, {
    headers: {authorization: `Bearer ${apiToken}`},
  })
  return ((await answer.json()) as {result: Json & Json[]}).result
}

const addRule = ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci']
const order = (list: Json[]): unknown[] => list.map(({id}) => id)

describe('add-rule on an application with three policies and unknown fields', () => {
  it('keeps every field and the order, and puts its rule behind the others', async () => {
    const info = await begin([{...application, policies: policies.map(({id}) => id)}], policies)
    const before = await read(info, `apps/${APP}`)
    expect(before).toMatchObject({field_of_tomorrow: application.field_of_tomorrow})

    const result = await zt.json<{rule: {id: string}}>(addRule)
    const {policies: _a, updated_at: _b, ...was} = before
    const {policies: _c, updated_at: _d, ...is} = await read(info, `apps/${APP}`)
    expect(is).toEqual(was)
    const after = await read(info, `apps/${APP}/policies`)
    expect(order(after)).toEqual([...policies.map(({id}) => id), result.rule.id])
    expect(after[3]).toMatchObject({
      decision: 'non_identity',
      include: [{service_token: {token_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string}}],
      exclude: [],
      require: [],
      reusable: true,
    })
    for (const [at, policy] of policies.entries()) expect(after[at]).toMatchObject(policy)
  })

  it('changes nothing when it is run again, or with --dry-run', async () => {
    const info = await begin([{...application, policies: policies.map(({id}) => id)}], policies)
    const all = async (): Promise<unknown[]> => [
      await read(info, `apps/${APP}`),
      await read(info, `apps/${APP}/policies`),
      await read(info, 'policies'),
    ]
    const before = await all()
    expect(await zt.json([...addRule, '--dry-run'])).toMatchObject({changed: false, dryRun: true})
    expect(await all()).toEqual(before)
    await zt.json(addRule)
    const once = await all()
    expect(await zt.json(addRule)).toMatchObject({changed: false, how: 'none'})
    expect(await all()).toEqual(once)
  })

  it('makes an inline policy where the application has inline ones', async () => {
    const info = await begin([{...application, policies}], [])
    expect(await zt.json(addRule)).toMatchObject({changed: true, how: 'inline'})
    const after = await read(info, `apps/${APP}/policies`)
    expect(order(after).slice(0, 3)).toEqual(policies.map(({id}) => id))
    expect(after[3]).toMatchObject({decision: 'non_identity', reusable: false})
    expect(await read(info, 'policies')).toEqual([])
    expect(await read(info, `apps/${APP}`)).toMatchObject({field_of_tomorrow: application.field_of_tomorrow})
  })
})
