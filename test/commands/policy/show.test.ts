import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy show')

it('shows a policy, and the applications that have it', async () => {
  const {zt} = scene
  for (const wanted of ['CD', 'policy-cd', 'cd'])
    expect(await zt.json(`policy show ${wanted}`)).toMatchObject({
      policy: {id: 'policy-cd', decision: 'non_identity', action: 'Service Auth', reusable: true},
      applications: [{name: 'Build', domain: 'build.widgetcorp.tech', precedence: 2}],
    })
  const {stdout} = await zt.run('policy show CD')
  expect(stdout).toContain('service token cd')
  expect(stdout).toMatch(/^Build +2/m)
})

it('shows what decides beside the rules, and each rule in words', async () => {
  const {zt} = scene
  Object.assign(zt.policy('CD'), {
    include: [{okta: {name: 'ops', identity_provider_id: 'i'}}, {of_tomorrow: {x: 1}}],
    ...{
      approval_required: true,
      approval_groups: [{approvals_needed: 1, email_addresses: ['a@example.com']}],
    },
  })
  expect(await zt.json('policy show CD')).toMatchObject({
    policy: {
      inWords: {include: ['Okta group ops', 'of_tomorrow (x: 1)']},
      settings: {approval: {required: true, groups: [{approvals: 1, emails: ['a@example.com']}]}},
    },
  })
  const {stdout} = await zt.run('policy show CD')
  expect(stdout).toMatch(/^approval +required; 1 of a@example\.com$/m)
  expect(stdout).not.toContain('{')
})

it('shows one that lives inside an application, and one that no application has', async () => {
  const {zt} = scene
  expect(await zt.json('policy show Second')).toMatchObject({
    policy: {reusable: false},
    applications: [{name: 'Legacy'}],
  })
  expect(await zt.json('policy show Spare')).toMatchObject({applications: []})
})

it('asks which one', async () => {
  const {zt} = scene
  expect((await zt.run('policy show', {answers: ['Spare']})).stdout).toContain('policy-spare')
  await zt.failsWithoutAsking('policy show')
})

it('fails where no one policy is meant', async () => {
  const {zt} = scene
  await zt.fails('policy show nothing', 'not-found', 'POLICY_NOT_FOUND')
  zt.policy('Spare')['name'] = 'CD'
  await zt.fails('policy show CD', 'ambiguous', 'POLICY_AMBIGUOUS')
  await zt.fails('policy show CD --zone widgetcorp.tech', 'usage', 'ZONE_HAS_NO_POLICIES')
})
