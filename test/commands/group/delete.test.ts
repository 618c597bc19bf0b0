import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('group delete')

it('deletes an Access group that nothing uses', async () => {
  const {zt} = scene
  expect(await zt.json('group delete offices --yes')).toMatchObject({
    ...{changed: true, dryRun: false, group: {id: 'group-offices', name: 'offices'}},
    changes: [{action: 'delete', kind: 'group'}],
  })
  expect(() => zt.group('offices')).toThrow()
})

it('deletes one of a zone', async () => {
  const {zt} = scene
  await zt.json(['group', 'delete', 'zone robots', '--zone', 'widgetcorp.tech', '--yes'])
  expect(() => zt.group('zone robots')).toThrow()
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('group delete offices --dry-run'))).toMatchObject({dryRun: true})
})

it('asks which one, and before it deletes it', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('group delete offices', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('group delete')
    const {next} = await zt.failsWithoutAsking('group delete offices')
    expect(next).toContain('zt group delete offices --yes')
  })
  expect((await zt.run('group delete', {answers: ['offices', true]})).asked).toHaveLength(2)
})

it('fails where something uses it', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    const {details} = await zt.fails('group delete robots --yes', 'conflict', 'GROUP_IN_USE')
    expect(details).toMatchObject({references: [{name: 'Robots'}]})
    await zt.fails('group delete nothing --yes', 'not-found', 'GROUP_NOT_FOUND')
  })
})
