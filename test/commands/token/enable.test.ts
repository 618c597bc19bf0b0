import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token enable')

it('switches a service token on', async () => {
  const {zt} = scene
  expect(await zt.json('token enable off')).toMatchObject({
    ...{changed: true, token: {status: 'active', enabled: true}},
    before: {enabled: false},
  })
  expect(zt.token('off')['enabled']).not.toBe(false)
  expect(await zt.unchanged(() => zt.json('token enable off'))).toMatchObject({changed: false})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('token enable off --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true},
    token: {enabled: true},
  })
})

it('warns of one that has expired', async () => {
  const {zt} = scene
  zt.token('off')['expires_at'] = '2026-01-01T00:00:00Z'
  const {warnings} = await zt.json('token enable off')
  expect(warnings).toEqual([expect.stringContaining('2026-01-01')])
  expect((await zt.run('token enable off')).stderr).toContain('zt token refresh off')
})

it('asks which one', async () => {
  const {zt} = scene
  await zt.run('token enable', {answers: ['off']})
  expect(zt.token('off')['enabled']).not.toBe(false)
  await zt.failsWithoutAsking('token enable')
})

it('fails where there is no such token, or no answer', async () => {
  const {zt} = scene
  await zt.fails('token enable nothing', 'not-found', 'TOKEN_NOT_FOUND')
  zt.state.data.serviceTokens.length = 0
  await zt.fails('token enable', 'not-found', 'NOTHING_TO_CHOOSE', {answers: []})
})
