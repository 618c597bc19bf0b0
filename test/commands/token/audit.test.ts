import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {KINDS} from '../../../src/lib/access/audit/kinds.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token audit')

const DAY = 24 * 3600_000
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString()

interface Found extends JsonObject {
  kind: string
  token: {id: string; name: string} | null
  rule: {id: string; name: string} | null
  next: string[]
  closes: JsonObject[]
}

/** Everything is a year old; `ci` and `cd` were let in yesterday by their own rules on Build. */
function aYearLater(): void {
  const {data} = scene.zt.state
  const objects = [...data.apps, ...data.policies, ...data.inlinePolicies, ...data.groups]
  for (const one of [...objects, ...data.serviceTokens.map(({object}) => object)])
    Object.assign(one, {created_at: inDays(-365), updated_at: inDays(-365)})
  used('ci', 'policy-robots')
  used('cd', 'policy-cd')
  // They have findings of their own: a token that is disabled, a rule after one for everyone.
  const own = ['off', 'of-the-zone']
  data.serviceTokens = data.serviceTokens.filter(({object}) => !own.includes(String(object['name'])))
  data.apps = data.apps.filter(({name}) => name !== 'Legacy')
}

function used(name: string, policyId: string, appId = 'app-build'): void {
  const at = Date.now() - DAY
  scene.zt.token(name)['last_seen_at'] = new Date(at).toISOString()
  scene.zt.state.recordEvent({
    ...{at, ray: '8f1e2d3c4b5a6978', appId, policyId, tokenId: `token-${name}`, admitted: true},
    ...{session: false, kind: 'attempt', ip: '203.0.113.7', country: 'DE'},
  })
}

/** `ci` may also get into Build as part of the rule for `cd`, and does not. */
function nameTwice(): void {
  scene.zt.policy('CD')['include'] = ['ci', 'cd'].map((name) => ({
    service_token: {token_id: `token-${name}`},
  }))
}

const findingsOf = (audit: JsonObject): Found[] => audit['findings'] as Found[]

it('finds nothing where all is well', async () => {
  const {zt} = scene
  aYearLater()
  const audit = await zt.unchanged(() => zt.json('token audit'))
  expect(audit['findings']).toEqual([])
  expect(audit['notChecked']).toEqual([
    {kinds: ['token-without-secret'], why: 'This machine has no secret of the account.'},
  ])
  expect((await zt.run('token audit')).stdout).toMatch(/\n✓ No findings\n$/)
})

it('fails by the findings that need action, or by those that --fail-on says', async () => {
  const {zt} = scene
  aYearLater()
  zt.token('ci')['expires_at'] = inDays(10)
  nameTwice()
  const audit = await zt.json('token audit', {ends: 'needs-action'})
  expect(audit['counts']).toEqual({expiring: 1, 'unused-in-rule': 1})
  for (const [flags, ends] of [
    ['--fail-on none', 0],
    ['--fail-on any', 9],
    ['--fail-on expired', 0],
    ['--fail-on expired,expiring', 9],
    ['--fail-on unused-in-rule', 9],
    ['--expiring 9d', 0],
    ['--expiring 9d --fail-on action', 0],
    ['--kind unused-in-rule', 0],
    ['--kind expiring,unused-in-rule', 9],
    // It cannot be checked here, and a job must not take that for success.
    ['--fail-on token-without-secret', 9],
  ] as const)
    expect((await zt.run(`token audit ${flags}`)).exitCode, flags).toBe(ends)
})

it('proposes a command for an unused right that does what it says, and after it there is none', async () => {
  const {zt} = scene
  aYearLater()
  nameTwice()
  const [found] = findingsOf(await zt.json('token audit --kind unused-in-rule'))
  expect(found).toMatchObject({
    token: {name: 'ci'},
    next: ['zt app remove-rule Build CD --token ci'],
    closes: [],
  })
  await zt.json(`${(found?.next[0] ?? '').replace(/^zt /, '')} --yes`)
  expect(findingsOf(await zt.json('token audit'))).toEqual([])
})

it('proposes the removal of a rule that let no one in, with what it closes', async () => {
  const {zt} = scene
  aYearLater()
  await zt.json('app add-rule Wiki --service-auth --token cd --name Rest')
  Object.assign(zt.policy('Rest'), {created_at: inDays(-200), updated_at: inDays(-200)})
  const [found] = findingsOf(await zt.json('token audit'))
  expect(found).toMatchObject({
    kind: 'unused-rule',
    rule: {name: 'Rest'},
    next: ['zt app remove-rule Wiki Rest'],
  })
  expect(found?.closes).toEqual([
    {token: {id: 'token-cd', name: 'cd'}, application: {id: 'app-wiki', name: 'Wiki'}, reach: 'no'},
  ])
  // Used once, it is not proposed.
  used('cd', String(zt.policy('Rest')['id']), 'app-wiki')
  expect(findingsOf(await zt.json('token audit'))).toEqual([])
})

it('looks back as far as it is said', async () => {
  const {zt} = scene
  aYearLater()
  zt.token('cd')['last_seen_at'] = inDays(-50)
  zt.state.recordEvent({
    ...{
      at: Date.now() - 50 * DAY,
      ray: '8f1e2d3c4b5a6978',
      appId: 'app-wiki',
      policyId: '',
      tokenId: 'token-cd',
    },
    ...{admitted: true, session: false, kind: 'attempt', ip: '203.0.113.7', country: 'DE'},
  })
  const kinds = async (line: string): Promise<string[]> =>
    findingsOf(await zt.json(`${line} --fail-on none`)).map(({kind}) => kind)
  await zt.json('app add-rule Wiki --service-auth --token cd --name Rest')
  Object.assign(zt.policy('Rest'), {created_at: inDays(-60), updated_at: inDays(-60)})
  // Until then, the record does not say which rule of Wiki it was.
  expect(await kinds('token audit --unused 40d')).toEqual(['unused-rule'])
  expect(await kinds('token audit --unused 55d')).toEqual([])
})

it('shows findings by severity and kind, in 80 columns, each with its command on one line', async () => {
  const {zt} = scene
  aYearLater()
  zt.token('ci')['expires_at'] = inDays(10)
  zt.token('cd')['name'] = 'a-name-that-is-longer-than-the-column-for-names'
  zt.token('a-name-that-is-longer-than-the-column-for-names')['expires_at'] = inDays(-10)
  nameTwice()
  const {stdout} = await zt.run('token audit', {env: {COLUMNS: '80'}})
  const lines = stdout.split('\n')
  expect(lines.filter((line) => line.length > 80 && !line.trim().startsWith('zt '))).toEqual([])
  expect(lines[0]).toBe('! Service tokens that have expired (expired: 1)')
  expect(stdout).toMatch(
    /^! Service tokens that expire soon \(expiring: 1\)\n {2}ci {2}It expires in \d+ days, on /m,
  )
  expect(stdout).toMatch(/^ +zt app remove-rule Build CD --token ci$/m)
  expect(stdout).toMatch(
    /\nNot checked\n {2}token-without-secret\n {4}This machine has no secret of the account\.\n/,
  )
  expect(stdout).toMatch(/\n2 to act on, \d notices?\n$/)
})

it('shortens a long list on a narrow screen, and shows all of it with --kind', async () => {
  const {zt} = scene
  const [one] = zt.state.data.serviceTokens
  const many = Array.from({length: 30}, (_, at) => ({
    ...one!,
    object: {...one!.object, id: `id-${at}`, name: `t${at}`, expires_at: inDays(-3)},
  }))
  zt.state.data.serviceTokens.push(...many)
  const env = {COLUMNS: '80'}
  expect((await zt.run('token audit', {env})).stdout).toContain('and 20 more: --kind expired shows all')
  expect((await zt.run('token audit --kind expired', {env})).stdout).not.toContain(' more: ')
  const {stdout} = await zt.run('token audit --kind expired --quiet')
  expect(stdout.split('\n').sort()).toEqual(['', ...many.map(({object}) => object.id)].sort())
})

it('tells a secret whose token is gone from one of a zone', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('token create moved')
  const {data} = zt.state
  const [deploy, moved] = ['deploy', 'moved'].map((name) => zt.token(name)['id'] as string)
  data.zoneOf = {...data.zoneOf, [moved!]: String(data.zones[0]?.['id'])}
  data.serviceTokens = data.serviceTokens.filter(({object}) => object['id'] !== deploy)
  const [found, ...others] = findingsOf(
    await zt.json('token audit --kind secret-without-token', {ends: 'needs-action'}),
  )
  expect(found).toMatchObject({token: {id: deploy, name: 'deploy'}, next: [`zt token revoke ${deploy!}`]})
  expect(others).toEqual([])
  await zt.json(`token revoke ${deploy!} --yes`)
  expect(findingsOf(await zt.json('token audit --kind secret-without-token'))).toEqual([])
})

it('finds an unused rule of a zone’s application, and proposes the command in that zone', async () => {
  const {zt} = scene
  aYearLater()
  Object.assign(zt.policy('Zone'), {
    decision: 'non_identity',
    include: [{service_token: {token_id: 'token-ci'}}],
  })
  const [found, ...others] = findingsOf(await zt.json('token audit'))
  expect(found).toMatchObject({
    kind: 'unused-rule',
    next: ["zt app remove-rule 'Of the zone' Zone --zone widgetcorp.tech"],
    closes: [{token: {name: 'ci'}, application: {name: 'Of the zone'}}],
  })
  expect(others).toEqual([])
  await zt.json(['app', 'remove-rule', 'Of the zone', 'Zone', '--zone', 'widgetcorp.tech', '--yes'])
  expect(findingsOf(await zt.json('token audit'))).toEqual([])
})

it('checks a zone by itself', async () => {
  const {zt} = scene
  const {findings, notChecked} = await zt.json('token audit --zone widgetcorp.tech')
  expect(findings).toMatchObject([{kind: 'unreferenced', token: {name: 'of-the-zone'}}])
  expect(JSON.stringify(notChecked)).toContain('outside this zone')
})

it('says what it may not read, and checks the rest', async () => {
  const {zt} = scene
  aYearLater()
  zt.token('ci')['expires_at'] = inDays(1)
  zt.state.data.apiTokens = [
    {
      id: 'a1',
      token: 'few',
      owner: 'user',
      status: 'active',
      permission_groups: ['Access: Service Tokens Read'],
    },
  ]
  const env = {CLOUDFLARE_API_TOKEN: 'few'}
  const {findings, notChecked} = await zt.json('token audit', {env, ends: 'needs-action'})
  expect(findings).toMatchObject([{kind: 'expiring'}])
  const missing = notChecked as {kinds: string[]; why: string}[]
  expect(missing.flatMap(({kinds}) => kinds)).toEqual(
    expect.arrayContaining(['unreferenced', 'trap', 'unused-rule', 'unused']),
  )
  expect(JSON.stringify(missing)).toContain('Account Analytics Read')
  const {stderr} = await zt.run('token audit --quiet', {env})
  expect(stderr).toMatch(/^warning: +Not checked: /m)
})

it('writes SARIF to a file or to stdout', async () => {
  const {zt} = scene
  aYearLater()
  zt.token('ci')['expires_at'] = inDays(9.5)
  const end = await zt.run('token audit --sarif audit.sarif')
  expect(end.exitCode).toBe(9)
  expect(end.stdout).toContain('! Service tokens that expire soon')
  const written = await fs.readFile(zt.file('audit.sarif'), 'utf8')
  const {stdout, exitCode} = await zt.run('token audit --sarif -')
  expect(exitCode).toBe(9)
  expect(JSON.parse(stdout)).toEqual(JSON.parse(written))
  expect(JSON.parse(stdout)).toMatchObject({version: '2.1.0', runs: [{results: [{ruleId: 'expiring'}]}]})
  await zt.fails('token audit --sarif -', 'usage', 'STDOUT_TWICE')
  await zt.fails('token audit --sarif none/audit.sarif', 'not-written', 'FILE_NOT_WRITABLE')
  await fs.symlink('elsewhere', zt.file('link'))
  await zt.fails('token audit --sarif link', 'not-written', 'FILE_NOT_WRITABLE')
  expect((await fs.lstat(zt.file('link'))).isSymbolicLink()).toBe(true)
})

it('fails where it is asked for something else', async () => {
  const {zt} = scene
  const error = await zt.fails('token audit --fail-on expring', 'usage', 'BAD_FINDING_KIND')
  expect(error.next).toEqual(['Use, for example, --fail-on expiring'])
  await zt.fails('token audit --kind expired,', 'usage', 'BAD_FINDING_KIND')
  await zt.fails('token audit --expiring soon', 'usage', 'BAD_DURATION')
  await zt.fails('token audit --unused never', 'usage', 'BAD_DURATION')
  await zt.fails('token audit', 'auth', 'NOT_LOGGED_IN', {env: {CLOUDFLARE_API_TOKEN: undefined}})
})

it('runs as the job in docs/how-to/audit.md does', async () => {
  const {zt} = scene
  aYearLater()
  const [, line = ''] = /zt" (token audit .*)$/m.exec(await document('audit.md')) ?? []
  expect(line).toContain('--sarif zt-audit.sarif')
  expect((await zt.run(line)).exitCode).toBe(0)
  zt.token('ci')['expires_at'] = inDays(1)
  expect((await zt.run(line)).exitCode).toBe(9)
  expect(JSON.parse(await fs.readFile(zt.file('zt-audit.sarif'), 'utf8'))).toMatchObject({version: '2.1.0'})
})

it('has the table of kinds in docs/how-to/audit.md', async () => {
  const rows = Object.entries(KINDS).map(
    ([kind, {severity, found, remedy}]) => `| \`${kind}\` | ${severity} | ${found} | ${remedy} |`,
  )
  const [, table = ''] = /^(\| kind [^]*?)\n\n/m.exec(await document('audit.md')) ?? []
  expect(table.split('\n').slice(2)).toEqual(rows)
})

function document(name: string): Promise<string> {
  return fs.readFile(path.resolve(import.meta.dirname, '../../../docs/how-to', name), 'utf8')
}
