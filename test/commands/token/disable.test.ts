import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token disable')

it('switches a service token off, and keeps its secret and rules', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy')
  const result = await zt.json('token disable deploy --keep-connections')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, connections: []},
    token: {status: 'disabled', enabled: false, store: 'vault', hosts: ['gitlab.widgetcorp.tech']},
    before: {enabled: true},
  })
  expect(zt.token('deploy')['enabled']).toBe(false)
})

it('says for people what it means, and how it is switched on again', async () => {
  const {zt} = scene
  const {stdout, stderr} = await zt.run('token disable ci')
  expect(stdout).toMatch(/^✓ Disabled ci\n/)
  expect(stderr).toContain('zt token enable ci')
  expect(await zt.unchanged(() => zt.json('token disable ci'))).toMatchObject({changed: false})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('token disable ci --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true},
    token: {enabled: false},
  })
})

it('asks which one', async () => {
  const {zt} = scene
  const {asked} = await zt.run('token disable', {answers: ['ci']})
  expect(asked).toHaveLength(1)
  expect(zt.token('ci')['enabled']).toBe(false)
  await zt.failsWithoutAsking('token disable')
})

it('fails where there is no such token, or the API token may not', async () => {
  const {zt} = scene
  await zt.fails('token disable nothing', 'not-found', 'TOKEN_NOT_FOUND')
  zt.api.spoil({
    method: 'PUT',
    path: '/service_tokens/{id}',
    action: {do: 'refuse', status: 403, code: 10000},
  })
  const {missingPermissions} = await zt.fails('token disable ci', 'permission', 'PERMISSION_MISSING')
  expect(missingPermissions).toEqual(['Access: Service Tokens Write'])
})
