import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('report')

const inWork = (name: string): string => path.join(scene.zt.home, 'work', name)
const mode = async (file: string): Promise<number> => (await fs.stat(file)).mode & 0o777

it('lists what each service token opens, through which groups', async () => {
  const report = await scene.zt.json('report')
  expect(report).toMatchObject({
    account: {name: 'Widgetcorp'},
    counts: {tokens: 4, active: 3, applications: 5, ways: 2, unused: 0},
    record: {incomplete: null},
    tokens: [
      {name: 'cd', opens: [{application: 'app-build', rule: 'policy-cd', through: [], reach: 'yes'}]},
      {
        name: 'ci',
        opens: [{application: 'app-build', rule: 'policy-robots', through: ['robots'], uses: null}],
      },
      {name: 'of-the-zone', zone: 'widgetcorp.tech', opens: []},
      {name: 'off', status: 'disabled', zone: null, opens: []},
    ],
    applications: [
      {name: 'Build', zone: null},
      {name: 'GitLab'},
      {name: 'Legacy'},
      {name: 'Of the zone', zone: 'widgetcorp.tech'},
      {name: 'Wiki'},
    ],
    changes: null,
  })
})

it('sums up, names the most pressing findings with their commands, and suggests the page', async () => {
  scene.zt.token('ci')['expires_at'] = '2026-01-01T00:00:00Z'
  const {stdout, stderr} = await scene.zt.run('report')
  expect(stdout).toMatch(/^Access review of Widgetcorp$/m)
  expect(stdout).toMatch(/^service tokens +4, 2 active, 0 of them expire within 30 days$/m)
  expect(stdout).toMatch(/^! ci$/m)
  expect(stdout).toMatch(/^- off\n[^]*?\n +zt token revoke off$/m)
  expect(stderr).toContain('zt report --html review.html')
})

it('writes the page for this user only, and compares a later report with it', async () => {
  const {zt} = scene
  const file = inWork('review.html')
  expect((await zt.run(`report --html ${file}`)).stdout).toMatch(/^✓ Wrote \S+review\.html \(\d+ kB\)$/m)
  expect(await mode(file)).toBe(0o600)
  expect(await fs.readFile(file, 'utf8')).toMatch(/^<!doctype html>/)
  expect(await zt.json(`report --since ${file}`)).toMatchObject({
    changes: {opened: [], closed: [], tokens: [], applications: [], findings: {new: [], gone: []}},
  })
  await zt.json('token rename cd builder')
  await zt.json('policy detach Robots Build')
  await zt.json('app add-rule GitLab --service-auth --token builder')
  expect(await zt.json(`report --since ${file}`)).toMatchObject({
    changes: {
      opened: [{token: 'builder', application: 'GitLab'}],
      closed: [{token: 'ci', application: 'Build', rule: 'Robots'}],
      tokens: [{change: 'changed', from: 'name cd', to: 'name builder'}],
    },
  })
})

it('compares with the JSON of an earlier report too', async () => {
  const {zt} = scene
  const file = inWork('review.json')
  await fs.writeFile(file, JSON.stringify(await zt.json('report')))
  const {stdout} = await zt.run(`report --since ${file}`)
  expect(stdout).toMatch(/^changes +since \d{4}-\d\d-\d\d: 0 ways opened, 0 closed, /m)
})

it('prints the page with --html -, and nothing else', async () => {
  const {stdout} = await scene.zt.run('report --html -')
  expect(stdout).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
  const {next} = await scene.zt.fails('report --html - --json', 'usage', 'STDOUT_TWICE')
  expect(next).toEqual(['Give a file for one of them: --html FILE'])
})

it('writes CSV files into a directory, which it makes', async () => {
  const {zt} = scene
  const directory = inWork('review')
  for (let times = 0; times < 2; times++)
    expect((await zt.run(`report --csv ${directory}`)).stdout).toMatch(/^✓ Wrote the CSV files in /m)
  expect((await fs.readdir(directory)).sort()).toEqual([
    ...['applications.csv', 'findings.csv', 'tokens.csv', 'ways.csv'],
  ])
  expect([await mode(directory), await mode(path.join(directory, 'ways.csv'))]).toEqual([0o700, 0o600])
  expect(await fs.readFile(path.join(directory, 'ways.csv'), 'utf8')).toContain(
    '"token-ci","ci","app-build","Build","policy-robots","Robots","Service Auth","named","robots","yes","",,,""\r\n',
  )
})

it('replaces a plain file only', async () => {
  const {zt} = scene
  await fs.mkdir(inWork('directory'), {recursive: true})
  await fs.writeFile(inWork('other'), 'kept')
  await fs.symlink(inWork('other'), inWork('link'))
  const refused = async (flag: string): Promise<JsonObject> =>
    zt.fails(`report ${flag}`, 'not-written', 'FILE_NOT_WRITABLE')
  expect(await refused(`--html ${inWork('directory')}`)).toMatchObject({
    why: expect.stringContaining('It is a directory') as unknown,
  })
  expect(await refused(`--html ${inWork('link')}`)).toMatchObject({
    why: expect.stringContaining('It is a link') as unknown,
  })
  expect(await refused(`--html ${inWork('absent/x.html')}`)).toMatchObject({
    why: expect.stringContaining('does not exist') as unknown,
    next: [`Make the directory first: mkdir -p ${inWork('absent')}`],
  })
  expect(await refused(`--csv ${inWork('other')}`)).toMatchObject({
    message: expect.stringContaining('Cannot write') as unknown,
  })
  expect(await fs.readFile(inWork('other'), 'utf8')).toBe('kept')
})

it('refuses what is no report, or is of another account', async () => {
  const {zt} = scene
  const file = inWork('earlier')
  const since = `report --since ${file}`
  await zt.fails(since, 'not-found', 'NO_SUCH_FILE')
  const report = await zt.json('report')
  for (const text of [
    '',
    '{}',
    '<p>no report</p>',
    JSON.stringify({...report, tokens: [{}]}),
    JSON.stringify({...report, form: 2}),
  ]) {
    await fs.writeFile(file, text)
    await zt.fails(since, 'usage', 'NOT_A_REPORT')
  }
  await fs.writeFile(file, JSON.stringify({...report, account: {id: 'other'}}))
  await zt.fails(since, 'conflict', 'OTHER_ACCOUNT')
  // It is not zt's: nothing says to move it away.
  expect(await zt.fails('report --since .', 'config', 'FILE_NOT_READABLE')).toMatchObject({next: []})
})

it('says what the API token may not read, and reports the rest', async () => {
  const {zt} = scene
  zt.state.data.apiTokens[0]!.permission_groups = ['Access: Service Tokens Read']
  expect((await zt.run('report')).stdout).toMatch(/ways in +0; how many are unused is not known/)
  const {record, notChecked, tokens} = await zt.json('report')
  expect(record).toMatchObject({incomplete: expect.stringContaining('Analytics') as unknown})
  expect(JSON.stringify(notChecked)).toContain('may not read the policies')
  expect(tokens).toMatchObject([{name: 'cd', opens: []}, {name: 'ci'}, {name: 'off'}])
})

it('reports on one zone', async () => {
  expect(await scene.zt.json('report --zone widgetcorp.tech')).toMatchObject({
    account: {name: 'widgetcorp.tech'},
    tokens: [{name: 'of-the-zone'}],
  })
})
