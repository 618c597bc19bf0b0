// The scene of the tunnel's measurement: servers, an edge in front of them, a sandbox's API, and the clients.
import {spawn, spawnSync} from 'node:child_process'
import {randomBytes, randomUUID} from 'node:crypto'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import path from 'node:path'
import tls from 'node:tls'
import {issueCertificate} from './certificate.mjs'
import {executable, zt} from './support.mjs'
import {buildGo} from './tunnel-go.mjs'

const ZONE = 'widgetcorp.tech'
export const HOST = `bench.${ZONE}`
/** Leads to a real sshd, if there is one. */
export const SSH_HOST = `bench-ssh.${ZONE}`
/** Sends back what it gets. */
export const ECHO_HOST = `bench-echo.${ZONE}`
export const OURS = 'zt ssh proxy'
export const EXECUTABLE = 'zt ssh proxy, executable'
export const TLS_ONLY = 'plain TLS, openssl'
export const BANNER = 'SSH-2.0-bench\r\n'
const DRIVER_MS = 300_000

/**
 * Starts the servers, the edge and a sandbox, and stops them after `work`.
 *
 * @param sshPort where an sshd listens, for {@link SSH_HOST}
 */
export async function withScene({env, home, sshPort}, work) {
  const started = []
  try {
    const [origin, ports] = await server(env, [
      process.execPath,
      path.join(import.meta.dirname, 'tunnel-origin.mjs'),
    ])
    started.push(origin)
    const credentials = {
      id: `${randomBytes(16).toString('hex')}.access`,
      secret: randomBytes(32).toString('hex'),
    }
    const pair = {CF_ACCESS_CLIENT_ID: credentials.id, CF_ACCESS_CLIENT_SECRET: credentials.secret}
    const seed = path.join(home, 'seed.json')
    await writeFile(seed, JSON.stringify(seedFor(credentials)), {mode: 0o600})
    const {caFile, apiToken} = runZt({env, home}, ['sandbox', 'start', '--seed', seed])
    const origins = {[HOST]: ports.stream, [ECHO_HOST]: ports.echo, ...(sshPort && {[SSH_HOST]: sshPort})}
    const program = edgeProgram(env, home)
    const [edge, {address, plainAddress, pids}] = await server({...env, ...pair}, [
      ...program.words,
      ...(await issueCertificate({caFile, home, hosts: Object.keys(origins)})),
      ...Object.entries(origins).map(([host, port]) => `${host}=${port}`),
    ])
    started.push(edge)
    const trust = await trustIn({env, home, caFile})
    return await work({
      ...{env, home, caFile, trust, apiToken, credentials, pair, address, plainAddress},
      node: [process.execPath, ...nodeFlags({env, home})],
      edge: program.name,
      watched: {edge: pids, origin: [origin.pid]},
    })
  } finally {
    spawnSync(process.execPath, [zt, 'sandbox', 'stop'], {env, cwd: home})
    for (const child of started) child.kill()
  }
}

/** A process that says as JSON where it listens. */
async function server(env, [file, ...args]) {
  const child = spawn(file, args, {env, stdio: ['pipe', 'pipe', 'inherit']})
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`)
  })
  ended.catch(() => undefined)
  const [line] = await Promise.race([once(child.stdout, 'data'), ended])
  return [child, JSON.parse(line)]
}

/** Node's edge needs more processor time than a fast client: its figures are those of the edge. */
function edgeProgram(env, home) {
  const {file, version, why} = buildGo('edge', {env, home})
  if (why === undefined) return {name: `Go (${version})`, words: [file]}
  return {
    name: `Node ${process.version}, which limits what a client can reach (${why})`,
    words: [process.execPath, path.join(import.meta.dirname, 'edge.mjs')],
  }
}

/**
 * How a client that has no flag for a CA comes to trust the edge's: beside the system's CAs, in a directory, and as one
 * of many in a file.
 */
async function trustIn({env, home, caFile}) {
  const directory = path.join(home, 'cas')
  await mkdir(directory)
  const ca = await readFile(caFile, 'utf8')
  await writeFile(path.join(directory, 'bench.pem'), ca)
  const bundle = path.join(home, 'bundle.pem')
  await writeFile(bundle, [...tls.rootCertificates, ca].map((pem) => `${pem.trim()}\n`).join(''))
  return {directory: {SSL_CERT_DIR: directory}, bundle: {SSL_CERT_FILE: bundle}}
}

/** The node switches in the ProxyCommand: they determine where CAs come from, which takes much of the start. */
function nodeFlags(place) {
  const {block} = runZt(place, ['ssh', 'config', HOST])
  const words = /^\s*ProxyCommand (.*)$/m.exec(block)[1].split(' ')
  return words.filter((word) => /^--use-[a-z-]+-ca$/.test(word))
}

/** The JSON result of a command that must succeed. */
export function runZt({env, home}, args, input = '') {
  const {status, stdout, stderr} = spawnSync(process.execPath, [zt, ...args, '--json'], {
    env,
    cwd: home,
    encoding: 'utf8',
    input,
  })
  if (status !== 0) throw new Error(`zt ${args.join(' ')} failed: ${stderr.trim() || stdout.trim()}`)
  return JSON.parse(stdout)
}

/** An account with applications that admit one service token. */
function seedFor({id, secret}) {
  const account = randomBytes(16).toString('hex')
  const token = randomUUID()
  const policy = randomUUID()
  return {
    accounts: [{id: account, name: 'Bench'}],
    zones: [{id: randomBytes(16).toString('hex'), name: ZONE, account: {id: account}}],
    service_tokens: [{id: token, name: 'bench', client_id: id, client_secret: secret, duration: 'forever'}],
    policies: [
      {id: policy, name: 'bench', decision: 'non_identity', include: [{service_token: {token_id: token}}]},
    ],
    apps: [HOST, SSH_HOST, ECHO_HOST].map((domain) => ({
      id: randomUUID(),
      name: domain,
      type: 'self_hosted',
      domain,
      policies: [{id: policy, precedence: 1}],
    })),
  }
}

/** Options of zt for a connection to the scene's edge. */
export const edgeOptions = ({address, caFile}) => [
  ...['--token', 'env', '--yes', '--connect-to', address],
  ...(caFile ? ['--ca-file', caFile] : []),
]

const proxyBy = (program) => (scene, host) => ({
  words: [...program(scene), 'ssh', 'proxy', ...edgeOptions(scene), host],
  more: scene.pair,
})

/** zt's proxy for a host, as ssh starts it. */
const ourProxy = proxyBy(({node}) => [...node, zt])
const executableProxy = proxyBy(() => [executable])

/**
 * zt's proxy, and the peers that are there, by name: `proxy(scene, host)` returns a command line (`words`) and variables
 * (`more`).
 */
export function proxiesOf(peers) {
  const there = peers.filter(({proxy}) => proxy !== undefined)
  return {
    [OURS]: ourProxy,
    ...(existsSync(executable) && {[EXECUTABLE]: executableProxy}),
    ...Object.fromEntries(there.map(({name, proxy}) => [name, proxy])),
  }
}

/** A client that sends and receives what the server behind {@link HOST} does, through TLS and nothing else. */
export function tlsClient({plainAddress, caFile}) {
  if (spawnSync('openssl', ['version']).error) return {}
  const words = [
    'openssl',
    's_client',
    '-quiet',
    '-servername',
    HOST,
    '-CAfile',
    caFile,
    '-connect',
    plainAddress,
  ]
  return {[TLS_ONLY]: {words, more: {}}}
}

/** The clients of {@link HOST}, by name. */
export const clientsFor = (scene, peers = []) =>
  Object.fromEntries(Object.entries(proxiesOf(peers)).map(([name, proxy]) => [name, proxy(scene, HOST)]))

/**
 * One connection of one client: the milliseconds to its first byte; and if anything is to be carried, the seconds that it
 * took and what each process used.
 *
 * @param task `greeting`: the bytes that come first. Then `say` and `send` bytes are written, and `receive` are read.
 */
export function connectOnce({env, home, watched}, {words, more}, task) {
  const whole = {greeting: 1, say: '', send: 0, receive: 0, ...task}
  const order = JSON.stringify({words, env: {...env, ...more}, cwd: home, watched, ...whole})
  const {status, stdout, stderr, error} = spawnSync(
    process.execPath,
    [path.join(import.meta.dirname, 'tunnel-driver.mjs')],
    {env, encoding: 'utf8', input: order, timeout: DRIVER_MS},
  )
  if (status !== 0) throw new Error(stderr.trim() || `${words[0]}: ${error?.message ?? 'the driver failed'}`)
  return JSON.parse(stdout)
}

/** The start of a client, to the first byte of the server's greeting: milliseconds, and those of its processor time. */
export function bannerOf(scene, client) {
  const {bannerMs, first, client: used} = connectOnce(scene, client)
  if (first !== BANNER[0]) throw new Error('the first byte is not the banner')
  return {ms: bannerMs, cpuMs: used && used.cpu * 1000}
}
