import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token show')

it('shows a service token by name, ID and client ID', async () => {
  const {zt} = scene
  for (const wanted of ['ci', 'token-ci', 'ci.access'])
    expect(await zt.json(`token show ${wanted}`)).toMatchObject({
      token: {id: 'token-ci', name: 'ci', clientId: 'ci.access', status: 'active', store: null, hosts: []},
    })
  const {stdout} = await zt.run('token show off')
  expect(stdout).toMatch(/^status +disabled$/m)
  expect(stdout).toMatch(/^Client ID +off\.access$/m)
})

it('prints the secret only with --reveal', async () => {
  const {zt} = scene
  const {clientSecret} = await zt.json('token create deploy --reveal')
  const secret = clientSecret as string
  expect(JSON.stringify(await zt.json('token show deploy'))).not.toContain(secret)
  expect(await zt.json('token show deploy --reveal')).toMatchObject({clientSecret: secret})
  expect((await zt.run('token show deploy')).stdout).not.toContain(secret)
  const {stdout} = await zt.run('token show deploy --reveal')
  expect(stdout).toMatch(new RegExp(`^Client Secret +${secret}$`, 'm'))
  const inWorkflow = await zt.run('token show deploy --reveal', {env: {GITHUB_ACTIONS: 'true'}})
  expect(inWorkflow.stdout.startsWith(`::add-mask::${secret}\n`)).toBe(true)
  const {next} = await zt.fails('token show ci --reveal', 'not-found', 'SECRET_NOT_HERE')
  expect(next).toEqual(['zt token import ci'])
})

it('shows where its secret is, and for which hosts it is used', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy')
  expect(await zt.json('token show deploy')).toMatchObject({
    token: {store: 'vault', hosts: ['gitlab.widgetcorp.tech']},
  })
})

it('shows what names it: rules, Access groups, and SCIM configurations', async () => {
  const {zt} = scene
  const authentication = {scheme: 'access_service_token', client_id: 'ci.access', client_secret: '******'}
  zt.app('Wiki')['scim_config'] = {idp_uid: 'x', remote_uri: 'https://wiki.widgetcorp.tech', authentication}
  const {usedBy} = await zt.json('token show ci')
  expect(usedBy).toMatchObject([
    {kind: 'scim', name: 'Wiki', decision: null, part: null, applications: [{name: 'Wiki'}]},
    {kind: 'group', name: 'robots', decision: null, part: 'include', through: []},
    {kind: 'reusable', name: 'Robots', through: ['robots'], applications: [{name: 'Build'}]},
  ])
  const {stdout} = await zt.run('token show ci')
  expect(stdout).toMatch(/^Wiki +SCIM provisioning +Wiki$/m)
  expect(stdout).toMatch(/^Robots +Service Auth +include +Build +robots$/m)
  expect((await zt.run('token show off')).stdout).toMatch(/^Nothing names it\.$/m)
})

it('shows what the API token may read, and says what is missing', async () => {
  const {zt} = scene
  zt.state.data.apiTokens[0]!.permission_groups = ['Access: Service Tokens Read']
  const {stdout, stderr} = await zt.run('token show ci')
  expect(stdout).toMatch(/^Nothing that zt could read names it\.$/m)
  expect(stderr).toContain('The API token may not read the policies, which may name the service token')
})

it('shows the token where the API fails to say what names it', async () => {
  const {zt} = scene
  zt.api.spoil({method: 'GET', path: '/apps', action: {do: 'refuse', status: 400}})
  expect(await zt.json('token show ci')).toMatchObject({
    token: {name: 'ci'},
    usedBy: [],
    warnings: [expect.stringContaining('zt could not find out what names it')],
  })
})

it('shows one of a zone', async () => {
  expect(await scene.zt.json('token show of-the-zone --zone widgetcorp.tech')).toMatchObject({
    token: {id: 'token-zone'},
  })
})

it('asks which one', async () => {
  const {zt} = scene
  const {stdout, asked} = await zt.run('token show', {answers: ['cd']})
  expect(asked).toHaveLength(1)
  expect(stdout).toContain('cd.access')
  await zt.failsWithoutAsking('token show')
})

it('fails where no one token is meant', async () => {
  const {zt} = scene
  await zt.fails('token show nothing', 'not-found', 'TOKEN_NOT_FOUND')
  zt.token('cd')['name'] = 'ci'
  const {details} = await zt.fails('token show ci', 'ambiguous', 'TOKEN_AMBIGUOUS')
  expect(JSON.stringify(details)).toContain('token-cd')
})
