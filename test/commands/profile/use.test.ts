import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('profile use')

beforeEach(async () => {
  const {profiles} = await scene.zt.readConfig()
  await scene.zt.writeConfig({currentProfile: 'default', profiles: {...profiles, lab: {accountId: 'a1'}}})
})

it('works with a profile from now on', async () => {
  const {zt} = scene
  expect(await zt.json('profile use lab')).toMatchObject({profile: 'lab', accountId: 'a1'})
  expect((await zt.readConfig()).currentProfile).toBe('lab')
  expect((await zt.run('profile use default')).stdout).toContain('default')
})

it('warns where something else chooses the profile', async () => {
  const {zt} = scene
  const {warnings} = await zt.json('profile use lab', {env: {ZT_PROFILE: 'default'}})
  expect(warnings).toHaveLength(1)
})

it('asks which one', async () => {
  const {zt} = scene
  expect((await zt.run('profile use', {answers: ['lab']})).asked).toHaveLength(1)
  expect((await zt.readConfig()).currentProfile).toBe('lab')
  await zt.failsWithoutAsking('profile use')
})

it('fails where there is no such profile', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('profile use none', 'not-found', 'PROFILE_NOT_FOUND')
    await zt.fails(['profile', 'use', '../x'], 'usage', 'BAD_PROFILE_NAME')
    await zt.fails('profile use LAB', 'conflict', 'PROFILE_NAME_TAKEN')
  })
})
