import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app show')

it('shows an application by name, ID and domain', async () => {
  const {zt} = scene
  for (const wanted of ['Build', 'app-build', 'build.widgetcorp.tech', 'https://build.widgetcorp.tech/x'])
    expect(await zt.json(`app show ${wanted}`)).toMatchObject({
      application: {id: 'app-build', name: 'Build', serviceAuth401: false},
    })
})

it('shows its rules in order, in words too', async () => {
  const {zt} = scene
  const {application} = await zt.json('app show Build')
  expect(application).toMatchObject({
    policies: [
      {name: 'Robots', precedence: 1, decision: 'non_identity', inWords: {include: ['Access group robots']}},
      {name: 'CD', precedence: 2, inWords: {include: ['service token cd']}},
    ],
  })
  const {stdout} = await zt.run('app show Build')
  expect(stdout.indexOf('Robots')).toBeLessThan(stdout.indexOf('CD'))
  expect(stdout).toContain('service token cd')
  expect((await zt.run('app show Wiki')).stdout).toContain('wiki.widgetcorp.tech')
})

it('shows what decides beside the rules, of the application and of each policy', async () => {
  const {zt} = scene
  Object.assign(zt.app('Build'), {
    ...{read_service_tokens_from_header: 'Authorization', enable_binding_cookie: true},
    destinations: [
      {type: 'public', uri: 'build.widgetcorp.tech'},
      {type: 'private', cidr: '10.0.0.0/8', port_range: '22'},
    ],
  })
  Object.assign(zt.policy('CD'), {session_duration: '30m', isolation_required: true})
  expect((await zt.json('app show Build'))['application']).toMatchObject({
    ...{serviceAuth: 'yes', strictServiceAuth: false, notAdmitted: '403'},
    settings: {
      ...{audience: expect.any(String) as string, tokenHeader: 'Authorization', cookie: {binding: true}},
      destinations: [{uri: 'build.widgetcorp.tech'}, {type: 'private', cidr: '10.0.0.0/8', portRange: '22'}],
    },
    policies: [{settings: {}}, {settings: {sessionDuration: '30m', isolationRequired: true}}],
  })
  const {stdout} = await zt.run('app show Build')
  expect(stdout).toMatch(/^also covers +10\.0\.0\.0\/8, port 22$/m)
  expect(stdout).toMatch(/^token header +Authorization$/m)
  expect(stdout).toMatch(
    /^ +include +service token cd\n +session +30m\n +isolation +only in an isolated browser$/m,
  )
})

it('shows what a machine meets that is not admitted, by the type and the settings', async () => {
  const {zt} = scene
  const met = async (): Promise<unknown> =>
    ((await zt.json('app show Wiki'))['application'] as {notAdmitted: string}).notAdmitted
  zt.app('Wiki')['service_auth_401_redirect'] = true
  expect(await met()).toBe('401')
  zt.state.data.organization['strict_service_token_auth'] = true
  expect(await met()).toBe('401 for wrong credentials, 403 for others')
  zt.app('Wiki')['type'] = 'bookmark'
  expect(await met()).toBe('nothing: a bookmark is only a link')
  const {stdout} = await zt.run('app show Wiki')
  expect(stdout).toMatch(/^Service Auth +no: A bookmark is a link/m)
  expect(stdout).not.toMatch(/login page|admits no one/)
})

it('shows what an API token may read that may not read the organisation', async () => {
  const {zt} = scene
  zt.state.data.apiTokens[0]!.permission_groups = ['Access: Apps and Policies Read']
  expect(await zt.json('app show GitLab')).toMatchObject({
    application: {strictServiceAuth: null, notAdmitted: 'redirect to the login page'},
    warnings: [],
  })
})

it('shows one of a zone', async () => {
  const {application} = await scene.zt.json(['app', 'show', 'Of the zone', '--zone', 'widgetcorp.tech'])
  expect(application).toMatchObject({id: 'app-zone', policies: [{reusable: false}]})
})

it('asks which one', async () => {
  const {zt} = scene
  const {asked, stdout} = await zt.run('app show', {answers: ['Legacy']})
  expect(asked).toHaveLength(1)
  expect(stdout).toContain('legacy.widgetcorp.tech')
  await zt.failsWithoutAsking('app show')
})

it('fails where no one application is meant', async () => {
  const {zt} = scene
  await zt.fails('app show nothing', 'not-found', 'APPLICATION_NOT_FOUND')
  zt.app('Wiki')['name'] = 'Build'
  await zt.fails('app show Build', 'ambiguous', 'APPLICATION_AMBIGUOUS')
  zt.state.data.apps.length = 0
  await zt.fails('app show', 'not-found', 'NOTHING_TO_CHOOSE', {answers: []})
})
