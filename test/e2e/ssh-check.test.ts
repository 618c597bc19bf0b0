import {spawn} from 'node:child_process'
import {once} from 'node:events'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'
import {makeFakeCloudflared, type FakeCloudflared} from '../support/fake-cloudflared.js'

const host = 'gitlab-ssh.widgetcorp.tech'

let zt: BuiltZt
let secret: string
let closed: string

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault', COLUMNS: '80'})
  await zt.json(['sandbox', 'start'])
  ;({clientSecret: secret} = await zt.json<{clientSecret: string}>(['token', 'create', 'ci', '--reveal']))
  await zt.json(['token', 'create', 'stranger'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  closed = `127.0.0.1:${(server.address() as net.AddressInfo).port}`
  server.close()
})
afterAll(() => zt.end())

interface Checked {
  ok: boolean
  steps: {step: string; state: string; ms: number | null; detail: string}[]
  error?: {code: string; exitCode: number; why: string; next: string[]}
}

describe('zt ssh check', () => {
  it('shows each step in 80 columns and ends with 0 when all is well', async () => {
    const {code, stdout, stderr} = await zt.run(['ssh', 'check', host])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    const marks = stdout.split('\n').flatMap((line) => /^([✓✗-] \S+)/.exec(line)?.[1] ?? [])
    expect(marks).toEqual(['- DNS', '✓ TCP', '✓ TLS', '✓ edge', '✓ SSH'])
    expect(stdout).toContain('SSH-2.0-')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it.each<[what: string, args: string[], exitCode: number, code: string, failed: string, why: RegExp]>([
    ['Access refuses the token', ['--token', 'stranger', '--yes'], 10, 'ACCESS_REFUSED', 'edge', /No Service Auth rule admits the service token "stranger"/],
    ['nothing listens', ['--connect-to', 'CLOSED'], 8, 'EDGE_UNREACHABLE', 'tcp', /Nothing listens/],
    ['the name does not exist', ['--connect-to', 'nowhere.invalid:443'], 8, 'HOST_NOT_RESOLVED', 'dns', /./],
    ['the CA is another', ['--ca-file', '/dev/null'], 2, 'BAD_CA_FILE', 'tls', /./],
  ])('says cause and cure of the first failure where %s', async (_, args, exitCode, code, failed, why) => {
    const line = ['ssh', 'check', host, ...args.map((word) => (word === 'CLOSED' ? closed : word))]
    const [text, json] = await Promise.all([zt.run(line), zt.run([...line, '--json'])])
    expect([text.code, json.code]).toEqual([exitCode, exitCode])
    expect(text.stdout).toMatch(new RegExp(`^✗ ${failed} `, 'im'))
    expect(text.stderr).toMatch(/^error: /)
    expect(text.stderr).toMatch(/^next: /m)
    expect(json.stderr).toBe('')
    const result = JSON.parse(json.stdout) as Checked
    expect(result).toMatchObject({ok: false, error: {code, exitCode}})
    expect(result.error?.why).toMatch(why)
    const at = result.steps.findIndex(({state}) => state === 'failed')
    expect(result.steps[at]?.step).toBe(failed)
    expect(result.steps.map(({step}) => step)).toEqual(['dns', 'tcp', 'tls', 'edge', 'ssh'])
    expect(result.steps.slice(at + 1).map(({state, ms}) => ({state, ms}))).toEqual(
      result.steps.slice(at + 1).map(() => ({state: 'not-tried', ms: null})),
    )
  }) // prettier-ignore

  it('sends a secret only where a person has said', async () => {
    const end = await zt.run(['ssh', 'check', host, '--token', 'stranger', '--json'])
    expect(end.code).toBe(9)
    expect(JSON.parse(end.stdout)).toMatchObject({error: {code: 'TOKEN_NOT_BOUND'}})
  })
})

describe('--client', () => {
  let fake: FakeCloudflared

  beforeAll(async () => {
    const directory = path.join(zt.home, 'bin')
    await fs.mkdir(directory)
    fake = await makeFakeCloudflared(
      directory,
      'echo "cloudflared version 2026.8.2 (of the test)"',
      'trap "exit 7" TERM; echo carried; while :; do sleep 0.05; done',
    )
  })

  const proxy = (...words: string[]): string[] => ['ssh', 'proxy', host, ...words]

  it('cloudflared: passes a signal on to it, and ends as it does', async () => {
    const child = spawn(process.execPath, [bin, ...proxy('--client', 'cloudflared')], {
      env: {...zt.env, CLOUDFLARED: fake.program},
      cwd: zt.home,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    expect(said.toString()).toBe('carried\n')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([7, null])
    const runs = await fake.runs()
    expect(runs.map(({args}) => args[0])).toEqual(['--version', 'access'])
    expect(runs.flatMap(({args}) => args).join(' ')).not.toContain(secret)
    expect(runs[1]?.env['TUNNEL_SERVICE_TOKEN_SECRET']).toBe(secret)
  })

  it.each([['auto'], ['builtin']])('%s: is our own, and starts no other program', async (client) => {
    const before = (await fake.runs()).length
    const child = spawn(process.execPath, [bin, ...proxy('--client', client)], {
      env: {...zt.env, CLOUDFLARED: fake.program},
      cwd: zt.home,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [banner] = (await once(child.stdout, 'data')) as [Buffer]
    expect(banner.toString()).toMatch(/^SSH-2\.0-/)
    // If its stdin ended instead, it would wait for the server, which hangs up after LoginGraceTime.
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await fake.runs()).toHaveLength(before)
  })

  it.each(['ssh', 'ssh config', 'ssh proxy'])('is named in the help of zt %s, with what auto means', async (command) => {
    const {stdout} = await zt.run([...command.split(' '), '--help'])
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('auto means builtin')
    expect(stdout).toMatch(/auto\|builtin\|cloudflared/)
  }) // prettier-ignore

  it.each([
    [['ssh', 'proxy', host, '--client', 'other']],
    [['ssh', 'config', host, '--client', 'other']],
    [['ssh', host, '--client', 'other']],
  ])('that no one knows is refused: zt %j', async (args) => {
    expect((await zt.run(args)).code).toBe(2)
  })
})
