import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const addRule = ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'gitlab-admin']
let zt: BuiltZt

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  await zt.json(['sandbox', 'start'])
})

afterAll(() => zt.end())

describe('the tutorial', () => {
  it('creates a token whose secret is in no output', async () => {
    const created = await zt.run(['token', 'create', 'gitlab-admin', '--json'])
    expect(created).toMatchObject({code: 0})
    expect(created.stdout + created.stderr).not.toContain('cfast_')
    expect(JSON.parse(created.stdout)).toMatchObject({store: 'vault', token: {name: 'gitlab-admin'}})
  })

  it('is refused before there is a rule, and says why and which command fixes that', async () => {
    const refused = await zt.run(['ssh', `git@${host}`, '--token', 'gitlab-admin', '--yes', '--', '-T'])
    expect(refused.code).toBe(255)
    expect(refused.stderr).toContain('only identity rules')
    expect(refused.stderr).toContain('zt app add-rule GitLab --service-auth --token gitlab-admin')
  })

  it('shows the change without making it, then makes it once', async () => {
    expect(await zt.json([...addRule, '--dry-run'])).toMatchObject({changed: false, dryRun: true})
    expect(await zt.json(['app', 'show', 'GitLab'])).toMatchObject({
      application: {policies: [{decision: 'allow'}]},
    })
    expect(await zt.json(addRule)).toMatchObject({changed: true, how: 'reusable', bound: [{host}]})
    expect(await zt.json(addRule)).toMatchObject({changed: false})
    expect(await zt.json(['app', 'show', 'GitLab'])).toMatchObject({
      application: {policies: [{decision: 'allow'}, {decision: 'non_identity'}]},
    })
  })

  it('greets through the edge', async () => {
    const greeted = await zt.run(['ssh', `git@${host}`, '--', '-T'])
    expect(greeted).toMatchObject({code: 0})
    expect(greeted.stdout).toContain('Welcome to GitLab, @')
  })

  it('prints a block with which ssh alone connects', async () => {
    const {block} = await zt.json<{block: string}>(['ssh', 'config', host])
    expect(block).toContain(`Host ${host}`)
    expect(block).toContain('ssh proxy')
  })
})
