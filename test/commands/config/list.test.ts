import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('config list')

it('lists each setting, with where it comes from', async () => {
  const {zt} = scene
  const env = {ZT_CONNECT_TO: '127.0.0.1:9', CLOUDFLARE_ACCOUNT_ID: undefined}
  const {settings} = await zt.json('config list', {env})
  expect(settings).toEqual([
    {name: 'account', value: zt.state.accountId, source: 'profile'},
    {name: 'api-url', value: zt.api.url, source: 'profile'},
    {name: 'store', value: 'vault', source: 'profile'},
    {name: 'connect-to', value: '127.0.0.1:9', source: 'environment'},
    {name: 'ca-file', value: null, source: null},
    {name: 'known-hosts-file', value: null, source: null},
  ])
  const {stdout} = await zt.run('config list')
  expect(stdout).toMatch(/^SETTING +VALUE +FROM/)
  expect(stdout).toMatch(/^ca-file +not set/m)
})
