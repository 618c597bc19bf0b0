import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {operationsOf} from '../../src/lib/api/operations.js'
import {refuseSecretWords} from '../../src/lib/core/redact.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {
  startEchoingEdge,
  startEchoingServer,
  FAULTS,
  STRANGER,
  type Listener,
} from '../support/echoing-servers.js'
import {linesOf} from '../support/command-lines.js'
import {CANARY, formsOf, LeakWorld, LOUD, LOUDEST, saidBy} from '../support/leaks.js'
import {commandOf, manifest} from '../support/manifest.js'
import {hasTmux, Terminal} from '../support/terminal.js'
import {inNodeOptions} from '../support/node-options.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const LINES = linesOf('leak')

/** Commands that change what the others work with, the sandbox or the profile: they are not run beside them. */
const ALONE = /^(sandbox:|config:set$|profile:(rename|delete)$)/
/** Their stdout is the session's or the child's. */
const OWN_STDOUT = /^(ssh|exec|curl|access|__complete)$/
const commands = Object.keys(LINES)
const besides = commands.filter((command) => !ALONE.test(command))
/** They may ask the API for something. */
const asking = besides.filter(
  (command) => operationsOf(commandOf(command)).length > 0 || ['login', 'whoami', 'logout'].includes(command),
)
const firstLine = (command: string): string[] => LINES[command]?.[0] ?? []
const inJson = (args: string[]): string[] => {
  if (args[0] === '__complete') return args
  const end = args.indexOf('--')
  return end < 0 ? [...args, '--json'] : [...args.slice(0, end), '--json', ...args.slice(end)]
}
const BUG = 'Something went wrong in zt itself'

/** The first process may name modules that it loads before it starts the second. */
function debuggedByNode(stderr: string): boolean {
  return /^(HTTP|HTTPS|NET|TLS|STREAM|CHILD_PROCESS|TIMER) \d+: /m.test(stderr)
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    // Events, each on a line of its own.
    const lines = text.trimEnd().split('\n')
    return lines.length > 1 && lines.every(isJson)
  }
}

/** Copied by the tests that need a world as it is before any command. */
let base: LeakWorld
const worlds: LeakWorld[] = []

async function copyOfBase(): Promise<LeakWorld> {
  const world = await base.copy()
  worlds.push(world)
  return world
}

beforeAll(async () => {
  base = await LeakWorld.make(host)
})

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.end()))
  await base.end()
})

/** What a secret stood in, named by the command lines; nothing where all is well. */
type Findings = Record<string, string[]>

async function searchAfter(
  world: LeakWorld,
  given: NodeJS.ProcessEnv = {},
  more: string[] = [],
): Promise<Findings> {
  const findings: Findings = {}
  const {files} = await world.leakingFiles(more)
  if (files.length > 0) findings['files'] = files
  const children = await world.leaksToChildren(given, more)
  if (children.length > 0) findings['children'] = children
  return findings
}

describe('a secret', () => {
  it('would be looked for in every command', () => {
    expect(Object.keys(LINES).sort()).toEqual(Object.keys(manifest.commands).sort())
  })

  it('would be noticed, however it is written', () => {
    expect(new Set(base.secrets).size).toBe(Object.keys(CANARY).length + 1)
    for (const secret of base.secrets) {
      for (const form of formsOf(secret)) expect(base.leaksIn(`x${form}y`), form).not.toEqual([])
      for (const before of ['', 'x', 'xy', 'xyz']) {
        const text = before + secret + 'and what follows'
        expect(base.leaksIn(Buffer.from(text).toString('base64'))).not.toEqual([])
        expect(base.leaksIn(Buffer.from(text).toString('base64url'))).not.toEqual([])
      }
    }
    expect(base.leaksIn('nothing of the kind')).toEqual([])
  })

  const environment = {
    CLOUDFLARE_API_TOKEN: CANARY.environmentApiToken,
    CF_ACCESS_CLIENT_ID: '0123456789abcdef0123456789abcdef.access',
    CF_ACCESS_CLIENT_SECRET: CANARY.environmentSecret,
  }
  /** The same under cloudflared's names. */
  const cloudflareds = {
    CLOUDFLARE_API_TOKEN: CANARY.environmentApiToken,
    TUNNEL_SERVICE_TOKEN_ID: environment.CF_ACCESS_CLIENT_ID,
    TUNNEL_SERVICE_TOKEN_SECRET: CANARY.environmentSecret,
  }

  interface Mode {
    json: boolean
    env: NodeJS.ProcessEnv
  }
  // Each row has a sandbox of its own, so that every line does in each of them what it does in the first.
  it.concurrent.each<[row: string, even: Mode, odd?: Mode]>([
    ['as text, every debug log on or none', {json: false, env: LOUDEST}, {json: false, env: {}}],
    ['as JSON, every debug log on', {json: true, env: LOUD}],
    [
      "as text or JSON, with the secrets of the environment, or under cloudflared's names",
      {json: false, env: {...LOUD, ...environment}},
      {json: true, env: cloudflareds},
    ],
  ])(
    'is in nothing that any command prints %s, in no file and in no child process',
    async (_row, even, odd = even) => {
      const world = await LeakWorld.make(host)
      worlds.push(world)
      const findings: Findings = {}
      let nth = 0
      for (const command of commands) {
        for (const line of LINES[command] ?? []) {
          const {json, env} = nth++ % 2 === 0 ? even : odd
          const args = json ? inJson(line) : line
          const end = await world.run(args, {env, input: world.typedAt(command, args)})
          const leaks = world.leaksIn(saidBy(end))
          if (saidBy(end).includes(BUG)) leaks.push(saidBy(end))
          if (debuggedByNode(end.stderr)) leaks.push(`node's own debug output: ${end.stderr}`)
          // The SDK's log goes to stdout.
          const own = OWN_STDOUT.test(args[0] ?? '') || args.includes('--') || args.includes('--jq')
          if (json && !own && !isJson(end.stdout)) leaks.push(`no JSON: ${end.stdout}`)
          if (leaks.length > 0) findings[args.join(' ')] = leaks
        }
      }
      Object.assign(findings, await searchAfter(world, {...odd.env, ...even.env}))
      expect(findings).toEqual({})
      const {looked} = await world.leakingFiles()
      expect(looked.some((file) => file.endsWith('.age'))).toBe(true)
      const programs = (await world.children()).map(({program}) => path.basename(program))
      expect(programs).toEqual(
        expect.arrayContaining(['ssh', 'cloudflared', 'exec-child', 'beside-child', 'curl']),
      )
    },
    // All of them run at once, each every command.
    400_000,
  )

  describe('that a broken server sends back', () => {
    let server: Listener
    let edge: Listener

    beforeAll(async () => {
      server = await startEchoingServer()
      const sandbox = path.join(base.zt.home, 'STATE', 'zt', 'sandbox')
      edge = await startEchoingEdge(await openCertificateAuthority(sandbox, Date.now()))
    })
    afterAll(async () => {
      await server.close()
      await edge.close()
    })

    /** A world whose profile meets these servers. */
    async function worldAt(apiUrl: string | undefined, connectTo?: string): Promise<LeakWorld> {
      const world = await copyOfBase()
      await editConfig(world, (profile) => {
        if (apiUrl !== undefined) profile['apiUrl'] = apiUrl
        if (connectTo !== undefined) profile['connectTo'] = connectTo
      })
      return world
    }

    const ALWAYS = ['token:create', 'app:add-rule']
    it.concurrent.each(FAULTS)('is not repeated: %s', async (fault) => {
      const world = await worldAt(`${server.url}/${fault.replaceAll(' ', '-')}`)
      const findings: Findings = {}
      const asked = new Set<string>()
      const env = fault.startsWith('500') ? LOUDEST : LOUD
      const one = async (command: string, json: boolean): Promise<void> => {
        const args = json ? inJson(firstLine(command)) : firstLine(command)
        const end = await world.run(args, {env, input: world.typedAt(command, args)})
        const leaks = world.leaksIn(saidBy(end), [STRANGER])
        if (saidBy(end).includes(BUG)) leaks.push(saidBy(end))
        if (leaks.length > 0) findings[args.join(' ')] = leaks
        if (end.code !== 0) asked.add(command)
      }
      const turn = FAULTS.indexOf(fault)
      // Each command meets half of the servers, another half than its neighbours.
      const met = asking.filter((command, nth) => (nth + turn) % 2 === 0 || ALWAYS.includes(command))
      await Promise.all(met.map((command, nth) => one(command, (nth + (turn >> 1)) % 2 === 0)))
      Object.assign(findings, await searchAfter(world, LOUDEST))
      expect(findings).toEqual({})
      expect([...asked]).toEqual(expect.arrayContaining(ALWAYS))
    })

    it.concurrent.each([302, 401, 403, 500, 200])(
      'by an edge is not repeated: HTTP %i with it in every header',
      async (status) => {
        const world = await worldAt(undefined, edge.url)
        const findings: Findings = {}
        const target = `s${status}.${host}`
        for (const args of [
          ['ssh', 'proxy', target, '--token', 'known', '--yes'],
          ['ssh', target, '--token', 'known', '--yes'],
          ['ssh', 'check', target, '--token', 'known', '--yes'],
          ['ssh', 'proxy', target, '--token', 'env', '--yes'],
          ['ssh', 'proxy', target, '--token', 'known', '--yes', '--client', 'cloudflared'],
        ]) {
          for (const line of status === 302 ? [args, inJson(args)] : [args]) {
            const env = {...(status === 401 ? LOUDEST : LOUD), ...environment}
            const end = await world.run(line, {env})
            const leaks = world.leaksIn(saidBy(end))
            // Otherwise it was not sent, and this test looks at nothing.
            if (!/HTTP|Access|redirect|answer/.test(saidBy(end))) leaks.push(`not refused: ${saidBy(end)}`)
            if (leaks.length > 0) findings[line.join(' ')] = leaks
          }
        }
        // The file by which the proxy tells zt ssh, which removes it at once.
        const report = path.join(world.zt.home, 'tmp', 'report.json')
        const args = ['ssh', 'proxy', target, '--token', 'known', '--yes']
        await world.run(args, {env: {ZT_SSH_REPORT: report}})
        expect(JSON.parse(await fs.readFile(report, 'utf8'))).toMatchObject({
          error: {code: expect.any(String) as string},
        })
        Object.assign(findings, await searchAfter(world, {...LOUDEST, ...environment}))
        expect(findings).toEqual({})
        expect(edge.received()).toContain(status)
      },
    )
  })

  it('is not quoted from a damaged file, whatever is damaged', async () => {
    const world = await copyOfBase()
    const {home} = world.zt
    const [entry] = await filesIn(path.join(home, 'DATA', 'zt', 'index', 'mine'))
    const [binding] = await filesIn(path.join(home, 'DATA', 'zt', 'hosts', 'mine'))
    const vaultEntries = await filesIn(path.join(home, 'DATA', 'zt', 'vault'))
    const credentials = vaultEntries.find((file) => file.includes('service-token-')) ?? ''
    const apiToken = vaultEntries.find((file) => file.endsWith('api-token-mine.age')) ?? ''
    const config = path.join(home, 'CONFIG', 'zt', 'config.json')
    const project = path.join(home, '.zt.json')
    const secret = CANARY.apiToken
    const mine = (profile: object): string =>
      JSON.stringify({version: 1, currentProfile: 'mine', profiles: {mine: profile}})
    const anywhere = [
      secret,
      `{"api_token": "${secret}`,
      `{"api_token": ${secret}}`,
      JSON.stringify(secret),
      JSON.stringify([secret]),
      JSON.stringify({[secret]: secret}),
      JSON.stringify({version: secret}),
    ]
    const cases: [file: string, text: string][] = [
      ...[config, project, entry, binding].flatMap((file) => anywhere.map((text): [string, string] => [file ?? '', text])),
      ...[credentials, apiToken].flatMap((file): [string, string][] => [[file, secret], [file, `age-encryption.org/v1\n-> ${secret}\n`]]),
      [path.join(home, 'CONFIG', 'zt', 'identity.txt'), `${secret}\n`],
      [path.join(home, 'CONFIG', 'zt', 'identity.txt'), `AGE-SECRET-KEY-1${secret}\n`],
      [config, mine({apiUrl: `https://user:${secret}@api.example`})],
      [config, mine({apiUrl: `https://api.example:${secret}`})],
      [config, mine({apiUrl: secret})],
      [config, mine({connectTo: secret})],
      [config, mine({store: secret})],
      [config, mine({accountId: {id: secret}})],
      [config, mine({apiToken: secret, client_secret: CANARY.previousSecret})],
      [config, JSON.stringify({version: 1, currentProfile: secret, profiles: {[secret]: 1}})],
      [config, JSON.stringify({version: 1, currentProfile: secret, profiles: {}})],
      [project, JSON.stringify({profile: secret})],
      [project, JSON.stringify({profile: 'mine', secret})],
    ] // prettier-ignore
    const findings: Findings = {}
    for (const [at, [file, text]] of cases.entries()) {
      expect(file).not.toBe('')
      const kept = await fs.readFile(file).catch(() => undefined)
      await fs.writeFile(file, text, {mode: 0o600})
      await Promise.all(
        [
          at % 4 < 2 ? ['whoami'] : ['profile', 'show'],
          at % 4 > 1 ? ['token', 'list'] : ['ssh', 'proxy', host],
        ].map(async (line) => {
          const args = at % 2 === 0 ? line : inJson(line)
          const end = await world.run(args, {env: at % 3 === 0 ? LOUD : {}})
          const leaks = world.leaksIn(saidBy(end))
          if (leaks.length > 0)
            findings[`${text} in ${path.basename(file)}: ${args.join(' ')}`] = [saidBy(end)]
        }),
      )
      if (kept) await fs.writeFile(file, kept)
      else await fs.rm(file)
    }
    Object.assign(findings, await searchAfter(world, LOUDEST))
    expect(findings).toEqual({})
  })

  const EVER = ['whoami', 'token:list', 'ssh:proxy']
  const crashes = ['http', 'store'].flatMap((at) =>
    [
      'thrown',
      'thrown, and no Error',
      'uncaught, later',
      'an unhandled rejection',
      'a warning',
      'printed by a library',
    ].map((how): [string, string] => [at, how]),
  )
  it.concurrent.each(crashes)('is not in what is said of a crash (%s: %s)', async (at, how) => {
    const world = await copyOfBase()
    const plan = path.join(world.outside, 'crash.json')
    // A text that a library prints itself is hidden by what it looks like, or where zt holds it; the others altogether.
    const plain: string[] = [CANARY.spoolKey, CANARY.passphrase, CANARY.secretField]
    const looking = base.secrets.filter((one) => !plain.includes(one))
    const printed = how === 'printed by a library'
    const text = `it broke with ${(printed ? looking : base.secrets).join(' and ')}`
    const preload = path.resolve(import.meta.dirname, '../support/crash.cjs')
    const findings: Findings = {}
    const crashed: string[] = []
    const one = async (command: string, nth: number): Promise<void> => {
      const done = path.join(world.outside, `done-${nth}`)
      const own = `${plan}-${nth}`
      await fs.writeFile(own, JSON.stringify({at, how, text, done}))
      const env = {
        ...(nth % 4 === 0 ? LOUDEST : {ZT_DEBUG: '1'}),
        NODE_OPTIONS: `${world.zt.env['NODE_OPTIONS']} --require ${inNodeOptions(preload)}`,
        ZT_TEST_CRASH: own,
      }
      const args = nth % 3 === 0 ? inJson(firstLine(command)) : firstLine(command)
      const end = await world.run(args, {env, input: world.typedAt(command, args)})
      const leaks = world.leaksIn(saidBy(end))
      if (leaks.length > 0) findings[args.join(' ')] = [saidBy(end)]
      if (await fs.stat(done).catch(() => undefined)) crashed.push(command)
    }
    const turn = crashes.findIndex(([one, other]) => one === at && other === how)
    // Each command meets half of the crashes, another half than its neighbours.
    const met = besides.filter((command, nth) => (nth + turn) % 2 === 0 || EVER.includes(command))
    await Promise.all(met.map((command, nth) => one(command, nth + turn)))
    Object.assign(findings, await searchAfter(world, LOUDEST))
    expect(findings).toEqual({})
    // The preload did what it is there for.
    expect(crashed).toEqual(expect.arrayContaining(EVER))
  })

  it('that was typed where none belongs is refused and not repeated', async () => {
    const world = await copyOfBase()
    const typed = [
      'cfast_typedByMistake0123456789abcdefghijklmnopqrstuvwx',
      'deadbeef0123456789deadbeef0123456789deadbeef0123456789deadbeef01',
      'tYpedApiToken-0123456789_abcdefghijKLMNO',
    ]
    // Looks like nothing that is known, and is as long as a secret. (With DEBUG oclif prints what was typed.)
    const unknown = 'some-other-secret-of-0123456789-small-letters'
    const findings: Findings = {}
    let nth = 0
    const one = async (args: string[], env: NodeJS.ProcessEnv = {}): Promise<void> => {
      const json = nth++ % 2 === 0
      const line = json ? inJson(args) : args
      const end = await world.run(line, {
        env: {...(!args.join().includes(unknown) && nth % 3 === 0 ? LOUD : {}), ...env},
      })
      const leaks = world.leaksIn(saidBy(end), [...typed, unknown])
      const isTyped = args.some((word) => typed.some((secret) => word.includes(secret)))
      const refused = isTyped ? saidBy(end).includes('looks like a secret') : end.code === 2
      if (Object.keys(env).length === 0 && !refused) leaks.push(`not refused: ${saidBy(end)}`)
      if (leaks.length > 0) findings[[...line, ...Object.keys(env)].join(' ')] = leaks
    }
    const secretFor = (): string => typed[nth % typed.length] ?? ''
    const all: Promise<void>[] = []
    for (const [command, {flags}] of Object.entries(manifest.commands)) {
      const words = command.split(':')
      all.push(one([...words, secretFor()]), one([secretFor(), ...words]))
      all.push(one([...words, `--no-such-flag=${unknown}`]))
      const options = Object.keys(flags).filter((flag) => flags[flag]?.type === 'option')
      const lines = options.flatMap((flag) => [
        [...words, `--${flag}`, secretFor()],
        [...words, `--${flag}=${secretFor()}`],
      ])
      // What refuses does not depend on the command, but for access: one line of each meets the built zt, in turn.
      const itself = command.startsWith('access')
      for (const [at, line] of lines.entries()) {
        if (itself || at === nth % lines.length) all.push(one(line))
        if (!itself) expect(() => refuseSecretWords(line)).toThrow('looks like a secret')
      }
    }
    // Not '-' alone: -so and a file's name is what curl takes.
    for (const before of ['', '--', '-X', '-H', '--ciphers=', '--tls-max', '--max-time', '-w@']) {
      const words = /^(-[XH]|--[a-z].*[^=])$/.test(before) ? [before, unknown] : [before + unknown]
      all.push(one(['curl', `https://${host}/`, '--', ...words]))
    }
    // Where cloudflared takes them.
    for (const words of [
      ['--id', unknown, '--secret', unknown],
      [`--service-token-secret=${unknown}`],
      ['-H', `CF-Access-Client-Secret: ${unknown}`],
    ])
      all.push(one(['access', 'ssh', '--hostname', host, ...words]))
    for (const name of [
      'ZT_PROFILE',
      'ZT_PATIENCE',
      'ZT_RATE_LIMIT_WAIT',
      'ZT_CREDENTIAL_HELPER',
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'ZT_STORE',
      'ZT_CONNECT_TO',
      'CLOUDFLARE_ACCOUNT_ID',
      'CF_ACCESS_CLIENT_ID',
      'TUNNEL_SERVICE_TOKEN_ID',
      'ZT_HOSTS',
    ]) {
      for (const line of [
        ['whoami'],
        ['token', 'list'],
        ['ssh', 'proxy', host],
        ['ssh', host, '--token', 'env', '--yes'],
      ]) {
        all.push(one(line, {[name]: secretFor(), CF_ACCESS_CLIENT_SECRET: 'swapped.access'}))
      }
    }
    await Promise.all(all)
    const {files} = await world.leakingFiles(typed)
    expect({...findings, files}).toEqual({files: []})
  })

  it('is in the command line of no process and in no environment but where it was set, while ssh runs', async () => {
    // With a sandbox of its own: other tests disable and rename the token.
    const world = await LeakWorld.make(host)
    worlds.push(world)
    const env = {...environment, ...LOUDEST}
    const ssh = ['--', '-T', '-o', 'StrictHostKeyChecking=no', '-o', 'LogLevel=ERROR']
    const seen = new Map<string, string[]>()
    let over = false
    const watch = (async () => {
      while (!over) for (const [key, texts] of await processesOf(world.zt.home)) seen.set(key, texts)
    })()
    const ends = [
      await world.run(['ssh', `git@${host}`, ...ssh], {env}),
      await world.run(['ssh', `git@${host}`, '--token', 'known', '--yes', ...ssh], {env}),
    ]
    over = true
    await watch
    expect(ends.map(({stdout}) => stdout)).toEqual([
      expect.stringContaining('Welcome'),
      expect.stringContaining('Welcome'),
    ])
    const leaks = [...seen.values()].flat().filter((text) => {
      const inherited = Object.entries(env).some(([name, value]) => text === `${name}=${value}`)
      return !inherited && world.leaksIn(text).length > 0
    })
    expect(leaks).toEqual([])
    const commandLines = [...seen.values()].map(([commandLine]) => commandLine ?? '')
    expect(commandLines.some((text) => /^\S*ssh /.test(text))).toBe(true)
    expect(commandLines.some((text) => text.includes('ssh proxy'))).toBe(true)
  })

  describe.skipIf(!hasTmux)('typed on a terminal', () => {
    it.each([
      ['an API token at login', ['login', '--profile', 'mine'], /API token/, CANARY.apiToken, /Logged in/],
      ["the vault's passphrase", ['whoami'], /Passphrase of/, CANARY.passphrase, /Widgetcorp/],
    ])('is not shown, every debug log on: %s', async (_what, args, question, answer, done) => {
      const world = await copyOfBase()
      const terminal = await Terminal.start(world.zt, args, {
        ...LOUDEST,
        ...(answer === CANARY.passphrase && {ZT_VAULT_PASSPHRASE_FILE: ''}),
      })
      try {
        await terminal.shows(question)
        await terminal.type(answer)
        await terminal.press('Enter')
        await terminal.shows(done)
        expect(world.leaksIn(await terminal.screen())).toEqual([])
      } finally {
        await terminal.close()
      }
      expect(await searchAfter(world, LOUDEST)).toEqual({})
    })
  })
})

/** Changes the profile `mine` of a world. */
async function editConfig(
  world: LeakWorld,
  change: (profile: Record<string, unknown>) => void,
): Promise<void> {
  const file = path.join(world.zt.home, 'CONFIG', 'zt', 'config.json')
  const config = JSON.parse(await fs.readFile(file, 'utf8')) as {
    profiles: Record<string, Record<string, unknown>>
  }
  for (const profile of Object.values(config.profiles)) change(profile)
  await fs.writeFile(file, JSON.stringify(config))
}

async function filesIn(directory: string): Promise<string[]> {
  return (await fs.readdir(directory)).map((name) => path.join(directory, name))
}

/** Command line and environment of every process that belongs to this home. */
async function processesOf(home: string): Promise<[key: string, texts: string[]][]> {
  const found: [string, string[]][] = []
  for (const pid of (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [commandLine = '', environ = ''] = await Promise.all(
      ['cmdline', 'environ'].map((name) => fs.readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')),
    )
    if (!environ.includes(home)) continue
    const words = commandLine.split('\0').filter((word) => word !== '')
    found.push([`${pid} ${words.join(' ')}`, [words.join(' '), ...environ.split('\0')]])
  }
  return found
}
