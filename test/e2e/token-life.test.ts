import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'

type Json = Record<string, unknown>
const HOST = 'gitlab-ssh.widgetcorp.tech'
const DAY_MS = 24 * 3600 * 1000

/** The JSON of a command that must fail. */
async function refused(zt: BuiltZt, args: string[], code: number, input = ''): Promise<Json> {
  const end = await zt.run([...args, '--json'], {input})
  expect({code: end.code, stderr: end.stderr}).toEqual({code, stderr: ''})
  return (JSON.parse(end.stdout) as {error: Json}).error
}

describe('the life of a service token', () => {
  let zt: BuiltZt
  let secret: string
  let clientId: string
  let id: string

  beforeAll(async () => {
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    const {apiUrl, apiToken} = await zt.json<Record<string, string>>(['sandbox', 'start'])
    await zt.json(['login', '--profile', 'second', '--api-url', apiUrl ?? ''], {input: apiToken ?? ''})
  })
  afterAll(() => zt.end())

  const show = async (...args: string[]): Promise<Json> =>
    (await zt.json<{token: Json}>(['token', 'show', id, ...args])).token

  it('begins with its creation', async () => {
    const made = await zt.json<{token: Json; clientSecret: string}>(['token', 'create', 'ci', '--reveal'])
    secret = made.clientSecret
    clientId = String(made.token['clientId'])
    id = String(made.token['id'])
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
    expect(await show()).toMatchObject({name: 'ci', hosts: [HOST]})
  })

  it('is renamed; the rule and the secret stay', async () => {
    expect(await zt.json(['token', 'rename', 'ci', 'deploy'])).toMatchObject({
      changed: true,
      before: {name: 'ci'},
      token: {name: 'deploy', store: 'vault', hosts: [HOST]},
    })
    expect(await refused(zt, ['token', 'rename', 'deploy', 'x~zt-0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9'], 2)).toMatchObject({code: 'BAD_TOKEN_NAME'}) // prettier-ignore
  })

  it('is disabled and enabled', async () => {
    const off = await zt.run(['token', 'disable', 'deploy'])
    expect(off.code).toBe(0)
    expect(off.stdout).toContain('previous one after a rotation')
    expect(off.stdout).toContain(HOST)
    expect(await show()).toMatchObject({status: 'disabled'})
    expect(await zt.json(['token', 'disable', 'deploy'])).toMatchObject({changed: false})
    expect(await zt.json(['token', 'enable', 'deploy'])).toMatchObject({
      changed: true,
      token: {status: 'active'},
    })
  })

  it('is refreshed: a year more, or another time, and not a shorter one unasked', async () => {
    const before = Date.parse(String((await show())['expiresAt']))
    const {token} = await zt.json<{token: Json}>(['token', 'refresh', 'deploy'])
    expect(Date.parse(String(token['expiresAt'])) - before).toBe(365 * DAY_MS)
    const error = await refused(zt, ['token', 'refresh', 'deploy', '--duration', '30d'], 2)
    expect(error).toMatchObject({
      code: 'INPUT_REQUIRED',
      next: ['zt token refresh deploy --duration 30d --yes'],
    })
    expect(await show()).toMatchObject({expiresAt: token['expiresAt']})
    const shorter = await zt.run(['token', 'refresh', 'deploy', '--duration', '30d', '--yes'])
    expect(shorter.stdout).toContain('(earlier)')
  })

  it('is imported into another profile, and its secret is shown by nothing', async () => {
    const input = `CF-Access-Client-Id: ${clientId}\nCF-Access-Client-Secret: ${secret}\n`
    const end = await zt.run(['token', 'import', 'deploy', '--profile', 'second', '--host', HOST], {input})
    expect(end.code).toBe(0)
    expect(end.stdout + end.stderr).not.toContain(secret)
    expect(await show('--profile', 'second')).toMatchObject({store: 'vault', hosts: [HOST]})
    const again = ['token', 'import', 'deploy', '--profile', 'second']
    expect(await zt.json(again, {input})).toMatchObject({how: 'same'})
    const other = input.replace('cfast_', 'cfast_x').slice(0, -2)
    expect(await refused(zt, again, 7, other)).toMatchObject({code: 'SECRET_ALREADY_STORED'})
    expect(await refused(zt, again, 2, secret)).toMatchObject({code: 'BAD_CREDENTIALS'})
    for (const copied of [
      `curl -H "CF-Access-Client-Id: ${clientId}" -H "CF-Access-Client-Secret: ${secret}" https://${HOST}/`,
      JSON.stringify({id: {sensitive: false, value: clientId}, secret: {sensitive: true, value: secret}}),
      Buffer.from(`\uFEFF${secret}\r\n${clientId}\r\n`, 'utf16le'),
    ])
      expect(await zt.json(again, {input: copied})).toMatchObject({how: 'same'})
    const cut = await refused(zt, again, 2, `${clientId}\n${secret.slice(0, 30)}\n${secret.slice(30)}`)
    expect(cut).toMatchObject({code: 'BAD_CREDENTIALS', message: 'The client secret is not complete'})
    expect(JSON.stringify(cut)).not.toContain(secret.slice(0, 30))
  })

  it('is not revoked while a rule names it', async () => {
    const error = await refused(zt, ['token', 'revoke', 'deploy', '--yes'], 7)
    expect(error).toMatchObject({
      code: 'TOKEN_IN_USE',
      details: {references: [{kind: 'reusable', part: 'include', applications: [{name: 'GitLab'}]}]},
    })
    expect(error['apiCodes']).toBeUndefined()
    expect(await refused(zt, ['token', 'revoke', 'deploy', '--detach'], 2)).toMatchObject({
      code: 'INPUT_REQUIRED',
      next: ['zt token revoke deploy --detach --yes'],
    })
    expect(await show()).toMatchObject({status: 'active'})
  })

  it('is detached and revoked, and gone from both profiles; the application is as at the beginning', async () => {
    const plan = await zt.json(['token', 'revoke', 'deploy', '--detach', '--dry-run'])
    expect(plan).toMatchObject({
      dryRun: true,
      deleted: false,
      detach: [{action: 'take-off'}, {action: 'delete-policy'}],
    })
    expect(await show()).toMatchObject({status: 'active'})
    const done = await zt.json<Json>(['token', 'revoke', 'deploy', '--detach', '--yes'])
    expect(done).toMatchObject({
      deleted: true,
      secretRemoved: true,
      detached: plan['detach'],
      changes: plan['changes'],
      unbound: [HOST],
    })
    expect(await refused(zt, ['token', 'show', id], 5)).toMatchObject({code: 'TOKEN_NOT_FOUND'})
    expect(await zt.json(['app', 'show', 'GitLab'])).toMatchObject({
      application: {policies: [{name: 'Widgetcorp staff', decision: 'allow'}]},
    })
    expect(await refused(zt, ['token', 'revoke', id, '--yes', '--profile', 'second'], 5)).toBeDefined()
    expect(await zt.json(['token', 'list'])).toMatchObject({tokens: []})
    const left = await fs.readdir(path.join(zt.home, 'DATA'), {recursive: true})
    expect(left.filter((file) => file.includes(id) || file.includes(HOST))).toEqual([])
  })
})

if (!hasTmux) process.stderr.write('SKIPPED: there is no tmux to be the terminal; .ci/run installs one\n')

describe.skipIf(!hasTmux)('on a terminal', () => {
  let zt: BuiltZt
  let terminal: Terminal | undefined

  beforeAll(async () => {
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    await zt.json(['sandbox', 'start'])
  })
  afterEach(() => terminal?.close())
  afterAll(() => zt.end())

  const open = async (...args: string[]): Promise<Terminal> => (terminal = await Terminal.start(zt, args))

  it('a revocation shows its plan, requires the name to be typed, and accepts nothing else', async () => {
    await zt.json(['token', 'create', 'typed'])
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'typed'])
    const t = await open('token', 'revoke', 'typed', '--detach')
    await t.shows(/Type typed to revoke it/)
    expect(await t.screen()).toMatch(
      /change: the application "GitLab"[\s\S]*delete: the policy "Service Auth: typed"[\s\S]*disable it[\s\S]*delete the service token typed/,
    )
    await t.type('yes')
    await t.press('Enter')
    await t.shows(/That is not typed/)
    expect(await zt.json(['token', 'show', 'typed'])).toMatchObject({token: {status: 'active'}})
    await t.press('BSpace', 'BSpace', 'BSpace')
    await t.type('typed')
    await t.press('Enter')
    await t.shows(/Deleted "Service Auth: typed", which included nothing else[\s\S]*Revoked typed/)
    expect(await t.exitCode()).toBe(0)
    expect(await refused(zt, ['token', 'show', 'typed'], 5)).toMatchObject({code: 'TOKEN_NOT_FOUND'})
  })

  it('an empty answer is a no', async () => {
    await zt.json(['token', 'create', 'spared'])
    const t = await open('token', 'revoke', 'spared')
    await t.shows(/Type spared to revoke it/)
    await t.press('Enter')
    expect(await t.exitCode()).toBe(12)
    expect(await t.screen()).toContain('Cancelled; nothing was changed')
    expect(await zt.json(['token', 'show', 'spared'])).toMatchObject({token: {status: 'active'}})
  })

  it('an earlier end is asked about', async () => {
    await zt.json(['token', 'create', 'shorter'])
    const before = await zt.json(['token', 'show', 'shorter'])
    const t = await open('token', 'refresh', 'shorter', '--duration', '1d')
    await t.shows(/earlier than now[\s\S]*Let it expire earlier\?/)
    await t.press('Enter')
    expect(await t.exitCode()).toBe(12)
    expect(await zt.json(['token', 'show', 'shorter'])).toEqual(before)
  })

  it('an import asks for both, and shows neither, even in the wrong place', async () => {
    const made = await zt.json<{token: {clientId: string}; clientSecret: string}>(['token', 'create', 'asked', '--reveal']) // prettier-ignore
    const t = await open('token', 'import')
    await t.shows(/Client ID, or both/)
    await t.type(`CF-Access-Client-Secret: ${made.clientSecret}`)
    await t.press('Enter')
    await t.shows(/Client Secret/)
    await t.type(made.token.clientId)
    await t.press('Enter')
    await t.shows(/This secret of asked is already in/)
    expect(await t.exitCode()).toBe(0)
    expect(await t.screen()).not.toContain(made.clientSecret.slice(0, 12))
  })

  it('a token that is not named is chosen from a list', async () => {
    const t = await open('token', 'disable')
    await t.shows(/Service token[\s\S]*asked/)
    await t.press('Enter')
    await t.shows(/Disabled asked/)
    expect(await t.exitCode()).toBe(0)
  })
})
