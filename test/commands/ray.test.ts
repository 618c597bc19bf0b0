import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('ray', {originOf: () => '127.0.0.1:9'})

const DAY = 24 * 3600_000
const RAY = '8f1e2d3c4b5a6978'

/** A request of `ci` so many days ago. */
function record(ago: number, more: Partial<Parameters<typeof scene.zt.state.recordEvent>[0]> = {}): void {
  scene.zt.state.recordEvent({
    ...{at: Date.now() - ago * DAY - 1000, ray: RAY, appId: 'app-build', policyId: 'policy-robots'},
    ...{
      tokenId: 'token-ci',
      admitted: true,
      session: false,
      kind: 'attempt',
      ip: '203.0.113.7',
      country: 'DE',
    },
    ...more,
  })
}
const queries = (): number => scene.zt.api.requests.filter(({path}) => path === '/graphql').length

it.each([RAY, `${RAY}-AMS`, `CF-RAY: ${RAY}-AMS`])(
  'shows a request that was let in, by %j',
  async (given) => {
    const {zt} = scene
    record(0)
    const found = await zt.json(['ray', given])
    expect(found).toMatchObject({
      ...{ray: RAY, allowed: true, address: '203.0.113.7', country: 'DE', identityProvider: 'nonidentity'},
      application: {id: 'app-build', name: 'Build'},
      token: {id: 'token-ci', name: 'ci'},
      rule: {id: 'policy-robots', name: 'Robots'},
      today: {
        ...{
          application: {name: 'Build'},
          client: {kind: 'token', name: 'ci', status: 'active'},
          verdict: 'allow',
        },
        ...{
          from: {ip: '203.0.113.7', country: 'DE'},
          rule: {name: 'Robots'},
          trail: [{name: 'Robots'}, {name: 'CD'}],
        },
      },
    })
    const {stdout, stderr} = await zt.run(['ray', given])
    expect(stdout).toMatch(/^outcome +let in$/m)
    expect(stdout).toMatch(/^application +Build$/m)
    expect(stdout).toMatch(/^service token +ci$/m)
    expect(stdout).toMatch(/^rule +Robots$/m)
    expect(stdout).toMatch(/^TODAY.*\n(.*\n)*verdict +allow/m)
    expect(stdout).toMatch(/^1 +Robots +Service Auth +decides /m)
    expect(stderr).not.toMatch(/next:/)
  },
)

it('says beside it what Access would answer today, by the address and country of the request', async () => {
  const {zt} = scene
  record(1)
  record(1, {ray: '1'.repeat(16), ip: '198.51.100.9'})
  zt.policy('Robots')['require'] = [{ip: {ip: '203.0.113.0/24'}}]
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({allowed: true, today: {verdict: 'allow'}})
  expect(await zt.json(`ray ${'1'.repeat(16)}`)).toMatchObject({allowed: true, today: {verdict: 'deny'}})
  zt.token('ci')['enabled'] = false
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({today: {verdict: 'deny', client: {status: 'disabled'}}})
})

it('shows a refusal, and the command that would let it in', async () => {
  const {zt} = scene
  record(1, {appId: 'app-gitlab', policyId: '', admitted: false})
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({allowed: false, rule: null, today: {verdict: 'login'}})
  const {stdout} = await zt.run(`ray ${RAY}`)
  expect(stdout).toMatch(/^outcome +refused$/m)
  expect(stdout).toMatch(/^rule +none let it in$/m)
  expect(stdout).toMatch(/^next: +zt app add-rule GitLab --service-auth --token ci$/m)
})

it('shows a request without a service token, and what the account no longer has', async () => {
  const {zt} = scene
  record(1, {tokenId: '', policyId: ''})
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({token: null, rule: null, today: null})
  expect((await zt.run(`ray ${RAY}`)).stdout).toMatch(/^service token +none that Access knows$/m)
  record(1, {ray: '2'.repeat(16), tokenId: 'token-gone', appId: 'app-gone', policyId: 'policy-gone'})
  expect(await zt.json(`ray ${'2'.repeat(16)}`)).toMatchObject({
    ...{token: {id: 'token-gone', name: null}, application: {id: 'app-gone', name: null}},
    ...{rule: {id: 'policy-gone', name: null}, today: null},
  })
})

it('shows a request to an application of a zone, with a token of the zone', async () => {
  const {zt} = scene
  record(1, {tokenId: 'token-zone', appId: 'app-zone', policyId: ''})
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({
    ...{token: {name: 'of-the-zone'}, application: {name: 'Of the zone'}},
    today: {verdict: 'login', trail: [{name: 'Zone'}]},
  })
  const proposed = /^next: +zt (app add-rule .*)$/m.exec((await zt.run(`ray ${RAY}`)).stdout)?.[1] ?? ''
  await zt.json((proposed.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", '')))
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({today: {verdict: 'allow'}})
})

it('shows a request to an application of a zone, with a token of the account', async () => {
  const {zt} = scene
  record(1, {appId: 'app-zone', policyId: '', admitted: false})
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({
    ...{token: {name: 'ci'}, application: {name: 'Of the zone'}},
    today: {verdict: 'login', client: {name: 'ci'}, causes: [{id: 'rule-missing'}]},
  })
})

it('reads the newest part of the record first, and stops where it finds the request', async () => {
  const {zt} = scene
  record(15)
  await zt.json(`ray ${RAY}`)
  expect(queries()).toBe(3)
})

it('says what may be the reason where the record has no such request', async () => {
  const {zt} = scene
  record(20)
  const {why, next} = await zt.fails(`ray ${RAY} --since 7d`, 'not-found', 'RAY_NOT_FOUND')
  expect(queries()).toBe(2)
  expect(why).toMatch(/some minutes.*90 days.*samples.*before Access/s)
  expect(next).toEqual([`Some minutes later: zt ray ${RAY}`])
  await zt.fails(`ray ${'3'.repeat(16)}`, 'not-found', 'RAY_NOT_FOUND')
  expect(queries()).toBe(2 + 13)
})

it('needs the permission, and shows what it may read beside it', async () => {
  const {zt} = scene
  record(1)
  zt.state.data.apiTokens[0]!.permission_groups = ['Account Analytics Read']
  expect(await zt.json(`ray ${RAY}`)).toMatchObject({
    ...{token: {id: 'token-ci', name: null}, application: {id: 'app-build', name: null}, today: null},
  })
  zt.state.data.apiTokens[0]!.permission_groups = ['Access: Service Tokens Read']
  const error = await zt.fails(`ray ${RAY}`, 'permission', 'PERMISSION_MISSING')
  expect(error['missingPermissions']).toEqual(['Account Analytics Read'])
})

it('asks nothing of the API for what is no CF-RAY, and changes nothing', async () => {
  const {zt} = scene
  record(1)
  await zt.unchanged(async () => {
    await zt.fails('ray gitlab.example.com', 'usage', 'BAD_RAY')
    expect(zt.api.requests).toEqual([])
    await zt.json(`ray ${RAY}`)
  })
})

it('finds the request that a refusal names', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const {error} = await zt.json('ssh check gitlab.widgetcorp.tech --token deploy --yes', {ends: 'refused'})
  const line = (error as {next: string[]}).next.at(-1) ?? ''
  expect(line).toMatch(/^zt ray [0-9a-f]{16}-ZT$/)
  expect(await zt.json(line.replace('zt ', ''))).toMatchObject({
    ...{allowed: false, token: {name: 'deploy'}, application: {name: 'GitLab'}, address: '127.0.0.1'},
    today: {verdict: 'login', causes: [{id: 'rule-missing'}]},
  })
})
