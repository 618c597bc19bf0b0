import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('profile show')

it('shows the profile in use, and what chose it', async () => {
  const {zt} = scene
  expect(await zt.json('profile show')).toMatchObject({
    ...{profile: 'default', current: true, source: 'profile', store: 'vault', apiUrl: zt.api.url},
    ...{accountId: zt.state.accountId, caFile: null, sandbox: false},
  })
  expect(await zt.json('profile show', {env: {ZT_PROFILE: 'default'}})).toMatchObject({source: 'environment'})
  const {stdout} = await zt.run('profile show')
  expect(stdout).toContain(zt.api.url)
  expect(stdout).toMatch(/config\.json$/m)
})

it('shows another one', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {lab: {connectTo: '127.0.0.1:8443', sandbox: true}}})
  expect(await zt.json('profile show lab')).toMatchObject({
    ...{profile: 'lab', current: false, source: null, connectTo: '127.0.0.1:8443', store: null},
    apiUrl: 'https://api.cloudflare.com/client/v4',
  })
})

it('fails where there is no such profile', async () => {
  const {zt} = scene
  await zt.fails('profile show none', 'not-found', 'PROFILE_NOT_FOUND')
  await zt.fails('profile show --profile none', 'not-found', 'PROFILE_NOT_FOUND')
  await zt.fails('profile show one two', 'usage', 'BAD_COMMAND_LINE')
})
