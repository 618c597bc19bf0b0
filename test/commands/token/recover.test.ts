import {expect, it} from 'vitest'
import {commandTests, type CommandWorld} from '../../support/command-harness.js'

const scene = commandTests('token recover')

/** A creation that ends when the secret is kept, and the token has not got its name. */
async function interrupted(zt: CommandWorld): Promise<void> {
  zt.api.spoil({
    method: 'PUT',
    path: '/service_tokens/{id}',
    action: {do: 'refuse', status: 400, code: 12130},
  })
  expect((await zt.run('token create deploy')).exitCode).not.toBe(0)
  zt.api.reset()
}

it('finishes what was interrupted', async () => {
  const {zt} = scene
  await interrupted(zt)
  expect((await zt.run('token list')).stderr).toContain('zt token recover')
  const {operations, dryRun} = await zt.json('token recover --keep-connections')
  expect(operations).toMatchObject([
    {kind: 'create', name: 'deploy', settlement: 'finished', connections: []},
  ])
  expect(dryRun).toBe(false)
  expect(zt.token('deploy')['name']).toBe('deploy')
  expect(await zt.json('token recover')).toMatchObject({operations: [], damaged: [], elsewhere: []})
})

it('undoes it where that was asked for', async () => {
  const {zt} = scene
  await interrupted(zt)
  const {stdout} = await zt.run('token recover --undo')
  expect(stdout).toContain('deploy')
  expect(zt.state.data.serviceTokens).toHaveLength(4)
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  await interrupted(zt)
  const {operations} = await zt.unchanged(() => zt.json('token recover --dry-run'))
  expect(operations).toMatchObject([{settlement: 'finished'}])
})

it('ends with 9 where something must wait', async () => {
  const {zt} = scene
  await interrupted(zt)
  zt.api.spoil({method: '*', path: '/service_tokens', action: {do: 'refuse', status: 500}})
  zt.api.spoil({method: '*', path: '/service_tokens/{id}', action: {do: 'refuse', status: 500}})
  const {operations} = await zt.json('token recover', {ends: 'needs-action'})
  expect(operations).toMatchObject([{settlement: 'waiting'}])
})

it('fails where it is asked for something else', async () => {
  await scene.zt.fails('token recover deploy', 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails('token recover --profile none', 'not-found', 'PROFILE_NOT_FOUND')
})
