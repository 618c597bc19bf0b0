import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {readObserved} from '../../src/lib/sandbox/observed.js'
import {SETTINGS, type SandboxSettings, type SettingName} from '../../src/lib/sandbox/settings.js'
import {questionsOf, LiveWorld} from './live-world.js'
import {QUESTIONS} from './questions/index.js'
import {comparison, writeObserved} from './report.js'
import {askSandbox, choose, type LiveResult} from './run.js'

// Durability is not what is tested here.
vi.mock('../../src/lib/system/files.js', async (original) => ({
  ...(await original<object>()),
  writeFileAtomic: (await import('./plain-files.js')).writeFileAtomic,
}))

const open: LiveWorld[] = []
const worldOf = async (settings?: SandboxSettings): Promise<LiveWorld> => {
  const world = await LiveWorld.open(settings)
  open.push(world)
  return world
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((world) => world.close()))
})

/** As different from the presets as the settings allow, in two accounts. */
const ACCOUNTS: Record<string, SandboxSettings> = {
  'an account with strict authentication and slow enforcement': {
    strict_service_token_auth: true,
    enforcement_delay_ms: 7000,
    connector_end: 1001,
    without_allow: 'login',
    hide_accounts: true,
    hidden_secrets: 'show',
    missing_secret: 'erase',
    mixed_policies: 'accept',
    inline_at_creation: 'accept',
    null_policies: 'ignore',
    policy_lag: 4,
    throttle_403: 3,
    server_defaults: false,
    unknown_selectors: 'accept',
    create_disabled: 'ignored',
  },
  'an account that takes no policies inside applications': {
    connector_end: 1006,
    without_allow: 'login',
    hidden_secrets: 'omit',
    missing_secret: 'refuse',
    inline_at_creation: 'refuse',
    null_policies: 'refuse',
    policy_lag: 1,
  },
  'an account that keeps hidden secrets': {
    hidden_secrets: 'mask',
    missing_secret: 'keep',
    connector_end: 1000,
  },
}

/**
 * No question can find them: they would need another account, a harm to this one, or the permission to read the account's
 * analytics and the patience to wait for them.
 */
const NOT_ASKED: SettingName[] = [
  ...(['zero_trust_enabled', 'rate_limit', 'country_of', 'clock'] as const),
  ...(['analytics', 'analytics_delay_ms', 'analytics_sampling', 'graphql_error_status'] as const),
  ...(['recorded_policy', 'recorded_refusals', 'recorded_sessions'] as const),
]

const answersOf = ({answers}: LiveResult): object => Object.fromEntries(answers)

describe('what was seen on an account', () => {
  it.each(Object.entries(ACCOUNTS))('makes a sandbox that answers as %s', async (_, settings) => {
    const account = await worldOf(settings)
    const before = await account.objects()
    const seen = await account.run()
    expect(seen).toMatchObject({failure: undefined, remaining: [], settings})
    expect(seen.unanswered).toEqual(new Map())
    expect(await account.objects()).toEqual(before)

    const file = path.join(account.directory, 'observed.json')
    await writeObserved(file, seen)
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    const second = await worldOf(readObserved(file))
    expect(answersOf(await second.run())).toEqual(answersOf(seen))
  })

  it('is found by questions for every setting but those that it would harm an account to find', async () => {
    const account = await worldOf()
    const {settings} = await account.run()
    const found = Object.keys(settings).concat(NOT_ASKED).sort()
    expect(found).toEqual(Object.keys(SETTINGS).sort())
    for (const [name, value] of Object.entries(settings))
      expect([name, value]).toEqual([name, SETTINGS[name as SettingName].preset])
  })

  it('contains no ID, name or secret of the account', async () => {
    const account = await worldOf()
    const {answers, settings} = await account.run({questions: questionsOf('token', 'edge')})
    const text = JSON.stringify([Object.fromEntries(answers), settings])
    expect(text).not.toMatch(/widgetcorp|zt-live-|[0-9a-f]{32}|cfast_[A-Za-z0-9]|[0-9a-f]{8}-[0-9a-f]{4}/i)
  })
})

describe('the table', () => {
  it('marks the answers that the sandbox gives differently, part by part', async () => {
    const questions = questionsOf('edge.credentials.service-auth', 'token.create-disabled', 'token.order')
    const account = await worldOf({strict_service_token_auth: true, create_disabled: 'ignored'})
    const seen = await account.run({questions})
    const {time} = account
    const sandbox = await askSandbox({
      ground: {host: '*.widgetcorp.tech'},
      questions,
      time,
      signal: undefined,
      say: () => undefined,
    })
    const marked = comparison(questions, seen, sandbox).filter((line) => line.startsWith('≠'))
    expect(marked.map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      '≠ | Does creation honour "enabled": false? | ignored | honoured | zt token create',
      '≠ | unknown token | 401 | 403',
      '≠ | wrong secret | 401 | 403',
      '≠ | disabled token | 401 | 403',
      '≠ | ID alone | 401 | 403',
      '≠ | ID twice | 401 | admitted',
    ])
  })

  it('names what is not asked without an edge of its own', () => {
    const {asked, left} = choose(new Set(), [])
    expect(asked.filter(({id}) => id.startsWith('edge'))).toEqual([])
    expect(left.get('edge.credentials.oauth')).toBe('needs --host')
    expect(choose(new Set(['edge']), []).left.get('edge.credentials.oauth')).toBe("needs --host '*.NAME'")
    expect(asked.length + left.size).toBe(QUESTIONS.length)
  })
})
