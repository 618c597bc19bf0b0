import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {CommandWorld} from '../support/command-harness.js'
import {manifest} from '../support/manifest.js'

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
beforeEach(async () => zt.reset())
afterAll(async () => zt.end())

/** It takes a file, and prints what is not met: test/commands/policy/test.test.ts. */
const ELSEWHERE = ['policy:test']

/** A line for each other command that has --quiet, and what it prints. */
const LINES: Record<string, [line: string, stdout: RegExp]> = {
  'app:list': ['app list', /^app-gitlab\n(app-[\w-]+\n)+$/],
  'app:create': ['app create New --domain new.widgetcorp.tech', /^[\w-]{36}\n$/],
  'group:list': ['group list', /^group-robots\n([\w-]+\n)*$/],
  'group:create': ['group create new --ip 203.0.113.0/24', /^[\w-]{36}\n$/],
  'policy:list': ['policy list', /^[\w-]+\n([\w-]+\n)*$/],
  'policy:create': ['policy create new --token ci', /^[\w-]{36}\n$/],
  'token:list': ['token list', /^token-ci\ntoken-cd\ntoken-off\n$/],
  'token:audit': ['token audit --kind disabled', /^token-off\n$/],
  'token:create': ['token create new', /^[\w-]{36}\n$/],
  'token:reach': ['token reach ci', /^app-build\n$/],
  'profile:list': ['profile list', /^default\n$/],
  'store:list': ['store list', /^(?=[^]*^vault$)([\w:.-]+\n)+$/m],
}

describe('--quiet', () => {
  it('is tried with every command that has it', () => {
    const having = Object.entries(manifest.commands).filter(([, {flags}]) => 'quiet' in flags)
    expect([...Object.keys(LINES), ...ELSEWHERE].sort()).toEqual(having.map(([id]) => id).sort())
  })

  it.each(Object.values(LINES))(
    'prints only the IDs, or the names where there are none: zt %s',
    async (line, wanted) => {
      const {stdout, exitCode} = await zt.run(`${line} --quiet`)
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(wanted)
    },
  )

  it.each(Object.values(LINES))('says nothing but warnings beside them: zt %s', async (line) => {
    const {stderr} = await zt.run(`${line} -q`)
    expect(stderr.split('\n').filter((text) => text !== '' && !/^(warning:| )/.test(text))).toEqual([])
  })

  it('prints what other commands take', async () => {
    const {stdout} = await zt.run('token create new --quiet')
    expect(await zt.json(`token show ${stdout.trim()}`)).toMatchObject({token: {name: 'new'}})
  })

  it('prints nothing for what is not made', async () => {
    for (const line of [
      'app create N --domain n.widgetcorp.tech',
      'group create n --token ci',
      'policy create n --token ci',
      'token create n',
    ])
      expect((await zt.run(`${line} --dry-run --quiet`)).stdout, line).toBe('')
  })

  it('is not for JSON, which has all of it', async () => {
    await zt.fails('token list --quiet', 'usage', 'BAD_COMMAND_LINE')
    expect((await zt.run('token list --quiet --jq .')).exitCode).toBe(2)
    expect((await zt.run('token create n --quiet --reveal')).exitCode).toBe(2)
  })
})
