import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

const host = 'gitlab-ssh.widgetcorp.tech'

let zt: BuiltZt
/** First on PATH: an ssh that records how it was called. */
let withFakeSsh: {PATH: string; FAKE_SSH_CALL: string}

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox'})
  await zt.json(['sandbox', 'start'])
  await zt.json(['token', 'create', 'ci'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
  const directory = path.join(zt.home, 'fake')
  const call = path.join(zt.home, 'call')
  await fs.mkdir(directory)
  await fs.writeFile(
    path.join(directory, 'ssh'),
    '#!/bin/sh\nif [ "$2" = -G ]; then : > "$FAKE_SSH_CALL-asked"; echo "hostname $3"; exit 0; fi\nprintf "%s\\n" "$@" > "$FAKE_SSH_CALL"\nenv | grep -o "^[A-Z_]*=" | sort >> "$FAKE_SSH_CALL"\nexit ${FAKE_SSH_END:-0}\n',
    {mode: 0o755},
  )
  withFakeSsh = {PATH: `${directory}:${process.env['PATH'] ?? ''}`, FAKE_SSH_CALL: call}
})
afterAll(() => zt.end())

/** How ssh was called, and the result. */
async function called(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{call: string; code: number | null; stdout: string; stderr: string}> {
  await fs.rm(withFakeSsh.FAKE_SSH_CALL, {force: true})
  const end = await zt.run(args, {env: {...withFakeSsh, ...env}})
  return {...end, call: await fs.readFile(withFakeSsh.FAKE_SSH_CALL, 'utf8').catch(() => '')}
}

describe('zt ssh without the framework', () => {
  it.each<[what: string, args: string[]]>([
    ['a host', [host]],
    ['a user', [`git@${host}`]],
    ['a host in capitals', [host.toUpperCase()]],
    ['a profile', [host, '--profile', 'sandbox']],
    ['arguments of ssh', [host, '--', '-v', '-o', 'ServerAliveInterval=5']],
    ['a remote command with words like ours', [host, '--', 'grep', '--profile', 'x', '--json']],
    ['no shared connection by ssh’s own option', [host, '--', '-o', 'ControlMaster=no']],
  ])('calls ssh just as with it: %s', async (_what, args) => {
    const end = args.indexOf('--')
    const [own, rest] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end)]
    const quick = await called(['ssh', ...args])
    // Changes nothing, but only the framework parses it.
    const whole = await called(['ssh', ...own, '--share', ...rest])
    // A host that is bound is that host: ssh is not asked whether its configuration has another for it.
    await expect(fs.access(`${withFakeSsh.FAKE_SSH_CALL}-asked`)).rejects.toThrow('ENOENT')
    expect(quick.call).toContain('ProxyCommand=')
    expect(quick).toEqual(whole)
  })

  it('ends with the exit status of ssh', async () => {
    expect(await called(['ssh', host], {FAKE_SSH_END: '42'})).toMatchObject({
      code: 42,
      stdout: '',
      stderr: '',
    })
  })

  it.each<[what: string, args: string[], env: NodeJS.ProcessEnv, code: number, error: string]>([
    ['a host that is bound to no token', ['other.widgetcorp.tech'], {}, 5, 'No service token is bound'],
    ['a profile that is not there', [host], {ZT_PROFILE: 'gone'}, 5, 'no profile "gone"'],
    ['a bad host', ['a b.c'], {}, 2, 'host name'],
    ['no ssh', [host], {PATH: '/nonexistent'}, 9, 'ssh is not installed'],
    ['a secret among the words', [host, 'a'.repeat(64)], {}, 2, 'secret'],
  ])('leaves what it cannot say to the command: %s', async (_what, args, env, code, error) => {
    const end = await called(['ssh', ...args], env)
    expect(end).toMatchObject({code, call: ''})
    expect(end.stderr).toContain(error)
  })

  it('has a refusal explained by the command', async () => {
    await zt.json(['token', 'disable', 'ci'])
    const end = await zt.run(['ssh', host, '--', '-o', 'BatchMode=yes'])
    await zt.json(['token', 'enable', 'ci'])
    expect(end.code).toBe(255)
    expect(end.stderr).toMatch(/disabled/)
    expect(end.stderr).toContain('zt token enable')
  })
})
