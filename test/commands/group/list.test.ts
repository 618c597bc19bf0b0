import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('group list')
const namesOf = (list: {groups?: unknown}): string[] =>
  (list.groups as {name: string}[]).map(({name}) => name)

it('lists the Access groups of the account', async () => {
  const {zt} = scene
  const list = await zt.json('group list')
  expect(namesOf(list)).toEqual(['robots', 'offices'])
  expect(list['groups']).toMatchObject([
    {includes: ['service token ci'], serviceTokens: 1},
    {includes: ['IP 203.0.113.0/24'], serviceTokens: 0},
  ])
  const {stdout} = await zt.run('group list')
  expect(stdout).toMatch(/^robots +service token ci +1/m)
})

it('narrows the list', async () => {
  const {zt} = scene
  expect(namesOf(await zt.json('group list --search off'))).toEqual(['offices'])
  expect(namesOf(await zt.json('group list --limit 1'))).toEqual(['robots'])
  expect(namesOf(await zt.json('group list --zone widgetcorp.tech'))).toEqual(['zone robots'])
  expect((await zt.run('group list --search nothing')).stdout).not.toContain('robots')
})

it('fails where it cannot list them', async () => {
  const {zt} = scene
  await zt.fails('group list --zone elsewhere.example', 'not-found', 'ZONE_NOT_FOUND')
  await zt.fails('group list --limit 0', 'usage', 'BAD_COMMAND_LINE')
})
