import fs from 'node:fs/promises'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('profile delete')
const loggedOut = {CLOUDFLARE_API_TOKEN: undefined}
const ssh = (): string => scene.zt.file('ssh-config')
const remove = (line = ''): string[] => [
  'profile',
  'delete',
  'lab',
  '--file',
  ssh(),
  ...line.split(' ').filter(Boolean),
]

beforeEach(async () => {
  const {zt} = scene
  await zt.writeConfig({currentProfile: 'lab', profiles: {default: zt.profile, lab: zt.profile}})
  await zt.json('login --profile lab', {input: zt.state.apiToken, env: loggedOut})
})

it('deletes the profile and its API token, and nothing at Cloudflare', async () => {
  const {zt} = scene
  const changes = zt.changes.length
  const result = await zt.json(remove('--yes'))
  expect(result).toMatchObject({
    profile: 'lab',
    apiTokenRemoved: true,
    secretsDeleted: [],
    hosts: [],
    sshHosts: [],
  })
  expect(zt.changes.slice(changes)).toEqual([])
  const config = await zt.readConfig()
  expect(Object.keys(config.profiles)).toEqual(['default'])
  // The default profile is in use now.
  expect(config.currentProfile).toBeUndefined()
  await zt.writeConfig({profiles: {lab: zt.profile}})
  await zt.fails('whoami --profile lab', 'auth', 'NOT_LOGGED_IN', {env: loggedOut})
})

it('keeps the profile in use if it is another one', async () => {
  const {zt} = scene
  await zt.json('profile use default')
  const {stdout, stderr} = await zt.run(remove('--yes'))
  expect(stdout).toContain('Deleted profile lab')
  expect(stderr).toContain('remains valid until you delete it in the dashboard')
  expect((await zt.readConfig()).currentProfile).toBe('default')
})

it('asks, and takes no for an answer', async () => {
  const {zt} = scene
  await zt.unchanged(() => zt.fails(remove(), 'cancelled', 'CANCELLED', {answers: [false]}))
  await zt.unchanged(() => zt.failsWithoutAsking(remove()))
  expect((await zt.run(remove(), {answers: [true]})).exitCode).toBe(0)
})

it('refuses to lose a secret, says whose, and how to delete it too', async () => {
  const {zt} = scene
  const {clientSecret, token} = await zt.json('token create deploy --reveal --profile lab')
  const refused = await zt.unchanged(() => zt.fails(remove('--yes'), 'conflict', 'PROFILE_HAS_SECRETS'))
  expect(refused['why']).toContain('deploy')
  expect(refused.next).toEqual([
    'zt token list --profile lab',
    'To delete these secrets too: zt profile delete lab --with-secrets',
  ])
  await zt.unchanged(() => zt.fails(remove('--with-secrets'), 'cancelled', 'CANCELLED', {answers: ['']}))
  const {asked} = await zt.run(remove('--with-secrets'), {answers: ['la', 'lab']})
  // A wrong word asks again.
  expect(asked).toHaveLength(2)
  expect(await zt.admits((token as {clientId: string}).clientId, clientSecret)).toBe(true)
  await zt.writeConfig({profiles: {lab: zt.profile}})
  expect(await zt.json('token show deploy --profile lab')).toMatchObject({token: {store: null}})
  expect(await zt.json('store check')).toMatchObject({problems: []})
})

it('keeps a secret that another profile uses', async () => {
  const {zt} = scene
  const {clientSecret, token} = await zt.json('token create deploy --reveal --profile lab')
  const {clientId} = token as {clientId: string}
  await zt.json('token import deploy --profile default', {
    input: `CF_ACCESS_CLIENT_ID=${clientId}\nCF_ACCESS_CLIENT_SECRET=${String(clientSecret)}\n`,
  })
  expect(await zt.json(remove('--yes'))).toMatchObject({secretsDeleted: []})
  expect(await zt.json('token show deploy --profile default')).toMatchObject({token: {store: 'vault'}})
  expect(await zt.json('store check')).toMatchObject({problems: []})
})

it('names what in the ssh configuration no longer works', async () => {
  const {zt} = scene
  await zt.json([
    'ssh',
    'config',
    'gitlab.widgetcorp.tech',
    '--write',
    '--yes',
    '--file',
    ssh(),
    '--profile',
    'lab',
  ])
  await fs.appendFile(ssh(), 'Host other\n  User x\n')
  const {stderr} = await zt.run(remove('--yes'))
  expect(stderr).toContain(`next:  zt ssh config gitlab.widgetcorp.tech --remove --file ${ssh()}\n`)
})

it('fails while a creation is not settled, and for what is no profile', async () => {
  const {zt} = scene
  const action = {do: 'refuse', status: 400, code: 12130} as const
  zt.api.spoil({method: 'PUT', path: '/service_tokens/{id}', action})
  expect((await zt.run('token create deploy --profile lab')).exitCode).not.toBe(0)
  await zt.unchanged(async () => {
    await zt.fails(remove('--yes'), 'conflict', 'OPERATION_PENDING')
    await zt.fails('profile delete none --yes', 'not-found', 'PROFILE_NOT_FOUND')
    await zt.fails(['profile', 'delete', '../x', '--yes'], 'usage', 'BAD_PROFILE_NAME')
    await zt.fails('profile delete', 'usage', 'BAD_COMMAND_LINE')
  })
})

it('deletes what is left of a profile that does not exist', async () => {
  const {zt} = scene
  await zt.json('token create deploy --profile lab')
  const {profiles} = await zt.readConfig()
  const {lab: _, ...others} = profiles
  await zt.writeConfig({currentProfile: 'default', profiles: others})
  const {problems} = (await zt.json('store check', {ends: 9})) as {problems: {code: string; next: string[]}[]}
  expect(problems.find(({code}) => code === 'NO_SUCH_PROFILE')?.next).toEqual([
    'zt login --profile lab',
    'If it is not needed: zt profile delete lab',
  ])
  await zt.unchanged(() => zt.fails(remove('--yes'), 'conflict', 'PROFILE_HAS_SECRETS'))
  expect(await zt.json(remove('--yes --with-secrets'))).toMatchObject({secretsDeleted: ['deploy']})
  await zt.fails(remove('--yes'), 'not-found', 'PROFILE_NOT_FOUND')
})
