import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {startSshServer} from '../../src/lib/sandbox/ssh-server.js'

let directory: string

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ssh-server-'))
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

/** What it says until it ends the connection. */
function untilItEnds(address: string, said: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = net.connect({host: '127.0.0.1', port: Number(address.split(':')[1])}, () => {
      socket.write(said)
    })
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => {
      resolve(heard)
    })
  })
}

describe("the sandbox's SSH server", () => {
  it.each([['nothing'], ['SSH-2'], ['SSH-2.0-Idle\r\n']])(
    'ends a client that does not log in, having sent %j',
    async (said) => {
      const server = await startSshServer(directory, 0, 300)
      expect(await untilItEnds(server.address, said === 'nothing' ? '' : said)).toMatch(/^SSH-2\.0-GitLab/)
      await server.close()
    },
  )

  it('stops beside clients that say nothing', async () => {
    const server = await startSshServer(directory)
    const socket = net.connect({host: '127.0.0.1', port: Number(server.address.split(':')[1])})
    const ended = new Promise((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('data', resolve))
    await server.close()
    await ended
  })
})
