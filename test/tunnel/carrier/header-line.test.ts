import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {UserError} from '../../../src/lib/core/errors.js'
import {openTunnel} from '../../../src/lib/tunnel/carrier/handshake.js'
import {checkHeaders} from '../../../src/lib/tunnel/carrier/header-line.js'
import {CREDENTIALS} from '../../support/carrier-session.js'
import {HOST, startEdge, type ScriptedEdge} from '../../support/scripted-edge.js'

/** Why these cannot be sent; undefined if they can. */
function refusal(...lines: string[]): string | undefined {
  try {
    checkHeaders(lines)
    return undefined
  } catch (error) {
    if (error instanceof UserError && error.code === 'BAD_HEADER') return error.why
    throw error
  }
}

describe('further headers of the request that opens a tunnel', () => {
  it.each([
    ['X-Client: build', 'X-Client: build'],
    ['X-Client:build', 'X-Client: build'],
    ['  X-Client :  two words  ', 'X-Client: two words'],
    ['X-Empty:', 'X-Empty:'],
    ['Cookie: a=b: c', 'Cookie: a=b: c'],
  ])('are sent as NAME: VALUE: %j', (line, sent) => {
    expect(checkHeaders([line])).toEqual([sent])
  })

  it.each([
    ['nothing', 'NAME: VALUE'],
    ['X-A;:b', 'NAME: VALUE'],
    [': b', 'NAME: VALUE'],
    ['X A: b', 'NAME: VALUE'],
    ['X-A: ü', 'NAME: VALUE'],
    ['X-A: b\r\nX-B: c', 'control characters'],
    ['X-A: b\nX-B: c', 'control characters'],
    ['Host: other.example', 'host'],
    ['CF-Access-Client-Id: x', 'headers of Access'],
    ['cf_access_token: x', 'headers of Access'],
    ['Upgrade: h2c', 'connection'],
    ['Transfer-Encoding: chunked', 'connection'],
    ['Sec-WebSocket-Protocol: x', 'zt sends this header'],
    ['User-Agent: x', 'zt sends this header'],
    [`X-A: ${'x'.repeat(9000)}`, '8192'],
  ])('are refused where they would be another request: %j', (line, why) => {
    expect(refusal(line)).toContain(why)
  })

  it('never end a line, and never name one that zt sends', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'host',
        'cf-access-client-id',
        'Upgrade',
        ':',
        ';',
        ' ',
        '\t',
        '\r\n',
        '\0',
        'x',
        'sec-websocket-key',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(part, {maxLength: 6}), (parts) => {
        const line = parts.join('')
        if (refusal(line) !== undefined) return
        const [sent = ''] = checkHeaders([line])
        expect(sent).toMatch(/^[\w!#$%&'*+.^`|~-]+:(?: [\x20-\x7E]*)?$/)
        expect(sent).not.toMatch(/^(?:host|cf[-_]access[-_].*|upgrade|sec-websocket-.*):/i)
      }),
    )
  })
})

describe('on the wire', () => {
  let directory: string
  let edge: ScriptedEdge
  let request = ''
  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-headers-'))
    edge = await startEdge({
      directory,
      onPeer: (peer) => {
        ;({request} = peer)
        peer.accept()
      },
    })
  })
  afterAll(async () => {
    await edge.close()
    await fs.rm(directory, {recursive: true, force: true})
  })

  it('they are in the request, beside the token and the destination', async () => {
    const {address: connectTo, caFile} = edge
    const headers = ['X-Client:build', 'X-Other: 2']
    const {socket} = await openTunnel({
      edge: {host: HOST, connectTo, caFile, destination: '10.0.0.7:22', headers},
      credentials: CREDENTIALS,
    })
    socket.destroy()
    expect(request.split('\r\n')).toEqual(
      expect.arrayContaining([
        `Host: ${HOST}`,
        'Cf-Access-Jump-Destination: 10.0.0.7:22',
        'X-Client: build',
        'X-Other: 2',
      ]),
    )
  })
})
