import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const newHost = 'build-ssh.widgetcorp.tech'
type Json = Record<string, unknown>
let zt: BuiltZt

/** The sandbox had its hosts and their keys when it started: ssh does not ask about a new one. */
const ssh = (to: string): Promise<End> =>
  zt.run(['ssh', `git@${to}`, '--no-share', '--', '-T', '-o', 'StrictHostKeyChecking=no'])

async function application(name: string): Promise<Json> {
  return (await zt.json<{application: Json}>(['app', 'show', name])).application
}

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  await zt.json(['sandbox', 'start'])
  await zt.json(['token', 'create', 'gitlab-admin'])
})
afterAll(() => zt.end())

describe('the tutorial with an Access group', () => {
  it('lets a token in by a group that a rule means, ssh included, and takes it back', async () => {
    await zt.json(['group', 'create', 'robots', '--token', 'gitlab-admin'])
    const before = await application('GitLab')
    const rule = [
      'app',
      'add-rule',
      'GitLab',
      '--service-auth',
      '--group',
      'robots',
      '--before',
      'Widgetcorp staff',
    ]
    expect(await zt.json([...rule, '--dry-run'])).toMatchObject({changed: false, bound: [{host}]})
    const added = await zt.json<{undo: string}>(rule)
    expect(added).toMatchObject({
      changed: true,
      how: 'reusable',
      rule: {precedence: 1},
      alsoAdded: ['Access group robots'],
      bound: [{host, token: 'gitlab-admin'}],
    })
    expect(await zt.json(rule)).toMatchObject({changed: false, alsoThere: ['Access group robots']})
    expect(await ssh(host)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Welcome to GitLab') as string,
    })

    await zt.json(['undo', added.undo, '--yes'])
    expect(await application('GitLab')).toEqual(before)
    expect((await ssh(host)).code).toBe(255)
  })

  it('takes a rule off, and unbinds the host', async () => {
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'gitlab-admin'])
    expect((await zt.run(['app', 'remove-rule', 'GitLab', '2'])).code).toBe(2)
    expect(await zt.json(['app', 'remove-rule', 'GitLab', '2', '--delete', '--yes'])).toMatchObject({
      changed: true,
      how: 'delete',
      rule: {name: 'Service Auth: gitlab-admin'},
      unbound: [host],
    })
    expect(await application('GitLab')).toMatchObject({policies: [{name: 'Widgetcorp staff'}]})
  })
})

describe('the tutorial with a new application', () => {
  it('creates it with its rule at once, ssh works through it, and undone it is gone', async () => {
    const create = [
      'app',
      'create',
      'Build',
      '--domain',
      newHost,
      '--service-auth',
      '--token',
      'gitlab-admin',
    ]
    const created = await zt.json<{undo: string}>([...create, '--service-auth-401'])
    expect(created).toMatchObject({
      changed: true,
      application: {name: 'Build', domains: [newHost]},
      bound: [{host: newHost, token: 'gitlab-admin'}],
    })
    expect(await application('Build')).toMatchObject({
      serviceAuth401: true,
      policies: [{decision: 'non_identity', inWords: {include: ['service token gitlab-admin']}}],
    })
    expect(await ssh(newHost)).toMatchObject({code: 0, stdout: expect.stringContaining('Welcome') as string})
    const again = await zt.run([...create, '--json'])
    expect(again.code).toBe(7)
    expect(JSON.parse(again.stdout)).toMatchObject({error: {code: 'DOMAIN_TAKEN'}})

    await zt.json(['undo', created.undo, '--yes'])
    expect((await zt.run(['app', 'show', 'Build'])).code).toBe(5)
    expect(await zt.json(['policy', 'list'])).toMatchObject({policies: [{name: 'Widgetcorp staff'}]})
  })
})
