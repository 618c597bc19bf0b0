import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token reach')

it('shows the applications that a token opens, through which groups and under which conditions', async () => {
  const {zt} = scene
  await zt.json('policy create German --token ci --require-country DE --exclude-ip 192.0.2.0/24')
  await zt.json('policy attach German Wiki')
  const reach = await zt.json('token reach ci')
  expect(reach).toMatchObject({
    token: {id: 'token-ci', name: 'ci', status: 'active'},
    opens: [
      {
        application: {name: 'Build', domains: ['build.widgetcorp.tech']},
        rule: {name: 'Robots', action: 'Service Auth'},
        ...{zone: null, through: ['robots'], by: 'named', reach: 'yes', conditions: []},
      },
      {
        application: {name: 'Wiki'},
        rule: {name: 'German'},
        ...{through: [], reach: 'conditional', conditions: ['not IP 192.0.2.0/24', 'only country DE']},
      },
    ],
    notLetIn: [],
  })
  const {stdout} = await zt.run('token reach ci')
  expect(stdout).toMatch(/^ci opens 2 applications:$/m)
  expect(stdout).toMatch(/^Build +build\.widgetcorp\.tech +Robots +robots +yes$/m)
  expect(stdout).toMatch(/^Wiki +wiki\.widgetcorp\.tech +German +not IP 192\.0\.2\.0\/24, only country DE$/m)
})

it('shows what any token and everyone may enter, in the account and in its zones', async () => {
  const {zt} = scene
  await zt.json('app add-rule Wiki --service-auth --any-token')
  zt.policy('Zone')['decision'] = 'bypass'
  const {stdout} = await zt.run('token reach cd')
  expect(stdout).toMatch(
    /^Wiki +wiki\.widgetcorp\.tech +Service Auth: any valid service token \(any service token\) +yes$/m,
  )
  expect(stdout).toMatch(
    /^Of the zone \(zone widgetcorp\.tech\) +of\.widgetcorp\.tech +Zone \(everyone\) +yes$/m,
  )
  expect((await zt.run('token reach cd --quiet')).stdout).toBe('app-build\napp-zone\napp-wiki\n')
})

it('says that a disabled token opens nothing now, and what it would open', async () => {
  const {zt} = scene
  expect((await zt.run('token reach off')).stdout).toMatch(
    /^off is disabled and opens nothing now\. It would open no application\.$/m,
  )
  await zt.json('group add-token robots off')
  expect((await zt.run('token reach off')).stdout).toMatch(
    /^off is disabled .* It would open 1 application:$/m,
  )
  expect(await zt.json('token reach off')).toMatchObject({token: {status: 'disabled'}, opens: [{}]})
})

it('names the rules that include the token and do not let it in', async () => {
  const {zt} = scene
  zt.policy('Staff')['include'] = [{service_token: {token_id: 'token-ci'}}]
  zt.policy('CD')['include'] = [{group: {id: 'group-robots'}}]
  zt.policy('CD')['exclude'] = [{service_token: {token_id: 'token-ci'}}]
  expect(await zt.json('token reach ci')).toMatchObject({
    opens: [{application: {name: 'Build'}, rule: {name: 'Robots'}}],
    notLetIn: [
      {application: {name: 'Build'}, rule: {name: 'CD'}, through: ['robots'], why: expect.stringMatching(/excludes it/) as string},
      {application: {name: 'GitLab'}, rule: {name: 'Staff', action: 'Allow'}, why: expect.stringMatching(/asks for a login/) as string},
    ],
  }) // prettier-ignore
  expect((await zt.run('token reach ci')).stdout).toMatch(
    /include it and do not let it in:\n\nAPPLICATION.*\nBuild .*\nGitLab +gitlab\.widgetcorp\.tech +Staff \(Allow\) +Allow asks/,
  )
})

it('reads one zone, and says where it may not read the zones', async () => {
  const {zt} = scene
  expect(await zt.json('token reach of-the-zone --zone widgetcorp.tech')).toMatchObject({
    opens: [],
    warnings: [],
  })
  zt.api.spoil({method: 'GET', path: '/zones', action: {do: 'refuse', status: 403}})
  expect(await zt.json('token reach ci')).toMatchObject({
    opens: [{application: {name: 'Build'}}],
    warnings: [expect.stringContaining('may not list the zones')],
  })
})

it('needs to read the Access groups', async () => {
  const {zt} = scene
  zt.state.data.apiTokens[0]!.permission_groups = [
    'Access: Service Tokens Read',
    'Access: Apps and Policies Read',
  ]
  await zt.fails('token reach ci', 'permission', 'PERMISSION_MISSING')
})

it('needs the name of a token where it cannot offer them', async () => {
  await scene.zt.fails('token reach', 'usage', 'INPUT_REQUIRED')
})

/** A limit that has no room for the requests of one more run, after those of the runs before. */
it.each([
  ['', 36],
  [' --json', 70],
  [' --quiet', 105],
])(
  'says in one line on stderr that it needs more requests than the limit has room for%s',
  async (flag, limit) => {
    const {zt} = scene
    const zone = zt.state.data.zones[0]
    zt.state.data.zones.length = 1
    for (let at = 0; at < 25; at++)
      zt.state.data.zones.push({...zone, id: at.toString(16).padStart(32, '0'), name: `more-${at}.tech`})
    zt.state.data.settings.rate_limit = limit
    // It is not to wait here: the margin of the limit is enough.
    const {stderr, exitCode} = await zt.run(`token reach ci${flag}`, {env: {ZT_RATE_LIMIT_WAIT: '0'}})
    expect(stderr).toMatch(
      new RegExp(
        `^note: +This needs about 26 requests; the API allows ${limit} in 5 min, all programs of the user together,\\s+and zt does not wait for it \\(ZT_RATE_LIMIT_WAIT\\)\n$`,
      ),
    )
    expect(exitCode).toBe(0)
  },
)
