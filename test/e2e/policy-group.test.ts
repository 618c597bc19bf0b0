import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'

type Json = Record<string, unknown>

let zt: BuiltZt

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  const own = {id: 'own-1', name: 'Own', decision: 'allow', include: [{everyone: {}}], precedence: 2}
  await fs.writeFile(
    seed,
    JSON.stringify({
      accounts: [{id: '2f5a7c10b3d94e6f8a1c0d2e3f405162', name: 'Widgetcorp', type: 'standard'}],
      zones: [{name: 'widgetcorp.tech'}],
      apps: [
        {id: 'app-1', name: 'GitLab', type: 'self_hosted', domain: 'git.widgetcorp.tech', policies: [{id: 'staff-1', precedence: 1}]},
        {id: 'app-2', name: 'Old wiki', type: 'self_hosted', domain: 'wiki.widgetcorp.tech', policies: [own]},
      ],
      policies: [{id: 'staff-1', name: 'Staff', decision: 'allow', include: [{email_domain: {domain: 'widgetcorp.tech'}}]}],
    }), // prettier-ignore
  )
  await zt.run(['sandbox', 'start', '--seed', seed])
  await zt.json(['token', 'create', 'ci'])
})
afterAll(() => zt.end())

const error = async (args: string[]): Promise<[code: number | null, Json]> => {
  const {code, stdout} = await zt.run([...args, '--json'])
  return [code, (JSON.parse(stdout) as {error: Json}).error]
}

describe('zt policy', () => {
  it('makes, attaches, shows, detaches and deletes one, and undoes that', async () => {
    const made = await zt.json<{policy: {id: string}}>([
      ...['policy', 'create', 'machines', '--token', 'ci', '--require-country', 'de'],
    ])
    expect(made).toMatchObject({changed: true, dryRun: false, policy: {name: 'machines'}, warnings: []})
    const attach = ['policy', 'attach', 'machines', 'git.widgetcorp.tech', '--before', 'Staff']
    expect(await zt.json([...attach, '--dry-run'])).toMatchObject({
      changed: false,
      dryRun: true,
      undo: null,
      changes: [{action: 'replace', kind: 'application', id: 'app-1'}],
    })
    expect(await zt.json(attach)).toMatchObject({
      changed: true,
      policy: {id: made.policy.id},
      application: {id: 'app-1', name: 'GitLab'},
      bound: [{host: 'git.widgetcorp.tech', token: 'ci', replaced: false}],
      unbound: [],
      warnings: ['The rule "Staff" moves from precedence 1 to 2'],
    })
    const shown = await zt.run(['policy', 'show', 'machines'])
    for (const line of [
      /action +Service Auth/,
      /include +service token ci/,
      /require +country DE/,
      /GitLab +1 +git/,
    ])
      expect(shown.stdout).toMatch(line)
    expect(await zt.json(['policy', 'show', 'own'])).toMatchObject({
      policy: {id: 'own-1', action: 'Allow', reusable: false, include: [{everyone: {}}]},
      applications: [{id: 'app-2', precedence: 2}],
    })
    const [inUse, {code, next}] = await error(['policy', 'delete', 'machines', '--yes'])
    expect([inUse, code]).toEqual([7, 'POLICY_IN_USE'])
    expect(next).toEqual(['zt policy detach machines GitLab'])
    expect(await zt.json(['policy', 'detach', '#1', 'GitLab'])).toMatchObject({
      changed: true,
      unbound: ['git.widgetcorp.tech'],
    })
    expect(await zt.json(['policy', 'detach', 'machines', 'GitLab'])).toMatchObject({
      changed: false,
      undo: null,
    })
    expect(await error(['policy', 'delete', 'machines'])).toMatchObject([2, {code: 'INPUT_REQUIRED'}])
    expect(await zt.json(['policy', 'delete', 'machines', '--yes'])).toMatchObject({changed: true})
    await zt.json(['undo', '--last', '--yes'])
    expect(await zt.json(['policy', 'show', 'machines'])).toMatchObject({applications: []})
  })

  it.each<[string[], number, string]>([
    [['policy', 'create', 'x', '--action', 'allow', '--token', 'ci'], 2, 'TOKEN_NEEDS_SERVICE_AUTH'],
    [['policy', 'create', 'x', '--service-auth', '--action', 'bypass', '--everyone'], 2, 'SEVERAL_ACTIONS'],
    [['policy', 'make-reusable', 'GitLab'], 2, 'RULE_OR_ALL'],
    [['policy', 'attach', 'Staff'], 2, 'INPUT_REQUIRED'],
    [['group', 'create', 'x'], 2, 'GROUP_INCLUDES_NOBODY'],
  ])('refuses %j', async (args, code, errorCode) => {
    expect(await error(args)).toMatchObject([code, {code: errorCode}])
  })

  it.skipIf(!hasTmux)(
    'asks before a policy becomes reusable, and says that there is no way back',
    async () => {
      const terminal = await Terminal.start(zt, ['policy', 'make-reusable', 'Old wiki', '--all'])
      try {
        const screen = await terminal.shows(/Make reusable\?/)
        expect(screen).toMatch(/make reusable: the policy "Own" of "Old wiki"/)
        expect(screen).toMatch(/cannot be undone/)
        await terminal.press('n', 'Enter')
        expect(await terminal.exitCode()).toBe(12)
      } finally {
        await terminal.close()
      }
      expect(await zt.json(['policy', 'show', 'Own'])).toMatchObject({policy: {reusable: false}})
      expect(await zt.json(['policy', 'make-reusable', 'Old wiki', 'own', '--yes'])).toMatchObject({
        changed: true,
        policies: [{id: 'own-1', name: 'Own'}],
      })
      expect(await zt.json(['policy', 'show', 'Own'])).toMatchObject({policy: {reusable: true}})
    },
  )
})

describe('zt group', () => {
  it('makes one, says what it opens to a token, and deletes what nothing uses', async () => {
    await zt.json(['token', 'create', 'cd'])
    const made = await zt.json<{group: {id: string}}>(['group', 'create', 'robots', '--token', 'ci'])
    await zt.json(['policy', 'create', 'Robots', '--group', 'robots'])
    await zt.json(['policy', 'attach', 'Robots', 'GitLab'])
    const added = await zt.json(['group', 'add-token', 'robots', 'cd'])
    expect(added).toMatchObject({
      changed: true,
      group: {id: made.group.id, name: 'robots'},
      token: {name: 'cd'},
      opens: [
        {id: 'app-1', name: 'GitLab', domain: 'git.widgetcorp.tech', tokens: [{name: 'cd'}], reach: 'yes'},
      ],
      closes: [],
    })
    const again = await zt.run(['group', 'add-token', 'robots', 'cd'])
    expect(again).toMatchObject({code: 0})
    expect(again.stdout).toContain('already')
    const shown = (await zt.run(['group', 'show', 'robots'])).stdout
    // The API sorts a group's rules by what they hold, here the tokens' IDs.
    expect(shown).toMatch(
      /include +service token (?:ci +\(any of these\)\n +service token cd|cd +\(any of these\)\n +service token ci)\n/,
    )
    expect(shown).toMatch(/Robots +Service Auth +include +GitLab/)
    expect(await error(['group', 'delete', 'robots', '--yes'])).toMatchObject([7, {code: 'GROUP_IN_USE'}])
    expect(await zt.json(['group', 'remove-token', 'robots', 'ci'])).toMatchObject({
      changed: true,
      closes: [{id: 'app-1', reach: 'no'}],
    })
    expect(await error(['group', 'remove-token', 'robots', 'cd'])).toMatchObject([
      7,
      {code: 'GROUP_WOULD_BE_EMPTY'},
    ])
    await zt.json(['policy', 'detach', 'Robots', 'GitLab'])
    await zt.json(['policy', 'delete', 'Robots', '--yes'])
    expect(await zt.json(['group', 'delete', 'robots', '--yes'])).toMatchObject({changed: true})
    expect(await error(['group', 'show', 'robots'])).toMatchObject([5, {code: 'GROUP_NOT_FOUND'}])
  })
})
