// Does what `cloudflared access ssh` does to a TLS server (its source: cmd/cloudflared/access/carrier.go, carrier/websocket.go,
// token/token.go): what it dials, which server name it sends, what it checks the certificate for, what it says of a refusal.
'use strict'
const fs = require('node:fs')
const https = require('node:https')
const net = require('node:net')
const {WebSocket} = require('ws')

const [command, ...words] = process.argv.slice(2)
if (command === '--version') {
  process.stdout.write('cloudflared version 2026.8.2 (like it)\n')
  process.exit(0)
}
const option = (name, variable) => {
  const at = words.indexOf(`--${name}`)
  return at >= 0 ? words[at + 1] : process.env[variable]
}
const end = (text) => {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

const hostname = option('hostname', 'TUNNEL_SERVICE_HOSTNAME')
const connectTo = option('connect-to')
const parts = connectTo === undefined ? [] : connectTo.split(':')
if (parts.length > 3) end(`invalid connection override: ${connectTo}`)
const [host, port] = parts.length === 3 ? [parts[2], parts[1]] : parts.length > 0 ? parts : [hostname]
const url = `https://${host}${port === undefined ? '' : `:${port}`}`
// Go sends no server name for an address, and checks the certificate for what it dialled.
const tls =
  parts.length === 3
    ? {servername: parts[0], rejectUnauthorized: false}
    : {servername: net.isIP(host) ? '' : host, ca: fs.readFileSync(process.env.SSL_CERT_FILE || '/dev/null')}
const headers = {Host: hostname, 'User-Agent': 'cloudflared/2026.8.2'}
const id = option('id', 'TUNNEL_SERVICE_TOKEN_ID')
const secret = option('secret', 'TUNNEL_SERVICE_TOKEN_SECRET')
if (id !== undefined) headers['Cf-Access-Client-Id'] = id
if (secret !== undefined) headers['Cf-Access-Client-Secret'] = secret

const socket = new WebSocket(url.replace('https', 'wss'), {headers, perMessageDeflate: false, ...tls})
socket.on('error', (error) => end(error.message))
socket.on('unexpected-response', (_request, response) => {
  const {statusCode, headers: answer} = response
  const login = statusCode === 302 && /^https:\/\/[^/]+\/cdn-cgi\/access\/login/.test(answer.location || '')
  if (!login) end('websocket: bad handshake')
  // Go's own trust and server name again, and the Host header of the address: the override is not for this request.
  const {servername, ...trust} = tls
  const asked = https.request(url, {
    method: 'HEAD',
    headers: {'cf-access-metadata-request': 'true'},
    ...(parts.length === 3
      ? {ca: fs.readFileSync(process.env.SSL_CERT_FILE || '/dev/null')}
      : {servername, ...trust}),
  })
  asked.on('error', (error) => end(`failed to get app info: ${error.message}`))
  asked.on('response', ({headers: found}) =>
    end(found['cf-access-metadata'] ? 'a browser' : `failed to find Access application at ${url}`),
  )
  asked.end()
})
socket.on('open', () => {
  socket.on('message', (data) => process.stdout.write(data))
  socket.on('close', () => process.exit(0))
  process.stdin.on('data', (data) => socket.send(data))
  process.stdin.on('end', () => process.exit(0))
})
