// The least that node can do to reach a server behind the edge: one file, one TLS connection, one upgrade, and the answer
// goes to stdout. It checks no frame and no refusal: it takes as long as the handshake that every client needs.
//   handshake HOST ADDRESS:PORT CA-FILE
'use strict'
const {readFileSync} = require('node:fs')
const tls = require('node:tls')

const [host, address, caFile] = process.argv.slice(2)
const colon = address.lastIndexOf(':')
const secureContext = tls.createSecureContext({minVersion: 'TLSv1.2'})
// In addition to node's own CAs; the `ca` option would read all of those again.
secureContext.context.addCACert(readFileSync(caFile, 'utf8'))

const socket = tls.connect({
  host: address.slice(0, colon),
  port: Number(address.slice(colon + 1)),
  servername: host,
  secureContext,
})
socket.write(
  [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16, 'zt').toString('base64')}`,
    `Cf-Access-Client-Id: ${process.env.CF_ACCESS_CLIENT_ID}`,
    `Cf-Access-Client-Secret: ${process.env.CF_ACCESS_CLIENT_SECRET}`,
    '\r\n',
  ].join('\r\n'),
)

let answer = Buffer.alloc(0)
let isOpen = false
socket.on('data', (chunk) => {
  answer = Buffer.concat([answer, chunk])
  const end = answer.indexOf('\r\n\r\n')
  if (!isOpen && end > 0) {
    if (!answer.includes('HTTP/1.1 101 ')) throw new Error(String(answer.subarray(0, answer.indexOf('\r\n'))))
    isOpen = true
    answer = answer.subarray(end + 4)
  }
  // After the two bytes of a short frame's header comes what the server says.
  if (isOpen && answer.length > 2) {
    process.stdout.write(answer.subarray(2))
    answer = answer.subarray(0, 0)
  }
})
process.stdin.on('end', () => socket.end()).resume()
