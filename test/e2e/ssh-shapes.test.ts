import {execFile, execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'
import {AMPLE_MS} from '../support/patience.js'
import {sshdProgram, startSshd, type Sshd} from '../support/sshd.js'

// Configurations of the shapes that people publish, each with the system's ssh, a real sshd, and a program in place of
// cloudflared that says when it runs.

const GITLAB = 'gitlab-ssh.widgetcorp.tech'
const BUILD = 'build.widgetcorp.tech'
const PAIRS = [
  {
    name: 'one',
    id: 'one.access',
    secret: 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b',
    host: GITLAB,
  },
  {
    name: 'two',
    id: 'two.access',
    secret: 'cfast_Yt9sXb2mZc8rHj4gLf6aEu5pDq7nWk3vTq1oVd0eRi5wKs7b',
    host: BUILD,
  },
]
const SEED = {
  service_tokens: PAIRS.map(({name, id, secret}) => ({
    id: `token-${name}`,
    name,
    client_id: id,
    client_secret: secret,
  })),
  apps: PAIRS.map(({name, host}) => ({
    name: host,
    domain: host,
    policies: [
      {name: 'ci', decision: 'non_identity', include: [{service_token: {token_id: `token-${name}`}}]},
    ],
  })),
}
const GEN = 'access ssh-gen'

let zt: BuiltZt
let sshd: Sshd
/** What cloudflared was called with, a line each. */
let calls: string
let options: string[]

beforeAll(async () => {
  if (sshdProgram === undefined) return
  sshd = await startSshd()
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  await fs.writeFile(seed, JSON.stringify(SEED))
  const origins = PAIRS.flatMap(({host}) => ['--origin', `${host}=127.0.0.1:${sshd.port}`])
  await zt.json(['sandbox', 'start', '--seed', seed, ...origins])
  for (const {name, id, secret, host} of PAIRS)
    await zt.json(['token', 'import', name, '--host', host], {
      input: JSON.stringify({client_id: id, client_secret: secret}),
    })

  calls = path.join(zt.home, 'calls')
  const programs = path.join(zt.home, 'programs')
  await fs.mkdir(programs)
  const carry = `s=require('net').connect(${sshd.port},'127.0.0.1');process.stdin.pipe(s);s.pipe(process.stdout)`
  await fs.writeFile(
    path.join(programs, 'cloudflared'),
    `#!/bin/sh\necho "$@" >> '${calls}'\n[ "$2" = ssh-gen ] || exec '${process.execPath}' -e "${carry}"\n`,
    {mode: 0o755},
  )
  zt.env['PATH'] = `${programs}:${process.env['PATH'] ?? ''}`

  const keys = path.dirname(sshd.clientOptions[1] ?? '')
  const server = await fs.readFile(path.join(keys, 'host.pub'), 'utf8')
  const known = path.join(zt.home, 'known_hosts')
  const names = [GITLAB, BUILD, `[${GITLAB}]:2222`, '[127.0.0.1]:*', 'here', 'gl']
  await fs.writeFile(known, names.map((name) => `${name} ${server}`).join(''))
  options = [
    ...['-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-o', 'StrictHostKeyChecking=yes'],
    ...['-o', 'UserKnownHostsFile=/dev/null', '-o', `GlobalKnownHostsFile=${known}`],
  ]
  await fs.copyFile(path.join(keys, 'user'), path.join(zt.home, 'key'))
  // A second key, whose sessions say so.
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(zt.home, 'other-key')])
  const other = await fs.readFile(path.join(zt.home, 'other-key.pub'), 'utf8')
  await fs.appendFile(path.join(keys, 'authorized_keys'), `command="echo the other key" ${other}`)
})
afterAll(async () => {
  if (sshdProgram === undefined) return
  await zt.end()
  await sshd.close()
})

let made = 0
/** Files with these texts; the first one is the configuration. */
async function configuration(
  texts: Record<string, string>,
): Promise<{file: string; at: (name: string) => string}> {
  const directory = path.join(zt.home, `shape-${++made}`)
  const at = (name: string): string => path.join(directory, name)
  for (const [name, text] of Object.entries(texts)) {
    const filled = text
      .replaceAll('HERE', directory)
      .replaceAll('HOME', zt.home)
      .replaceAll('USER', sshd.user)
      .replaceAll('SSHD', String(sshd.port))
    await fs.mkdir(path.dirname(at(name)), {recursive: true})
    await fs.writeFile(at(name), filled, {mode: 0o600})
  }
  return {file: at('config'), at}
}

async function bytesOf(directory: string): Promise<Record<string, string>> {
  const names = await fs.readdir(directory, {recursive: true, withFileTypes: true})
  const files = names.filter((one) => one.isFile()).map(({parentPath, name}) => path.join(parentPath, name))
  const texts = await Promise.all(
    files.map(async (file) => [file, await fs.readFile(file, 'latin1')] as const),
  )
  return Object.fromEntries(texts.sort())
}

function ssh(file: string, name: string, ...more: string[]): Promise<End> {
  return new Promise((resolve) => {
    const args = ['-F', file, ...options, ...more, name, 'echo as $USER']
    const child = execFile(
      'ssh',
      args,
      {env: zt.env, cwd: zt.home, timeout: AMPLE_MS},
      (error, stdout, stderr) => {
        const code = !error ? 0 : typeof error.code === 'number' ? error.code : null
        resolve({code, stdout: stdout.trim(), stderr})
      },
    )
    child.stdin?.end()
  })
}

/** How each name is reached: by `zt` or `direct`, or by the command line of cloudflared. */
async function ways(file: string, names: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of names) {
    await fs.rm(calls, {force: true})
    const {code, stderr} = await ssh(file, name)
    const called = await fs.readFile(calls, 'utf8').catch(() => '')
    const proxy = /proxycommand .*zt\.cjs ssh proxy/.test(
      execFileSync('ssh', ['-G', '-F', file, name], {env: zt.env, encoding: 'utf8', stdio: 'pipe'}),
    )
    found[name] =
      code !== 0
        ? `failed: ${stderr}`
        : called !== ''
          ? called.trim().replaceAll('\n', '; ')
          : proxy
            ? 'zt'
            : 'direct'
  }
  return found
}

const config = (file: string, name: string, ...more: string[]) => [
  'ssh',
  'config',
  name,
  '--file',
  file,
  '--yes',
  ...more,
]
const through = (host: string): string => `access ssh --hostname ${host}`
const LOG_IN = 'User USER\n  IdentityFile HOME/key\n'
const ACCESS = 'ProxyCommand cloudflared access ssh --hostname %h\n'

interface Shape {
  what: string
  texts: Record<string, string>
  /** Each name that works, and how it is reached. */
  before: Record<string, string>
  /** The arguments of each `zt ssh config --write`. */
  take: string[][]
  after: Record<string, string>
  /** The other names that zt names, with their routes. */
  aliases?: Record<string, string>
}

const ALIAS = `# work\nHost gl\n  HostName ${GITLAB}\n  Port 2222\n  ${LOG_IN}  ${ACCESS}`
const PLAIN = `Host here\n  HostName 127.0.0.1\n  Port SSHD\n  HostKeyAlias here\n  ${LOG_IN}`

const SHAPES: Shape[] = [
  {
    what: 'an alias',
    texts: {config: `${ALIAS}\n${PLAIN}`},
    before: {gl: through(GITLAB), here: 'direct'},
    take: [['gl', '--no-share']],
    after: {gl: 'zt', here: 'direct'},
  },
  {
    what: 'an alias whose host is in the ProxyCommand only',
    texts: {config: `Host gl\n  ${LOG_IN}  ProxyCommand cloudflared access ssh --hostname ${GITLAB}\n`},
    before: {gl: through(GITLAB)},
    take: [['gl', '--no-share']],
    after: {gl: 'zt'},
  },
  {
    what: 'an alias and its host, one of them taken over',
    texts: {config: `Host gl\n  HostName ${GITLAB}\nHost gl ${GITLAB}\n  ${LOG_IN}  ${ACCESS}`},
    before: {gl: through(GITLAB), [GITLAB]: through(GITLAB)},
    take: [[GITLAB, '--no-share']],
    after: {gl: through(GITLAB), [GITLAB]: 'zt'},
    aliases: {gl: 'cloudflared'},
  },
  {
    what: 'an alias and its host, both taken over',
    texts: {config: `Host gl\n  HostName ${GITLAB}\nHost gl ${GITLAB}\n  ${LOG_IN}  ${ACCESS}`},
    before: {gl: through(GITLAB), [GITLAB]: through(GITLAB)},
    take: [
      ['gl', '--no-share'],
      [GITLAB, '--no-share'],
    ],
    after: {gl: 'zt', [GITLAB]: 'zt'},
    aliases: {gl: 'zt'},
  },
  {
    what: 'a wildcard for all hosts',
    texts: {config: `Host *.widgetcorp.tech\n  ${ACCESS}Host *\n  ${LOG_IN}  Compression yes\n`},
    before: {[GITLAB]: through(GITLAB), [BUILD]: through(BUILD)},
    take: [[GITLAB, '--no-share']],
    after: {[GITLAB]: 'zt', [BUILD]: through(BUILD)},
    aliases: {},
  },
  {
    what: 'a file that is included at the end',
    texts: {config: `${PLAIN}\nMatch all\nInclude HERE/conf.d/*.conf\n`, 'conf.d/work.conf': ALIAS},
    before: {gl: through(GITLAB), here: 'direct'},
    take: [['gl', '--no-share']],
    after: {gl: 'zt', here: 'direct'},
  },
  {
    what: 'a Match section',
    texts: {
      config: `Match originalhost gl\n  HostName ${GITLAB}\nMatch host ${GITLAB}\n  ${LOG_IN}  ${ACCESS}`,
    },
    before: {gl: through(GITLAB), [GITLAB]: through(GITLAB)},
    take: [['gl', '--no-share']],
    after: {gl: 'zt', [GITLAB]: through(GITLAB)},
    aliases: {[GITLAB]: 'cloudflared'},
  },
  {
    what: 'a short-lived certificate',
    texts: {
      config: `Match host ${GITLAB} exec "cloudflared access ssh-gen --hostname %h"\n  ${ACCESS}  IdentityFile ~/.cloudflared/%h-cf_key\n  CertificateFile ~/.cloudflared/%h-cf_key-cert.pub\nHost *\n  ${LOG_IN}`,
    },
    before: {[GITLAB]: `${GEN} --hostname ${GITLAB}; ${through(GITLAB)}`},
    take: [[GITLAB, '--no-share', '--no-short-lived-cert']],
    after: {[GITLAB]: 'zt'},
  },
  {
    what: 'a short-lived certificate for an alias with a port',
    texts: {
      config: `Host gl\n  HostName ${GITLAB}\n  Port 2222\nMatch host ${GITLAB} exec "cloudflared access ssh-gen --hostname %h"\n  ${ACCESS}Host *\n  ${LOG_IN}`,
    },
    before: {gl: `${GEN} --hostname ${GITLAB}; ${through(GITLAB)}`},
    take: [['gl', '--no-share', '--no-short-lived-cert']],
    after: {gl: 'zt'},
    aliases: {[GITLAB]: 'cloudflared'},
  },
  {
    what: 'CRLF, and no line end at the end',
    texts: {config: `${ALIAS}\n${PLAIN}`.trimEnd().replaceAll('\n', '\r\n')},
    before: {gl: through(GITLAB), here: 'direct'},
    take: [['gl', '--no-share']],
    after: {gl: 'zt', here: 'direct'},
  },
  {
    what: 'two hosts and two tokens',
    texts: {
      config: PAIRS.map(
        ({id, secret, host}, at) =>
          `Host ${at === 0 ? 'gl' : 'build'}\n  HostName ${host}\n  ${LOG_IN}  ProxyCommand cloudflared access ssh --hostname %h --id ${id} --secret ${secret}\n`,
      ).join('\n'),
    },
    before: Object.fromEntries(
      PAIRS.map(({id, secret, host}, at) => [
        at === 0 ? 'gl' : 'build',
        `${through(host)} --id ${id} --secret ${secret}`,
      ]),
    ),
    take: [
      ['build', '--no-share'],
      ['gl', '--no-share'],
    ],
    after: {gl: 'zt', build: 'zt'},
  },
  {
    what: 'a ControlPath for all hosts',
    texts: {config: `${ALIAS}Host *\n  ControlMaster auto\n  ControlPath HERE/cm-%C\n  ControlPersist no\n`},
    before: {gl: through(GITLAB)},
    take: [['gl']],
    after: {gl: 'zt'},
  },
]

describe.skipIf(sshdProgram === undefined)('a configuration with', () => {
  it.each(SHAPES)('$what', async ({texts, before, take, after, aliases = {}}) => {
    const {file, at} = await configuration(texts)
    const bytes = await bytesOf(at('.'))
    expect(await ways(file, Object.keys(before))).toEqual(before)
    let last: {aliases: {name: string; route: string}[]} | undefined
    for (const [name = '', ...flags] of take) {
      const end = await zt.run([...config(file, name, ...flags), '--write', '--json'])
      expect(end).toMatchObject({code: 0})
      for (const {secret} of PAIRS) expect(end.stdout + end.stderr).not.toContain(secret)
      last = JSON.parse(end.stdout) as typeof last
    }
    expect(await ways(file, Object.keys(after))).toEqual(after)
    expect(Object.fromEntries((last?.aliases ?? []).map(({name, route}) => [name, route]))).toEqual(aliases)
    for (const [name = ''] of take) await zt.json(config(file, name, '--remove'))
    expect(await bytesOf(at('.'))).toEqual(bytes)
  })
})

describe.skipIf(sshdProgram === undefined)('--adopt', () => {
  it('moves what zt can connect to, in all files, and back', async () => {
    const {file, at} = await configuration({
      config: `${ALIAS}\n${PLAIN}Match all\nInclude HERE/conf.d/*.conf\nHost *.widgetcorp.tech\n  ${ACCESS}Host *\n  ${LOG_IN}`,
      'conf.d/work.conf': `Host b\r\n  HostName ${BUILD}\r\n  ProxyCommand cloudflared access tcp -T ${BUILD}\r\n`,
    })
    const bytes = await bytesOf(at('.'))
    const before = {gl: through(GITLAB), b: `access tcp -T ${BUILD}`, [BUILD]: through(BUILD), here: 'direct'}
    expect(await ways(file, Object.keys(before))).toEqual(before)
    const adopt = ['ssh', 'config', '--adopt', '--file', file, '--yes']
    const {left} = await zt.json<{left: {section: string}[]}>(adopt)
    expect(left).toEqual([expect.objectContaining({section: 'Host *.widgetcorp.tech'})])
    expect(await ways(file, Object.keys(before))).toEqual({...before, gl: 'zt', b: 'zt'})
    await zt.json([...adopt, '--remove'])
    expect(await bytesOf(at('.'))).toEqual(bytes)
  })
})

describe.skipIf(sshdProgram === undefined)('an alias', () => {
  it('is opened by zt ssh as what it is, with its own settings', async () => {
    const {file} = await configuration({config: ALIAS})
    await fs.rm(calls, {force: true})
    const end = await zt.run(['ssh', 'gl', '--no-share', '--', ...options, '-F', file, 'echo as $USER'])
    expect(end).toMatchObject({code: 0, stdout: `as ${sshd.user}\n`})
    expect(end.stderr).toContain(`gl is ${GITLAB}`)
    await expect(fs.access(calls)).rejects.toThrow('ENOENT')
  })

  it('does not share the connection of another with another key for the same host', async () => {
    const {file} = await configuration({
      config: `Host mine\n  IdentityFile HOME/key\nHost other\n  IdentityFile HOME/other-key\nHost mine other\n  HostName ${GITLAB}\n  User USER\n  ${ACCESS}`,
    })
    for (const name of ['mine', 'other']) await zt.json(config(file, name, '--write'))
    const said = async (name: string) => [
      (await ssh(file, name)).stdout,
      (await zt.run(['ssh', name, '--', ...options, '-F', file, 'echo as $USER'])).stdout.trim(),
    ]
    const mine = `as ${sshd.user}`
    expect(await said('mine')).toEqual([mine, mine])
    expect(await said('other')).toEqual(['the other key', 'the other key'])
    expect(await said('mine')).toEqual([mine, mine])
  })

  it('of a file that is included before the block is taken over in that file', async () => {
    const {file, at} = await configuration({config: `Include HERE/conf.d/*\n${PLAIN}`, 'conf.d/work': ALIAS})
    const bytes = await bytesOf(at('.'))
    const refused = await zt.run([...config(file, 'gl', '--write')])
    expect(refused).toMatchObject({code: 7})
    expect(await bytesOf(at('.'))).toEqual(bytes)
    expect(refused.stderr).toContain(`zt ssh config gl --write --file ${at('conf.d/work')}`)
    await zt.json(config(at('conf.d/work'), 'gl', '--write', '--no-share'))
    expect(await ways(file, ['gl', 'here'])).toEqual({gl: 'zt', here: 'direct'})
    await zt.json(config(at('conf.d/work'), 'gl', '--remove'))
    expect(await bytesOf(at('.'))).toEqual(bytes)
  })
})
