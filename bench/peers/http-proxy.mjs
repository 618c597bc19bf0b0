// What node itself can do between plain HTTP and the edge: its server, its client with kept connections, the two headers,
// and no check of anything. argv: the port, the edge's address, a file with its CA, the host.
import {readFileSync} from 'node:fs'
import http from 'node:http'
import https from 'node:https'

const [port, address, caFile, host] = process.argv.slice(2)
const at = address.lastIndexOf(':')
const edge = {host: address.slice(0, at), port: address.slice(at + 1)}
const agent = new https.Agent({
  keepAlive: true,
  maxFreeSockets: 512,
  ca: readFileSync(caFile),
  servername: host,
})
const {CF_ACCESS_CLIENT_ID: id, CF_ACCESS_CLIENT_SECRET: secret} = process.env
const own = ['Host', host, 'CF-Access-Client-Id', id, 'CF-Access-Client-Secret', secret]

http
  .createServer((request, response) => {
    const {method, url: path, rawHeaders} = request
    const others = rawHeaders.flatMap((name, n) =>
      n % 2 === 0 && name.toLowerCase() !== 'host' ? [name, rawHeaders[n + 1]] : [],
    )
    const upstream = https.request({...edge, agent, method, path, headers: [...own, ...others]}, (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders)
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    request.pipe(upstream)
  })
  .listen(Number(port), '127.0.0.1')
