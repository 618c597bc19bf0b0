import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app remove-rule')

it('takes a rule off an application, and leaves its policy in the account', async () => {
  const {zt} = scene
  const result = await zt.json('app remove-rule Build CD --yes')
  expect(result).toMatchObject({
    ...{changed: true, dryRun: false, how: 'detach', rule: {name: 'CD'}, token: null, unbound: []},
    changes: [{action: 'replace', kind: 'application'}],
  })
  expect(zt.app('Build')['policies']).toHaveLength(1)
  expect(zt.policy('CD')['id']).toBe('policy-cd')
})

it('deletes the policy with --delete, and an inline one always', async () => {
  const {zt} = scene
  expect(await zt.json('app remove-rule Build 2 --delete --yes')).toMatchObject({how: 'delete'})
  expect(() => zt.policy('CD')).toThrow()
  expect(await zt.json('app remove-rule Legacy Second --yes')).toMatchObject({how: 'delete'})
  expect(zt.app('Legacy')['policies']).toHaveLength(1)
})

it('takes one token out of a rule, and unbinds its hosts', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy --token cd --name both')
  const result = await zt.json('app remove-rule GitLab both --token deploy --yes')
  expect(result).toMatchObject({how: 'token', token: {name: 'deploy'}, unbound: ['gitlab.widgetcorp.tech']})
  expect(zt.policy('both')['include']).toEqual([{service_token: {token_id: 'token-cd'}}])
  const again = await zt.unchanged(() => zt.json('app remove-rule GitLab both --token deploy --yes'))
  expect(again).toMatchObject({changed: false, how: 'none'})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('app remove-rule Build CD --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true, how: 'detach'},
  })
})

it('asks for the application and the rule, and before it removes it', async () => {
  const {zt} = scene
  const {asked, stdout} = await zt.run('app remove-rule', {answers: ['Build', 'CD', true]})
  expect(asked).toHaveLength(3)
  expect(stdout).toContain('CD')
  await zt.unchanged(async () => {
    await zt.fails('app remove-rule GitLab Staff', 'cancelled', 'CANCELLED', {answers: [false]})
    await zt.failsWithoutAsking('app remove-rule')
    await zt.failsWithoutAsking('app remove-rule GitLab')
    const {next} = await zt.failsWithoutAsking('app remove-rule GitLab Staff --delete')
    expect(next).toContain('zt app remove-rule GitLab Staff --delete --yes')
  })
})

it('removes those of a zone', async () => {
  const {zt} = scene
  await zt.json(['app', 'remove-rule', 'Of the zone', 'Zone', '--zone', 'widgetcorp.tech', '--yes'])
  expect(zt.app('Of the zone')['policies']).toEqual([])
})

it('fails where it must not be removed, or is not there', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('app remove-rule Build 3 --yes', 'not-found', 'RULE_NOT_FOUND')
    await zt.fails('app remove-rule Build Robots --token nothing --yes', 'not-found', 'TOKEN_NOT_FOUND')
    await zt.fails('app remove-rule Build CD --token cd --yes', 'conflict', 'RULE_WOULD_BE_EMPTY')
    await zt.fails('app remove-rule Build CD --token cd --delete', 'usage', 'BAD_COMMAND_LINE')
  })
})
