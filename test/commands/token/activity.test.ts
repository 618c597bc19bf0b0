import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token activity')

const DAY = 24 * 3600_000
const GROUP = 'Account Analytics Read'

/** Requests of `ci` so many days ago. */
function record(
  ago: number,
  times: number,
  more: Partial<Parameters<typeof scene.zt.state.recordEvent>[0]> = {},
): void {
  for (let i = 0; i < times; i++)
    scene.zt.state.recordEvent({
      ...{
        at: Date.now() - ago * DAY - 1000,
        ray: '8f1e2d3c4b5a6978',
        appId: 'app-build',
        policyId: 'policy-robots',
      },
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
const dayOf = (ago: number): string => new Date(Date.now() - ago * DAY - 1000).toISOString().slice(0, 10)

it('counts requests by application and rule, by place and by day', async () => {
  const {zt} = scene
  record(1, 3)
  record(2, 2, {appId: 'app-gitlab', policyId: '', admitted: false})
  record(10, 1, {ip: '198.51.100.1', country: 'FR'})
  record(1, 5, {tokenId: 'token-cd'})
  record(40, 7)
  const found = await zt.json('token activity ci')
  expect(found).toMatchObject({
    token: {id: 'token-ci', name: 'ci', status: 'active'},
    total: {allowed: 4, refused: 2, last: dayOf(1)},
    rules: [
      {
        application: {id: 'app-build', name: 'Build'},
        rule: {id: 'policy-robots', name: 'Robots'},
        allowed: 4,
        refused: 0,
        last: dayOf(1),
      },
      {application: {id: 'app-gitlab', name: 'GitLab'}, rule: null, allowed: 0, refused: 2, last: dayOf(2)},
    ],
    places: [
      {address: '203.0.113.7', country: 'DE', allowed: 3, refused: 2},
      {address: '198.51.100.1', country: 'FR', allowed: 1, refused: 0},
    ],
    incomplete: null,
  })
  const days = found['days'] as {day: string; allowed: number; refused: number}[]
  expect(days.length).toBeGreaterThanOrEqual(31)
  expect(days.filter(({allowed, refused}) => allowed + refused > 0)).toEqual([
    {day: dayOf(10), allowed: 1, refused: 0},
    {day: dayOf(2), allowed: 0, refused: 2},
    {day: dayOf(1), allowed: 3, refused: 0},
  ])
  const {stdout} = await zt.run('token activity ci')
  expect(stdout).toMatch(/^let in +about 4$/m)
  expect(stdout).toMatch(/^Build +Robots +4 +0 +\d{4}-/m)
  expect(stdout).toMatch(/^GitLab +none +0 +2 +\d{4}-/m)
  expect(stdout).toMatch(/^203\.0\.113\.7 +DE +3 +2 /m)
  expect(stdout).toMatch(/estimates/)
  // It is for a terminal.
  expect(stdout).not.toMatch(/each bar/)
})

it('looks as far back as it is said, and says what Cloudflare no longer has', async () => {
  const {zt} = scene
  record(40, 7)
  record(89, 1)
  expect(await zt.json('token activity ci --since 24h')).toMatchObject({
    total: {allowed: 0},
    incomplete: null,
  })
  expect(await zt.json('token activity ci --since 60d')).toMatchObject({total: {allowed: 7}})
  const year = await zt.json('token activity ci --since 1y')
  expect(year).toMatchObject({
    total: {allowed: 8},
    incomplete: 'Cloudflare keeps the events of the last 90 days.',
  })
  expect((await zt.run('token activity ci --since 1y')).stderr).toMatch(/^warning: Cloudflare keeps/m)
  const {next} = await zt.fails('token activity ci --since forever', 'usage', 'BAD_DURATION')
  expect(next[0]).toMatch(/--since/)
})

it('draws the days where there is room, and shows the most used places', async () => {
  const {zt} = scene
  record(0, 8)
  record(1, 4, {admitted: false})
  for (let host = 1; host <= 25; host++) record(20, 1, {ip: `198.51.100.${host}`})
  const days = await zt.run('token activity ci --since 21d', {env: {COLUMNS: '80', LC_ALL: 'C'}})
  expect(days.stdout).toMatch(/^let in +@ +[.:=+*#-] ?$/m)
  expect(days.stdout).toMatch(/^ +each bar is a day, the highest about 25$/m)
  expect(days.stdout).toMatch(/^refused +@ ?$/m)
  expect(days.stdout).toMatch(/^and 6 more, which --json shows$/m)
  const weeks = await zt.run('token activity ci --since 90d', {env: {COLUMNS: '40'}})
  expect(weeks.stdout).toMatch(/^ +each bar is 3 days, the highest\n +about 25$/m)
  for (const line of weeks.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(40)
  expect((await zt.run('token activity ci')).stdout).not.toMatch(/more, which/)
})

it('names what the account no longer has by its ID, and finds applications of a zone', async () => {
  const {zt} = scene
  record(1, 3, {appId: 'app-gone', policyId: 'policy-gone'})
  record(1, 2, {appId: 'app-zone', policyId: 'own-zone'})
  record(1, 1, {appId: 'app-wiki', policyId: 'policy-spare'})
  expect((await zt.json('token activity ci'))['rules']).toMatchObject([
    {application: {id: 'app-gone', name: null}, rule: {id: 'policy-gone', name: null}},
    {application: {name: 'Of the zone'}, rule: {name: 'Zone'}},
    // It was detached since.
    {application: {name: 'Wiki'}, rule: {name: 'Spare'}},
  ])
  expect((await zt.run('token activity ci')).stdout).toMatch(/^app-gone +policy-gone +3 /m)
})

it('shows what a zone’s own token was used for', async () => {
  const {zt} = scene
  record(1, 2, {tokenId: 'token-zone', appId: 'app-zone', policyId: 'own-zone'})
  const zone = '9a7806061c88ada191ed06f989cc3dac'
  expect(await zt.json(`token activity of-the-zone --zone ${zone}`)).toMatchObject({
    rules: [{application: {name: 'Of the zone'}, rule: {name: 'Zone'}, allowed: 2}],
  })
})

it.each([
  [undefined, /Cloudflare has never seen it/],
  ['2020-01-01T00:00:00Z', /That agrees with when Cloudflare last saw it: 2020-01-01/],
  [new Date().toISOString(), /But Cloudflare saw it at .*may miss rare use/],
])('compares no traffic with when the token was last seen: %s', async (seen, said) => {
  const {zt} = scene
  if (seen === undefined) delete zt.token('ci')['last_seen_at']
  else zt.token('ci')['last_seen_at'] = seen
  const {stdout} = await zt.run('token activity ci')
  expect(stdout).toMatch(/Access recorded no request of "ci" since /)
  expect(stdout).toMatch(said)
})

it('shows what it knows without the permission, and says which is missing', async () => {
  const {zt} = scene
  record(1, 3)
  zt.token('ci')['last_seen_at'] = '2026-11-01T00:00:00Z'
  zt.state.data.apiTokens[0]!.permission_groups = ['Access: Service Tokens Read']
  const {error, ...rest} = await zt.json('token activity ci', {ends: 'permission'})
  expect(rest).toMatchObject({token: {name: 'ci', lastSeenAt: '2026-11-01T00:00:00Z'}, rules: [], days: []})
  expect(error).toMatchObject({code: 'PERMISSION_MISSING', missingPermissions: [GROUP], exitCode: 4})
  const {stdout, stderr, exitCode} = await zt.run('token activity ci')
  expect(exitCode).toBe(4)
  expect(stdout).toMatch(/^last seen +2026-11-01/m)
  expect(stdout).not.toMatch(/let in/)
  expect(stderr).toMatch(new RegExp(`lacks the permission "${GROUP}", which zt token\\s+activity needs`))
})

it('shows IDs with that permission alone beside the tokens', async () => {
  const {zt} = scene
  record(1, 3)
  zt.state.data.apiTokens[0]!.permission_groups = ['Access: Service Tokens Read', GROUP]
  expect((await zt.json('token activity ci'))['rules']).toMatchObject([
    {application: {id: 'app-build', name: null}, rule: {id: 'policy-robots', name: null}, allowed: 3},
  ])
})

it('says so where the account does not have the record', async () => {
  const {zt} = scene
  zt.api.spoil({
    method: 'POST',
    path: '*',
    action: {
      ...{do: 'lie', deliveries: 0},
      tell: () => ({
        ...{status: 200, headers: {'content-type': 'application/json'}},
        body: JSON.stringify({
          data: null,
          errors: [{message: 'not available for your plan. Upgrade to Enterprise'}],
        }),
      }),
    },
  })
  const {error} = await zt.json('token activity ci', {ends: 'api'})
  expect(error).toMatchObject({code: 'ANALYTICS_NOT_AVAILABLE', exitCode: 11})
})

it('asks which token, and changes nothing', async () => {
  const {zt} = scene
  record(1, 1)
  await zt.unchanged(async () => {
    const {stdout} = await zt.run('token activity', {answers: ['ci']})
    expect(stdout).toMatch(/^name +ci$/m)
    await zt.failsWithoutAsking('token activity')
    await zt.fails('token activity nothing', 'not-found', 'TOKEN_NOT_FOUND')
  })
})
