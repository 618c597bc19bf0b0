import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('logout')
const withoutToken = {env: {CLOUDFLARE_API_TOKEN: undefined}}

it("removes a profile's API token, and no other secret", async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('login', {...withoutToken, input: zt.state.apiToken})
  const kept = async (): Promise<unknown> => {
    const {stores} = (await zt.json('store list')) as unknown as {stores: Record<string, unknown>[]}
    return stores.find(({store}) => store === 'vault')
  }
  expect(await kept()).toMatchObject({tokens: 1, apiToken: true})
  expect(await zt.json('logout', withoutToken)).toMatchObject({profile: 'default', removed: true})
  expect(await kept()).toMatchObject({tokens: 1, apiToken: false})
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
