import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const host = 'gitlab-ssh.widgetcorp.tech'
/** How long the edge takes to learn of a change: at Cloudflare up to about 85 seconds (reported). */
const LATER_MS = 3600_000

describe('rotating, with SSH open to the same host all the while', () => {
  let zt: BuiltZt

  beforeAll(async () => {
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    const seed = path.join(zt.home, 'seed.json')
    await fs.writeFile(
      seed,
      JSON.stringify({
        zones: [{name: 'widgetcorp.tech'}],
        apps: [{name: 'GitLab', domain: host}],
      }),
    )
    await zt.json(['sandbox', 'start', '--seed', seed])
    await zt.json(['token', 'create', 'ci'])
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
  })
  afterAll(() => zt.end())

  /** From now on; the edge knows earlier changes. */
  async function edgeKnows(afterMs: number): Promise<void> {
    await zt.json(['sandbox', 'stop'])
    const file = path.join(String(zt.env['XDG_STATE_HOME']), 'zt', 'sandbox', 'state.json')
    const state = JSON.parse(await fs.readFile(file, 'utf8')) as {settings: Record<string, unknown>}
    state.settings['enforcement_delay_ms'] = afterMs
    await fs.writeFile(file, JSON.stringify(state))
    await zt.json(['sandbox', 'start'])
  }

  // A connection that is still open would not check the secret.
  const ssh = () => zt.run(['ssh', `git@${host}`, '--no-share', '--', '-T'])

  it('uses the secret before while the edge knows only that, and says so; then the new one', async () => {
    expect(await ssh()).toMatchObject({code: 0, stderr: ''})
    await edgeKnows(LATER_MS)
    const {previousUntil} = await zt.json<{previousUntil: string}>(['token', 'rotate', 'ci'])
    const early = await ssh()
    expect(early.stdout).toContain('Welcome to GitLab, @')
    expect(early.stderr).toContain('accepted only the previous secret of "ci"')
    expect(early.stderr).toContain(previousUntil)
    expect(await zt.json(['token', 'show', 'ci'])).toMatchObject({token: {previousUntil}})
    await edgeKnows(0)
    expect(await ssh()).toMatchObject({code: 0, stderr: ''})
  })

  it('ends the grace period with --finish', async () => {
    await zt.json(['token', 'rotate', 'ci', '--finish'])
    expect(await zt.json(['token', 'show', 'ci'])).toMatchObject({token: {previousUntil: null}})
    expect(await ssh()).toMatchObject({code: 0, stderr: ''})
  })
})
