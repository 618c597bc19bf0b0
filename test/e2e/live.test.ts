import {spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import {FaultyApi} from '../faults/faulty-api.js'
import {ACCOUNT, LiveWorld} from '../live/live-world.js'
import {realTime} from '../live/time.js'
import {BuiltZt} from '../support/built-zt.js'

const root = path.resolve(import.meta.dirname, '../..')
const {scripts} = JSON.parse(await fs.readFile(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

interface Run {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

const open: LiveWorld[] = []
const worldOf = async (...given: Parameters<typeof LiveWorld.open>): Promise<LiveWorld> => {
  const world = await LiveWorld.open(given[0], realTime)
  open.push(world)
  return world
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((world) => world.close()))
})

/** `npm run test:live`, with a sandbox in place of the account. */
function live(
  world: LiveWorld,
  words: string[],
  {apiUrl = world.info.apiUrl, onStart}: {apiUrl?: string; onStart?: (child: ChildProcess) => void} = {},
): Promise<Run> {
  const {edge, caFile, apiToken} = world.info
  const [, ...program] = (scripts['test:live'] ?? '').split(' && ').at(-1)?.split(' ') ?? []
  const flags = ['--account', ACCOUNT, '--host', '*.widgetcorp.tech', '--api-url', apiUrl]
  const own = ['--connect-to', edge, '--ca-file', caFile, '--record-file', world.recordFile]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...program, ...flags, ...own, ...words], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: world.directory,
        CLOUDFLARE_API_TOKEN: apiToken,
        NO_COLOR: '1',
        ZT_PATIENCE: '40',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const run: Run = {code: null, signal: null, stdout: '', stderr: ''}
    child.stdout.on('data', (chunk: Buffer) => (run.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (run.stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({...run, code, signal})
    })
    onStart?.(child)
  })
}

describe('npm run test:live', () => {
  it('shows what an account does, against a sandbox, and writes it for zt sandbox start --observed', async () => {
    const settings = {
      policy_lag: 1,
      hidden_secrets: 'omit',
      connector_end: 1001,
      without_allow: 'login',
    } as const
    const world = await worldOf(settings)
    const before = await world.objects()
    const file = path.join(world.directory, 'observed.json')
    const {code, stdout, stderr} = await live(world, [
      '--stream',
      '--yes-this-account',
      'Widgetcorp',
      '--observed-file',
      file,
    ])
    expect([code, stderr.includes('Not removed')]).toEqual([0, false])
    expect(stdout).toMatch(/^ +question +account +sandbox +where it matters$/m)
    expect(stdout).toMatch(
      /^≠ +How does a stream end when its service hangs up\? +1001 +none +src\/lib\/tunnel\/carrier\/carry\.ts$/m,
    )
    expect(stdout + stderr).not.toContain(world.info.apiToken)
    expect(await world.objects()).toEqual(before)

    const zt = await BuiltZt.make()
    const info = await zt.json<{stateFile: string}>([
      'sandbox',
      'start',
      '--store',
      'vault',
      '--observed',
      file,
    ])
    const state = JSON.parse(await fs.readFile(info.stateFile, 'utf8')) as {settings: object}
    await zt.json(['sandbox', 'stop'])
    expect(state.settings).toMatchObject(settings)
  })

  it('sends nothing without --yes-this-account, and says what it would do', async () => {
    const world = await worldOf()
    const api = await FaultyApi.start(world.info.apiUrl)
    const {code, stdout, stderr} = await live(world, ['--only', 'token'], {apiUrl: api.url})
    expect([code, stdout, api.requests]).toEqual([9, '', []])
    expect(stderr).toMatch(/all named zt-live-…, and removes each/)
    expect(stderr).toMatch(/^next: +npm run test:live -- .*--only token --yes-this-account 2f5a/m)
    await api.close()
  })

  it('exits with 2 for a wrong command line, with 2 for another account', async () => {
    const world = await worldOf()
    expect(await live(world, ['--zone', 'widgetcorp.tech'])).toMatchObject({code: 2})
    expect(await live(world, ['--only', 'tokne'])).toMatchObject({code: 2})
    expect(await live(world, ['--yes-this-account', 'Widgets'])).toMatchObject({code: 2})
  })
})

/** Points at random: the number of the request during which it happens, and whether the API carries it out. */
const anyPoint = (): {at: number; first: 'hang' | 'reset'} => ({
  at: 6 + Math.floor(Math.random() * 120),
  first: Math.random() < 0.5 ? 'hang' : 'reset',
})
const WORDS = ['--only', 'token', '--only', 'policy', '--only', 'app', '--yes-this-account', ACCOUNT]

describe('a run that is ended', () => {
  it.each(Array.from({length: 4}, anyPoint))(
    'by SIGKILL during request $at ($first) leaves nothing after the next run',
    async ({at, first}) => {
      const world = await worldOf()
      const before = await world.objects()
      const api = await FaultyApi.start(world.info.apiUrl)
      const {signal} = await live(world, WORDS, {
        apiUrl: api.url,
        onStart: (child) => {
          api.spoil({
            method: '*',
            path: '*',
            action: {do: first},
            from: at,
            times: 1,
            then: () => void child.kill('SIGKILL'),
          })
        },
      })
      expect(signal).toBe('SIGKILL')
      await api.close()
      await world.run({questions: []})
      expect(await world.objects()).toEqual(before)
    },
  )

  it.each([
    {name: 'SIGINT' as const, code: 130, ...anyPoint()},
    {name: 'SIGTERM' as const, code: 143, ...anyPoint()},
  ])('by $name during request $at removes everything and exits with $code', async ({name, code, at}) => {
    const world = await worldOf()
    const before = await world.objects()
    const api = await FaultyApi.start(world.info.apiUrl)
    const run = await live(world, WORDS, {
      apiUrl: api.url,
      onStart: (child) => {
        api.spoil({
          method: '*',
          path: '*',
          action: {do: 'pass'},
          from: at,
          times: 1,
          then: () => void child.kill(name),
        })
      },
    })
    await api.close()
    expect([run.code, run.signal]).toEqual([code, null])
    expect(run.stderr).toContain('Interrupted: removing what was made')
    expect(await world.objects()).toEqual(before)
  })
})
