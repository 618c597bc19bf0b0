import fs from 'node:fs/promises'
import net from 'node:net'
import type {AddressInfo} from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {ENVIRONMENT_VARIABLES} from '../../src/lib/core/environment-variables.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {BuiltZt, type End, type RunOptions} from '../support/built-zt.js'
import {
  APP,
  FREE,
  GREETER,
  GROUP,
  INLINE,
  LEGACY,
  linesOf,
  POLICY,
  type Ids,
} from '../support/command-lines.js'
import {commands} from '../support/manifest.js'
import {
  HOSTILE,
  HOSTILE_IN_JSON,
  notText,
  sequencesIn,
  startPoisonedApi,
  type PoisonedApi,
} from '../support/hostile-text.js'
import {runOnPty, type Typed} from '../support/pty.js'
import {tally} from './tally.js'

const FAMILY = 'string fields × hostile texts × commands'
const HOST = 'gitlab-ssh.widgetcorp.tech'
const READING = ['whoami', 'token:list', 'token:show', 'app:list', 'app:show', 'policy:list', 'policy:show', 'group:list', 'group:show'] // prettier-ignore
/** Their stdout is the session's, the child's or a shell's. */
const NO_JSON = /^(ssh|exec|curl|access|__complete|forward)$/

const inJson = (args: string[]): string[] => {
  const end = args.indexOf('--')
  return end < 0 ? [...args, '--json'] : [...args.slice(0, end), '--json', ...args.slice(end)]
}
const nameOf = (args: readonly string[]): string => JSON.stringify(args.join(' ')).slice(0, 120)

/** What draws a line over: whether there is one depends on how long a step takes. */
const SPINNER = ['?25l', '?25h', '?2026h', '?2026l', '1G', 'G', '2K', '0K', 'K', '1A'].map(
  (code) => `\u001B[${code}`,
)

/** Two cores: more at once would only wait for each other. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all([worker(), worker(), worker()])
}

let zt: BuiltZt
let api: PoisonedApi
let ids: Ids
let greeter: net.Server
let edge: tls.Server
/** What the hostile edge answers. */
let answer = ''
let withExitZero = 0

async function setProfile(change: (profile: Record<string, unknown>) => void, of = zt): Promise<void> {
  const file = path.join(of.home, 'CONFIG', 'zt', 'config.json')
  const config = JSON.parse(await fs.readFile(file, 'utf8')) as {
    profiles: Record<string, Record<string, unknown>>
  }
  change(config.profiles['sandbox'] ?? {})
  await fs.writeFile(file, JSON.stringify(config), {mode: 0o600})
}

beforeAll(async () => {
  greeter = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(`hello${HOSTILE}\r\nSSH-2.0-evil${HOSTILE.replaceAll(/[\r\n]/g, '')}\r\n`)
  })
  await new Promise<void>((resolve) => greeter.listen(0, '127.0.0.1', resolve))
  zt = await BuiltZt.make({ZT_STORE: 'vault', ZT_COMPLETION_NAMES: 'on'})
  zt.env['PATH'] = `${path.join(zt.home, 'bin')}:${process.env['PATH'] ?? ''}`
  await fs.mkdir(path.join(zt.home, 'bin'))
  await fs.writeFile(path.join(zt.home, 'said'), HOSTILE)
  for (const name of ['docker-credential-evil', 'cloudflared'])
    await fs.writeFile(
      path.join(zt.home, 'bin', name),
      `#!/bin/sh\ncat '${zt.home}/said'; cat '${zt.home}/said' >&2; exit 1\n`,
      {mode: 0o755},
    )
  await fs.writeFile(
    path.join(zt.home, 'theirs.conf'),
    `# ${HOSTILE.replaceAll('\n', '')}\nHost *${HOSTILE.replaceAll('\n', '')}\n\tUser x\n`,
    {mode: 0o600},
  )
  const unquoted = HOSTILE.replaceAll(/[\n"'\\]/g, '')
  const alias = `Host gl *${unquoted}\n\tHostName ${HOST}\n\tRemoteCommand ${unquoted}\n`
  await fs.writeFile(path.join(zt.home, 'alias.conf'), alias, {mode: 0o600})
  const machine = {service_token: {token_id: 'not-known'}}
  const rules = {include: [{email_domain: {domain: 'widgetcorp.tech'}}, machine], exclude: [{geo: {country_code: 'DE'}}], require: [{ip: {ip: '203.0.113.0/24'}}]} // prettier-ignore
  const seed = {
    zones: [{name: 'widgetcorp.tech'}],
    apps: [
      {
        id: APP,
        name: 'GitLab',
        domain: HOST,
        session_duration: '24h',
        custom_deny_message: 'no',
        tags: ['one', 'two'],
        policies: [POLICY],
      },
      {name: 'Greeter', domain: GREETER, policies: [POLICY]},
      {
        id: LEGACY,
        name: 'Legacy',
        domain: 'legacy.widgetcorp.tech',
        policies: [{id: INLINE, name: 'Own', decision: 'allow', ...rules}],
      },
    ],
    policies: [
      {id: POLICY, name: 'Machines', decision: 'non_identity', ...rules},
      {id: FREE, name: 'Free', decision: 'allow', ...rules},
    ],
    groups: [{id: GROUP, name: 'robots', ...rules}],
  }
  await fs.writeFile(path.join(zt.home, 'seed.json'), JSON.stringify(seed))
  const origin = `${GREETER}=127.0.0.1:${(greeter.address() as AddressInfo).port}`
  const sandbox = await zt.json<{apiUrl: string}>([
    'sandbox',
    'start',
    '--seed',
    'seed.json',
    '--origin',
    origin,
  ])
  await zt.json(['profile', 'use', 'sandbox'])
  for (const name of ['known', 'spare', 'asked']) await zt.json(['token', 'create', name])
  const {tokens} = await zt.json<{tokens: {id: string; name: string}[]}>(['token', 'list'])
  const idOf = (wanted: string): string => tokens.find(({name}) => name === wanted)?.id ?? ''
  for (const app of [APP, 'Greeter'])
    await zt.json(['app', 'add-rule', app, '--service-auth', '--token', 'known', '--yes'])
  await zt.json(['group', 'add-token', GROUP, 'known', '--yes'])
  api = await startPoisonedApi(sandbox.apiUrl)
  ids = {known: idOf('known'), spare: idOf('spare'), asked: idOf('asked'), apiUrl: api.url}
  await setProfile((profile) => (profile['apiUrl'] = api.url))
  const authority = await openCertificateAuthority(path.join(zt.home, 'STATE', 'zt', 'sandbox'), Date.now())
  const contexts = {
    SNICallback: (name: string, done: (error: Error | null, context?: tls.SecureContext) => void) => {
      authority.contextFor(name).then((context) => done(null, context), done)
    },
  }
  edge = tls.createServer(contexts, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answer))
  })
  await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  await zt.end()
  await api.close()
  greeter.close()
  edge.close()
})

/** What of a run's output no terminal should get; nothing where all is well. */
function faultsOf(args: readonly string[], {code, stdout, stderr}: End): string[] {
  const [first, second] = args
  if (code === 0) withExitZero++
  const bug = `${stdout}${stderr}`.includes('Something went wrong in zt itself') ? ['a BUG'] : []
  // A tab is what a shell is answered with; the words of ssh are ssh's.
  const answer = first === '__complete' ? stdout.replaceAll('\t', ' ') : stdout
  const said =
    first === 'ssh' && !/^(check|config|proxy)$/.test(second ?? '') ? stderr.replaceAll('\r\n', '\n') : stderr
  // Every line break of somebody else's is followed by this, or cut there.
  const ours = args.includes('--json') || first === 'completion' ? '' : stdout + stderr
  const broken = /(?<!\\)\\n(?!f|\u2026|\\)/i.test(ours) ? ["a line break of zt's own, as an escape"] : []
  return [...notText(answer), ...notText(said), ...bug, ...broken]
}

type Findings = Record<string, string[]>

async function check(args: string[], findings: Findings, options: RunOptions = {}, why = ''): Promise<End> {
  // An SSH server that gets nothing waits for long.
  const input = args[0] === 'ssh' && args[1] === 'proxy' ? 'none\r\n' : ''
  const end = await zt.run(args, {input, ...options})
  const faults = faultsOf(args, end)
  if (faults.length > 0) findings[`${why}${nameOf(args)}`] = [...faults, end.stdout, end.stderr]
  return end
}

describe('text that someone else wrote', () => {
  it('would be noticed: the look-out sees each part of it', () => {
    for (const sign of HOSTILE_IN_JSON.match(/[^ -~\u0338]/gu) ?? [])
      expect(notText(`a${sign}b\n`), JSON.stringify(sign)).toEqual(
        sign === '\n' ? [] : [JSON.stringify(sign)],
      )
    expect(notText('x\nFORGED-LINE')).toEqual(['a forged line'])
    expect(notText('\u001B[32m✓\u001B[39m GitLab 日本 👍 naïve\n')).toEqual([])
  })

  it('is made visible in all that any command prints of what the API has answered', async () => {
    api.poison = 'all'
    const findings: Findings = {}
    withExitZero = 0
    const lines = Object.values(linesOf('hostile', ids)).flat()
    await each(lines, async (args) => {
      await check(args, findings, {input: 'token'})
    })
    expect(findings).toEqual({})
    expect(withExitZero).toBeGreaterThan(lines.length / 3)
    tally(FAMILY, lines.length * api.fields.size)
  })

  it('is an escape in JSON, which says what the API has answered', async () => {
    api.poison = 'all'
    const findings: Findings = {}
    const lines = Object.values(linesOf('hostile', ids))
      .flat()
      // What --jq prints is what its expression makes of the JSON.
      .filter((args) => !NO_JSON.test(args[0] ?? '') && !args.includes('--jq'))
    await each(lines, async (args) => {
      const {stdout} = await check(inJson(args), findings, {input: 'token'})
      if (!/^\{[\s\S]*\}\n$/.test(stdout)) findings[nameOf(args)] = ['no JSON', stdout]
      else JSON.parse(stdout)
    })
    expect(findings).toEqual({})
    const {application} = await zt.json<{application: {name: string; policies: {name: string}[]}}>([
      'app',
      'show',
      APP,
    ])
    expect(application.name).toBe(`GitLab${HOSTILE_IN_JSON}`)
    expect(application.policies.map(({name}) => name)).toContain(`Machines${HOSTILE_IN_JSON}`)
    tally(FAMILY, lines.length * api.fields.size)
  })

  it('is made visible in each field by itself, those included by which the next request is made', async () => {
    const findings: Findings = {}
    const all = linesOf('hostile', ids)
    api.poison = 'nothing'
    await each(READING, async (command) => {
      await check(all[command]?.[0] ?? [], findings)
    })
    const cases = [...api.fields].map((field, at) => ({
      field,
      // Each field meets a third of the commands that read, and some of the others.
      lines: Object.entries(all)
        .filter(([command], nth) => (nth + at) % (READING.includes(command) ? 3 : 20) === 0)
        .map(([, [line = []]]) => line),
    }))
    expect(cases.length).toBeGreaterThan(20)
    for (const {field, lines} of cases) {
      api.poison = field
      await each(lines, async (args) => {
        await check(args, findings, {input: 'token'}, `${field}: `)
      })
      tally(FAMILY, lines.length)
    }
    expect(findings).toEqual({})
  })

  it('is made visible in the command line, word by word and flag by flag', async () => {
    api.poison = 'nothing'
    const findings: Findings = {}
    const met = new Set<string>()
    const lines = commands.flatMap(({id, flags}) => {
      const words = id.split(':')
      const fresh = Object.entries(flags).filter(([name]) => !met.has(name))
      for (const [name] of fresh) met.add(name)
      return [
        [...words, HOSTILE, HOSTILE, HOSTILE, HOSTILE],
        [...words, `--${HOSTILE}`, '--no-input'],
        ...fresh.map(([name]) => [...words, 'x', `--${name}=${HOSTILE}`]),
      ]
    })
    await each(lines, async (args) => {
      await check(args, findings)
    })
    expect(findings).toEqual({})
    tally(FAMILY, lines.length)
  })

  it('is made visible in the environment', async () => {
    const findings: Findings = {}
    const names = ENVIRONMENT_VARIABLES.filter(
      // node itself says what it cannot read of that, before any program runs.
      ({kind, name}) => kind !== 'internal' && !['PATH', 'NODE_EXTRA_CA_CERTS'].includes(name),
    ).map(({name}) => name)
    const lines = [
      ['whoami'],
      ['ssh', 'proxy', HOST, '--token', 'env', '--yes'],
      ['ssh', 'check', HOST, '--token', 'known', '--yes'],
      ['store', 'list'],
    ]
    const cases = names.flatMap((name, at) => [
      {name, args: lines[at % 4] ?? []},
      {name, args: lines[(at + 1) % 4] ?? []},
    ])
    await each(cases, async ({name, args}) => {
      await check(args, findings, {env: {[name]: `x${HOSTILE}`}}, `${name}: `)
    })
    expect(findings).toEqual({})
    tally(FAMILY, cases.length)
  })

  it('is made visible in what an edge answers', async () => {
    await setProfile(
      (profile) => (profile['connectTo'] = `127.0.0.1:${(edge.address() as AddressInfo).port}`),
    )
    const findings: Findings = {}
    const inHead = HOSTILE.replaceAll(/[\r\n]/g, '')
    const headers = ['cf-ray', 'location', 'server', 'cf-mitigated', 'www-authenticate', 'content-type', 'sec-websocket-accept', 'retry-after'] // prettier-ignore
    const answers = [302, 401, 403, 429, 500, 530, 200, 101].map((status) =>
      [
        `HTTP/1.1 ${status} ${inHead}`,
        ...headers.map(
          (name) => `${name}: ${name === 'location' ? 'https://elsewhere.example/' : ''}${inHead}`,
        ),
        ...(status === 101 ? ['upgrade: websocket', 'connection: upgrade'] : []),
        '',
        HOSTILE,
      ].join('\r\n'),
    )
    answers.push(HOSTILE, `HTTP/1.1 ${HOSTILE}`, `HTTP/1.1 403 x\r\n${HOSTILE}: x\r\n\r\n`)
    for (answer of answers) {
      await Promise.all(
        [
          ['ssh', 'proxy', HOST],
          ['ssh', 'check', HOST],
          ['ssh', HOST, '--', '-T'],
          ['curl', `https://${HOST}/`, '--', '-sS', '-o', '/dev/null'],
        ].map((args) => check(args, findings, {}, `${nameOf([answer])}: `)),
      )
      tally(FAMILY, 4)
    }
    expect(findings).toEqual({})
    await setProfile((profile) => delete profile['connectTo'])
  })

  it('is made visible in the files that zt has written', async () => {
    const findings: Findings = {}
    const files: string[] = []
    for (const root of ['CONFIG', 'DATA', 'STATE', 'CACHE'])
      for (const entry of await fs.readdir(path.join(zt.home, root), {recursive: true, withFileTypes: true}))
        if (entry.isFile() && entry.name.endsWith('.json') && !entry.parentPath.endsWith('/sandbox'))
          files.push(path.join(entry.parentPath, entry.name))
    expect(files.length).toBeGreaterThan(3)
    const needed = /^(id|tokenId|accountId|apiUrl|clientId|profile|current|state|kind|action|host|store)$/
    const poisoned = (value: unknown, key = '', alone?: string): unknown => {
      if (typeof value === 'string')
        return (alone === undefined ? !needed.test(key) : key === alone) ? value + HOSTILE_IN_JSON : value
      if (Array.isArray(value)) return value.map((one) => poisoned(one, key, alone))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, poisoned(inner, name, alone)]),
      )
    }
    const lines = [['undo'], ['undo', '--last', '--dry-run'], ['profile', 'list'], ['token', 'list'], ['store', 'check'], ['token', 'recover', '--dry-run'], ['whoami', '--no-probe'], ['ssh', 'proxy', HOST], ['__complete', 'fish', '--', 'token', 'show', '']] // prettier-ignore
    for (const file of files) {
      const text = await fs.readFile(file, 'utf8')
      const keys = [...new Set([...text.matchAll(/"(\w+)":\s*"/g)].map(([, key]) => key ?? ''))]
      for (const alone of [undefined, ...keys.filter((key) => needed.test(key))]) {
        await fs.writeFile(file, JSON.stringify(poisoned(JSON.parse(text), '', alone)))
        const met = alone === undefined ? lines : lines.filter((_, nth) => (nth + alone.length) % 4 === 0)
        await each(met, async (args) => {
          await check(args, findings, {}, `${path.basename(file)} ${alone ?? ''}: `)
        })
        tally(FAMILY, met.length)
      }
      await fs.writeFile(file, text)
    }
    expect(findings).toEqual({})
  })

  describe('on a terminal', () => {
    /** What a person is asked, answered so that nothing is changed. */
    const asked = (): [args: string[], typed: Typed][] => [
      [['policy', 'delete', FREE], [[/Delete this policy\?/, 'n\r']]],
      [['app', 'remove-rule', LEGACY, INLINE], [[/Remove it\?/, 'n\r']]],
      [['app', 'add-rule', APP, '--service-auth', '--token', ids.asked], [[/Add it\?/, 'n\r']]],
      [['token', 'revoke', ids.asked], [[/Type .* to revoke it/, '\r']]],
      [['token', 'show'], [[/Service token/, '\r']]],
      [['app', 'show'], [[/Application/, '\r']]],
      [['app', 'remove-rule', APP], [[/Rule/, '\r'], [/Remove it\?/, 'n\r']]],
      [['app', 'add-rule', APP, '--service-auth'], [[/Service tokens/, ' \r'], [/Add it\?/, 'n\r']]],
      [['token', 'rename', ids.asked], [[/New name/, '\r'], [/./, '\u0003']]],
      [['ssh', 'config', HOST, '--write', '--file', 'mine.conf'], [[/Change .*\?/, 'n\r']]],
      [['forward', 'elsewhere.example', '--token', 'known'], [[/Send its secret there/, 'n\r']]],
    ] // prettier-ignore
    /** Of the prompts, as they are with names that are none's but ours; and of the spinner, which comes when it is slow. */
    const allowed = new Set(SPINNER)
    const onPty = async (args: string[], typed: Typed = []): Promise<string> => {
      return runOnPty(zt, args, typed)
    }

    it('is made visible in every prompt: nothing moves the cursor but what does with plain names', async () => {
      api.poison = 'nothing'
      for (const [args, typed] of asked())
        for (const one of sequencesIn(await onPty(args, typed))) allowed.add(one)
      expect([...allowed].filter((one) => HOSTILE.includes(one) && one.length > 1)).toEqual([])
      api.poison = 'all'
      const findings: Findings = {}
      await each(asked(), async ([args, typed]) => {
        const output = await onPty(args, typed)
        const faults = notText(
          output,
          [...allowed].sort((a, b) => b.length - a.length),
        )
        if (faults.length > 0) findings[nameOf(args)] = [...faults, JSON.stringify(output)]
      })
      expect(findings).toEqual({})
      tally(FAMILY, asked().length * api.fields.size)
    })

    it('is made visible in every table, message and error', async () => {
      api.poison = 'all'
      const findings: Findings = {}
      const lines = Object.entries(linesOf('hostile', ids)).flatMap(([command, all]) =>
        /^(login|completion|sandbox)/.test(command) ? [] : all.slice(0, 1),
      )
      await each(lines, async (args) => {
        const output = await onPty([...args.slice(0, 2), '--no-input', ...args.slice(2)])
        const faults = notText(output, SPINNER)
        if (faults.length > 0) findings[nameOf(args)] = [...faults, JSON.stringify(output)]
      })
      expect(findings).toEqual({})
      tally(FAMILY, lines.length * api.fields.size)
    })
  })
})
