import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('undo')
const edit = 'app set GitLab --session-duration 8h'

it('lists the edits, the latest first', async () => {
  const {zt} = scene
  expect(await zt.json('undo')).toMatchObject({edits: [], elsewhere: 0})
  const {undo: first} = await zt.json(edit)
  const {undo: second} = await zt.json('policy delete Spare --yes')
  expect((await zt.json('undo'))['edits']).toMatchObject([
    {id: second, state: 'done', changes: [{action: 'delete', kind: 'policy', name: 'Spare'}]},
    {id: first, changes: [{action: 'replace', fields: ['session_duration']}]},
  ])
  const {stdout} = await zt.run('undo')
  expect(stdout.indexOf(String(second))).toBeLessThan(stdout.indexOf(String(first)))
  expect(stdout).toContain(`zt ${edit}`)
})

it('undoes an edit by its ID, and the latest', async () => {
  const {zt} = scene
  const {undo} = await zt.json(edit)
  const undone = await zt.json(`undo ${String(undo)} --yes`)
  expect(undone).toMatchObject({changed: true, dryRun: false, undoes: undo})
  expect(zt.app('GitLab')['session_duration']).toBe('24h')
  const {stdout} = await zt.run(`undo ${String(undone['undo'])} --yes`)
  expect(stdout).toContain(`zt undo ${String(undo)}`)
  expect(zt.app('GitLab')['session_duration']).toBe('8h')
  await zt.json('policy delete Spare --yes')
  await zt.json('undo --last --yes')
  expect(zt.policy('Spare')['decision']).toBe('allow')
})

it('undoes those of a zone', async () => {
  const {zt} = scene
  const zone = ['--zone', 'widgetcorp.tech']
  await zt.json(['app', 'set', 'Of the zone', '--session-duration', '1h', ...zone])
  await zt.fails('undo --last --yes', 'conflict', 'UNDO_ELSEWHERE')
  await zt.json(['undo', '--last', '--yes', ...zone])
  expect(zt.app('Of the zone')['session_duration']).not.toBe('1h')
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  await zt.json(edit)
  expect(await zt.unchanged(() => zt.json('undo --last --dry-run'))).toMatchObject({
    ...{changed: false, dryRun: true},
    changes: [{fields: [{field: 'session_duration', before: '8h', after: '24h'}]}],
  })
})

it('asks first', async () => {
  const {zt} = scene
  const {undo} = await zt.json(edit)
  await zt.unchanged(async () => {
    await zt.fails('undo --last', 'cancelled', 'CANCELLED', {answers: [false]})
    const {next} = await zt.failsWithoutAsking('undo --last')
    expect(next).toContain(`zt undo ${String(undo)} --yes`)
  })
  expect((await zt.run('undo --last', {answers: [true]})).asked).toHaveLength(1)
})

it('fails where it cannot undo', async () => {
  const {zt} = scene
  await zt.fails('undo --last --yes', 'not-found', 'NOTHING_TO_UNDO')
  await zt.fails('undo nothing --yes', 'not-found', 'UNDO_NOT_FOUND')
  await zt.fails('undo nothing --last', 'usage', 'ID_AND_LAST')
  await zt.json(edit)
  zt.app('GitLab')['session_duration'] = '1h'
  await zt.unchanged(() => zt.fails('undo --last --yes', 'conflict', 'CHANGED_SINCE'))
})
