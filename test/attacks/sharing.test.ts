import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {HOST, SshThroughSandbox} from '../support/ssh-through-sandbox.js'
import {tally} from './tally.js'

let world: SshThroughSandbox
/** The written block, for the token `one`. */
let block: string
let pairOfOther: {CF_ACCESS_CLIENT_ID: string; CF_ACCESS_CLIENT_SECRET: string}

beforeAll(async () => {
  world = await SshThroughSandbox.make()
  block = (await world.zt.json<{block: string}>(['ssh', 'config', `git@${HOST}`])).block
  const made = await world.zt.json<{clientSecret: string; token: {clientId: string}}>(
    ['token', 'create', 'of-a-job', '--reveal'], // prettier-ignore
  )
  pairOfOther = {CF_ACCESS_CLIENT_ID: made.token.clientId, CF_ACCESS_CLIENT_SECRET: made.clientSecret}
  // Opens nothing: it is in no rule, and `other` is disabled.
  await world.zt.json(['token', 'disable', 'other'])
})
afterAll(() => world.close())

const at = (name: string): string => path.join(world.zt.home, name)

/** How configurations share. */
const CONFIGURATIONS: Record<string, () => string> = {
  'the written block': () => block,
  "a person's Host *": () => `Host *\n  ControlMaster auto\n  ControlPath ${at('%C')}\n  ControlPersist 60\n`,
  'lines before any Host': () => `ControlMaster auto\nControlPath ${at('%r@%h:%p')}\nControlPersist yes\n`,
  'Match all': () => `Match all\n  ControlMaster auto\n  ControlPath ${at('%C')}\n  ControlPersist 10m\n`,
  'Match exec': () => `Match exec true\n  ControlMaster auto\n  ControlPath ${at('%C')}\n`,
  'an Include': () => `Include ${at('included')}\n`,
  'an Include below Host': () => `Host *.tech\n  Include ${at('included')}\n`,
  'words in capitals, with =': () => `HOST=*\nCONTROLMASTER=AUTO\nControlPath="${at('s-%n')}"\n`,
  autoask: () => `Host *\n  ControlMaster autoask\n  ControlPath ${at('%L-%C')}\n`,
  yes: () => `Host *\n  ControlMaster yes\n  ControlPath ${at('%i-%r@%h:%p')}\n`,
  'a path alone': () => `Host *\n  ControlPath ${at('%C')}\n  ControlPersist 0\n`,
  'a path with a variable': () =>
    'Host *\n  ControlMaster auto\n  ControlPath ${HOME}/%C\n  ControlPersist yes\n',
}

const OTHER = ['--token', 'other', '--yes']

/** Ways not to share: what docs/explanation/ssh.md lists, in each spelling that ssh takes. */
const WAYS: [what: string, flags: string[], args: string[], env?: () => NodeJS.ProcessEnv][] = [
  ['--no-share', ['--no-share'], []],
  ['--no-share with another token', ['--no-share', ...OTHER], []],
  ['--client cloudflared', ['--client', 'cloudflared'], []],
  ['--client cloudflared with another token', ['--client', 'cloudflared', ...OTHER], []],
  ['a local port', [], ['-L', '8080:localhost:80']],
  ['a local port in one word', OTHER, ['-L8080:localhost:80']],
  ['a remote port', [], ['-R', '8080:localhost:80']],
  ['a SOCKS proxy in a cluster', OTHER, ['-ND', '1080']],
  ['a port by its keyword', [], ['-o', 'LocalForward 8080 localhost:80']],
  ['the agent', [], ['-A']],
  ['the agent by its keyword', OTHER, ['-oForwardAgent=yes']],
  ['a window', [], ['-X']],
  ['a trusted window', [], ['-Y']],
  ['a network device', [], ['-w', '0:0']],
  ['Kerberos', [], ['-K']],
  ['the background', [], ['-f']],
  ['the background by its keyword', [], ['-o', 'ForkAfterAuthentication=yes']],
  ['-v', [], ['-v']],
  ['-vvv', OTHER, ['-vvv']],
  ['LogLevel', [], ['-o', 'LogLevel=DEBUG1']],
  ['ControlMaster=no', [], ['-o', 'ControlMaster=no']],
  ['ControlMaster no, with another token', OTHER, ['-oControlMaster no']],
  ['ControlPersist alone', OTHER, ['-o', 'controlpersist=no']],
  ['ControlPath=none', [], ['-o', 'ControlPath=none']],
  ['-S none', OTHER, ['-S', 'none']],
  ['-Snone in a cluster', [], ['-TSnone']],
  [
    '--no-share with the pair of the environment',
    ['--no-share', '--token', 'env', '--yes'],
    [],
    () => pairOfOther,
  ],
  ['a port with the pair of the environment', ['--token', 'env', '--yes'], ['-L1:a:1'], () => pairOfOther],
  ['--no-share with arguments that change the connection', ['--no-share'], ['-i', '/dev/null', '-C', '-4']],
]

/** What opens its own shared connection, and never uses another's. */
const OWN_SOCKETS: [what: string, flags: string[], args: string[], env?: () => NodeJS.ProcessEnv][] = [
  ['another token', OTHER, []],
  ['the same token, by its name', ['--token', 'one'], []],
  ['the pair of the environment', ['--token', 'env', '--yes'], [], () => pairOfOther],
  ['another edge', ['--connect-to', '127.0.0.1:1'], []],
  ['another identity', [], ['-i', '/dev/null']],
]

async function configure(text: string): Promise<void> {
  await fs.writeFile(at('included'), `ControlMaster auto\nControlPath ${at('inc-%C')}\nControlPersist 60\n`)
  await fs.writeFile(world.config, `${text}\n`)
}

/** How ssh interprets a command line with the configuration. */
function effective(args: readonly string[]): {master: string; socket: string | undefined; persist: string} {
  const text = execFileSync('ssh', ['-T', '-G', ...args, 'x'], {
    env: world.zt.env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const value = (keyword: string) => new RegExp(`^${keyword} (.*)$`, 'm').exec(text)?.[1]
  const socket = value('controlpath')
  return {
    master: value('controlmaster') ?? '',
    socket: socket === 'none' ? undefined : socket,
    persist: value('controlpersist') ?? '',
  }
}

describe('whatever ssh is configured to share', () => {
  it.each(WAYS)('%s shares nothing', async (_what, flags, args, env) => {
    const words = await world.argumentsOf(flags, args, {...env?.(), CLOUDFLARED: '/bin/true'})
    const wrong: Record<string, object> = {}
    for (const [name, text] of Object.entries(CONFIGURATIONS)) {
      await configure(text())
      // Otherwise there is nothing to protect against.
      expect(effective([`git@${HOST}`]).socket, name).toBeDefined()
      const {master, socket} = effective(words)
      if (socket !== undefined || !(master === 'false' || args.join(' ').includes('none')))
        wrong[name] = {master, socket}
    }
    expect(wrong).toEqual({})
    tally('ways not to share × configurations that share', Object.keys(CONFIGURATIONS).length)
  })

  it('each identity has a socket of its own in our directory, and no other', async () => {
    const sockets = new Map<string, string>()
    const wrongPair = {...pairOfOther, CF_ACCESS_CLIENT_SECRET: '0'.repeat(64)}
    const cases: typeof OWN_SOCKETS = [
      ['the usual', [], []],
      ...OWN_SOCKETS,
      ['the same pair with another secret', ['--token', 'env', '--yes'], [], () => wrongPair],
    ]
    for (const [what, flags, args, env] of cases) {
      const words = await world.argumentsOf(flags, args, env?.())
      for (const text of Object.values(CONFIGURATIONS)) {
        await configure(text())
        const {master, socket = '', persist} = effective(words)
        expect({master, persist}).toEqual({master: 'auto', persist: '60'})
        expect(path.dirname(socket)).toBe(at('STATE/zt/ssh'))
        sockets.set(what, socket)
      }
    }
    expect(sockets.get('the same token, by its name')).toBe(sockets.get('the usual'))
    expect(new Set(sockets.values()).size).toBe(cases.length - 1)
    tally('ways not to share × configurations that share', cases.length * Object.keys(CONFIGURATIONS).length)
  })

  it.each<[args: string[], socket: string]>([
    [['-S', '/run/mine'], '/run/mine'],
    [['-S/run/mine'], '/run/mine'],
    [['-TS', '/run/mine'], '/run/mine'],
    [['-o', 'ControlPath=/run/mine'], '/run/mine'],
    [['-ocontrolpath /run/mine'], '/run/mine'],
    [['-M'], 'theirs'],
    [['-MM'], 'theirs'],
    [['-o', 'ControlMaster=auto'], 'theirs'],
  ])('%j is the person’s choice, and zt adds nothing before it', async (args, socket) => {
    const words = await world.argumentsOf([], args)
    expect(words.filter((word) => /^Control/.test(word))).toEqual(
      args.filter((word) => /^Control/.test(word)),
    )
    await configure(`Host *\n  ControlPath theirs\n`)
    expect(effective(words).socket).toBe(socket)
    tally('ways not to share × configurations that share', 1)
  })

  it.each<[what: string, line: string]>([
    ['a port', 'LocalForward 18080 localhost:80'],
    ['a SOCKS proxy', 'dynamicforward=11080'],
    ['the agent', 'ForwardAgent "yes"'],
    ['windows', 'ForwardX11 yes'],
    ['the background', 'ForkAfterAuthentication yes'],
  ])('what a configuration forwards is not kept open by sharing: %s', async (_what, line) => {
    await fs.writeFile(at('forwards'), `Host *.tech\n  ${line}\n`)
    for (const text of [`Host *.tech\n  ${line}\n`, `Include ${at('forward?')}\n`]) {
      await fs.writeFile(at('mine'), text)
      expect(effective(await world.argumentsOf([], ['-F', at('mine')])).socket).toBeUndefined()
    }
    // For another host it is a different connection.
    await fs.writeFile(at('mine'), `Host elsewhere\n  ${line}\n`)
    const shared = effective(await world.argumentsOf([], ['-F', at('mine')]))
    expect(shared.socket).toContain(at('STATE/zt/ssh/'))
    tally('ways not to share × configurations that share', 3)
  })
})

describe('beside an open connection of another token', () => {
  const REAL = [
    'the written block',
    "a person's Host *",
    'lines before any Host',
    'an Include below Host',
  ] as const

  afterEach(async () => {
    await world.ssh('-O', 'exit', `git@${HOST}`)
    await world.ztSsh([], ['-O', 'exit'])
    world.relay.taken()
  })

  it.each(REAL)('a token that is switched off is refused, however it does not share: %s', async (name) => {
    const proxy = /^ {2}ProxyCommand .*$/m.exec(block)?.[0] ?? ''
    await configure(
      `${CONFIGURATIONS[name]?.() ?? ''}\nHost *\n${proxy}\nUserKnownHostsFile /dev/null\nStrictHostKeyChecking no`,
    )
    expect(await world.ssh(`git@${HOST}`, 'x')).toMatchObject({code: 1})
    world.relay.taken()
    // The open connection exists.
    expect(await world.ssh(`git@${HOST}`, 'x')).toMatchObject({code: 1})
    expect(world.relay.taken()).toBe(0)
    const ways: [flags: string[], args: string[]][] = [
      [[...OTHER], []],
      [['--no-share', ...OTHER], []],
      [[...OTHER], ['-A']],
      [[...OTHER], ['-L', '18099:localhost:1']],
      [[...OTHER], ['-o', 'ControlMaster=no']],
      [[...OTHER], ['-v']],
    ]
    for (const [flags, args] of ways) {
      const end = await world.ztSsh(flags, args)
      expect({flags, args, code: end.code}).toEqual({flags, args, code: 255})
      // This token, which is named, was sent to the edge.
      expect(end.stderr).toMatch(/"?other"?.*disabled|disabled.*other/s)
      expect(world.relay.taken()).toBe(1)
    }
    // With the admitted token, it is a separate connection.
    expect(await world.ztSsh(['--no-share'], [])).toMatchObject({code: 1})
    expect(world.relay.taken()).toBe(1)
    tally('ways not to share × configurations that share', ways.length + 1)
  })

  it('a block that was written before the host was bound to another token gives that one no foreign name', async () => {
    await world.zt.json(['token', 'enable', 'other'])
    await world.zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'other'])
    try {
      await configure(block)
      // Opened with `other`, at the socket named for `one`.
      expect(await world.ssh(`git@${HOST}`, 'x')).toMatchObject({code: 1})
      await world.zt.json(['token', 'disable', 'one'])
      world.relay.taken()
      const end = await world.ztSsh(['--token', 'one', '--yes'], [])
      expect(end.code).toBe(255)
      expect(end.stderr).toMatch(/disabled/)
      expect(world.relay.taken()).toBe(1)
    } finally {
      await world.zt.json(['token', 'enable', 'one'])
      await world.zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'one'])
      await world.zt.json(['token', 'disable', 'other'])
    }
    tally('ways not to share × configurations that share', 1)
  })
})
