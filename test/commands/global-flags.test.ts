import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest'
import {CommandWorld} from '../support/command-harness.js'

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
beforeEach(async () => zt.reset())
afterAll(async () => zt.end())

it('works on the profile and the account that are named', async () => {
  const {profiles} = await zt.readConfig()
  await zt.writeConfig({
    currentProfile: 'default',
    profiles: {...profiles, lab: {...profiles['default'], accountId: 'a1'}},
  })
  expect(await zt.json('profile show --profile lab')).toMatchObject({profile: 'lab', source: 'flag'})
  const {accountId} = zt.state
  const {tokens} = await zt.json(`token list --profile lab --account ${accountId}`)
  expect(tokens).toHaveLength(3)
  await zt.fails('token list --profile none', 'not-found', 'PROFILE_NOT_FOUND')
})

it('takes them before the command, too', async () => {
  await zt.writeConfig({profiles: {default: zt.profile, lab: zt.profile}})
  expect(await zt.json('--profile lab profile show')).toMatchObject({profile: 'lab', source: 'flag'})
  expect(await zt.json('--profile=lab --no-input profile show')).toMatchObject({profile: 'lab'})
  const {stdout} = await zt.run('--json --account a1 version')
  expect(JSON.parse(stdout)).toMatchObject({name: 'zt-access'})
})

it('names the profile in the commands that it suggests', async () => {
  const {next} = await zt.fails('token show nothing --profile default', 'not-found', 'TOKEN_NOT_FOUND')
  expect(next[0]).toMatch(/^zt token list .*--profile default/)
})

it('says what failed, why and what next on stderr, and nothing on stdout', async () => {
  const {exitCode, stdout, stderr} = await zt.run('policy delete CD --yes')
  expect(exitCode).toBe(7)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^error: .*\n(why: +.*\n( .*\n)*)+(next: .*\n)+$/)
})

it('prints one document and nothing on stderr with --json', async () => {
  const {stdout, stderr} = await zt.run('token rename ci deploy --json')
  expect(JSON.parse(stdout)).toMatchObject({changed: true})
  expect(stderr).toBe('')
})

it('shows what is asked about on stderr with --json', async () => {
  const {stdout, stderr} = await zt.run('app set GitLab --session-duration 8h --json', {answers: [true]})
  expect(JSON.parse(stdout)).toMatchObject({changed: true})
  expect(stderr).toMatch(/- +"?24h/)
})
