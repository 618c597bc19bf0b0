import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy make-reusable')

it('makes a policy that lives inside an application reusable', async () => {
  const {zt} = scene
  const result = await zt.json('policy make-reusable Legacy Second --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, application: {name: 'Legacy'}, policies: [{name: 'Second'}]},
    changes: [{action: 'make-reusable', kind: 'inline-policy', application: {name: 'Legacy'}}],
  })
  expect(result['warnings']).not.toEqual([])
  expect(await zt.json('policy show Second')).toMatchObject({
    policy: {reusable: true},
    applications: [{name: 'Legacy'}],
  })
})

it('makes all of them reusable', async () => {
  const {zt} = scene
  const {stdout} = await zt.run('policy make-reusable Legacy --all --yes')
  expect(stdout).toMatch(/First.*Second/)
  expect(zt.state.data.policies).toHaveLength(6)
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('policy make-reusable Legacy --all --dry-run'))).toMatchObject({
    policies: [{name: 'First'}, {name: 'Second'}],
  })
})

it('asks which application, and before it does what cannot be undone', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy make-reusable --all', 'cancelled', 'CANCELLED', {answers: ['Legacy', false]})
    await zt.failsWithoutAsking('policy make-reusable --all')
    const {next} = await zt.failsWithoutAsking('policy make-reusable Legacy --all')
    expect(next).toContain('zt policy make-reusable Legacy --all --yes')
  })
})

it('fails where it is not clear which, or there is none', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy make-reusable Legacy', 'usage', 'RULE_OR_ALL')
    await zt.fails('policy make-reusable Legacy First --all', 'usage', 'RULE_OR_ALL')
    await zt.fails('policy make-reusable Legacy nothing --yes', 'not-found', 'RULE_NOT_FOUND')
    await zt.fails(
      'policy make-reusable Legacy --all --zone widgetcorp.tech',
      'usage',
      'ZONE_HAS_NO_POLICIES',
    )
  })
})
