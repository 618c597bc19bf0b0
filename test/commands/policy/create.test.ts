import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy create')

it('creates a policy for machines', async () => {
  const {zt} = scene
  const narrowing =
    '--require-ip 203.0.113.0/24 --require-country DE --require-group offices --exclude-ip 203.0.113.9 --exclude-country FR --exclude-group robots'
  const result = await zt.json(
    `policy create machines --service-auth --token ci --group robots ${narrowing} --yes`,
  )
  const {id, include, require, exclude, decision} = zt.policy('machines')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, policy: {id, name: 'machines'}, bound: [], unbound: []},
    changes: [{action: 'create', kind: 'policy', id}],
  })
  expect(decision).toBe('non_identity')
  expect(include).toEqual([{group: {id: 'group-robots'}}, {service_token: {token_id: 'token-ci'}}])
  expect([require, exclude].map((rules) => (rules as unknown[]).length)).toEqual([3, 3])
})

it('creates policies of every action', async () => {
  const {zt} = scene
  await zt.json(
    'policy create people --action allow --email a@widgetcorp.tech --email-domain widgetcorp.tech',
  )
  expect(zt.policy('people')).toMatchObject({
    decision: 'allow',
    include: [{email: {email: 'a@widgetcorp.tech'}}, {email_domain: {domain: 'widgetcorp.tech'}}],
  })
  await zt.json('policy create out --action block --include-ip 203.0.113.7 --include-country FR')
  expect(zt.policy('out')).toMatchObject({decision: 'deny'})
  await zt.json('policy create open --action bypass --everyone')
  expect(zt.policy('open')).toMatchObject({decision: 'bypass', include: [{everyone: {}}]})
  await zt.json('policy create any --action service-auth --any-token')
  expect(zt.policy('any')).toMatchObject({include: [{any_valid_service_token: {}}]})
})

it('leaves one of this name and meaning', async () => {
  const {zt} = scene
  const result = await zt.unchanged(() => zt.json('policy create CD --token cd'))
  expect(result).toMatchObject({changed: false, policy: {id: 'policy-cd', name: 'CD'}})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('policy create machines --token ci --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true, policy: {id: null, name: 'machines'}},
  })
})

it('asks for the name, and before it creates it', async () => {
  const {zt} = scene
  const {asked, stderr} = await zt.run('policy create --token ci', {answers: ['machines', true]})
  expect(asked).toHaveLength(2)
  expect(stderr).toContain('zt policy attach machines')
  await zt.unchanged(async () => {
    await zt.fails('policy create other --token ci', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('policy create --token ci')
  })
})

it('fails where there can be no such policy', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy create CD --token ci', 'conflict', 'POLICY_NAME_TAKEN')
    await zt.fails('policy create machines', 'usage', 'NO_INCLUDE')
    await zt.fails('policy create machines --service-auth --action allow', 'usage', 'SEVERAL_ACTIONS')
    await zt.fails('policy create machines --token nothing', 'not-found', 'TOKEN_NOT_FOUND')
    await zt.fails(
      'policy create machines --token ci --zone widgetcorp.tech',
      'usage',
      'ZONE_HAS_NO_POLICIES',
    )
  })
})
