import http from 'node:http'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import type {CertificateAuthority} from '../../src/lib/sandbox/certificates.js'

export interface Listener {
  url: string
  /** The statuses sent so far. */
  received(): number[]
  close(): Promise<void>
}

/** Someone else's secret: zt does not have it, and it matches no known format. */
export const STRANGER = 'what-only-the-server-knows-0123456789-abcdefghij'

/** How an API can fail, each time with the request in its answer. */
export const FAULTS = [
  '500 that quotes the request',
  '401 that quotes the request',
  '403 that quotes the request',
  '404 that quotes the request',
  '429 that quotes the request',
  '200 that says no and quotes the request',
  '200 that is no JSON and quotes the request',
  '200 that holds only the request',
  '302 to an address with the request in it',
  'an answer that is cut off',
  'a connection that is cut',
]

/** The received headers and body, also encoded: as they are, and as a header value. */
async function quote(request: http.IncomingMessage): Promise<{text: string; header: string}> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = JSON.stringify(request.headers) + Buffer.concat(chunks).toString()
  const header =
    [request.headers.authorization, request.headers['cf-access-client-secret']].filter(Boolean).join('-') ||
    'none'
  return {text: `${text} ${Buffer.from(text).toString('base64')}`, header}
}

/** An API that fails as its path says and echoes the request. */
export async function startEchoingServer(): Promise<Listener> {
  const sent: number[] = []
  const server = http.createServer((request, response) => {
    void (async () => {
      const {text, header} = await quote(request)
      const fault = (request.url ?? '').split('/')[1] ?? ''
      const status = Number(/^\d{3}/.exec(fault)?.[0] ?? 200)
      sent.push(status)
      const no = JSON.stringify({
        success: false,
        errors: [{code: 1234, message: `${STRANGER} ${text}`, error_chain: [{code: 5, message: header}]}],
        messages: [{message: text}],
        result: null,
      })
      if (fault.startsWith('a-connection')) return void request.socket.destroy()
      response.writeHead(status, {
        'content-type': 'application/json',
        'cf-ray': header,
        location: `/login/${header}?to=${header}`,
        'retry-after': '99999',
      })
      if (fault.startsWith('an-answer')) {
        response.write(no.slice(0, -2))
        setTimeout(() => request.socket.destroy(), 5)
      } else if (fault.includes('no-JSON')) response.end(`{"success": true, "result": ${text}`)
      else if (fault.includes('holds-only')) response.end(JSON.stringify({success: true, result: {text}}))
      else response.end(no)
    })()
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return listener(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent)
}

/** An edge that refuses every upgrade (with the status in the host: `s403.…`) and has the credentials in all headers. */
export async function startEchoingEdge(authority: CertificateAuthority): Promise<Listener> {
  const sent: number[] = []
  const server = https.createServer({
    SNICallback: (name, callback) => {
      authority.contextFor(name).then(
        (context) => callback(null, context),
        (error: Error) => callback(error),
      )
    },
  })
  server.on('upgrade', (request, socket) => {
    const status = Number(/^s(\d{3})\./.exec(request.headers.host ?? '')?.[1] ?? 403)
    sent.push(status)
    const secret = String(request.headers['cf-access-client-secret'])
    const lines = [
      `HTTP/1.1 ${status} ${secret}`,
      ...['cf-ray', 'location', 'server', 'set-cookie', 'www-authenticate', 'x-reason'].map(
        (name) => `${name}: ${name === 'location' ? `https://elsewhere.example/${secret}` : secret}`,
      ),
      'connection: close',
      '',
      JSON.stringify(request.headers),
    ]
    socket.on('error', () => socket.destroy())
    socket.end(lines.join('\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return listener(server, `127.0.0.1:${(server.address() as AddressInfo).port}`, sent)
}

function listener(server: http.Server | https.Server, url: string, sent: number[]): Listener {
  return {
    url,
    received: () => sent,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
