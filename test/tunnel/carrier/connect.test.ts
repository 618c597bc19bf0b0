import dns from 'node:dns'
import fs from 'node:fs/promises'
import net, {type AddressInfo, type Socket} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {Secret} from '../../../src/lib/core/secret.js'
import {openTunnel, type HandshakeOptions} from '../../../src/lib/tunnel/carrier/handshake.js'
import {CREDENTIALS} from '../../support/carrier-session.js'
import {HOST, startEdge, type Peer, type ScriptedEdge} from '../../support/scripted-edge.js'

let directory: string
let edge: ScriptedEdge
let script: (peer: Peer) => void = (peer) => {
  peer.accept()
}
const servers: net.Server[] = []

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-connect-'))
  edge = await startEdge({
    directory,
    onPeer: (peer) => {
      script(peer)
    },
  })
})

afterAll(async () => {
  await edge.close()
  for (const server of servers) server.close()
  await fs.rm(directory, {recursive: true, force: true})
})

const sockets = new Set<Socket>()
afterAll(() => {
  for (const socket of sockets) socket.destroy()
})

async function listen(onSocket: (socket: Socket) => void, address = '127.0.0.1'): Promise<number> {
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return (server.address() as AddressInfo).port
}

interface Outcome {
  opened: boolean
  error: {kind: string; code: string; message: string; why: string; next: string[]} | undefined
}

async function open(options: Partial<HandshakeOptions> & {connectTo?: string} = {}): Promise<Outcome> {
  const {connectTo = edge.address, ...more} = options
  try {
    const {socket} = await openTunnel({
      edge: {host: HOST, connectTo, caFile: edge.caFile},
      credentials: CREDENTIALS,
      ...more,
    })
    socket.destroy()
    return {opened: true, error: undefined}
  } catch (error) {
    return {opened: false, error: error as Outcome['error']}
  }
}

describe('each stage of the connection has its limit:', () => {
  it('TLS that never begins', async () => {
    const silent = await listen(() => undefined)
    const {error} = await open({connectTo: `127.0.0.1:${silent}`, limits: {tls: 200}})
    expect(error).toMatchObject({kind: 'unreachable', code: 'EDGE_TIMEOUT'})
    expect(error?.why).toContain('TLS was not established within 0.2 s')
  })

  it('an answer that never comes', async () => {
    script = () => undefined
    const {error} = await open({limits: {answer: 200}})
    expect(error?.why).toContain('accepted the request and sent nothing for 0.2 s')
  })

  it('an answer that drips in for ever, by the limit of the whole', async () => {
    script = (peer) => {
      peer.socket.write('HTTP/1.1 101 Switching Protocols\r\n')
      const timer = setInterval(() => peer.socket.write('X-More: 1\r\n'), 20)
      peer.socket.once('close', () => {
        clearInterval(timer)
      })
    }
    const {error} = await open({timeoutMs: 300})
    expect(error).toMatchObject({code: 'EDGE_TIMEOUT'})
  })

  it('a head that never ends, by its length', async () => {
    script = (peer) => {
      peer.socket.write(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(70_000)}`)
    }
    expect((await open()).error).toMatchObject({code: 'EDGE_PROTOCOL'})
  })

  it.each(['SSH-2.0-OpenSSH_9.9\r\n', '\0\0\0\0', 'HTTP/2 101\r\n\r\n', 'HTTP/1.1 abc\r\n\r\n'])(
    'what is not HTTP is not waited for: %j',
    async (answer) => {
      script = (peer) => {
        peer.socket.write(answer)
      }
      const {error} = await open()
      expect(error).toMatchObject({code: 'EDGE_PROTOCOL', why: 'Its answer is not HTTP.'})
    },
  )

  it('an interruption ends it at once', async () => {
    script = () => undefined
    const abort = new AbortController()
    setTimeout(() => {
      abort.abort()
    }, 50)
    const {error} = await open({signal: abort.signal})
    expect(error).toMatchObject({kind: 'cancelled', code: 'INTERRUPTED'})
    const before = edge.connections
    expect((await open({signal: abort.signal})).error).toMatchObject({code: 'INTERRUPTED'})
    expect(edge.connections).toBeLessThanOrEqual(before + 1)
  })

  it('nothing keeps running afterwards', async () => {
    script = (peer) => {
      peer.accept()
    }
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    for (let i = 0; i < 5; i++) expect((await open()).opened).toBe(true)
    expect(timers()).toBeLessThanOrEqual(before + 1)
  })
})

describe('a host with several addresses', () => {
  it('is reached by the one that answers, however the others fail', async () => {
    script = (peer) => {
      peer.accept()
    }
    const looked = vi.spyOn(dns, 'lookup').mockImplementation(((
      _: string,
      __: object,
      done: (error: null, addresses: dns.LookupAddress[]) => void,
    ) => {
      done(null, [
        // A closed port; no answer or no way (a net for documentation, RFC 5737); the edge.
        {address: '::1', family: 6},
        {address: '192.0.2.1', family: 4},
        {address: '127.0.0.1', family: 4},
      ])
    }) as unknown as typeof dns.lookup)
    try {
      const {error} = await open({connectTo: `edge.example:${edge.port}`})
      expect(error).toBeUndefined()
      expect(looked).toHaveBeenCalledOnce()
    } finally {
      looked.mockRestore()
    }
  })
})

describe('trust', () => {
  it('a CA file may hold several certificates', async () => {
    const both = path.join(directory, 'both.pem')
    await fs.writeFile(both, `${tls.rootCertificates[0]}\n${await fs.readFile(edge.caFile, 'utf8')}`)
    script = (peer) => {
      peer.accept()
    }
    expect((await open({edge: {host: HOST, connectTo: edge.address, caFile: both}})).error).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['no PEM', 'a CA'],
    ['a PEM that is no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ])('a CA file with %s in it is refused, and nothing is connected', async (_, text) => {
    const file = path.join(directory, 'bad.pem')
    await fs.writeFile(file, text)
    const before = edge.connections
    const {error} = await open({edge: {host: HOST, connectTo: edge.address, caFile: file}})
    expect(error).toMatchObject({kind: 'config', code: 'BAD_CA_FILE'})
    expect(edge.connections).toBe(before)
  })
})

describe('through a proxy', () => {
  const USER = 'http://us%65r:p%40ss@'

  interface Proxy {
    port: number
    requests: string[]
    through: number
  }

  /** Answers CONNECT with a status, and connects to the edge for 200. */
  async function startProxy(answer: string): Promise<Proxy> {
    const proxy: Proxy = {port: 0, requests: [], through: 0}
    proxy.port = await listen((socket) => {
      socket.once('data', (chunk) => {
        proxy.requests.push(chunk.toString('latin1'))
        if (answer === '') return
        if (!answer.startsWith('HTTP/1.1 200')) {
          socket.end(answer)
          return
        }
        const behind = net.connect(edge.port, '127.0.0.1', () => {
          socket.write(answer)
          socket.pipe(behind).pipe(socket)
          socket.on('data', (data) => (proxy.through += data.length))
        })
        behind.on('error', () => socket.destroy())
      })
    })
    return proxy
  }

  const via = (
    port: number,
    user = '',
  ): {edge: HandshakeOptions['edge']; environment: Record<string, string>} => ({
    edge: {host: HOST, connectTo: undefined, caFile: edge.caFile},
    environment: {HTTPS_PROXY: `${user || 'http://'}127.0.0.1:${port}`},
  })

  it('asks for the host by name, with the user and password of the variable, and carries TLS through it', async () => {
    script = (peer) => {
      peer.accept()
    }
    const proxy = await startProxy('HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n')
    const {error, opened} = await open(via(proxy.port, USER))
    expect(error).toBeUndefined()
    expect(opened).toBe(true)
    expect(proxy.requests[0]?.replace(/User-Agent: \S+/, 'User-Agent: …').split('\r\n')).toEqual([
      `CONNECT ${HOST}:443 HTTP/1.1`,
      `Host: ${HOST}:443`,
      'User-Agent: …',
      `Proxy-Authorization: Basic ${Buffer.from('user:p@ss').toString('base64')}`,
      '',
      '',
    ])
    expect(proxy.through).toBeGreaterThan(300)
  })

  it('tells the proxy nothing of the token', async () => {
    const proxy = await startProxy('HTTP/1.1 200 OK\r\n\r\n')
    await open(via(proxy.port))
    expect(proxy.requests.join('')).not.toMatch(/cfast_|Cf-Access|Authorization/)
  })

  it('goes past it where NO_PROXY says so', async () => {
    const proxy = await startProxy('HTTP/1.1 403 Forbidden\r\n\r\n')
    const {error} = await open({
      ...via(proxy.port),
      environment: {HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '*'},
      edge: {host: HOST, connectTo: edge.address, caFile: edge.caFile},
    })
    expect(error).toBeUndefined()
    expect(proxy.requests).toEqual([])
  })

  it.each([
    [407, '', 'requires a user and password'],
    [407, USER, 'does not accept the user and password'],
    [403, USER, 'does not allow'],
    [502, USER, 'cannot reach that address'],
    [504, '', 'cannot reach that address'],
    [405, '', 'does not make the connection'],
    [302, '', 'does not make the connection'],
  ])('a refusal with %i (user: %j) is named, without the password', async (status, user, why) => {
    const proxy = await startProxy(
      `HTTP/1.1 ${status} No\r\nProxy-Authenticate: Basic\r\nLocation: http://x/\r\n\r\n`,
    )
    const {error} = await open(via(proxy.port, user))
    expect(error).toMatchObject({kind: 'unreachable', code: 'PROXY_REFUSED'})
    expect(error?.message).toContain(`(${status})`)
    expect(error?.why).toContain(why)
    expect(JSON.stringify([error?.message, error?.why, error?.next])).not.toMatch(/p@ss|p%40ss|dXNlcjpw/)
  })

  it('has a limit of its own', async () => {
    const proxy = await startProxy('')
    const {error} = await open({...via(proxy.port), limits: {proxy: 200}})
    expect(error).toMatchObject({code: 'PROXY_TIMEOUT'})
    expect(error?.why).toContain('HTTPS_PROXY')
  })

  it.each([
    ['is not there', '127.0.0.1:1', 'Nothing listens there'],
    ['does not speak TLS, as https:// says', '', 'not speak TLS'],
  ])('one that %s is named', async (_, address, why) => {
    const port = await listen((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'))
    const url = address === '' ? `https://127.0.0.1:${port}` : `http://${address}`
    const {error} = await open({...via(0), environment: {https_proxy: url}})
    expect(error).toMatchObject({code: 'PROXY_UNREACHABLE'})
    expect(error?.why).toContain(why)
    expect(error?.why).toContain('https_proxy')
  })

  it('an https:// proxy must show a certificate that is trusted', async () => {
    const {error} = await open({...via(0), environment: {https_proxy: `https://localhost:${edge.port}`}})
    expect(error).toMatchObject({code: 'PROXY_NOT_TRUSTED'})
  })

  it('one that talks into the connection is not trusted with it', async () => {
    const port = await listen((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nhello'))
    })
    expect((await open(via(port))).error).toMatchObject({code: 'PROXY_REFUSED'})
  })

  it('the certificate is still checked, and the token not sent to what lies behind', async () => {
    const proxy = await startProxy('HTTP/1.1 200 OK\r\n\r\n')
    const before = edge.received.length
    const {error} = await open({
      ...via(proxy.port),
      edge: {host: HOST, connectTo: undefined, caFile: undefined},
    })
    expect(error).toMatchObject({code: 'EDGE_NOT_TRUSTED'})
    expect(edge.received.length).toBe(before)
  })
})

describe('credentials', () => {
  it.each(['', 'a b', 'a\r\nX: y', 'ä'])('%j are not sent', async (word) => {
    const before = edge.connections
    const {error} = await open({credentials: {clientId: 'x', clientSecret: new Secret(word)}})
    expect(error).toMatchObject({code: 'CREDENTIALS_MALFORMED'})
    expect(edge.connections).toBe(before)
  })
})
