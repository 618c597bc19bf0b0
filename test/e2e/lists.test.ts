import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {startSandboxApi, type Exchange} from '../../src/lib/sandbox/api/server.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import {TUTORIAL} from '../../src/lib/sandbox/tutorial.js'
import {bin, BuiltZt} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'

const COUNT = 2000
const PAGES = COUNT / 100
const MANY_REQUESTS = 100_000

/** The API is in this process, so that its requests are known at any moment. */
let zt: BuiltZt
let state: SandboxState
let api: Awaited<ReturnType<typeof startSandboxApi>>
let folder: string
let ahead = 0
let pages: number
let onPage: (page: number, exchange: Exchange) => void

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-lists-'))
  state = await SandboxState.open({
    file: path.join(folder, 'state.json'),
    clock: {now: () => Date.now() + ahead},
    seed: {
      ...TUTORIAL,
      apps: Array.from({length: COUNT}, (_, at) => ({
        name: at === 150 ? `Service ${'x'.repeat(70)}` : `Service ${at}`,
        domain: `service-${at}.widgetcorp.tech`,
      })),
      settings: {rate_limit: MANY_REQUESTS},
    },
  })
  api = await startSandboxApi({
    state,
    onExchange: (exchange) => {
      if (!exchange.path.endsWith('/access/apps')) return
      pages++
      onPage(pages, exchange)
    },
  })
  zt = await BuiltZt.make({ZT_STORE: 'vault', CLOUDFLARE_API_TOKEN: state.apiToken})
  await zt.json(['login', '--api-url', api.url], {input: state.apiToken})
})

afterAll(async () => {
  await zt.end()
  await api.close()
  await fs.rm(folder, {recursive: true, force: true})
})

beforeEach(() => {
  pages = 0
  onPage = () => undefined
})

/** From this page on the API answers 429, once, and asks for a pause of this many seconds. */
function pauseAt(at: number, seconds: number): void {
  onPage = (page, {status}) => {
    if (page === at - 1) {
      state.data.settings.rate_limit = 1
      ahead += (300 - seconds) * 1000
    }
    if (status === 429) state.data.settings.rate_limit = MANY_REQUESTS
  }
}

describe('a list of thousands', () => {
  it('is shown while it is read, and is the same as JSON', async () => {
    let pagesAtFirst: number | undefined
    const text = await zt.run(['app', 'list'], {
      onStart: (child) => child.stdout?.once('data', () => (pagesAtFirst = pages)),
    })
    expect(text).toMatchObject({code: 0, stderr: ''})
    expect(pages).toBe(PAGES)
    expect(pagesAtFirst).toBeLessThan(PAGES)
    expect(text.stdout.trimEnd().split('\n')).toHaveLength(COUNT + 1)
    // Piped output is complete, also if a later page needs wider columns than the first.
    expect(text.stdout).toContain('x'.repeat(70))
    const {applications} = await zt.json<{applications: {name: string}[]}>(['app', 'list'])
    expect(applications.map(({name}) => name)).toEqual(state.data.apps.map(({name}) => name))
  })

  it('is read no further when its reader is gone', async () => {
    const child = spawn('sh', ['-c', `"$NODE" "$BIN" app list | head -n 1`], {
      env: {...zt.env, NODE: process.execPath, BIN: bin},
      cwd: zt.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = {stdout: '', stderr: ''}
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
    await new Promise((resolve) => child.once('close', resolve))
    expect(said.stdout).toMatch(/^NAME .*\n$/)
    expect(said.stderr).toBe('')
    expect(pages).toBeLessThan(PAGES)
  })

  it('is read no further than the limit', async () => {
    const {stdout, stderr} = await zt.run(['app', 'list', '--limit', '120'])
    expect(stdout.trimEnd().split('\n')).toHaveLength(121)
    expect(stderr).toContain(`120 of ${COUNT} are shown`)
    expect(pages).toBe(2)
  })
})

describe('a list that Cloudflare asks a pause for', () => {
  afterEach(() => {
    state.data.settings.rate_limit = MANY_REQUESTS
  })

  it('goes on after it, and is whole', async () => {
    pauseAt(5, 2)
    const {code, stdout, stderr} = await zt.run(['app', 'list'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^note: +Cloudflare asks for a pause: waiting \d s\n$/)
    expect(stdout.trimEnd().split('\n')).toHaveLength(COUNT + 1)
    expect(pages).toBe(PAGES + 1)
  })

  it('that is longer than zt is to wait ends there: what came is a valid document, which says so', async () => {
    pauseAt(5, 200)
    const {code, stdout} = await zt.run(['app', 'list', '--json'], {env: {ZT_RATE_LIMIT_WAIT: '1m'}})
    expect(code).toBe(8)
    const {applications, error, warnings} = JSON.parse(stdout) as Record<string, unknown>
    expect(applications).toHaveLength(400)
    expect(error).toMatchObject({code: 'RATE_LIMITED', exitCode: 8})
    expect(warnings).toEqual([])
  })

  it('that is longer than zt is to wait ends there: the table, and what is missing', async () => {
    pauseAt(5, 2)
    const {code, stdout, stderr} = await zt.run(['app', 'list'], {env: {ZT_RATE_LIMIT_WAIT: '0'}})
    expect(code).toBe(8)
    expect(stdout.trimEnd().split('\n')).toHaveLength(401)
    expect(stderr).toMatch(/error: +Cannot list the applications: too many requests/)
    expect(stderr).toMatch(/at most 0 s in total \(ZT_RATE_LIMIT_WAIT\)/)
    expect(stderr).toMatch(/next: +Try again in \d seconds, after \d\d:\d\d:\d\d/)
    expect(stderr).toMatch(/^note: .*list.* is incomplete$/m)
  })

  it('at its first page is an error like any other', async () => {
    state.data.settings.rate_limit = 1
    const {stdout} = await zt.run(['app', 'list', '--json'], {env: {ZT_RATE_LIMIT_WAIT: '0'}})
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['error'])
  })

  it.skipIf(!hasTmux)('counts the seconds on a terminal, and keeps to its width', async () => {
    pauseAt(3, 4)
    const terminal = await Terminal.start(zt, ['app', 'list'])
    try {
      await terminal.shows(/Cloudflare asks for a pause: continuing in [1-4] s/)
      expect(await terminal.exitCode()).toBe(0)
      const screen = await terminal.screen()
      expect(screen).not.toContain('continuing in')
      expect(screen).toContain(`Service ${COUNT - 1}`)
      expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    } finally {
      await terminal.close()
    }
  })
})

describe('what is refused before anything is asked', () => {
  it.each([
    [['policy', 'list', '--zone', 'widgetcorp.tech'], {}, 'ZONE_HAS_NO_POLICIES'],
    [['app', 'list', '--zone', ' '], {}, 'BAD_ZONE'],
    [['app', 'list'], {ZT_RATE_LIMIT_WAIT: 'long'}, 'BAD_RATE_LIMIT_WAIT'],
    [['app', 'list'], {ZT_RATE_LIMIT_WAIT: '2h'}, 'BAD_RATE_LIMIT_WAIT'],
    [['app', 'list', '--limit', '0'], {}, undefined],
  ])('%j with %j', async (args, env, code) => {
    const {code: exit, stdout} = await zt.run([...args, '--json'], {env})
    expect(exit).toBe(2)
    if (code !== undefined) expect(JSON.parse(stdout)).toMatchObject({error: {code}})
    expect(pages).toBe(0)
  })
})
