import {spawn, spawnSync} from 'node:child_process'
import dgram from 'node:dgram'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {bin, type BuiltZt} from '../support/built-zt.js'
import {tunnelZt} from '../support/tunnel-world.js'
import {tally} from './tally.js'

const HOST = 'host.widgetcorp.tech'

/** Whether a process can have its own /etc/resolv.conf on this machine. */
const missing =
  process.platform !== 'linux'
    ? 'only Linux has mount namespaces'
    : spawnSync('unshare', ['-m', 'true']).status !== 0
      ? 'unshare -m is not allowed (root is needed)'
      : undefined
if (missing !== undefined) process.stderr.write(`name servers that hang are not tried: ${missing}\n`)

interface Servers {
  questions: number
  close(): void
}

/** Name servers that accept every query and answer none; undefined if port 53 is not available. */
async function silentServers(addresses: string[]): Promise<Servers | undefined> {
  const sockets = addresses.map(() => dgram.createSocket('udp4'))
  const servers = {
    questions: 0,
    close: () => {
      for (const socket of sockets) socket.close()
    },
  }
  try {
    for (const [at, socket] of sockets.entries()) {
      socket.on('message', () => servers.questions++)
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.bind(53, addresses[at], resolve)
      })
    }
    return servers
  } catch {
    process.stderr.write('name servers that hang are not tried: port 53 cannot be had\n')
    return undefined
  }
}

describe.skipIf(missing !== undefined)('name servers that hang', () => {
  let zt: BuiltZt
  beforeAll(async () => {
    zt = await tunnelZt()
  })
  afterAll(async () => {
    await zt.end()
  })

  const CONFIGURATIONS: [string, servers: number, more: string][] = [
    ['one', 1, ''],
    ['one, with domains to search', 1, 'search corp.example lab.example\n'],
    ['three', 3, ''],
    ['three, with domains to search', 3, 'search corp.example lab.example\n'],
  ]
  const COMMANDS: [string, string[]][] = [
    ['ssh proxy', ['ssh', 'proxy', HOST, '--token', 'env', '--yes', '--timeout', '12']],
    ['ssh check', ['ssh', 'check', HOST, '--token', 'env', '--yes', '--timeout', '12']],
  ]

  const cases = CONFIGURATIONS.flatMap(([name, servers, more]) =>
    COMMANDS.map(([command, args]) => ({name, servers, more, command, args})),
  ).map((one, at) => ({...one, net: at + 1}))

  it.concurrent.each(cases)('$name: $command says so, and asks no one any more', async (one) => {
    const addresses = Array.from({length: one.servers}, (_, at) => `127.77.${one.net}.${at + 1}`)
    const servers = await silentServers(addresses)
    if (!servers) return
    const file = path.join(zt.home, `resolv-${one.net}.conf`)
    await fs.writeFile(file, addresses.map((address) => `nameserver ${address}\n`).join('') + one.more)
    const own = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    const child = spawn('unshare', ['-m', 'sh', '-c', own, file, process.execPath, bin, ...one.args], {
      env: zt.env,
      cwd: zt.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    let until: number | undefined
    child.stdout.resume()
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString()
      // Records the queries so far first.
      setImmediate(() => (until ??= servers.questions))
    })
    const exit = await new Promise<number | null>((resolve) => child.once('close', resolve))
    servers.close()
    expect(said).toContain(`The name server does not answer for ${HOST}`)
    expect(said).not.toContain('has no address')
    expect(exit).toBe(8)
    // A process does not end before its look-up, and one that continues asks again.
    expect(servers.questions).toBeGreaterThan(0)
    expect({asked: servers.questions}).toEqual({asked: until})
    tally('ends of a connection', 1)
  })
})
