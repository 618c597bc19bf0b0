import {once} from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import {expect, it} from 'vitest'
import {strayAddresses} from '../support/hermetic.js'

// 198.51.100.0/24 and 2001:db8::/32 are for documentation (RFC 5737, RFC 3849): no host has them.
it.each<[what: string, connect: () => NodeJS.EventEmitter]>([
  ['a socket', () => net.connect({host: '198.51.100.1', port: 443})],
  ['a port and a host', () => net.connect(443, '198.51.100.1')],
  ['IPv6', () => net.connect({host: '2001:db8::1', port: 443})],
  ['a name', () => net.connect({host: 'api.example', port: 443, lookup: (_name, _options, found) => found(null, [{address: '198.51.100.1', family: 4}])})],
  ['TLS', () => tls.connect({host: '198.51.100.1', port: 443})],
  ['HTTP', () => http.get('http://198.51.100.1/')],
])('a test reaches nothing but this machine: %s', async (_what, connect) => {
  const [error] = (await once(connect(), 'error').catch((thrown: unknown) => [thrown])) as [Error]
  expect(error.message).toMatch(/^a test reaches for (198\.51\.100\.1|2001:db8::1)$/)
  expect(strayAddresses.size).toBe(1)
  strayAddresses.clear()
}) // prettier-ignore

it('a test reaches this machine', async () => {
  const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as net.AddressInfo
  for (const host of ['127.0.0.1', 'localhost']) await once(net.connect({host, port}).resume(), 'close')
  expect([...strayAddresses]).toEqual([])
  server.close()
})

const tests = path.resolve(import.meta.dirname, '..')

it('every module that a test replaces exists: a path that has moved would replace nothing', () => {
  const files = fs
    .readdirSync(tests, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
  const missing = files.flatMap((name) => {
    const file = path.join(tests, name)
    const text = fs.readFileSync(file, 'utf8')
    return [...text.matchAll(/vi\.(?:do)?[mM]ock\(\s*'(\.[^']+)\.js'/g)]
      .map(([, module = '']) => path.resolve(path.dirname(file), `${module}.ts`))
      .filter((module) => !fs.existsSync(module))
  })
  expect(missing).toEqual([])
})
