import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token refresh')

it('extends a service token by a year', async () => {
  const {zt} = scene
  const {token, before} = await zt.json('token refresh ci')
  const [was, is] = [before, token].map((one) => Date.parse((one as {expiresAt: string}).expiresAt))
  expect(is).toBeGreaterThanOrEqual(Number(was))
  expect(zt.token('ci')['expires_at']).toBe((token as {expiresAt: string}).expiresAt)
  const {stdout} = await zt.run('token refresh ci')
  expect(stdout).toContain('before')
})

it('asks before it ends earlier', async () => {
  const {zt} = scene
  const {duration} = zt.token('ci')
  await zt.fails('token refresh ci --duration 1h', 'cancelled', 'CANCELLED', {answers: [false]})
  expect(zt.token('ci')['duration']).toBe(duration)
  const {asked, stderr} = await zt.run('token refresh ci --duration 1h', {answers: [true]})
  expect(asked).toHaveLength(1)
  expect(stderr).toContain('warning:')
  expect(zt.token('ci')['duration']).toBe('1h')
  await zt.failsWithoutAsking('token refresh cd --duration 1h')
  expect(await zt.json('token refresh cd --duration 2h --yes')).toMatchObject({token: {duration: '2h'}})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('token refresh ci --duration forever --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true},
    token: {expiresAt: null},
  })
})

it('leaves one that never expires', async () => {
  const {zt} = scene
  await zt.json('token refresh ci --duration forever')
  expect(await zt.json('token refresh ci')).toMatchObject({changed: false, token: {expiresAt: null}})
})

it('asks which one', async () => {
  const {zt} = scene
  await zt.run('token refresh', {answers: ['ci']})
  await zt.failsWithoutAsking('token refresh')
})

it('fails where it cannot do what was asked', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('token refresh nothing', 'not-found', 'TOKEN_NOT_FOUND')
    await zt.fails('token refresh ci --duration long', 'usage', 'BAD_DURATION')
    await zt.fails('token refresh ci --duration 1h', 'usage', 'INPUT_REQUIRED')
  })
})
