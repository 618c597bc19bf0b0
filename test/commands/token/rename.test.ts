import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token rename')

it('renames a service token', async () => {
  const {zt} = scene
  const result = await zt.json(['token', 'rename', 'ci', 'gitlab ci'])
  expect(result).toMatchObject({
    changed: true,
    dryRun: false,
    token: {name: 'gitlab ci'},
    before: {name: 'ci'},
  })
  expect(zt.token('gitlab ci')['id']).toBe('token-ci')
  expect((await zt.run('token rename cd deploy')).stdout).toMatch(/cd.*deploy/)
})

it('leaves a token that has the name', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('token rename ci ci'))).toMatchObject({changed: false})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('token rename ci new --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true},
    token: {name: 'new'},
  })
})

it('asks for the token and the new name', async () => {
  const {zt} = scene
  const {asked} = await zt.run('token rename', {answers: ['off', ' ', 'spare']})
  expect(asked).toHaveLength(3)
  expect(zt.token('spare')['id']).toBe('token-off')
  await zt.failsWithoutAsking('token rename ci')
})

it('fails where it cannot be called that', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('token rename ci cd', 'conflict', 'TOKEN_NAME_TAKEN')
    await zt.fails(['token', 'rename', 'ci', ' '], 'usage', 'BAD_TOKEN_NAME')
    await zt.fails('token rename nothing new', 'not-found', 'TOKEN_NOT_FOUND')
  })
})
