import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {UndoRecords, type UndoRecord} from '../../src/lib/access/edit/records.js'
import {BuiltZt} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const APP = 'f1e2d3c4-b5a6-4978-8a9b-acbdcedf0011'

type Json = Record<string, unknown>

let zt: BuiltZt
/** The ID of the remembered edit. */
let id: string
let info: {apiUrl: string; apiToken: string}

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  const app = {id: APP, name: 'GitLab', type: 'self_hosted', domain: 'git.widgetcorp.tech', policies: []}
  const group = {
    id: 'g1',
    name: 'ci',
    include: [{geo: {country_code: 'DE'}}, {ip: {ip: '10.0.0.0/8'}}, {group: {id: 'g2'}}],
  }
  const seeded = {
    accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
    zones: [{name: 'widgetcorp.tech'}],
    apps: [{...app, session_duration: '1h', x_unknown: [{kept: null}]}],
    groups: [group, {id: 'g2', name: 'machines', include: [{everyone: {}}]}],
    service_tokens: [],
  }
  await fs.writeFile(seed, JSON.stringify(seeded))
  info = await zt.json(['sandbox', 'start', '--seed', seed])
})
afterAll(() => zt.end())

/** The state that an edit leaves. */
async function remember(more: Json = {}): Promise<void> {
  const records = new UndoRecords(path.join(zt.home, 'STATE', 'zt', 'undo'))
  const edit: Omit<UndoRecord, 'id' | 'state'> = {
    profile: 'sandbox',
    accountId: ACCOUNT,
    at: '2026-07-01T10:00:00.000Z',
    command: 'zt app edit GitLab --session-duration 1h',
    changes: [
      {
        action: 'replace',
        target: {kind: 'application', id: APP, name: 'GitLab'},
        fields: [{field: 'session_duration', before: '24h', after: '1h'}],
      },
      {
        action: 'replace',
        target: {kind: 'group', id: 'g1', name: 'ci'},
        fields: [
          {
            field: 'include',
            before: [{geo: {country_code: 'CH'}}],
            after: [{geo: {country_code: 'DE'}}, {ip: {ip: '10.0.0.0/8'}}, {group: {id: 'g2'}}],
          },
        ],
      },
    ],
  }
  const begun = await records.begin(edit, Date.now())
  await records.update({...begun, state: 'done', ...more})
  id = begun.id
}

async function read(what: string): Promise<Json> {
  const answer = await fetch(`${info.apiUrl}/accounts/${ACCOUNT}/access/${what}`, {
    headers: {authorization: `Bearer ${info.apiToken}`},
  })
  return ((await answer.json()) as {result: Json}).result
}

describe('zt undo', () => {
  it('says that there is nothing, where there is nothing', async () => {
    expect(await zt.json(['undo'])).toMatchObject({edits: [], elsewhere: 0})
    expect((await zt.run(['undo'])).stdout).toContain('No edits')
    const end = await zt.run(['undo', '--last', '--json'])
    expect(end.code).toBe(5)
    expect(JSON.parse(end.stdout)).toMatchObject({error: {code: 'NOTHING_TO_UNDO'}})
  })

  it('lists, shows the difference, asks for a yes, undoes, and undoes that', async () => {
    await remember()
    const before = [await read(`apps/${APP}`), await read('access/groups/g1')]
    const list = (await zt.run(['undo'])).stdout
    expect(list).toMatch(/ID +WHEN +WHAT +STATE/)
    expect(list).toMatch(
      new RegExp(`${id} +2026-07-01 10:00Z +zt app edit GitLab --session-duration 1h +done`),
    )

    const dry = await zt.run(['undo', id, '--dry-run'])
    expect(dry.code).toBe(0)
    for (const line of [
      'change: the application "GitLab"',
      '- 1h',
      '+ 24h',
      'change: the Access group "ci"',
      '- country DE',
      '- IP 10.0.0.0/8',
      '- Access group machines',
      '+ country CH',
    ])
      expect(dry.stdout).toContain(line)
    expect([await read(`apps/${APP}`), await read('access/groups/g1')]).toEqual(before)

    expect(await zt.run(['undo', id])).toMatchObject({code: 2})
    const undone = await zt.json<{undo: string}>(['undo', '--last', '--yes'])
    expect(undone).toMatchObject({changed: true, dryRun: false, undoes: id})
    expect(await read(`apps/${APP}`)).toMatchObject({session_duration: '24h', x_unknown: [{kept: null}]})
    expect(await zt.json(['undo'])).toMatchObject({
      edits: [
        {id: undone.undo, state: 'done', undoes: id},
        {id, state: 'undone', undoneBy: undone.undo},
      ],
    })
    await zt.json(['undo', undone.undo, '--yes'])
    expect(await read(`apps/${APP}`)).toMatchObject({session_duration: '1h'})
  })

  it.each<[string, string[], Json, number, string]>([
    ['both an ID and --last', ['undo', 'ID', '--last'], {}, 2, 'ID_AND_LAST'],
    ['an ID that no edit has', ['undo', 'zzzzzzzzz'], {}, 5, 'UNDO_NOT_FOUND'],
    ['what is undone already', ['undo', 'ID'], {state: 'undone', undoneBy: '0k3m9x0q3'}, 7, 'ALREADY_UNDONE'],
    ["another profile's", ['undo', 'ID'], {profile: 'other'}, 7, 'UNDO_ELSEWHERE'],
    ["another account's", ['undo', 'ID'], {accountId: 'a'.repeat(32)}, 7, 'UNDO_ELSEWHERE'],
    ['a record that is damaged', ['undo', 'ID'], {changes: 'none'}, 2, 'BROKEN_FILE'],
  ])('refuses %s', async (_, args, more, code, errorCode) => {
    await remember(more)
    const end = await zt.run([...args.map((word) => (word === 'ID' ? id : word)), '--yes', '--json'])
    expect(JSON.parse(end.stdout)).toMatchObject({error: {code: errorCode}})
    expect(end.code).toBe(code)
  })

  it.skipIf(!hasTmux)('shows the difference on a terminal, and changes nothing for a no', async () => {
    await remember()
    const terminal = await Terminal.start(zt, ['undo', id])
    try {
      expect(await terminal.shows(/Undo it\?/)).toContain('+ 24h')
      await terminal.press('n', 'Enter')
      expect(await terminal.exitCode()).toBe(12)
    } finally {
      await terminal.close()
    }
    expect(await read(`apps/${APP}`)).toMatchObject({session_duration: '1h'})
  })
})
