import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'

/** What a person types in the first minutes, and what zt answers. */
let zt: BuiltZt

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  await zt.json(['sandbox', 'start'])
  await zt.json(['token', 'create', 'ci'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci', '--yes'])
})
afterAll(() => zt.end())

/** The first command line that an answer suggests. */
function suggested({stderr}: End): string {
  return /^next: +(zt .*)$/m.exec(stderr)?.[1] ?? ''
}

/** Runs a line as a person pastes it into a shell. */
function paste(line: string): Promise<End> {
  const [node, script] = zt.program
  const env = {...zt.env, NODE: node, SCRIPT: script}
  return new Promise((resolve) => {
    const shell = ['-c', `zt() { "$NODE" "$SCRIPT" "$@"; }; ${line}`]
    const child = execFile('sh', shell, {env, cwd: zt.home}, (_, stdout, stderr) => {
      resolve({code: child.exitCode, stdout, stderr})
    })
    child.stdin?.end()
  })
}

describe('a line that is nearly right is answered with the right one', () => {
  it.each([
    [['exec', 'ci', 'printf', '%s', "it's $HOME"], 0, /^it's \$HOME$/],
    [['exec', 'ci', 'sh', '-c', 'echo "$CF_ACCESS_CLIENT_ID"'], 0, /^[0-9a-f]{32}\.access\n$/],
    [['token', 'ls'], 0, /^ci +active/m],
    [['get', 'token', 'ci'], 0, /^name +ci$/m],
    [['profile', 'switch', 'sandbox'], 0, /Switched to profile sandbox/],
  ])('zt %j', async (words, code, stdout) => {
    const wrong = await zt.run(words)
    expect(wrong.code).toBe(2)
    expect(wrong.stdout).toBe('')
    const line = suggested(wrong)
    const right = await paste(line)
    expect({line, ...right}).toMatchObject({code})
    expect(right.stdout).toMatch(stdout)
  })

  it.each([
    [
      ['curl', 'https://gitlab-ssh.widgetcorp.tech/', '-sS'],
      'zt curl https://gitlab-ssh.widgetcorp.tech/ -- -sS',
    ],
    [['ssh', 'git@gitlab-ssh.widgetcorp.tech', 'uptime'], 'zt ssh git@gitlab-ssh.widgetcorp.tech -- uptime'],
    [
      ['ssh', 'gitlab-ssh.widgetcorp.tech', '-i', 'my key'],
      "zt ssh gitlab-ssh.widgetcorp.tech -- -i 'my key'",
    ],
    [['--profile', 'sandbox', 'exec', 'ci', 'env'], 'zt exec --profile sandbox ci -- env'],
    [['token', 'delete', 'ci'], 'zt token revoke ci'],
  ])('zt %j: %s', async (words, line) => {
    const end = await zt.run(words)
    expect({code: end.code, line: suggested(end)}).toEqual({code: 2, line})
  })

  it('USAGE has the words behind --', async () => {
    const {stdout} = await zt.run(['exec', '--help'])
    expect(stdout.split('EXAMPLES')[0]).toContain(' -- COMMAND [ARGUMENT...]')
  })
})

it('a name may begin with a dash, behind --', async () => {
  expect(await zt.run(['token', 'create', '--', '-x'])).toMatchObject({code: 0})
  const {code, stdout} = await zt.run(['token', 'show', '--', '-x'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^name +-x$/m)
})

it('a person who is not logged in reads why, and how to try zt without an account', async () => {
  const home = path.join(zt.home, 'new')
  const env = {XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, ZT_PROFILE: ''}
  const {code, stderr} = await zt.run(['whoami'], {env})
  expect(code).toBe(3)
  expect(stderr).toContain('why:   It is not logged in, and CLOUDFLARE_API_TOKEN is not set.')
  expect(stderr).toMatch(/^next: +zt login$/m)
  expect(stderr).toMatch(/^next: .*zt sandbox start$/m)
})

// No one can make a directory there, not even root.
describe.skipIf(process.platform !== 'linux')('in a home that cannot be written', () => {
  const env = {XDG_STATE_HOME: '/sys/nowhere', XDG_CACHE_HOME: '/sys/nowhere'}

  it.each([
    [['token', 'list']],
    [['app', 'show', 'GitLab']],
    [['exec', 'ci', '--', 'true']],
    [['profile', 'use', 'sandbox']],
    [['token', 'create', 'b', '--dry-run']],
    [['undo']],
    [['sandbox', 'status']],
  ])('zt %j works', async (words) => {
    const {code, stderr} = await zt.run(words, {env})
    expect({code, stderr}).toMatchObject({code: 0})
    expect(stderr).not.toContain('error')
  })

  it.each([
    [['token', 'create', 'b'], {}],
    [['sandbox', 'start'], {}],
    [['profile', 'use', 'default'], {}],
    [['sandbox', 'start'], {XDG_CONFIG_HOME: '/sys/nowhere', XDG_DATA_HOME: '/sys/nowhere', ZT_PROFILE: ''}],
  ])('zt %j %j says what it cannot write', async (words, more) => {
    const {code, stderr} = await zt.run(words, {env: {...env, ...more}})
    expect({code, stderr}).toMatchObject({code: words[1] === 'use' ? 5 : 13})
    if (code === 13) expect(stderr).toMatch(/^error: +Cannot write \/sys\/nowhere/m)
    expect(stderr).not.toContain('bug')
    expect(stderr.match(/^error:/gm)).toHaveLength(1)
  })
})

it('a table says what it has no room for', async () => {
  const {stdout, stderr} = await zt.run(['token', 'list'], {env: {COLUMNS: '50'}})
  expect(stdout).not.toContain('CLIENT ID')
  expect(stderr).toMatch(/^note: +no room for HOSTS, CLIENT ID;/m)
})

it('a profile can be renamed and deleted, with what belongs to it', async () => {
  await zt.json(['profile', 'rename', 'sandbox', 'lab'])
  const env = {ZT_PROFILE: 'lab'}
  expect(await zt.json(['token', 'show', 'ci'], {env})).toMatchObject({token: {store: 'vault'}})
  expect((await zt.run(['profile', 'delete', 'lab', '--yes'], {env})).stderr).toContain(
    'zt profile delete lab --with-secrets',
  )
  const {secretsDeleted} = await zt.json(['profile', 'delete', 'lab', '--with-secrets', '--yes'], {env})
  expect([...(secretsDeleted as string[])].sort()).toEqual(['-x', 'ci'])
  // Nor is the API token left.
  expect(await fs.readdir(path.join(zt.home, 'DATA', 'zt', 'vault'))).toEqual([])
})
