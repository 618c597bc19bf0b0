import {spawn, type ChildProcess, type SpawnOptions} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import net, {type AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {findProgram} from '../../src/lib/system/programs.js'
import {bin, BuiltZt, type End} from '../support/built-zt.js'
import {until} from '../support/patience.js'
import {originFlags, startForward, startSandbox} from '../support/running-forward.js'

const [DB, CACHE, CLUSTER] = ['db', 'cache', 'cluster'].map((name) => `${name}.widgetcorp.tech`) as [
  string,
  string,
  string,
]
/** Debian keeps the programs of a PostgreSQL server out of PATH. */
const VERSIONS = '/usr/lib/postgresql'
const postgres = (fs.existsSync(VERSIONS) ? fs.readdirSync(VERSIONS) : [])
  .map((version) => path.join(VERSIONS, version, 'bin'))
  .find((directory) => fs.existsSync(path.join(directory, 'initdb')))
const missing = ['psql', 'redis-server', 'redis-cli', 'kubectl'].filter(
  (name) => findProgram(name, process.env) === undefined,
)
if (postgres === undefined) missing.push('a PostgreSQL server')
if (missing.length > 0)
  process.stderr.write(
    `SKIPPED: clients through zt forward: without ${missing.join(', ')}; .ci/run installs them\n`,
  )

let zt: BuiltZt
/** What is behind the hosts. */
let services: Services | undefined
const echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket))

beforeAll(async () => {
  const made = await Promise.all([
    BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'}),
    missing.length === 0 ? startServices() : undefined,
    new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve)),
  ])
  zt = made[0]
  services = made[1]
  await startSandbox(zt, {Database: DB, Cache: CACHE, Cluster: CLUSTER}, origins())
  await zt.json(['token', 'create', 'user'])
  for (const app of ['Database', 'Cache', 'Cluster'])
    await zt.json(['app', 'add-rule', app, '--service-auth', '--token', 'user'])
})
afterAll(async () => {
  await zt.run(['forward', 'stop', '--all'])
  await zt.end()
  await services?.end()
  echo.close()
})

/** Without the services, an echo is behind each host. */
const origins = (): string[] => {
  const ports = services?.ports ?? {[DB]: portOf(echo), [CACHE]: portOf(echo), [CLUSTER]: portOf(echo)}
  return originFlags(
    Object.fromEntries(Object.entries(ports).map(([host, port]) => [host, `127.0.0.1:${port}`])),
  )
}

const listed = async (): Promise<Record<string, unknown>[]> =>
  (await zt.json<{forwards: Record<string, unknown>[]}>(['forward', 'list'])).forwards

describe.skipIf(missing.length > 0)('psql, redis-cli and kubectl beside zt forward', () => {
  const CLIENTS = `
    psql -h 127.0.0.1 -p {port1} -U tester -d postgres -X -q -v ON_ERROR_STOP=1 -c 'create table t (b bytea)' -c 'copy t from stdin' < in.hex
    psql -h {host1} -p {port1} -U tester -d postgres -X -q -A -t -c 'copy t to stdout' -c 'drop table t' > out.hex
    redis-cli -h {host2} -p {port2} -x set k < in.bin > redis.ok
    redis-cli -h {host2} -p {port2} --raw get k > redis.out
    kubectl --server https://127.0.0.1:{port3} --tls-server-name localhost --certificate-authority ca.pem --token t get --raw /big > cluster.out
    psql -h {host} -p {port} -U tester -d postgres -X -q -c 'select no_such_column' 2> psql.error && exit 1
    echo $ZT_FORWARD_PORT $ZT_FORWARD_PORT_2 $ZT_FORWARD_PORT_3
    exit 23`

  it.each([
    ['closes the connection only', 'none'],
    ['sends a close frame', 1000],
  ] as const)(
    'carry every byte, silently, where the edge %s; then zt ends as they do, and nothing listens',
    async (_how, connector_end) => {
      const file = path.join(zt.home, 'observed.json')
      fs.writeFileSync(file, JSON.stringify({version: 1, settings: {connector_end}}))
      await zt.json(['sandbox', 'stop'])
      await zt.json(['sandbox', 'start', '--observed', file, ...origins()])
      const at = (name: string): string => path.join(zt.home, name)
      const data = randomBytes(1024 * 1024)
      fs.writeFileSync(at('in.bin'), data)
      fs.writeFileSync(at('in.hex'), `\\\\x${data.toString('hex')}\n`)
      fs.writeFileSync(at('ca.pem'), services?.ca ?? '')
      const end = await zt.run(['forward', DB, CACHE, CLUSTER, '--', 'sh', '-c', CLIENTS])
      expect(end).toMatchObject({code: 23, stderr: ''})
      expect(fs.readFileSync(at('out.hex')).equals(fs.readFileSync(at('in.hex')))).toBe(true)
      expect(fs.readFileSync(at('redis.out')).equals(Buffer.concat([data, Buffer.from('\n')]))).toBe(true)
      expect(fs.readFileSync(at('cluster.out'), 'utf8')).toBe(services?.big)
      expect(fs.readFileSync(at('psql.error'), 'utf8')).toContain('no_such_column')
      const ports = end.stdout.trim().split(' ').map(Number)
      expect(ports).toHaveLength(3)
      for (const port of ports) await expect(connected(port)).rejects.toThrow('ECONNREFUSED')
      expect(await listed()).toEqual([])
    },
  )
})

describe('zt forward in the background', () => {
  it('outlives the terminal and its parent, is listed with its log, and is stopped by name', async () => {
    const {stdout} = await zt.run(['forward', DB, `https://${CACHE}`, '--background'])
    const [, port] = /^✓ 127\.0\.0\.1:(\d+) leads to db\./.exec(stdout) ?? []
    expect(stdout).toMatch(/^✓ http:\/\/\S+ leads to cache\./m)
    const forwards = await listed()
    expect(forwards).toMatchObject([
      {host: CACHE, http: true, token: {name: 'user'}},
      {host: DB, http: false, place: `127.0.0.1:${port ?? ''}`},
    ])
    const {pid, log} = forwards[0] as {pid: number; log: string}
    // A terminal that is closed sends this to everything that it started.
    process.kill(pid, 'SIGHUP')
    ;(await connected(Number(port))).end()
    expect(fs.readFileSync(log, 'utf8')).toMatch(/^\{"event":"listening"/)
    const stopped = await zt.json<{forwards: unknown[]}>(['forward', 'stop', DB])
    expect(stopped.forwards).toHaveLength(2)
    expect(await listed()).toEqual([])
    await expect(connected(Number(port))).rejects.toThrow('ECONNREFUSED')
  })

  it('fails as in the foreground, and leaves nothing running', async () => {
    const end = await zt.run(['forward', 'other.widgetcorp.tech', '--background', '--json'])
    expect(end.code).toBe(5)
    expect(JSON.parse(end.stdout)).toMatchObject({error: {code: 'HOST_NOT_BOUND'}})
    const occupied = await zt.run(['forward', `${DB}:${portOf(echo)}`, '--background', '--json'])
    expect(occupied.code).toBe(7)
    expect(JSON.parse(occupied.stdout)).toMatchObject({error: {code: 'CANNOT_LISTEN'}})
    expect(await listed()).toEqual([])
  })
})

describe('zt forward ends', () => {
  /** A shell that starts it in the background, says where it listens, and waits for its stdin. */
  const throughShell = (flags: string): ChildProcess =>
    start('sh', [
      '-c',
      `"$0" "$@" ${flags} > events & while ! grep -q listening events; do sleep 0.05; done; echo up; read x`,
      process.execPath,
      bin,
      'forward',
      DB,
      '--json',
    ])
  const events = (): string => fs.readFileSync(path.join(zt.home, 'events'), 'utf8')

  it('when the process that started it does, and with --keep only by a signal', async () => {
    for (const flags of ['', '--keep']) {
      fs.writeFileSync(path.join(zt.home, 'events'), '')
      const shell = throughShell(flags)
      await new Promise((resolve) => shell.stdout?.once('data', resolve))
      const {port} = JSON.parse(events().split('\n')[0] ?? '') as {port: number}
      shell.kill('SIGKILL')
      if (flags === '') {
        await until(async () => ((await listed()).length === 0 ? true : undefined))
        expect(events()).toContain('--keep keeps it running')
      } else {
        ;(await connected(port)).end()
        expect(
          (await zt.json<{forwards: unknown[]}>(['forward', 'stop', String(port)])).forwards,
        ).toHaveLength(1)
      }
    }
  })

  it.each(['a socket, as node gives its children', 'a pipe, as shells do'])(
    'when the reader of its JSON does: %s',
    async (how) => {
      if (how.startsWith('a socket')) {
        const forward = await startForward(zt, [DB])
        const ended = new Promise((resolve) => forward.child.once('exit', resolve))
        forward.child.stdout?.destroy()
        expect(await ended).toBe(141)
      } else {
        const end = await ended(
          start('sh', [
            '-c',
            '{ "$0" "$@"; echo $? > code; } | head -n 1',
            process.execPath,
            bin,
            'forward',
            DB,
            '--json',
          ]),
        )
        expect(JSON.parse(end.stdout)).toMatchObject({event: 'listening'})
        expect(fs.readFileSync(path.join(zt.home, 'code'), 'utf8')).toBe('141\n')
      }
    },
  )
})

describe.skipIf(process.platform === 'win32')('zt forward on a socket that systemd has opened', () => {
  /** Starts it as systemd does: the socket is descriptor 3, and the variables name the process that is to use it. */
  async function activated(at: net.ListenOptions, words: string[], mode?: number): Promise<End> {
    const server = net.createServer()
    await new Promise<void>((resolve) => server.listen(at, resolve))
    if (mode !== undefined && typeof at.path === 'string') fs.chmodSync(at.path, mode)
    const {fd} = (server as unknown as {_handle: {fd: number}})._handle
    const program = ['LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=db exec "$0" "$@"', process.execPath, bin]
    const child = start('sh', ['-c', ...program, 'forward', DB, ...words], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
    })
    const end = await ended(child)
    server.close()
    return end
  }
  const COMMAND = ['--', 'sh', '-c', 'echo "$ZT_FORWARD_HOST $ZT_FORWARD_SOCKET ${LISTEN_FDS:-none}"']

  it('uses it, and does not hand it on', async () => {
    const end = await activated({host: '127.0.0.1', port: 0}, ['--listen', 'systemd:db', ...COMMAND])
    expect(end).toEqual({code: 0, stdout: '127.0.0.1  none\n', stderr: ''})
    const file = path.join(zt.home, 'activated')
    const unix = await activated({path: file}, ['--listen', 'systemd', ...COMMAND], 0o600)
    expect(unix).toEqual({code: 0, stdout: ` ${file} none\n`, stderr: ''})
  })

  it('refuses one that others reach, unless that is wished', async () => {
    const everywhere = {host: '0.0.0.0', port: 0}
    const refused = await activated(everywhere, ['--listen', 'systemd', ...COMMAND])
    expect(refused).toMatchObject({code: 2, stdout: ''})
    expect(refused.stderr).toContain('Others can connect to 0.0.0.0:')
    expect((await activated(everywhere, ['--listen', 'systemd', '--expose', ...COMMAND])).code).toBe(0)
    const file = path.join(zt.home, 'open')
    const open = await activated({path: file}, ['--listen', 'systemd', ...COMMAND], 0o666)
    expect(open).toMatchObject({code: 2, stdout: ''})
    expect(open.stderr).toContain('SocketMode=0600')
  })
})

function start(program: string, args: string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(program, args, {env: zt.env, cwd: zt.home, stdio: ['pipe', 'pipe', 'pipe'], ...options})
}

function ended(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    const end: End = {code: null, stdout: '', stderr: ''}
    child.stdout?.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
    child.once('close', (code) => {
      resolve({...end, code})
    })
  })
}

function portOf(server: net.Server): number {
  return (server.address() as AddressInfo).port
}

function connected(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

/** PostgreSQL, Redis, and what kubectl takes for a cluster. */
interface Services {
  ports: Record<string, number>
  /** PEM of the cluster's CA. */
  ca: string
  /** The cluster's answer. */
  big: string
  end(): Promise<void>
}

async function startServices(): Promise<Services> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-services-'))
  // PostgreSQL does not run as root; this user has no other files.
  const nobody = process.getuid?.() === 0 ? {uid: 65_534, gid: 65_534} : {}
  if (nobody.uid !== undefined) fs.chownSync(directory, nobody.uid, nobody.gid)
  const options = {cwd: directory, env: {PATH: process.env['PATH'], LC_ALL: 'C'}, ...nobody}
  const run = (program: string, args: string[]): ChildProcess =>
    spawn(program, args, {...options, stdio: ['ignore', 'ignore', 'ignore']})
  const [pgPort, redisPort] = [await freePort(), await freePort()]
  const data = path.join(directory, 'pg')
  const initdb = run(path.join(postgres ?? '', 'initdb'), [
    '-D',
    data,
    '-U',
    'tester',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ])
  await new Promise((resolve) => initdb.once('close', resolve))
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap((one) => [
    '-c',
    one,
  ])
  const servers = [
    run(path.join(postgres ?? '', 'postgres'), ['-D', data, '-p', String(pgPort), ...settings]),
    run('redis-server', [
      '--port',
      String(redisPort),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      directory,
    ]),
  ]
  const ends = servers.map((server) => new Promise((resolve) => server.once('close', resolve)))
  const authority = await openCertificateAuthority(fs.mkdtempSync(path.join(directory, 'ca-')), Date.now())
  const big = randomBytes(512 * 1024).toString('base64')
  const cluster = https.createServer(authority.fallback, (_request, response) => response.end(big))
  await new Promise<void>((resolve) => cluster.listen(0, '127.0.0.1', resolve))
  await until(() => answers(pgPort, startupMessage(), /^[RE]/))
  await until(() => answers(redisPort, Buffer.from('PING\r\n'), /^\+PONG/))
  return {
    ports: {[DB]: pgPort, [CACHE]: redisPort, [CLUSTER]: portOf(cluster)},
    ca: fs.readFileSync(authority.caFile, 'utf8'),
    big,
    end: async () => {
      cluster.close()
      for (const server of servers) server.kill('SIGINT')
      await Promise.all(ends)
      fs.rmSync(directory, {recursive: true, force: true})
    },
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The first message of a PostgreSQL client: length, version 3.0, parameters. */
function startupMessage(): Buffer {
  const text = Buffer.from('user\0tester\0database\0postgres\0\0')
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + text.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, text])
}

/** True once a server answers a message so; undefined before. */
function answers(port: number, message: Buffer, expected: RegExp): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(message))
    socket.once('data', (data: Buffer) => {
      socket.destroy()
      resolve(expected.test(data.toString('latin1')) ? true : undefined)
    })
    socket.once('error', () => {
      resolve(undefined)
    })
    socket.once('close', () => {
      resolve(undefined)
    })
  })
}
