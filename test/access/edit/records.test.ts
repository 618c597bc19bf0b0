import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {UndoRecords, type UndoRecord} from '../../../src/lib/access/edit/records.js'
import {failure} from '../../support/edit-world.js'

let directory: string
let records: UndoRecords
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-records-'))
  records = new UndoRecords(directory)
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const DAY = 24 * 3600_000
const EPOCH = Date.UTC(2026, 0, 1)
const NOW = EPOCH + 200 * DAY
const record: Omit<UndoRecord, 'id' | 'state'> = {profile: 'p', accountId: 'a', at: 'now', command: 'zt x', changes: []} // prettier-ignore
const whole: Omit<UndoRecord, 'id' | 'state'> = {
  ...record,
  zoneId: 'z',
  undoes: '0000000000',
  undoneBy: 'x',
  renamed: {was: 'is'},
  changes: [
    {action: 'create', target: {kind: 'group', id: 'g', name: 'n'}, fields: [{field: 'a', after: [1]}], twins: ['t']},
    {action: 'replace', target: {kind: 'application', id: 'g', name: 'n'}, fields: [{field: 'a', before: null, after: 'x'}]},
    {action: 'delete', target: {kind: 'policy', id: 'g', name: 'n'}, fields: [{field: 'a', withheld: true}]},
    {action: 'make-reusable', target: {kind: 'inline-policy', id: 'g', name: 'n', application: {id: 'a', name: 'A'}}, fields: []},
  ],
} // prettier-ignore
const put = (id: string, content: unknown): Promise<void> =>
  fs.writeFile(path.join(directory, `${id}.json`), typeof content === 'string' ? content : JSON.stringify(content)) // prettier-ignore

describe('a record', () => {
  it('is read as it was written, under its ID in either case, with spaces around it', async () => {
    const begun = await records.begin(whole, NOW)
    expect(begun).toEqual({...whole, id: begun.id, state: 'begun'})
    expect(await records.read(` ${begun.id.toUpperCase()} `)).toEqual(begun)
    const text = await fs.readFile(path.join(directory, `${begun.id}.json`), 'utf8')
    expect(text).toBe(`${JSON.stringify({version: 1, ...whole, id: begun.id, state: 'begun'}, null, 2)}\n`)
  })

  it('is replaced and removed', async () => {
    const begun = await records.begin(record, NOW)
    await records.update({...begun, state: 'done'})
    expect(await records.read(begun.id)).toMatchObject({state: 'done'})
    await records.update({...begun, state: 'undone'})
    expect(await records.list()).toMatchObject({
      records: [{state: 'undone'}],
      unread: {damaged: [], newer: []},
    })
    await records.remove(begun)
    expect(await records.list()).toEqual({records: [], unread: {damaged: [], newer: []}})
  })

  it.each([
    [EPOCH, '00000000'],
    [EPOCH - 1, '00000000'],
    [EPOCH + 31, '0000000z'],
    [EPOCH + 32, '00000010'],
    [EPOCH + 32 ** 3 * 10 + 17, '0000a00h'],
  ])('of the time %d has an ID that begins with %s, and one more character', async (now, time) => {
    const {id} = await records.begin(record, now)
    expect(id).toMatch(new RegExp(`^${time}[0-9a-hjkmnp-tv-z]$`))
  })

  it('has another ID than all others of the same millisecond', async () => {
    const ids = new Set<string>()
    for (let n = 0; n < 12; n++) ids.add((await records.begin(record, NOW)).id)
    expect(ids.size).toBe(12)
    expect((await records.list()).records).toHaveLength(12)
  })

  it.each([
    '../DIRECTORY/000000000', '000000000/../000000000', 'nothing0', '../../etc/passwd', '', 'ilou00000', '00000000', '0000000000000', 'x000000000/', '0000000000', '/000000000',
  ])('of the ID %j does not exist', async (id) => {
    await put('000000000', {version: 1, ...record, id: 'x', state: 'done'})
    const error = await failure(records.read(id.replace('DIRECTORY', path.basename(directory))))
    expect(error).toMatchObject({
      kind: 'not-found',
      code: 'UNDO_NOT_FOUND',
      message: 'There is no such edit',
      whyLines: ['zt remembers the latest 200 edits for 90 days, on the machine where they were made.'],
      next: ['zt undo'],
    })
  }) // prettier-ignore

  it.each(['000000000', '000000000000'])('may have an ID as long as %s', async (id) => {
    await put(id, {version: 1, ...record, id, state: 'done'})
    expect(await records.read(id)).toMatchObject({id})
  })

  it('has the ID of its file', async () => {
    await put('000000000', {version: 1, ...record, id: 'other', state: 'done'})
    expect((await records.read('000000000')).id).toBe('000000000')
  })
})

describe('a file that is no record', () => {
  const good = {version: 1, ...whole, id: '000000000', state: 'done'}
  const [change] = whole.changes
  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['another version', {...good, version: 0}],
    ['no profile', {...good, profile: undefined}],
    ['no account', {...good, accountId: 1}],
    ['a zone that is no text', {...good, zoneId: 1}],
    ['no time', {...good, at: undefined}],
    ['no command', {...good, command: undefined}],
    ['an unknown state', {...good, state: 'lost'}],
    ['new IDs that are no texts', {...good, renamed: {a: 1}}],
    ['an unknown action', {...good, changes: [{...change, action: 'x'}]}],
    ['an unknown kind', {...good, changes: [{...change, target: {kind: 'x', id: 'g', name: 'n'}}]}],
    ['no target', {...good, changes: [{...change, target: {}}]}],
    ['an application without a name', {...good, changes: [{...change, target: {kind: 'inline-policy', id: 'g', name: 'n', application: {id: 'a'}}}]}],
    ['a field without a name', {...good, changes: [{...change, fields: [{before: 1}]}]}],
    ['a field half withheld', {...good, changes: [{...change, fields: [{field: 'x', withheld: false}]}]}],
    ['twins that are no texts', {...good, changes: [{...change, twins: [1]}]}],
  ])('has %s: it is named, and stops no other', async (_, content) => {
    const {id} = await records.begin(record, NOW)
    await put('000000000', content)
    expect(await records.list()).toMatchObject({
      records: [{id}],
      unread: {damaged: [path.join(directory, '000000000.json')], newer: []},
    })
    expect(await failure(records.read('000000000'))).toMatchObject({kind: 'config', code: 'BROKEN_FILE'})
  }) // prettier-ignore

  it('is of a newer zt: it is named as such, and stops no other', async () => {
    const {id} = await records.begin(record, NOW)
    await put('000000000', {...good, version: 2})
    const newer = [path.join(directory, '000000000.json')]
    expect(await records.list()).toMatchObject({records: [{id}], unread: {damaged: [], newer}})
    expect(await failure(records.read('000000000'))).toMatchObject({kind: 'config', code: 'NEWER_FILE'})
  })

  it('by its name is not looked at', async () => {
    for (const name of ['000000000.txt', 'x.json', '.000000000.json.1.ab', '000000000'])
      await fs.writeFile(path.join(directory, name), '{')
    expect(await records.list()).toEqual({records: [], unread: {damaged: [], newer: []}})
  })

  it('beside a record does not show it twice', async () => {
    await put('000000000', good)
    await fs.writeFile(path.join(directory, '000000000.text'), '')
    expect((await records.list()).records).toHaveLength(1)
  })

  it('that cannot be read for another reason stops the list', async () => {
    await fs.mkdir(path.join(directory, '000000000.json'))
    await expect(records.list()).rejects.not.toMatchObject({code: 'BROKEN_FILE'})
  })
})

describe('the records that are kept', () => {
  const ids = async (): Promise<string[]> => (await records.list()).records.map(({id}) => id)

  it('are the latest 200, the latest first', async () => {
    for (let n = 0; n < 202; n++) await put(`0zzzzz${n.toString().padStart(3, '0')}`, {version: 1, ...record, id: 'x', state: 'done'}) // prettier-ignore
    const {id} = await records.begin(record, EPOCH + 32 ** 7)
    const left = await ids()
    expect(left).toHaveLength(200)
    expect([left[0], left[1], left.at(-1)]).toEqual([id, '0zzzzz201', '0zzzzz003'])
  })

  it('are those of 90 days, and the one that is undone', async () => {
    const old = await records.begin(record, NOW - 91 * DAY)
    const undone = await records.begin(record, NOW - 92 * DAY)
    const still = await records.begin(record, NOW - 90 * DAY)
    await records.remove(still)
    const first = `${still.id.slice(0, 8)}0`
    await put(first, {version: 1, ...record, id: 'x', state: 'done'})
    const now = await records.begin({...record, undoes: undone.id}, NOW)
    expect(await ids()).toEqual([now.id, first, undone.id])
    expect(await ids()).not.toContain(old.id)
  })

  it('are all in the first 90 days', async () => {
    const first = await records.begin(record, EPOCH)
    const now = await records.begin(record, EPOCH + 80 * DAY)
    expect(await ids()).toEqual([now.id, first.id])
  })
})
