import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy delete')

it('deletes a policy that no application has', async () => {
  const {zt} = scene
  const result = await zt.json('policy delete Spare --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, policy: {id: 'policy-spare', name: 'Spare'}},
    changes: [{action: 'delete', kind: 'policy'}],
  })
  expect(() => zt.policy('Spare')).toThrow()
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('policy delete Spare --dry-run'))).toMatchObject({dryRun: true})
})

it('asks which one, and before it deletes it', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy delete Spare', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('policy delete')
    const {next} = await zt.failsWithoutAsking('policy delete Spare')
    expect(next).toContain('zt policy delete Spare --yes')
  })
  const {asked, stderr} = await zt.run('policy delete', {answers: ['Spare', true]})
  expect(asked).toHaveLength(2)
  expect(stderr).toMatch(/zt undo \w+/)
})

it('fails where an application has it', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('policy delete CD --yes', 'conflict', 'POLICY_IN_USE')
    await zt.fails('policy delete nothing --yes', 'not-found', 'POLICY_NOT_FOUND')
    await zt.fails('policy delete Spare --zone widgetcorp.tech', 'usage', 'ZONE_HAS_NO_POLICIES')
  })
})
