import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const host = 'gitlab-ssh.widgetcorp.tech'
let home: string
let env: NodeJS.ProcessEnv

interface End {
  code: number | null
  stdout: string
  stderr: string
}

/** The built zt as a script meets it: no terminal, a vault, directories of its own. */
function zt(args: string[], more: NodeJS.ProcessEnv = {}): Promise<End> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, 'bin', 'run.js'), ...args], {
      env: {...env, ...more},
      cwd: home,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const end: End = {code: null, stdout: '', stderr: ''}
    child.stdout.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({...end, code})
    })
  })
}

beforeAll(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-e2e-'))
  env = {PATH: process.env['PATH'], HOME: home, NO_COLOR: '1', ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
  expect(await zt(['sandbox', 'start'])).toMatchObject({code: 0})
})

afterAll(async () => {
  await zt(['sandbox', 'stop'])
  await fs.rm(home, {recursive: true, force: true})
})

describe('the tutorial', () => {
  it('creates a token whose secret is in no output, refuses, mends and greets', async () => {
    const created = await zt(['token', 'create', 'gitlab-admin', '--json'])
    expect(created).toMatchObject({code: 0})
    expect(created.stdout + created.stderr).not.toContain('cfast_')
    expect(JSON.parse(created.stdout)).toMatchObject({store: 'vault', token: {name: 'gitlab-admin'}})

    const refused = await zt(['ssh', `git@${host}`, '--token', 'gitlab-admin', '--yes', '--', '-T'])
    expect(refused.code).toBe(255)
    expect(refused.stderr).toContain('identity rules only')
    expect(refused.stderr).toContain('zt app add-rule GitLab --service-auth --token gitlab-admin')

    const ruled = await zt([
      'app',
      'add-rule',
      'GitLab',
      '--service-auth',
      '--token',
      'gitlab-admin',
      '--json',
    ])
    expect(JSON.parse(ruled.stdout)).toMatchObject({changed: true, how: 'reusable', bound: [{host}]})
    const again = await zt([
      'app',
      'add-rule',
      'GitLab',
      '--service-auth',
      '--token',
      'gitlab-admin',
      '--json',
    ])
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({changed: false})

    const greeted = await zt(['ssh', `git@${host}`, '--', '-T'])
    expect(greeted).toMatchObject({code: 0})
    expect(greeted.stdout).toContain('Welcome to GitLab, @')
  })
})

describe('bad input is a clear error with a documented exit code', () => {
  it.each<[string, string[], NodeJS.ProcessEnv, number, string]>([
    ['an unknown application', ['app', 'show', 'GitLub'], {}, 5, 'APPLICATION_NOT_FOUND'],
    ['an unknown token', ['token', 'show', 'nobody'], {}, 5, 'TOKEN_NOT_FOUND'],
    ['a name over 350 characters', ['token', 'create', 'x'.repeat(351)], {}, 2, 'BAD_TOKEN_NAME'],
    ['a malformed duration', ['token', 'create', 'y', '--duration', '3 fortnights'], {}, 2, 'BAD_DURATION'],
    ['a wrong API token', ['token', 'list'], {CLOUDFLARE_API_TOKEN: 'wrong'}, 3, 'API_TOKEN_NOT_ACCEPTED'],
    ['no profile of that name', ['token', 'list', '--profile', 'none'], {}, 5, 'PROFILE_NOT_FOUND'],
    ['no name without a terminal', ['token', 'create'], {}, 2, 'INPUT_REQUIRED'],
    ['an unbound host', ['ssh', 'other.widgetcorp.tech'], {}, 5, 'HOST_NOT_BOUND'],
    ['no usable store', ['token', 'create', 'z'], {ZT_STORE: 'keychain', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/none'}, 9, 'STORE_NOT_READY'],
  ])('%s', async (_name, args, more, code, name) => {
    const end = await zt([...args, '--json'], more)
    const shown = args[0] === 'ssh' ? end.stderr : end.stdout
    expect(JSON.parse(shown)).toMatchObject({error: {code: name, exitCode: code}})
    expect(end.code).toBe(code)
  }) // prettier-ignore
})
