import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'
import {inNodeOptions} from '../support/node-options.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const record = path.resolve(import.meta.dirname, '../support/record-children.cjs')

let zt: BuiltZt
let children: string

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  children = path.join(zt.home, 'children')
  await zt.json(['sandbox', 'start'])
  await zt.json(['token', 'create', 'ci'])
  await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
})
afterAll(() => zt.end())

/** The switches with which zt restarted itself; undefined if it did not. */
async function startedWith(
  options: string,
  args: string[] = ['profile', 'list'],
): Promise<string | undefined> {
  await fs.rm(children, {force: true})
  const end = await zt.run(args, {
    env: {NODE_OPTIONS: `--require=${inNodeOptions(record)} ${options}`.trim(), ZT_TEST_RECORD: children},
  })
  expect(end.code).toBe(0)
  const [first] = (await fs.readFile(children, 'utf8').catch(() => '')).split('\n')
  if (first === undefined || first === '') return undefined
  const {env} = JSON.parse(first) as {env: string[]}
  const given = env.find((pair) => pair.startsWith('NODE_OPTIONS='))
  return given?.replace(`NODE_OPTIONS=--require=${inNodeOptions(record)}`, '').trim()
}

describe('switches by which node gives away what it holds', () => {
  it.each([
    ['--report-on-signal', ''],
    ['--report-uncaught-exception --report-dir=/tmp', ''],
    ['--report-signal SIGUSR2 --no-deprecation', '--no-deprecation'],
    ['--max-old-space-size=500 --heapsnapshot-signal=SIGUSR2', '--max-old-space-size=500'],
    ['--heapsnapshot_near_heap_limit 1 --no-deprecation', '--no-deprecation'],
    ['--abort-on-uncaught-exception --no-deprecation', '--no-deprecation'],
    ['"--tls-keylog=/tmp/a b" --title="a \\" b"', '--title="a \\" b"'],
    ['--trace-tls', ''],
  ])('are set aside, and no others: %s', async (given, left) => {
    expect(await startedWith(given)).toBe(left)
  })

  it.each([
    '',
    '--no-deprecation',
    '--max-http-header-size=16000 --title=report',
    '--max-old-space-size=700',
  ])('are not there, so that zt starts once: %s', async (options) => {
    expect(await startedWith(options)).toBeUndefined()
  })

  it.each([
    [{NODE_DEBUG: 'http'}, 'note:  NODE_DEBUG is ignored: node would print credentials'],
    [{NODE_DEBUG: '*', NODE_DEBUG_NATIVE: 'http2'}, 'NODE_DEBUG, NODE_DEBUG_NATIVE are ignored'],
    [
      {NODE_OPTIONS: '--report-on-signal'},
      '--report-on-signal is ignored: node would print or write credentials',
    ],
  ])('are named once on stderr, not under --json: %j', async (env, said) => {
    const text = await zt.run(['token', 'list'], {env})
    expect(text.stderr.split(said)).toHaveLength(2)
    expect(text.stdout).toContain('ci')
    const json = await zt.run(['token', 'list', '--json'], {env})
    expect(json.stderr).not.toContain('ignored')
    expect(JSON.parse(json.stdout)).toMatchObject({tokens: [{name: 'ci'}]})
  })
})

describe('with NODE_DEBUG zt is as it is without', () => {
  const env = {NODE_DEBUG: 'http,net,tls,child_process'}

  it.each([
    [['token', 'list'], 0],
    [['token', 'show', 'nobody'], 5],
    [['token', 'create', 'x', '--duration', 'long'], 2],
    [['whoami', '--profile', 'nobody'], 5],
  ])('in its exit code: %j is %i', async (args, code) => {
    expect(await zt.run(args, {env})).toMatchObject({code})
  })

  it('reads a secret from stdin', async () => {
    const {apiToken} = JSON.parse(
      await fs.readFile(path.join(zt.home, 'STATE', 'zt', 'sandbox', 'run.json'), 'utf8'),
    ) as {apiToken: string}
    const {apiUrl} = await zt.json<{apiUrl: string}>(['profile', 'show'])
    const end = await zt.run(['login', '--profile', 'other', '--api-url', apiUrl], {env, input: apiToken})
    expect(end).toMatchObject({code: 0})
    expect(end.stdout + end.stderr).not.toContain(apiToken)
  })

  it('carries ssh, whose bytes are no text', async () => {
    const {knownHostsFile} = await zt.json<{knownHostsFile: string}>(['profile', 'show'])
    const proxy = `"${process.execPath}" "${bin}" ssh proxy %h`
    const end = await new Promise<{code: number | null; stdout: string}>((resolve, reject) => {
      const child = spawn(
        'ssh',
        ['-T', '-o', `ProxyCommand=${proxy}`, '-o', `UserKnownHostsFile=${knownHostsFile}`, `git@${host}`],
        {env: {...zt.env, ...env}, stdio: ['ignore', 'pipe', 'ignore']},
      )
      let stdout = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => resolve({code, stdout}))
    })
    expect(end).toEqual({code: 0, stdout: expect.stringContaining('Welcome to GitLab') as string})
  })

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)(
    'passes %s on and ends as the second process does',
    async (signal) => {
      const other = await BuiltZt.make({ZT_STORE: 'vault'})
      const end = await signalled(
        other,
        ['sandbox', 'start', '--foreground'],
        /sandbox is running/,
        (child) => child.kill(signal),
      )
      // It stops its child, and exits with 0.
      expect(end).toEqual({code: 0, signal: null})
      await other.end()
    },
  )

  it('dies of the signal of which the second process died', async () => {
    const other = await BuiltZt.make({ZT_STORE: 'vault'})
    const end = await signalled(
      other,
      ['sandbox', 'start', '--foreground'],
      /sandbox is running/,
      (child) => {
        void fs.readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').then((pids) => {
          process.kill(Number(pids.trim()), 'SIGKILL')
        })
      },
    )
    expect(end).toEqual({code: null, signal: 'SIGKILL'})
    await other.end()
  })

  /** Starts zt, and acts after its first output. */
  function signalled(
    where: BuiltZt,
    args: string[],
    said: RegExp,
    then: (child: ReturnType<typeof spawn>) => unknown,
  ): Promise<{code: number | null; signal: string | null}> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [bin, ...args], {
        env: {...where.env, ...env},
        cwd: where.home,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => {
        const before = said.test(text)
        text += chunk.toString()
        // Its output comes before it listens for signals.
        if (!before && said.test(text)) setTimeout(() => then(child), 300)
      })
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({code, signal}))
    })
  }

  it.skipIf(!hasTmux)('asks on a terminal, and ends with 130 on Ctrl-C', async () => {
    const terminal = await Terminal.start(zt, ['token', 'create'], env)
    try {
      await terminal.shows(/Name of the service token/)
      await terminal.press('C-c')
      expect(await terminal.exitCode()).toBe(130)
      expect(await terminal.screen()).toContain('Cancelled; nothing was changed')
    } finally {
      await terminal.close()
    }
  })
})
