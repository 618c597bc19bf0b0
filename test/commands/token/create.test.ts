import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {LEAVE} from '../../support/scripted-person.js'

const scene = commandTests('token create')

it('creates a service token, and keeps its secret without showing it', async () => {
  const {zt} = scene
  const {token, store} = await zt.json('token create deploy --duration 90d --store vault')
  expect(token).toMatchObject({name: 'deploy', duration: '2160h', enabled: true})
  expect(store).toBe('vault')
  expect(zt.token('deploy')['duration']).toBe('2160h')
  expect(await zt.json('token show deploy')).toMatchObject({token: {store: 'vault'}})
})

it('shows the secret with --reveal only', async () => {
  const {zt} = scene
  const hidden = await zt.run('token create deploy')
  const revealed = await zt.run('token create backup --reveal')
  const secretOf = (text: string): string | undefined => /^Client Secret +(\S+)$/m.exec(text)?.[1]
  expect(secretOf(hidden.stdout)).toBeUndefined()
  expect(hidden.stdout).toContain(String(zt.token('deploy')['client_id']))
  const {client_id: clientId} = zt.token('backup')
  expect(await zt.admits(clientId, secretOf(revealed.stdout))).toBe(true)
  const {token, clientSecret} = await zt.json('token create third --reveal')
  expect(await zt.admits((token as {clientId: string}).clientId, clientSecret)).toBe(true)
})

it('takes a name that begins with a dash behind --, and suggests what takes it too', async () => {
  const {zt} = scene
  const {token} = await zt.json('token create -- -x')
  expect(token).toMatchObject({name: '-x'})
  expect(await zt.json('token show -- -x')).toMatchObject({token: {name: '-x', store: 'vault'}})
  const {stderr} = await zt.run('token create -- --reveal')
  expect(stderr).toMatch(/--token [0-9a-f-]{36}$/m)
  expect(await zt.fails('token create -x', 'usage', 'BAD_COMMAND_LINE')).toMatchObject({
    message: 'There is no flag -x here',
  })
  const secret = 'f'.repeat(64)
  const refused = await zt.fails(`token create -- ${secret}`, 'usage', 'SECRET_ON_COMMAND_LINE')
  expect(JSON.stringify(refused)).not.toContain(secret)
})

it('masks a revealed secret in a log of GitHub Actions', async () => {
  const {stdout} = await scene.zt.run('token create deploy --reveal', {env: {GITHUB_ACTIONS: 'true'}})
  const [, secret = ''] = /^::add-mask::(\S+)$/m.exec(stdout) ?? []
  expect(stdout.indexOf(secret)).toBeLessThan(stdout.indexOf('Client Secret'))
  expect(stdout).toContain(`Client Secret  ${secret}`)
})

it('says what it would do, and does nothing', async () => {
  const {zt} = scene
  const plan = await zt.unchanged(() => zt.json('token create deploy --dry-run'))
  expect(plan).toMatchObject({dryRun: true, name: 'deploy', duration: '8760h', store: 'vault'})
  const {stdout} = await zt.unchanged(() => zt.run('token create deploy --dry-run'))
  expect(stdout).toContain('deploy')
})

it('asks for the name until it is one', async () => {
  const {zt} = scene
  const {asked} = await zt.run('token create', {answers: ['', 'x'.repeat(351), 'deploy']})
  expect(asked).toHaveLength(3)
  expect(zt.token('deploy')['name']).toBe('deploy')
  await zt.fails('token create', 'cancelled', 'CANCELLED', {answers: [LEAVE]})
})

it('fails where it cannot do what was asked', async () => {
  const {zt} = scene
  await zt.fails('token create ci', 'conflict', 'TOKEN_NAME_TAKEN')
  await zt.unchanged(async () => {
    await zt.failsWithoutAsking('token create')
    await zt.fails('token create', 'usage', 'INPUT_REQUIRED')
    await zt.fails('token create deploy --duration soon', 'usage', 'BAD_DURATION')
    await zt.fails(['token', 'create', ' '], 'usage', 'BAD_TOKEN_NAME')
    await zt.fails('token create deploy --store env', 'usage', 'STORE_READ_ONLY')
    await zt.fails('token create deploy extra', 'usage', 'BAD_COMMAND_LINE')
  })
})
