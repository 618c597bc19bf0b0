import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {beforeEach, describe, expect, it} from 'vitest'
import {openAccess, type AccessContext} from '../../../src/lib/access/account/context.js'
import {renameWholeProfile} from '../../../src/lib/access/account/profiles.js'
import {nameKeeper} from '../../../src/lib/command/keep-names.js'
import {loadSettings} from '../../../src/lib/config/settings.js'
import type {Settings} from '../../../src/lib/config/types.js'
import {announce} from '../../../src/lib/tunnel/connections/announce.js'
import {openConnections} from '../../../src/lib/tunnel/connections/read.js'
import {commandTests} from '../../support/command-harness.js'
import {dyingFiles} from '../../support/dying-files.js'

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
  const state = path.join(zt.home, 'STATE', 'zt')
  const connection = {carries: 'ssh', host: HOST, profile: 'lab', tokenId: 't', clientId: 'c'} as const
  const withdraw = announce(state, {...connection, identity: 'i', plainSsh: false, cloudflared: false})
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
  expect(openConnections(state)).toMatchObject([{profile: 'work'}])
  withdraw()
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

describe('killed', () => {
  const directory = (kind: string): string => path.join(scene.zt.home, kind)
  const env = (): Record<string, string> => ({
    HOME: scene.zt.home,
    CLOUDFLARE_API_TOKEN: scene.zt.state.apiToken,
    ...Object.fromEntries(
      ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [`XDG_${kind}_HOME`, directory(kind)]),
    ),
  })
  const context = async (profile: string): Promise<{ctx: AccessContext; settings: Settings}> => {
    const settings = await loadSettings({env: env(), cwd: scene.zt.home, flags: {profile}})
    const environment = {dbusAddress: undefined, runtimeDir: undefined}
    return {
      settings,
      ctx: openAccess(settings, {userAgent: 'zt-test', names: nameKeeper(settings), environment}),
    }
  }
  /** Locks end with their process. */
  const counts = (file: string): boolean =>
    file.startsWith(scene.zt.home) && !file.includes(path.join('STATE', 'zt', 'locks'))
  const endLocks = (): Promise<void> =>
    fs.rm(path.join(directory('STATE'), 'zt', 'locks'), {recursive: true, force: true})
  const renamed = async (): Promise<void> => {
    const {ctx, settings} = await context('lab')
    await renameWholeProfile(ctx, settings, 'work')
  }
  it('at every file operation, is finished by a repetition, and store check says which', async () => {
    const {zt} = scene
    const home = await homeOf(zt.home)
    const {effects} = await dyingFiles(renamed, {counts})
    const end = await zt.readConfig()
    const ends = new Set<string>()
    for (const [diesAt, effect] of effects.entries()) {
      await home.restore()
      const {died} = await dyingFiles(renamed, {diesAt, counts})
      const at = `before ${effect}`
      expect(died, at).toBe(true)
      await endLocks()
      const {profiles} = await zt.readConfig()
      const done = profiles['work'] !== undefined && profiles['work']['renamedFrom'] === undefined
      const unfinished = profiles['work']?.['renamedFrom'] === 'lab'
      ends.add(done ? 'done' : unfinished ? 'unfinished' : 'not begun')
      if (unfinished) {
        // Whatever has the old name is about to get the new one.
        await zt.fails('login --profile lab', 'conflict', 'PROFILE_NAME_TAKEN', {input: 'x'})
        const {problems} = (await zt.json('store check', {ends: 9})) as {
          problems: {code: string; next: string[]}[]
        }
        expect(
          problems.filter(({code}) => code !== 'TEMPORARY_FILE'),
          at,
        ).toMatchObject([{code: 'NO_SUCH_PROFILE', subject: 'lab', next: ['zt profile rename lab work']}])
      }
      if (!done) {
        const repeated = await zt.json(rename('lab', 'work'), {env: {ZT_PROFILE: 'lab'}})
        expect(repeated, at).toMatchObject({tokens: 1, hosts: 1})
      }
      expect(await zt.readConfig(), at).toEqual(end)
      const {ctx} = await context('work')
      expect(await ctx.storeOf('vault').then((store) => store.list()), at).toHaveLength(2)
      expect(
        (await ctx.undo.list()).records.map(({profile}) => profile),
        at,
      ).toEqual(['work'])
      const left = (await zt.json('store check', {ends: 9}).catch(() => ({problems: []}))) as {
        problems: {code: string}[]
      }
      expect(
        left.problems.filter(({code}) => code !== 'TEMPORARY_FILE'),
        at,
      ).toEqual([])
    }
    expect([...ends].sort()).toEqual(['not begun', 'unfinished'])
    expect(await zt.json('token show deploy')).toMatchObject({token: {store: 'vault', hosts: [HOST]}})
    expect(await zt.json('whoami --no-probe', {env: loggedOut})).toMatchObject({profile: 'work'})
  })

  it('keeps what was changed under the new name before the repetition, and what another zt stored', async () => {
    const {zt} = scene
    await renamed()
    const {ctx} = await context('work')
    const [entry] = await ctx.index.list('work')
    if (!entry) throw new Error('nothing was renamed')
    const {profiles} = await zt.readConfig()
    await zt.writeConfig({
      currentProfile: 'work',
      profiles: {...profiles, work: {...profiles['work'], renamedFrom: 'lab'}},
    })
    const other = '66666666-2222-4333-8444-555555555555'
    await ctx.index.put({...entry, profile: 'lab', name: 'old'})
    await ctx.index.put({...entry, profile: 'lab', tokenId: other})
    // Not bound any more: a repetition must not bind it again.
    await ctx.index.unbind('work', HOST)
    await ctx.index.bind({profile: 'lab', host: HOST, tokenId: entry.tokenId, boundAt: ''})
    await zt.json(rename('lab', 'work'))
    const names = Object.fromEntries((await ctx.index.list('work')).map(({tokenId, name}) => [tokenId, name]))
    expect(names).toEqual({[entry.tokenId]: 'deploy', [other]: 'deploy'})
    expect(await ctx.index.bindings()).toEqual([])
    expect(await ctx.index.list('lab')).toEqual([])
  })

  it('has the profile neither deleted nor renamed again before it is finished', async () => {
    const {zt} = scene
    const {lab, ...others} = (await zt.readConfig()).profiles
    await zt.writeConfig({currentProfile: 'work', profiles: {...others, work: {...lab, renamedFrom: 'lab'}}})
    for (const line of [rename('work', 'third'), ['profile', 'delete', 'work', '--yes', '--with-secrets']])
      await zt.unchanged(async () => {
        const {next} = await zt.fails(line, 'conflict', 'OPERATION_PENDING')
        expect(next).toEqual(['zt profile rename lab work'])
      })
  })
})

/** What a directory holds, to give it back. */
async function homeOf(home: string): Promise<{restore: () => Promise<void>}> {
  const kinds = ['CONFIG', 'DATA', 'STATE']
  const copy = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-home-'))
  for (const kind of kinds) await fs.cp(path.join(home, kind), path.join(copy, kind), {recursive: true})
  return {
    restore: async () => {
      for (const kind of kinds) {
        await fs.rm(path.join(home, kind), {recursive: true, force: true})
        await fs.cp(path.join(copy, kind), path.join(home, kind), {recursive: true})
      }
    },
  }
}

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

it('names lines that were adopted too, in all files, and how to bring them to the new name', async () => {
  const {zt} = scene
  const [one, two] = [zt.file('included-block'), zt.file('included-line')]
  await fs.writeFile(ssh(), `Include ${one} ${two}\n`, {mode: 0o600})
  await fs.writeFile(one, '', {mode: 0o600})
  const line = `ProxyCommand cloudflared access ssh --hostname ${HOST}`
  await fs.writeFile(
    two,
    `Host gl db\n # zt: adopted 0123456789ab ${line}\n ProxyCommand /zt ssh proxy --profile lab %h\nHost own\n ${line}\n`,
    {mode: 0o600},
  )
  await zt.json(['ssh', 'config', HOST, '--write', '--yes', '--file', one])
  expect(await zt.json(rename('lab', 'work'))).toMatchObject({sshHosts: [HOST, 'gl', 'db']})
  expect((await zt.run(rename('work', 'lab'))).stderr).toBe('')
  const {stderr} = await zt.run(rename('lab', 'fourth'))
  expect(stderr.match(/^next: .*$/gm)).toEqual([
    `next:  zt ssh config ${HOST} --write --profile fourth --file ${one}`,
    `next:  zt ssh config --adopt --profile fourth --file ${ssh()}`,
  ])
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
