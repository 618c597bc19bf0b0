import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('logout')
const withoutToken = {env: {CLOUDFLARE_API_TOKEN: undefined}}

it("removes a profile's API token, and no other secret", async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('login', {...withoutToken, input: zt.state.apiToken})
  const listed = (): Promise<unknown> => zt.json('store list')
  const vault = {store: 'vault', tokens: 1}
  expect(await listed()).toMatchObject({
    stores: expect.arrayContaining([expect.objectContaining({...vault, apiToken: true})]),
  })
  expect(await zt.json('logout', withoutToken)).toMatchObject({profile: 'default', removed: true})
  expect(await listed()).toMatchObject({
    stores: expect.arrayContaining([expect.objectContaining({...vault, apiToken: false})]),
  })
  await zt.fails('whoami', 'auth', 'NOT_LOGGED_IN', withoutToken)
  expect(await zt.json('token show deploy')).toMatchObject({token: {store: 'vault'}})
  expect(await zt.json('logout', withoutToken)).toMatchObject({removed: false})
})

it('warns of an API token in the environment', async () => {
  const {zt} = scene
  const {stdout, stderr} = await zt.run('logout')
  expect(stdout).toContain('default')
  expect(stderr).toContain('CLOUDFLARE_API_TOKEN')
})

it('fails where there is no such profile, or its store cannot be used', async () => {
  const {zt} = scene
  await zt.fails('logout --profile none', 'not-found', 'PROFILE_NOT_FOUND')
  await zt.writeConfig({profiles: {default: {store: 'helper:none'}}})
  await zt.fails('logout', 'needs-action', 'STORE_NOT_READY')
})
