import {expect, it} from 'vitest'
import {commandTests, type CommandWorld} from '../../support/command-harness.js'

const scene = commandTests('token rotate')

async function withSecret(zt: CommandWorld): Promise<{clientId: string; secret: string}> {
  const {token, clientSecret} = await zt.json('token create deploy --reveal')
  return {clientId: (token as {clientId: string}).clientId, secret: String(clientSecret)}
}

it('gives a service token a new secret, and keeps the previous one for the grace period', async () => {
  const {zt} = scene
  const {clientId, secret} = await withSecret(zt)
  const result = await zt.json('token rotate deploy --grace 7d')
  expect(result).toMatchObject({
    token: {name: 'deploy', clientId},
    store: 'vault',
    previousKept: true,
    dryRun: false,
  })
  const days = (Date.parse(String(result['previousUntil'])) - Date.now()) / 86_400_000
  expect(Math.round(days)).toBe(7)
  expect(await zt.admits(clientId, secret)).toBe(true)
})

it('ends the previous secret with --grace 0', async () => {
  const {zt} = scene
  const {clientId, secret} = await withSecret(zt)
  expect(await zt.json('token rotate deploy --grace 0 --keep-connections')).toMatchObject({
    ...{previousUntil: null, connections: []},
  })
  expect(await zt.admits(clientId, secret)).toBe(false)
})

it('finishes a rotation', async () => {
  const {zt} = scene
  const {clientId, secret} = await withSecret(zt)
  expect((await zt.run('token rotate deploy')).stderr).toContain('zt token rotate deploy --finish')
  expect(await zt.unchanged(() => zt.json('token rotate deploy --finish --dry-run'))).toMatchObject({
    changed: false,
  })
  expect(await zt.json('token rotate deploy --finish')).toMatchObject({changed: true, connections: []})
  expect(await zt.admits(clientId, secret)).toBe(false)
  expect(await zt.json('token rotate deploy --finish')).toMatchObject({changed: false})
})

it('goes back to the previous secret', async () => {
  const {zt} = scene
  const {clientId, secret} = await withSecret(zt)
  await zt.json('token rotate deploy')
  await zt.unchanged(() => zt.json('token rotate deploy --undo --dry-run'))
  const {until, warnings} = await zt.json('token rotate deploy --undo')
  expect(Date.parse(String(until))).toBeGreaterThan(Date.now())
  expect(warnings).toHaveLength(1)
  expect(await zt.admits(clientId, secret)).toBe(true)
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  await withSecret(zt)
  expect(await zt.unchanged(() => zt.json('token rotate deploy --dry-run'))).toMatchObject({dryRun: true})
  expect((await zt.unchanged(() => zt.run('token rotate deploy --dry-run'))).stdout).toContain('deploy')
})

it('fails where it cannot do what was asked', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('token rotate nothing', 'not-found', 'TOKEN_NOT_FOUND')
    await zt.fails('token rotate ci --grace soon', 'usage', 'BAD_DURATION')
    await zt.fails('token rotate ci --finish --undo', 'usage', 'BAD_COMMAND_LINE')
    await zt.fails('token rotate', 'usage', 'BAD_COMMAND_LINE', {answers: []})
  })
})
