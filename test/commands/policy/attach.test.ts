import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy attach')

it('puts a policy on an application, behind the others', async () => {
  const {zt} = scene
  const result = await zt.json('policy attach CD GitLab --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, policy: {name: 'CD'}, application: {name: 'GitLab'}},
    changes: [{action: 'replace', kind: 'application'}],
  })
  expect(zt.app('GitLab')['policies']).toMatchObject([{id: 'policy-staff'}, {id: 'policy-cd', precedence: 2}])
})

it('puts it where it is wanted, and moves one that is there', async () => {
  const {zt} = scene
  await zt.json('policy attach CD GitLab --before Staff')
  await zt.json('policy attach Robots GitLab --precedence 1')
  const {application} = await zt.json('app show GitLab')
  expect((application as {policies: {name: string}[]}).policies.map(({name}) => name)).toEqual([
    'Robots',
    'CD',
    'Staff',
  ])
  const {stdout} = await zt.run('policy attach Staff GitLab --precedence 1')
  expect(stdout).toContain('Staff')
  expect(await zt.unchanged(() => zt.json('policy attach Robots Build'))).toMatchObject({changed: false})
})

it('binds hosts to a token whose secret is here', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('policy create machines --token deploy')
  expect(await zt.json('policy attach machines GitLab')).toMatchObject({
    bound: [{host: 'gitlab.widgetcorp.tech', token: 'deploy', replaced: false}],
  })
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('policy attach CD GitLab --dry-run'))).toMatchObject({dryRun: true})
})

it('asks for both, and before it attaches it', async () => {
  const {zt} = scene
  const {asked} = await zt.run('policy attach', {answers: ['CD', 'GitLab', true]})
  expect(asked).toHaveLength(3)
  await zt.unchanged(async () => {
    await zt.fails('policy attach Spare GitLab', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('policy attach')
    await zt.failsWithoutAsking('policy attach CD')
  })
})

it('fails where it cannot go there', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy attach nothing GitLab', 'not-found', 'POLICY_NOT_FOUND')
    await zt.fails('policy attach CD nothing', 'not-found', 'APPLICATION_NOT_FOUND')
    await zt.fails('policy attach CD Legacy', 'conflict', 'TAKES_INLINE_ONLY')
    await zt.fails('policy attach CD GitLab --before Staff --precedence 1', 'usage', 'BEFORE_AND_PRECEDENCE')
    await zt.fails('policy attach CD GitLab --zone widgetcorp.tech', 'usage', 'ZONE_HAS_NO_POLICIES')
  })
})

it('says which restriction the policy goes past', async () => {
  const {zt} = scene
  await zt.json('policy create narrow --token cd --require-country DE')
  await zt.json('policy attach narrow GitLab --yes')
  const {warnings} = await zt.json('policy attach CD GitLab --dry-run')
  expect(warnings).toEqual([
    'The rule "narrow" admits "cd" under conditions (only country DE); the new rule goes past them',
  ])
})
