import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('group remove-token')

it('takes a service token out of an Access group, and says what it no longer opens', async () => {
  const {zt} = scene
  await zt.json('group add-token robots cd')
  const result = await zt.json('group remove-token robots ci --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, group: {name: 'robots'}, token: {name: 'ci'}, opens: []},
    closes: [{name: 'Build', reach: 'no'}],
  })
  expect(zt.group('robots')['include']).toEqual([{service_token: {token_id: 'token-cd'}}])
})

it('leaves one that is not in it', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('group remove-token robots cd'))).toMatchObject({changed: false})
})

it('works on those of a zone', async () => {
  const {zt} = scene
  const zone = ['--zone', 'widgetcorp.tech']
  await zt.json(['group', 'add-token', 'zone robots', 'of-the-zone', ...zone])
  await zt.json(['group', 'remove-token', 'zone robots', 'of-the-zone', ...zone])
  expect(zt.group('zone robots')['include']).toHaveLength(1)
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  await zt.json('group add-token robots cd')
  expect(await zt.unchanged(() => zt.json('group remove-token robots ci --dry-run'))).toMatchObject({
    closes: [{name: 'Build'}],
  })
})

it('asks for both, and before it takes it out', async () => {
  const {zt} = scene
  await zt.json('group add-token robots cd')
  await zt.fails('group remove-token robots cd', 'cancelled', 'CANCELLED', {answers: [false]})
  expect((await zt.run('group remove-token', {answers: ['robots', 'cd', true]})).asked).toHaveLength(3)
  await zt.failsWithoutAsking('group remove-token')
})

it('fails where it cannot be taken out', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('group remove-token robots ci --yes', 'conflict', 'GROUP_WOULD_BE_EMPTY')
    await zt.fails('group remove-token nothing ci', 'not-found', 'GROUP_NOT_FOUND')
    await zt.fails('group remove-token robots nothing', 'not-found', 'TOKEN_NOT_FOUND')
  })
})
