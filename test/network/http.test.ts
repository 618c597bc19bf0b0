import fs from 'node:fs/promises'
import type {IncomingMessage} from 'node:http'
import net, {type AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {keepReading} from '../../src/lib/network/lossless-socket.js'
import {endToEnd, framingOf, trailersOf} from '../../src/lib/network/http-message.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {parseOrigins, readOrigin} from '../../src/lib/sandbox/origins.js'

const message = (rawHeaders: string[], httpVersion = '1.1'): IncomingMessage =>
  ({rawHeaders, httpVersion}) as IncomingMessage

describe('how a message ends', () => {
  it.each([
    [['Content-Length', '5'], {kind: 'length', length: '5'}],
    [['transfer-encoding', 'Chunked'], {kind: 'chunked'}],
    [['X', 'y'], {kind: 'none'}],
    [['Content-Length', '5', 'content-length', '5'], undefined],
    [['Content-Length', '5, 5'], undefined],
    [['Content-Length', '+5'], undefined],
    [['Content-Length', ''], undefined],
    [['Transfer-Encoding', 'chunked', 'Content-Length', '5'], undefined],
    [['Transfer-Encoding', 'gzip, chunked'], undefined],
    [['Transfer-Encoding', 'chunked, identity'], undefined],
    [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], undefined],
  ])('%j', (raw, framing) => {
    expect(framingOf(message(raw))).toEqual(framing)
  })

  it('in chunks only with HTTP/1.1', () => {
    expect(framingOf(message(['Transfer-Encoding', 'chunked'], '1.0'))).toBeUndefined()
  })

  it.each(['content-length', 'Host', 'cf-access-client-id', 'cookie', 'Authorization', 'origin'])(
    'and who is meant is not decided by Connection: %s',
    (name) => {
      const kept = endToEnd(['Connection', `${name}, x-hop`, 'X-Hop', '1', name, 'v'])
      // The length is written anew for each connection.
      expect(kept).toEqual(name === 'content-length' ? [] : [[name, 'v']])
    },
  )

  it('trailers say nothing of the body, the host or who asks', () => {
    const raw = [
      'X-Sum',
      '1',
      'Content-Length',
      '3',
      'Host',
      'x',
      'Transfer-Encoding',
      'chunked',
      'CF-Access-Client-Id',
      'x',
    ]
    expect(trailersOf(raw)).toEqual([['X-Sum', '1']])
  })
})

it('a connection that is reset tells so when all before it was read', async () => {
  const data = Buffer.alloc(40_000, 'x')
  const server = net.createServer((peer) => {
    peer.on('error', () => undefined)
    peer.write(data)
    peer.once('data', () => peer.resetAndDestroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = keepReading(net.connect({port: (server.address() as AddressInfo).port, host: '127.0.0.1'}))
  let got = 0
  socket.on('data', (chunk: Buffer) => (got += chunk.length)).pause()
  socket.on('error', () => undefined)
  await expect.poll(() => socket.readableLength, {timeout: 20_000}).toBe(data.length)
  const failed = new Promise((resolve) => socket.once('close', resolve))
  socket.write('now')
  // Whatever fails meanwhile, what was read stays.
  socket.destroy(Object.assign(new Error('reset'), {code: 'ECONNRESET'}))
  expect(socket.destroyed).toBe(false)
  socket.resume()
  await failed
  expect(got).toBe(data.length)
  server.close()
})

it('certificates are kept for so many names, and for host names only', async () => {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-names-'))
  const authority = await openCertificateAuthority(directory, Date.now())
  const first = await authority.contextFor('n.example.com')
  expect(await authority.contextFor('n.example.com')).toBe(first)
  for (let at = 0; at < 70; at++) await authority.contextFor(`n${at}.example.com`)
  expect(await authority.contextFor('n.example.com')).not.toBe(first)
  expect(await authority.contextFor('CN=a,O=b')).toBe(await authority.contextFor('a\nb'))
  await fs.rm(directory, {recursive: true, force: true})
})

it('an origin says what speaks there, or leaves it open', () => {
  expect(readOrigin('127.0.0.1:80')).toEqual({address: '127.0.0.1', port: 80, kind: 'either'})
  expect(readOrigin('http://localhost:80')).toMatchObject({kind: 'http'})
  expect(readOrigin('ssh://127.0.0.1:22')).toMatchObject({kind: 'tcp'})
  expect(parseOrigins(['a.example=tcp://127.0.0.1:1'])).toEqual({'a.example': 'tcp://127.0.0.1:1'})
  for (const text of ['a=10.0.0.1:1', 'a=https://127.0.0.1:1', 'a=127.0.0.1:99999', 'a='])
    expect(() => parseOrigins([text])).toThrow(expect.objectContaining({code: 'BAD_ORIGIN'}))
})
