import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {Secret} from '../../../src/lib/core/secret.js'
import {keepLastBytes} from '../../../src/lib/network/connection-end.js'
import {forwardTcp, type TcpForwardOptions} from '../../../src/lib/tunnel/forward/tcp.js'
import type {ListenAddress} from '../../../src/lib/tunnel/types.js'
import {startConnectProxy} from '../../support/connect-proxy.js'
import {startHttpEdge, type HttpEdge} from '../../support/http-edge.js'
import {HOST} from '../../support/scripted-edge.js'
import {AMPLE_MS} from '../../support/patience.js'

let directory: string
let edge: HttpEdge

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-forward-tcp-'))
  edge = await startHttpEdge(directory)
})
afterAll(async () => {
  await edge.close()
  await fs.rm(directory, {recursive: true, force: true})
})

interface Forwarded {
  /** What came back; undefined when the connection was reset. */
  echo: string | undefined
  failures: unknown[]
}

async function forwarded(proxyPort: number): Promise<Forwarded> {
  const failures: unknown[] = []
  const credentials = {clientId: 'f00d.access', clientSecret: new Secret('present')}
  const forward = await forwardTcp({
    target: {
      edge: {host: HOST, connectTo: undefined, caFile: edge.caFile},
      credentials,
      tokenId: 'id',
      name: 'ci',
      by: 'binding',
    },
    listen: {address: '127.0.0.1', port: 0},
    environment: {https_proxy: `http://user:hunter2@127.0.0.1:${proxyPort}`},
    timeoutMs: AMPLE_MS,
    events: {onFailure: (error) => failures.push(error)},
  })
  const client = net.connect((forward.listen as ListenAddress).port, '127.0.0.1')
  const echo = await new Promise<string | undefined>((resolve) => {
    client.once('data', (data) => {
      resolve(data.toString())
    })
    client.once('error', () => {
      resolve(undefined)
    })
    client.write('through the edge')
  })
  client.destroy()
  await forward.close()
  return {echo, failures}
}

function targetAt({port, caFile}: {port: number; caFile: string}): TcpForwardOptions['target'] {
  return {
    edge: {host: HOST, connectTo: `127.0.0.1:${port}`, caFile},
    credentials: {clientId: 'f00d.access', clientSecret: new Secret('present')},
    tokenId: 'id',
    name: 'ci',
    by: 'binding',
  }
}

it('more connections than a signal usually has listeners make node print no warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  const forward = await forwardTcp({
    target: targetAt(edge),
    listen: {address: '127.0.0.1', port: 0},
    timeoutMs: AMPLE_MS,
    events: {onFailure: () => undefined},
  })
  const clients = Array.from({length: 15}, () =>
    net.connect((forward.listen as ListenAddress).port, '127.0.0.1'),
  )
  await Promise.all(
    clients.map(
      (client) =>
        new Promise((resolve) => {
          client.once('data', resolve)
          client.write('x')
        }),
    ),
  )
  for (const client of clients) client.destroy()
  await forward.close()
  process.removeListener('warning', note)
  expect(warnings).toEqual([])
})

it('a connection beyond the limit is reset, so that it is not taken for an empty answer', async () => {
  const forward = await forwardTcp({
    target: targetAt(edge),
    listen: {address: '127.0.0.1', port: 0},
    limit: 1,
    timeoutMs: AMPLE_MS,
    events: {onFailure: () => undefined},
  })
  const {port} = forward.listen as ListenAddress
  const one = net.connect(port, '127.0.0.1')
  await new Promise((resolve) => {
    one.once('data', resolve)
    one.write('x')
  })
  const other = net.connect(port, '127.0.0.1')
  keepLastBytes(other, other)
  const how = await new Promise<string | undefined>((resolve) => {
    other.resume()
    other.once('end', () => {
      resolve('end')
    })
    other.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code)
    })
  })
  expect(how).toBe('ECONNRESET')
  expect(forward.served()).toBe(1)
  one.destroy()
  await forward.close()
})

describe('a TCP forward behind a proxy of the network', () => {
  it('goes through it, encrypted', async () => {
    const proxy = await startConnectProxy(edge.port)
    expect(await forwarded(proxy.port)).toEqual({echo: 'through the edge', failures: []})
    expect(proxy.requests[0]).toContain(`CONNECT ${HOST}:443 `)
    expect(proxy.requests.join('') + proxy.through).not.toMatch(/Client-Secret|present|through the edge/i)
    await proxy.close()
  })

  it('is reset where that refuses, and says why without its password', async () => {
    const proxy = await startConnectProxy(edge.port, 'HTTP/1.1 407 No\r\n\r\n')
    const {echo, failures} = await forwarded(proxy.port)
    expect(echo).toBeUndefined()
    expect(failures).toMatchObject([{code: 'PROXY_REFUSED'}])
    expect(JSON.stringify(failures)).not.toContain('hunter2')
    await proxy.close()
  })
})
