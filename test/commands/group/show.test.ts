import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('group show')

it('shows an Access group, and what uses it', async () => {
  const {zt} = scene
  expect(await zt.json('group show robots')).toMatchObject({
    group: {id: 'group-robots', include: [{service_token: {token_id: 'token-ci'}}]},
    usedBy: [{kind: 'reusable', name: 'Robots', decision: 'non_identity', applications: [{name: 'Build'}]}],
  })
  const {stdout} = await zt.run('group show robots')
  expect(stdout).toContain('service token ci')
  expect(stdout).toMatch(/Robots +Service Auth +include +Build/)
  expect(await zt.json('group show group-offices')).toMatchObject({group: {name: 'offices'}, usedBy: []})
})

it('shows one of a zone', async () => {
  expect(await scene.zt.json(['group', 'show', 'zone robots', '--zone', 'widgetcorp.tech'])).toMatchObject({
    group: {id: 'group-zone'},
  })
})

it('asks which one', async () => {
  const {zt} = scene
  expect((await zt.run('group show', {answers: ['offices']})).stdout).toContain('203.0.113.0/24')
  await zt.failsWithoutAsking('group show')
})

it('fails where no one group is meant', async () => {
  const {zt} = scene
  await zt.fails('group show nothing', 'not-found', 'GROUP_NOT_FOUND')
  zt.group('offices')['name'] = 'robots'
  await zt.fails('group show robots', 'ambiguous', 'GROUP_AMBIGUOUS')
})
