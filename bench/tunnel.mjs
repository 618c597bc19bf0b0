// The tunnel client on loopback: time to the first byte of the SSH banner, and throughput each way, through a
// sandbox's edge; plain TCP to the same server and, where there is one, cloudflared beside it.
import {spawn, spawnSync} from 'node:child_process'
import {randomBytes, randomUUID} from 'node:crypto'
import {once} from 'node:events'
import {accessSync, constants} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import {
  alternate,
  median,
  requireBuild,
  round1,
  round2,
  setting,
  table,
  withCleanEnvironment,
  zt,
} from './support.mjs'

export const description =
  'zt ssh proxy through the sandbox: banner time and throughput, against plain TCP and cloudflared'

const HOST = 'bench.widgetcorp.tech'
const PLAIN = 'plain TCP'
const OURS = 'zt ssh proxy'
const THEIRS = 'cloudflared'
const BANNER = Buffer.from('SSH-2.0-bench\r\n')
const TIMEOUT_MS = 60_000

export async function run() {
  requireBuild()
  const rounds = setting('BENCH_ROUNDS', 7)
  const mib = setting('BENCH_MIB', 64)
  const cloudflared = findCloudflared()
  return withCleanEnvironment(async (env, home) => {
    const origin = spawn(process.execPath, [path.join(import.meta.dirname, 'tunnel-origin.mjs')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const port = Number(String((await once(origin.stdout, 'data'))[0]))
      const credentials = {
        id: `${randomBytes(16).toString('hex')}.access`,
        secret: randomBytes(32).toString('hex'),
      }
      const seed = path.join(home, 'seed.json')
      await writeFile(seed, JSON.stringify(seedFor(credentials)), {mode: 0o600})
      const edge = startSandbox(env, home, ['--seed', seed, '--origin', `${HOST}=127.0.0.1:${port}`])
      const clients = clientsFor({port, edge, credentials, cloudflared, env, home})
      const measure = (how) =>
        alternate(
          Object.fromEntries(Object.entries(clients).map(([name, open]) => [name, () => how(open)])),
          rounds,
        )
      const banner = await measure(bannerTime)
      const up = await measure((open) => throughput(open, 'up', mib))
      const down = await measure((open) => throughput(open, 'down', mib))
      const reference = cloudflared === undefined ? PLAIN : THEIRS
      const rows = Object.keys(clients).map((name) => ({
        name,
        ...figures('banner', 'Ms', banner, name, reference),
        ...figures('up', 'MiBs', up, name, reference),
        ...figures('down', 'MiBs', down, name, reference),
      }))
      return {rounds, mib, reference, rows}
    } finally {
      spawnSync(process.execPath, [zt, 'sandbox', 'stop'], {env, cwd: home})
      origin.kill()
    }
  })
}

export function text({rows, mib, reference}) {
  const cell = (value, ratio) => `${value.toFixed(1)} (×${ratio.toFixed(2)})`
  const lines = rows.map((row) => [
    row.name,
    cell(row.bannerMs, row.bannerRatio),
    cell(row.upMiBs, row.upRatio),
    cell(row.downMiBs, row.downRatio),
  ])
  return `${table([['', 'banner ms', `up ${mib} MiB, MiB/s`, `down ${mib} MiB, MiB/s`], ...lines])}\n\nratios to ${reference}`
}

function figures(what, unit, samples, name, reference) {
  const value = median(samples[name])
  return {[`${what}${unit}`]: round1(value), [`${what}Ratio`]: round2(value / median(samples[reference]))}
}

/** An account with one application whose one policy admits one service token. */
function seedFor({id, secret}) {
  const account = randomBytes(16).toString('hex')
  const token = randomUUID()
  const policy = randomUUID()
  return {
    accounts: [{id: account, name: 'Bench'}],
    zones: [{id: randomBytes(16).toString('hex'), name: 'widgetcorp.tech', account: {id: account}}],
    service_tokens: [{id: token, name: 'bench', client_id: id, client_secret: secret, duration: 'forever'}],
    policies: [
      {id: policy, name: 'bench', decision: 'non_identity', include: [{service_token: {token_id: token}}]},
    ],
    apps: [
      {
        id: randomUUID(),
        name: 'Bench',
        type: 'self_hosted',
        domain: HOST,
        policies: [{id: policy, precedence: 1}],
      },
    ],
  }
}

function startSandbox(env, home, args) {
  const {status, stdout, stderr} = spawnSync(process.execPath, [zt, 'sandbox', 'start', '--json', ...args], {
    env,
    cwd: home,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`zt sandbox start failed: ${stderr.trim() || stdout.trim()}`)
  const {edge, caFile} = JSON.parse(stdout)
  return {address: edge, caFile}
}

function findCloudflared() {
  const asked = process.env.CLOUDFLARED
  const candidates =
    asked === undefined || asked === ''
      ? (process.env.PATH ?? '').split(path.delimiter).map((directory) => path.join(directory, 'cloudflared'))
      : [asked]
  const found = candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (asked && found === undefined) throw new Error(`CLOUDFLARED=${asked} is no program`)
  return found
}

/** Each opens a connection: two streams and how to end it. */
function clientsFor({port, edge, credentials, cloudflared, env, home}) {
  const program = (file, args, more) => () => {
    const child = spawn(file, args, {env: {...env, ...more}, cwd: home, stdio: ['pipe', 'pipe', 'pipe']})
    let said = ''
    child.stderr.on('data', (chunk) => (said += chunk))
    child.stdin.on('error', () => {})
    return {
      input: child.stdin,
      output: child.stdout,
      said: () => said.trim(),
      close: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill()
        await once(child, 'exit')
      },
    }
  }
  const clients = {
    [PLAIN]: () => {
      const socket = net.connect({host: '127.0.0.1', port, noDelay: true})
      socket.on('error', () => {})
      return {input: socket, output: socket, said: () => '', close: async () => void socket.destroy()}
    },
    [OURS]: program(
      process.execPath,
      // prettier-ignore
      [zt, 'ssh', 'proxy', '--token', 'env', '--yes', '--connect-to', edge.address, '--ca-file', edge.caFile, HOST],
      {CF_ACCESS_CLIENT_ID: credentials.id, CF_ACCESS_CLIENT_SECRET: credentials.secret},
    ),
  }
  if (cloudflared !== undefined) {
    clients[THEIRS] = program(
      cloudflared,
      ['access', 'ssh', '--hostname', HOST, '--connect-to', edge.address],
      {
        TUNNEL_SERVICE_TOKEN_ID: credentials.id,
        TUNNEL_SERVICE_TOKEN_SECRET: credentials.secret,
        SSL_CERT_FILE: edge.caFile,
      },
    )
  }
  return clients
}

/** Milliseconds from the start of the client to the first byte of the server's greeting. */
async function bannerTime(open) {
  const started = performance.now()
  const connection = open()
  try {
    const first = await read(connection, 1)
    const ms = performance.now() - started
    if (first[0] !== BANNER[0]) throw new Error('the first byte is not the banner')
    return ms
  } finally {
    await connection.close()
  }
}

/** MiB per second between the greeting and the last byte's arrival. */
async function throughput(open, direction, mib) {
  const connection = open()
  const bytes = mib * 1024 * 1024
  try {
    await read(connection, BANNER.length)
    const started = performance.now()
    connection.input.write(`${direction} ${bytes}\n`)
    if (direction === 'up') {
      await Promise.all([fill(connection.input, bytes), read(connection, 3)])
    } else {
      await read(connection, bytes)
    }
    return mib / ((performance.now() - started) / 1000)
  } finally {
    await connection.close()
  }
}

/** Reads exactly that many bytes and gives the last chunk; whatever goes wrong says what the client said. */
function read({output, said}, bytes) {
  return new Promise((resolve, reject) => {
    let left = bytes
    const timer = setTimeout(() => done(new Error('it took too long')), TIMEOUT_MS)
    const onData = (chunk) => {
      left -= chunk.length
      if (left <= 0) done(undefined, chunk)
    }
    const onEnd = () => done(new Error('it ended early'))
    const done = (error, chunk) => {
      clearTimeout(timer)
      output.off('data', onData).off('close', onEnd)
      output.pause()
      if (error)
        reject(new Error([`a connection failed: ${error.message}`, said()].filter(Boolean).join('\n')))
      else resolve(chunk)
    }
    output.on('data', onData).on('close', onEnd)
    // Attaching a listener does not undo the pause of the read before.
    output.resume()
  })
}

async function fill(stream, bytes) {
  const block = Buffer.alloc(64 * 1024, 'zt')
  for (let left = bytes; left > 0; left -= block.length) {
    if (!stream.write(block.subarray(0, Math.min(left, block.length)))) await once(stream, 'drain')
  }
}
