import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {readSeed} from '../../src/lib/sandbox/seed.js'
import {SETTINGS} from '../../src/lib/sandbox/settings.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {SandboxApi} from '../support/sandbox-api.js'

const text = await fs.readFile(path.resolve(import.meta.dirname, '../../docs/reference/sandbox.md'), 'utf8')

let folder: string
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-seed-'))
})
afterEach(() => fs.rm(folder, {recursive: true, force: true}))

async function seedOf(json: string): Promise<SandboxSeed> {
  const file = path.join(folder, 'seed.json')
  await fs.writeFile(file, json)
  return readSeed(file)
}

describe('docs/reference/sandbox.md', () => {
  it('has the table of settings that the sandbox has', () => {
    const rows = Object.entries(SETTINGS).map(
      ([name, {values, preset, does, source}]) =>
        `| \`${name}\` | ${values} | \`${JSON.stringify(preset).replaceAll('"', '')}\` | ${does} | ${source} |`,
    )
    const [, table = ''] = /^(\| setting [^]*?)\n\n/m.exec(text) ?? []
    expect(table.split('\n').slice(2)).toEqual(rows)
  })

  it('shows a seed that starts a sandbox with every object in it', async () => {
    const [, json = ''] = /```json file=seed\.json\n([^]*?)```/.exec(text) ?? []
    const seed = await seedOf(json)
    expect(Object.keys(seed).sort()).toEqual(
      ['accounts', 'api_tokens', 'apps', 'groups', 'policies', 'service_tokens', 'settings', 'zones'].sort(),
    )
    const api = await SandboxApi.open(seed)
    try {
      const names = async (where: string): Promise<unknown[]> =>
        ((await api.call('GET', where)).result as unknown as JsonObject[]).map(({name}) => name)
      const seeded = (list: JsonObject[] = []): unknown[] =>
        list.filter(({zone_id: zone}) => zone === undefined).map(({name}) => name)
      const [zone] = seed.zones ?? []
      for (const [where, list] of [
        ['/accounts', seed.accounts],
        ['/zones', seed.zones],
        ['/service_tokens', seed.service_tokens],
        ['/groups', seed.groups],
        ['/policies', seed.policies],
        ['/apps', seed.apps],
      ] as const)
        expect(await names(where), where).toEqual(seeded(list))
      expect(await names(`${api.access(String(zone?.['id']))}/apps`)).toEqual(['Of the zone'])
      // By the rule of the application's own policy, through the group, with the secret of the seed.
      const view = api.state.edgeView()
      const [{client_id: clientId, client_secret: secret} = {}] = seed.service_tokens ?? []
      const token = view.authenticate(String(clientId), String(secret))
      // What is to be pasted into zt has the pair of the seed.
      const [, pair = ''] = /echo '(\{.*\})' \| zt token import/.exec(text) ?? []
      expect(JSON.parse(pair)).toEqual({client_id: clientId, client_secret: secret})
      expect(token).toBe(seed.service_tokens?.[0]?.['id'])
      // With server_defaults, as the example has it: an account's objects were written once.
      const [first] = (await api.call('GET', '/apps')).result as unknown as JsonObject[]
      expect(first).toMatchObject({session_duration: '24h', destinations: [{uri: 'gitlab.widgetcorp.tech'}]})
      const [named] = seed.api_tokens ?? []
      const reader = {token: String(named?.['token'])}
      expect((await api.call('GET', '/apps', reader)).status).toBe(200)
      expect((await api.call('GET', '/groups', reader)).status).toBe(403)
    } finally {
      await api.close()
    }
  })
})

describe('a seed without IDs', () => {
  it('puts its zones into its account', async () => {
    const api = await SandboxApi.open({accounts: [{name: 'Mine'}], zones: [{name: 'mine.example'}]})
    try {
      const [zone] = (await api.call('GET', '/zones')).result as unknown as JsonObject[]
      expect(zone).toMatchObject({name: 'mine.example', account: {id: api.state.accountId}})
    } finally {
      await api.close()
    }
  })
})

describe('the settings of a seed', () => {
  const wrong = (preset: unknown): unknown =>
    typeof preset === 'boolean' ? 'yes' : typeof preset === 'number' ? -1 : 'no such value'

  it.each(Object.entries(SETTINGS))(
    'have %s by its preset, and no other kind of value',
    async (name, one) => {
      const preset: unknown = one.preset
      expect(await seedOf(JSON.stringify({settings: {[name]: preset}}))).toEqual({settings: {[name]: preset}})
      await expect(seedOf(JSON.stringify({settings: {[name]: wrong(preset)}}))).rejects.toMatchObject({
        code: 'BAD_SEED',
        why: expect.stringContaining(`settings.${name}`) as unknown,
      })
    },
  )

  it('have no other name', async () => {
    await expect(seedOf('{"settings": {"mixed_policy": "accept"}}')).rejects.toMatchObject({
      code: 'BAD_SEED',
      why: expect.stringContaining('settings.mixed_policy') as unknown,
    })
  })
})
