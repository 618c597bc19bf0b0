import fs from 'node:fs/promises'
import path from 'node:path'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('profile rename')
const loggedOut = {CLOUDFLARE_API_TOKEN: undefined}
const ssh = (): string => scene.zt.file('ssh-config')
const rename = (from: string, to: string): string[] => ['profile', 'rename', from, to, '--file', ssh()]
const HOST = 'gitlab.widgetcorp.tech'

beforeEach(async () => {
  const {zt} = scene
  await zt.writeConfig({currentProfile: 'lab', profiles: {lab: zt.profile, default: zt.profile}})
  await zt.json('login', {input: zt.state.apiToken, env: loggedOut})
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy --yes')
})

it('takes everything along: settings, API token, secrets, hosts and undo records', async () => {
  const {zt} = scene
  const before = await zt.readConfig()
  const changes = zt.changes.length
  expect(await zt.json(rename('lab', 'work'))).toMatchObject({
    ...{profile: 'work', previousName: 'lab', tokens: 1, hosts: 1, sshHosts: []},
  })
  expect(zt.changes.slice(changes)).toEqual([])
  const after = await zt.readConfig()
  expect(after.currentProfile).toBe('work')
  // In the same place.
  expect(Object.keys(after.profiles)).toEqual(['work', 'default'])
  expect(after.profiles['work']).toEqual(before.profiles['lab'])
  expect(await zt.json('whoami --no-probe', {env: loggedOut})).toMatchObject({profile: 'work'})
  expect(await zt.json('token show deploy')).toMatchObject({token: {store: 'vault', hosts: [HOST]}})
  const {exitCode, stdout} = await zt.run(['exec', 'deploy', '--', process.execPath, '-p', '1'])
  expect({exitCode, stdout}).toMatchObject({exitCode: 0})
  const {edits} = (await zt.json('undo')) as {edits: {id: string}[]}
  expect(edits).toHaveLength(1)
  // Nothing has the previous name.
  expect(await zt.json('store check')).toMatchObject({problems: []})
})

it('can be undone', async () => {
  const {zt} = scene
  const before = await zt.readConfig()
  await zt.json(rename('lab', 'work'))
  await zt.json(rename('work', 'lab'))
  expect(await zt.readConfig()).toEqual(before)
})

it('can be repeated after it was interrupted', async () => {
  const {zt} = scene
  // It ended before the configuration was written: the copies are there.
  for (const kind of ['index', 'hosts']) {
    const [from, to] = ['lab', 'work'].map((name) => path.join(zt.home, 'DATA', 'zt', kind, name)) as [
      string,
      string,
    ]
    await fs.cp(from, to, {recursive: true})
    for (const name of await fs.readdir(to)) {
      const text = await fs.readFile(path.join(to, name), 'utf8')
      await fs.writeFile(path.join(to, name), text.replace('"lab"', '"work"'))
    }
  }
  expect(await zt.json(rename('lab', 'work'))).toMatchObject({tokens: 1, hosts: 1})
  expect(await zt.json('token show deploy')).toMatchObject({token: {store: 'vault', hosts: [HOST]}})
  expect(await zt.json('store check')).toMatchObject({problems: []})
})

it('names what must be changed by hand', async () => {
  const {zt} = scene
  await zt.json(['ssh', 'config', HOST, '--write', '--yes', '--file', ssh()])
  const {stderr} = await zt.run(rename('lab', 'work'), {env: {ZT_PROFILE: 'lab'}})
  expect(stderr).toContain('The environment still selects profile lab here')
  expect(stderr).toContain(`next:  zt ssh config ${HOST} --write --profile work --file ${ssh()}\n`)
  const {stdout} = await zt.run([
    'ssh',
    'config',
    HOST,
    '--write',
    '--yes',
    '--profile',
    'work',
    '--file',
    ssh(),
  ])
  expect(stdout).toContain('has a new block')
})

it('fails where the name is taken, or a creation is not settled', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails(rename('lab', 'default'), 'conflict', 'PROFILE_NAME_TAKEN')
    // macOS and Windows take them for one name.
    await zt.fails(rename('lab', 'LAB'), 'conflict', 'PROFILE_NAME_TAKEN')
    await zt.fails(rename('lab', '../x'), 'usage', 'BAD_PROFILE_NAME')
    await zt.fails(rename('none', 'x'), 'not-found', 'PROFILE_NOT_FOUND')
    await zt.fails('profile rename lab', 'usage', 'BAD_COMMAND_LINE')
  })
})

it('does not take over what an earlier profile of that name left', async () => {
  const {zt} = scene
  const {profiles} = await zt.readConfig()
  await zt.json('profile use default')
  await zt.json('token create backup')
  await zt.writeConfig({currentProfile: 'lab', profiles: {lab: profiles['lab']}})
  await zt.unchanged(() => zt.fails(rename('lab', 'default'), 'conflict', 'PROFILE_NAME_TAKEN'))
})
