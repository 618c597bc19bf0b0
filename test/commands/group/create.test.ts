import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('group create')

it('creates an Access group', async () => {
  const {zt} = scene
  const result = await zt.json(
    'group create builders --token ci --group offices --ip 2001:db8::/32 --country DE --yes',
  )
  const {id, include} = zt.group('builders')
  expect(result).toMatchObject({changed: true, dryRun: false, group: {id, name: 'builders'}})
  expect(include).toEqual([
    // As the sandbox sorts them.
    {geo: {country_code: 'DE'}},
    {group: {id: 'group-offices'}},
    {ip: {ip: '2001:db8::/32'}},
    {service_token: {token_id: 'token-ci'}},
  ])
})

it('creates one in a zone', async () => {
  const {zt} = scene
  await zt.json('group create builders --token of-the-zone --zone widgetcorp.tech')
  expect(zt.group('builders')['include']).toEqual([{service_token: {token_id: 'token-zone'}}])
})

it('leaves one of this name and meaning', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('group create robots --token ci'))).toMatchObject({
    ...{changed: false, group: {id: 'group-robots'}},
  })
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('group create builders --token ci --dry-run'))).toMatchObject({
    ...{dryRun: true, group: {id: null}},
  })
})

it('asks for the name, and before it creates it', async () => {
  const {zt} = scene
  const {asked, stderr} = await zt.run('group create --token ci', {answers: ['builders', true]})
  expect(asked).toHaveLength(2)
  expect(stderr).toContain('zt policy create builders --group builders')
  await zt.unchanged(async () => {
    await zt.fails('group create other --token ci', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('group create --token ci')
  })
})

it('fails where there can be no such group', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('group create robots --token cd', 'conflict', 'GROUP_NAME_TAKEN')
    await zt.fails('group create builders', 'usage', 'GROUP_INCLUDES_NOBODY')
    await zt.fails('group create builders --ip 300.1.1.1', 'usage', 'BAD_CIDR')
    await zt.fails('group create builders --token nothing', 'not-found', 'TOKEN_NOT_FOUND')
  })
})
