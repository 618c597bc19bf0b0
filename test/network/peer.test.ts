import {once} from 'node:events'
import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {syncBuiltinESMExports} from 'node:module'
import {afterEach, expect, it, vi} from 'vitest'
import {keepLastBytes} from '../../src/lib/network/connection-end.js'
import {breakOff, drop, isGone, resetOnceTaken} from '../../src/lib/network/tcp-peer.js'

it.skipIf(process.platform !== 'linux').each(['127.0.0.1', 'a Unix socket'])(
  'of %s: a client that only stopped sending is there, one that closed is gone',
  async (where) => {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-p-'))
    const server = net.createServer({allowHalfOpen: true})
    const unix = where === 'a Unix socket'
    await new Promise<void>((resolve) =>
      unix ? server.listen(path.join(directory, 's'), resolve) : server.listen(0, where, resolve),
    )
    const at = server.address()
    const accepted = once(server, 'connection') as Promise<[net.Socket]>
    const to = typeof at === 'string' ? {path: at} : {port: at?.port ?? 0, host: where}
    const client = net.connect({...to, allowHalfOpen: true})
    const [socket] = await accepted
    socket.on('error', () => undefined).resume()
    const ended = once(socket, 'end')
    client.end()
    await ended
    expect(await isGone(socket)).toBe(false)
    client.destroy()
    await expect.poll(() => isGone(socket)).toBe(true)
    socket.destroy()
    server.close()
    await fs.rm(directory, {recursive: true})
  },
)

it('a Unix socket is not reset: what it was sent last is not known to have arrived', async () => {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-p-'))
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(path.join(directory, 's'), resolve))
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const client = net.connect(path.join(directory, 's'))
  const [socket] = await accepted
  expect(await resetOnceTaken(socket, 1)).toBe(false)
  expect(socket.destroyed).toBe(false)
  client.destroy()
  socket.destroy()
  server.close()
  await fs.rm(directory, {recursive: true})
})

it.skipIf(process.platform !== 'linux').each([
  ['lacks the connection', () => ''],
  ['has it twice', (text: string) => text + text],
])('a connection is reset although the list of the system, while it changes, %s', async (_, spoil) => {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const client = net.connect({port: (server.address() as net.AddressInfo).port, host: '127.0.0.1'})
  const failed = once(client, 'error') as Promise<[NodeJS.ErrnoException]>
  client.resume()
  const [socket] = await accepted
  await new Promise((resolve) => socket.write('x', resolve))
  const real = fs.readFile
  let spoilt = 0
  fs.readFile = (async (...args: Parameters<typeof real>) => {
    const text = String(await real(...args))
    return spoilt++ < 2 ? spoil(text) : text
  }) as typeof real
  syncBuiltinESMExports()
  try {
    expect(await resetOnceTaken(socket, 1e6)).toBe(true)
  } finally {
    fs.readFile = real
    syncBuiltinESMExports()
  }
  expect((await failed)[0].code).toBe('ECONNRESET')
  expect(spoilt).toBeGreaterThan(2)
  server.close()
})

afterEach(() => {
  vi.useRealTimers()
})

/** A connection, and how its client saw it end. */
async function connection(): Promise<{socket: net.Socket; client: net.Socket; how: Promise<string>}> {
  const server = net.createServer({allowHalfOpen: true})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const client = net.connect({port: (server.address() as net.AddressInfo).port, host: '127.0.0.1'})
  keepLastBytes(client, client)
  const how = new Promise<string>((resolve) => {
    client.once('end', () => {
      resolve('end')
    })
    client.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? '')
    })
  })
  const [socket] = await accepted
  server.close()
  return {socket, client, how}
}

it('where the system does not show what has arrived, a connection is reset a while later, and never ended', async () => {
  const {socket, client, how} = await connection()
  let got = 0
  const all = new Promise<void>((resolve) => {
    client.on('data', (piece: Buffer) => {
      got += piece.length
      if (got === 100_000) resolve()
    })
  })
  await new Promise((resolve) => socket.write(Buffer.alloc(100_000), resolve))
  const real = fs.readFile
  fs.readFile = (() => Promise.reject(new Error('no such list'))) as typeof real
  syncBuiltinESMExports()
  vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout']})
  try {
    await breakOff(socket, 1e6)
  } finally {
    fs.readFile = real
    syncBuiltinESMExports()
  }
  await all
  expect(socket.destroyed).toBe(false)
  await vi.advanceTimersByTimeAsync(60_000)
  vi.useRealTimers()
  expect(await how).toBe('ECONNRESET')
})

it.each([
  ['all of it', true, 'end'],
  ['not all of it', false, 'ECONNRESET'],
])('a connection that is dropped when %s was sent shows that', async (_, whole, shown) => {
  const {socket, client, how} = await connection()
  // More than the systems keep, to a client that does not read.
  if (whole) await new Promise<void>((resolve) => socket.end('x', resolve))
  else socket.write(Buffer.alloc(64 * 1024 * 1024))
  drop(socket)
  client.resume()
  expect(await how).toBe(shown)
  client.destroy()
})
