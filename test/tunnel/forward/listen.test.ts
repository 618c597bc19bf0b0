import {spawnSync} from 'node:child_process'
import {once} from 'node:events'
import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {parseListen, placeOf, startListening} from '../../../src/lib/tunnel/forward/listen.js'

const code = (expected: string): unknown => expect.objectContaining({code: expected})

describe('--listen unix:PATH', () => {
  it('is a full path, of a length that the system takes', () => {
    expect(parseListen('unix:db.sock', false)).toEqual({socket: path.resolve('db.sock')})
    expect(placeOf(parseListen('unix:/run/db', false))).toBe('unix:/run/db')
    for (const bad of ['unix', 'unix:', `unix:/${'x'.repeat(107)}`])
      expect(() => parseListen(bad, false), bad).toThrow(code('BAD_LISTEN'))
  })

  it('is refused on Windows, which has no such sockets for node', () => {
    expect(() => parseListen('unix:db.sock', false, {platform: 'win32'})).toThrow(code('BAD_LISTEN'))
  })
})

describe.skipIf(process.platform === 'win32')('a Unix socket', () => {
  let directory: string
  let socket: string
  const servers: net.Server[] = []
  const listen = async (): Promise<net.Server> => {
    const server = net.createServer((client) => client.on('error', () => undefined).end('served'))
    await startListening(server, {socket})
    servers.push(server)
    return server
  }

  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-l-'))
    socket = path.join(directory, 'db')
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close()
    await fs.rm(directory, {recursive: true, force: true})
  })

  it.each([0o000, 0o022, 0o077])('is for this user alone under the umask %i, which stays', async (umask) => {
    const before = process.umask(umask)
    try {
      await listen()
      expect((await fs.stat(socket)).mode & 0o777).toBe(0o600)
      expect(process.umask()).toBe(umask)
    } finally {
      process.umask(before)
    }
  })

  it('takes the place of one that a killed process has left', async () => {
    const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script, socket])
    expect((await fs.lstat(socket)).isSocket()).toBe(true)
    await listen()
    const client = net.connect(socket)
    expect(String(((await once(client, 'data')) as [Buffer])[0])).toBe('served')
  })

  it('does not take the place of one that is in use, nor of another file', async () => {
    const server = await listen()
    await expect(listen()).rejects.toThrow(code('CANNOT_LISTEN'))
    await new Promise((resolve) => server.close(resolve))
    await fs.writeFile(socket, 'precious')
    await expect(listen()).rejects.toThrow(code('CANNOT_LISTEN'))
    expect(await fs.readFile(socket, 'utf8')).toBe('precious')
  })

  it('is not made where others could replace it, or where there is no directory', async () => {
    await fs.chmod(directory, 0o770)
    await expect(listen()).rejects.toThrow(code('UNSAFE_PERMISSIONS'))
    await fs.rm(directory, {recursive: true})
    await expect(listen()).rejects.toThrow(code('CANNOT_LISTEN'))
  })
})
