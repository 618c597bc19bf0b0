import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy detach')

it('takes a policy off an application, and keeps the order of the others', async () => {
  const {zt} = scene
  const result = await zt.json('policy detach Robots Build --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, policy: {name: 'Robots'}, application: {name: 'Build'}, unbound: []},
  })
  expect(zt.app('Build')['policies']).toEqual([{id: 'policy-cd', precedence: 2}])
  expect(zt.policy('Robots')['id']).toBe('policy-robots')
})

it('unbinds hosts that a token no longer opens', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy --name machines')
  expect(await zt.json('policy detach machines GitLab')).toMatchObject({unbound: ['gitlab.widgetcorp.tech']})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const {stdout} = await zt.unchanged(() => zt.run(['policy', 'detach', '#2', 'Build', '--dry-run']))
  expect(stdout).toContain('Build')
})

it('asks for both, and before it detaches it', async () => {
  const {zt} = scene
  const {asked} = await zt.run('policy detach', {answers: ['CD', 'Build', true]})
  expect(asked).toHaveLength(3)
  await zt.unchanged(async () => {
    await zt.fails('policy detach Staff GitLab', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('policy detach')
  })
})

it('fails where it cannot be taken off', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy detach nothing Build', 'not-found', 'POLICY_NOT_FOUND')
    await zt.fails('policy detach First Legacy', 'conflict', 'POLICY_IS_INLINE')
    await zt.fails('policy detach CD Build --zone widgetcorp.tech', 'usage', 'ZONE_HAS_NO_POLICIES')
  })
})
