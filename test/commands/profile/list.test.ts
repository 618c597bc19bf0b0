import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('profile list')

it('lists the profiles of this machine', async () => {
  const {zt} = scene
  const {profiles} = await zt.readConfig()
  await zt.writeConfig({
    currentProfile: 'default',
    profiles: {...profiles, lab: {sandbox: true, store: 'helper:pass'}},
  })
  expect(await zt.json('profile list')).toMatchObject({
    profiles: [
      {name: 'default', current: true, store: 'vault', sandbox: false},
      {name: 'lab', current: false, accountId: null, store: 'helper:pass', sandbox: true},
    ],
  })
  const {stdout} = await zt.run('profile list')
  expect(stdout).toMatch(/^default +yes +\S+ +vault/m)
  expect(stdout).toMatch(/^lab +helper:pass +sandbox$/m)
})

it('says how to make the first one, also where a profile is named that is not there', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {}})
  const {stderr} = await zt.run('profile list --profile none')
  expect(stderr).toContain('zt login')
  expect(await zt.json('profile list')).toMatchObject({profiles: []})
})

it('fails where the file cannot be read', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: 'none'})
  await zt.fails('profile list', 'config', 'BROKEN_FILE')
  await zt.writeConfig({profiles: {}})
  await zt.fails('profile list --profile /', 'usage', 'BAD_PROFILE_NAME')
})
