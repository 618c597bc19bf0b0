import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app create')
const create = 'app create API --domain api.widgetcorp.tech'

it('creates an application with a rule, and binds its hosts', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const result = await zt.json(
    `${create} --domain api.widgetcorp.tech/v2 --service-auth --token deploy --rule-name machines --session-duration 1h --service-auth-401 --yes`,
  )
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, rule: {name: 'machines'}, admitted: ['deploy']},
    application: {name: 'API', domains: ['api.widgetcorp.tech', 'api.widgetcorp.tech/v2']},
    bound: ['api.widgetcorp.tech', 'api.widgetcorp.tech/v2'].map((host) => ({
      ...{host, token: 'deploy', replaced: false},
    })),
  })
  expect(zt.app('API')).toMatchObject({
    ...{
      id: (result['application'] as {id: string}).id,
      session_duration: '1h',
      service_auth_401_redirect: true,
    },
  })
  expect(typeof result['undo']).toBe('string')
})

it('passes on what a rule requires and excludes', async () => {
  const {zt} = scene
  const narrowing =
    '--require-ip 203.0.113.0/24 --require-country DE --require-group offices --exclude-ip 203.0.113.9/32 --exclude-country FR --exclude-group robots'
  await zt.json(`${create} --service-auth --any-token --group robots ${narrowing}`)
  const [link] = zt.app('API')['policies'] as [{id: string}]
  const policy = zt.state.data.policies.find(({id}) => id === link.id)
  expect(policy?.['include']).toEqual([{any_valid_service_token: {}}, {group: {id: 'group-robots'}}])
  expect(policy?.['require']).toEqual([
    {geo: {country_code: 'DE'}},
    {group: {id: 'group-offices'}},
    {ip: {ip: '203.0.113.0/24'}},
  ])
  expect(policy?.['exclude']).toEqual([
    {geo: {country_code: 'FR'}},
    {group: {id: 'group-robots'}},
    {ip: {ip: '203.0.113.9/32'}},
  ])
})

it('makes one in a zone', async () => {
  const {zt} = scene
  await zt.json(`${create} --service-auth --any-token --zone widgetcorp.tech`)
  const {application} = await zt.json('app show API --zone widgetcorp.tech')
  expect(application).toMatchObject({name: 'API', policies: [{reusable: false}]})
})

it('warns of an application without a rule, and says how it gets one', async () => {
  const {zt} = scene
  const {stdout, stderr} = await zt.run(create)
  expect(stdout).toContain('API')
  expect(stderr).toContain('warning:')
  expect(stderr).toContain('zt app add-rule api.widgetcorp.tech')
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const result = await zt.unchanged(() => zt.json(`${create} --service-auth --token ci --dry-run`))
  expect(result).toMatchObject({changed: false, dryRun: true, undo: null, application: {id: null}})
  expect(result['changes']).toMatchObject([
    {action: 'create', kind: 'policy', id: null},
    {action: 'create', kind: 'application', id: null},
  ])
})

it('asks for what is missing, and before it makes anything', async () => {
  const {zt} = scene
  const {asked} = await zt.run('app create --service-auth', {
    answers: ['API', 'api.widgetcorp.tech', ['ci', 'cd'], true],
  })
  expect(asked).toHaveLength(4)
  expect(zt.app('API')['domain']).toBe('api.widgetcorp.tech')
  await zt.unchanged(async () => {
    await zt.fails('app create Other --domain other.widgetcorp.tech', 'cancelled', 'CANCELLED', {
      answers: [false],
    })
    await zt.failsWithoutAsking('app create')
    await zt.failsWithoutAsking(`${create} --token ci`)
  })
})

it('fails where it cannot be made', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('app create API --domain gitlab.widgetcorp.tech', 'conflict', 'DOMAIN_TAKEN')
    await zt.fails(['app', 'create', 'API', '--domain', 'not a domain'], 'usage', 'BAD_DOMAIN')
    await zt.fails(`${create} --service-auth --token nothing`, 'not-found', 'TOKEN_NOT_FOUND')
    await zt.fails(`${create} --service-auth-401`, 'usage', 'NEEDS_SERVICE_AUTH')
    await zt.fails(`${create} --session-duration soon`, 'usage', 'BAD_DURATION')
  })
  await zt.fails('app create API --domain api.elsewhere.example', 'usage', 'DOMAIN_OUTSIDE_ZONES')
})
