import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app list')
const namesOf = (list: {applications?: unknown}): string[] =>
  (list.applications as {name: string}[]).map(({name}) => name)

it('lists the applications of the account', async () => {
  const {zt} = scene
  const list = await zt.json('app list')
  expect(namesOf(list)).toEqual(['GitLab', 'Build', 'Legacy', 'Wiki'])
  expect(list['applications']).toMatchObject([
    {domain: 'gitlab.widgetcorp.tech', policies: 1},
    {policies: 2},
    {},
    {},
  ])
  const {stdout} = await zt.run('app list')
  expect(stdout).toMatch(/^NAME +KIND +DOMAIN/)
  expect(stdout).toMatch(/^GitLab +self_hosted +gitlab\.widgetcorp\.tech/m)
})

it('narrows the list', async () => {
  const {zt} = scene
  expect(namesOf(await zt.json('app list --search wiki'))).toEqual(['Wiki'])
  expect(namesOf(await zt.json('app list --name Git'))).toEqual(['GitLab'])
  expect(namesOf(await zt.json('app list --name Git --exact'))).toEqual([])
  expect(namesOf(await zt.json('app list --domain build.'))).toEqual(['Build'])
  expect(namesOf(await zt.json('app list --limit 2'))).toEqual(['GitLab', 'Build'])
  expect(namesOf(await zt.json('app list --zone widgetcorp.tech'))).toEqual(['Of the zone'])
})

it('says so where there is none', async () => {
  const {zt} = scene
  zt.state.data.apps.length = 0
  expect(namesOf(await zt.json('app list'))).toEqual([])
  expect((await zt.run('app list')).stdout).not.toBe('')
})

it('ends a list that breaks off with the error', async () => {
  const {zt} = scene
  for (let number = 1; number <= 120; number += 1)
    zt.state.data.apps.push({
      id: `app-${number}`,
      name: `App ${number}`,
      type: 'self_hosted',
      domain: `${number}.example`,
    })
  zt.api.spoil({method: 'GET', path: '/apps', from: 2, action: {do: 'refuse', status: 400}})
  const broken = await zt.json('app list', {ends: 'api'})
  expect(namesOf(broken).length).toBeGreaterThan(0)
  expect(broken['error']).toMatchObject({kind: 'api', status: 400})
})

it('fails where it cannot list them', async () => {
  const {zt} = scene
  await zt.fails('app list --zone elsewhere.example', 'not-found', 'ZONE_NOT_FOUND')
  await zt.fails('app list --limit many', 'usage', 'BAD_COMMAND_LINE')
  await zt.fails(['app', 'list', '--zone', ' '], 'usage', 'BAD_ZONE')
})
