import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token revoke')
const exists = (name: string): boolean =>
  scene.zt.state.data.serviceTokens.some(({object}) => object['name'] === name)

it('deletes a service token, its secret and its hosts', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const result = await zt.json('token revoke deploy --yes --keep-connections')
  expect(result).toMatchObject({
    ...{token: {name: 'deploy'}, exists: true, deleted: true, dryRun: false, references: [], connections: []},
    ...{stores: ['vault'], secretRemoved: true},
  })
  expect(exists('deploy')).toBe(false)
})

it('takes it out of everything that names it with --detach', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy')
  const {references} = await zt.unchanged(() => zt.json('token revoke deploy --detach --dry-run'))
  expect(references).toMatchObject([{kind: 'reusable', part: 'include', applications: [{name: 'GitLab'}]}])
  const shown = await zt.unchanged(() => zt.run('token revoke deploy --detach --dry-run'))
  expect(shown.stdout).toMatch(/^closes: "GitLab" \(gitlab\.widgetcorp\.tech\) for "deploy"$/m)
  const result = await zt.json('token revoke deploy --detach --yes')
  expect(result).toMatchObject({deleted: true, unbound: ['gitlab.widgetcorp.tech']})
  expect(result['detached']).not.toEqual([])
  expect(zt.app('GitLab')['policies']).toHaveLength(1)
})

it('says what it closes that no rule names the token for, and opens nothing by taking it out of an Exclude', async () => {
  const {zt} = scene
  await zt.json('app add-rule Wiki --service-auth --any-token')
  zt.policy('CD')['exclude'] = [{service_token: {token_id: 'token-ci'}}]
  await zt.json('group add-token robots off')
  const closed = [
    {name: 'Build', tokens: [{name: 'ci'}]},
    {name: 'Wiki', tokens: [{name: 'ci'}]},
  ]
  expect(await zt.json('token revoke ci --detach --dry-run')).toMatchObject({opens: [], closes: closed})
  await zt.json('token create deploy')
  expect(await zt.json('token revoke deploy --dry-run')).toMatchObject({
    opens: [],
    closes: [{name: 'Wiki', tokens: [{name: 'deploy'}]}],
  })
})

it('asks for the name to be typed', async () => {
  const {zt} = scene
  zt.state.data.policies.splice(0)
  zt.state.data.apps.splice(0)
  await zt.fails('token revoke cd', 'cancelled', 'CANCELLED', {answers: ['']})
  expect(exists('cd')).toBe(true)
  const {asked} = await zt.run('token revoke', {answers: ['cd', 'no', 'cd']})
  expect(asked).toHaveLength(3)
  expect(exists('cd')).toBe(false)
})

it('fails if something names it, and if no one has confirmed', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    const {details} = await zt.fails('token revoke ci --yes', 'conflict', 'TOKEN_IN_USE')
    expect(details).toMatchObject({tokenId: 'token-ci'})
    await zt.fails('token revoke nothing --yes', 'not-found', 'TOKEN_NOT_FOUND')
    await zt.failsWithoutAsking('token revoke')
    const {next} = await zt.failsWithoutAsking('token revoke off')
    expect(next).toContain('zt token revoke off --yes')
  })
})
