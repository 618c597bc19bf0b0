import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy list')
const namesOf = (list: {policies?: unknown}): string[] =>
  (list.policies as {name: string}[]).map(({name}) => name)

it("lists the account's policies", async () => {
  const {zt} = scene
  const list = await zt.json('policy list')
  expect(namesOf(list)).toEqual(['Staff', 'Robots', 'CD', 'Spare'])
  expect(list['policies']).toMatchObject([
    {decision: 'allow', applications: 1},
    {decision: 'non_identity', action: 'Service Auth', includes: ['Access group robots']},
    {},
    {applications: 0},
  ])
  const {stdout} = await zt.run('policy list')
  expect(stdout).toMatch(/^CD +Service Auth +service token cd +1/m)
})

it('narrows the list', async () => {
  const {zt} = scene
  expect(namesOf(await zt.json('policy list --search robo'))).toEqual(['Robots'])
  expect(namesOf(await zt.json('policy list --limit 2'))).toEqual(['Staff', 'Robots'])
  expect(namesOf(await zt.json('policy list --search nothing'))).toEqual([])
})

it('fails where it cannot list them', async () => {
  const {zt} = scene
  await zt.fails('policy list --zone widgetcorp.tech', 'usage', 'ZONE_HAS_NO_POLICIES')
  zt.api.spoil({method: 'GET', path: '/policies', action: {do: 'refuse', status: 403, code: 10000}})
  await zt.fails('policy list', 'permission', 'PERMISSION_MISSING')
})
