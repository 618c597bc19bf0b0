import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Secret} from '../../../src/lib/core/secret.js'
import {Callers, isLoopback} from '../../../src/lib/network/callers.js'
import {endToEnd} from '../../../src/lib/network/http-message.js'
import {requestHeaders, responseHeaders} from '../../../src/lib/tunnel/forward/headers.js'
import {parseListen} from '../../../src/lib/tunnel/forward/listen.js'
import {localNameOf} from '../../../src/lib/tunnel/forward/local-name.js'
import type {ListenAddress} from '../../../src/lib/tunnel/types.js'
import {checkHeaderName, checkOrigin} from '../../../src/lib/tunnel/forward/settings.js'

const host = 'app.example.com'
const base = 'http://localhost:8080'
const credentials = {clientId: 'id.access', clientSecret: new Secret('the-secret-of-the-test')}

function sent(raw: string[], singleHeader?: string): [string, string][] {
  const isOwnOrigin = (origin: string): boolean => origin === base
  return requestHeaders({raw, host, credentials, singleHeader, isOwnOrigin})
}

const received = (...raw: string[]): [string, string][] => responseHeaders(raw, {host, base})

describe('a request on its way to the edge', () => {
  it('names the public host, and carries the pair once', () => {
    expect(sent(['Host', 'localhost:8080', 'Accept', '*/*'])).toEqual([
      ['Host', host],
      ['Accept', '*/*'],
      ['CF-Access-Client-Id', 'id.access'],
      ['CF-Access-Client-Secret', 'the-secret-of-the-test'],
    ])
  })

  it('carries the pair in one header where the application wants that', () => {
    expect(sent(['Authorization', 'mine'], 'authorization')).toEqual([
      ['Host', host],
      [
        'authorization',
        '{"cf-access-client-id":"id.access","cf-access-client-secret":"the-secret-of-the-test"}',
      ],
    ])
  })

  it.each([
    ['CF-Access-Client-Id', 'x'],
    ['cf-access-client-secret', 'x'],
    ['Cf-Access-Jwt-Assertion', 'x'],
    ['cf_access_client_id', 'x'],
    ['CF-Access-Token', 'x'],
    ['Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['Transfer-Encoding', 'chunked'],
    ['TE', 'trailers'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'x'],
    ['Proxy-Authorization', 'x'],
    ['Expect', '100-continue'],
  ])('does not carry the client\u2019s %s', (name, value) => {
    const names = sent([name, value, 'X-Kept', '1']).map(([one, its]) => `${one.toLowerCase()}: ${its}`)
    expect(names).not.toContain(`${name.toLowerCase()}: ${value}`)
    expect(names).toContain('x-kept: 1')
  })

  it('does not carry what its Connection header names', () => {
    expect(endToEnd(['Connection', 'close, X-Hop', 'x-hop', '1', 'X-End', '2'])).toEqual([['X-End', '2']])
  })

  it('from a page of the listener\u2019s is one from a page of the host\u2019s', () => {
    expect(sent(['Origin', base, 'Referer', `${base}/page?x`]).slice(1, 3)).toEqual([
      ['Origin', `https://${host}`],
      ['Referer', `https://${host}/page?x`],
    ])
    expect(sent(['Origin', 'https://x.example', 'Referer', 'https://x.example/']).slice(1, 3)).toEqual([
      ['Origin', 'https://x.example'],
      ['Referer', 'https://x.example/'],
    ])
  })

  it('has one Host and one pair, whatever the client sends', () => {
    const name = fc.oneof(
      fc.constantFrom('Host', 'host', 'CF-Access-Client-Id', 'cf-access-client-SECRET', 'Connection', 'X-A'),
      fc.stringMatching(/^[A-Za-z-]{1,12}$/),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.stringMatching(/^[a-z, -]{0,12}$/))), (pairs) => {
        const names = sent(pairs.flat()).map(([one]) => one.toLowerCase())
        for (const once of ['host', 'cf-access-client-id', 'cf-access-client-secret'])
          expect(names.filter((one) => one === once)).toHaveLength(1)
        expect(names).not.toContain('connection')
      }),
    )
  })
})

describe('an answer on its way to the client', () => {
  it.each([
    [`https://${host}/next?a#b`, `${base}/next?a#b`],
    [`https://${host}`, base],
    [`https://${host}:443/x`, `${base}/x`],
    [`http://${host}/x`, `${base}/x`],
    [`//${host}/x`, `${base}/x`],
    [`https://APP.example.com/x`, `${base}/x`],
    ['/relative', '/relative'],
    ['relative', 'relative'],
    ['https://elsewhere.example/x', 'https://elsewhere.example/x'],
    [`https://${host}.elsewhere.example/`, `https://${host}.elsewhere.example/`],
    [`https://${host}@elsewhere.example/`, `https://${host}@elsewhere.example/`],
    [`https://${host}:8443/`, `https://${host}:8443/`],
  ])('a redirect to %s leads to %s', (location, local) => {
    expect(received('Location', location)).toEqual([['Location', local]])
  })

  it.each([
    ['Content-Location', `https://${host}/x`, `${base}/x`],
    ['SourceMap', `https://${host}/x.map`, `${base}/x.map`],
    ['Access-Control-Allow-Origin', `https://${host}`, base],
    ['Access-Control-Allow-Origin', '*', '*'],
    ['Timing-Allow-Origin', `https://${host}`, base],
    ['Refresh', '5', '5'],
    ['Refresh', `5; url=https://${host}/next`, `5; url=${base}/next`],
    ['Refresh', `0;URL='https://${host}'`, `0;URL='${base}'`],
    ['Refresh', `1, "https://${host}/a" x`, `1, "${base}/a" x`],
    ['Refresh', `5; url="https://${host}/open`, `5; url="${base}/open`],
    [
      'Refresh',
      `5; url=https://elsewhere.example/?to=https://${host}/`,
      `5; url=https://elsewhere.example/?to=https://${host}/`,
    ],
    [
      'Link',
      `<https://${host}/a.css>; rel=preload, </b>; rel=x, <https://x.example/?https://${host}/>`,
      `<${base}/a.css>; rel=preload, </b>; rel=x, <https://x.example/?https://${host}/>`,
    ],
    [
      'Content-Security-Policy',
      `default-src 'self' https://${host} wss://${host}/live; img-src ${host}:443 data:, connect-src https://x.example`,
      `default-src 'self' ${base} ws://localhost:8080/live; img-src localhost:8080 data:, connect-src https://x.example`,
    ],
    [
      'Content-Security-Policy-Report-Only',
      `script-src https://*.example.com 'nonce-x'; report-uri https://${host}/csp?a`,
      `script-src https://*.example.com ${base} 'nonce-x'; report-uri ${base}/csp?a`,
    ],
    ['Content-Security-Policy', `img-src *.${host} x${host}`, `img-src *.${host} x${host}`],
    [
      'Content-Security-Policy',
      "default-src https: data: 'unsafe-inline'; connect-src WSS: http:; upgrade-insecure-requests",
      `default-src https: ${base} data: 'unsafe-inline'; connect-src WSS: ws://localhost:8080 http:; `,
    ],
    ['Content-Security-Policy', 'block-all-mixed-content;frame-src https:', `;frame-src https: ${base}`],
    ['X-Else', `https://${host}/`, `https://${host}/`],
    ['constructor', `https://${host}/`, `https://${host}/`],
  ])('%s: %s reaches the client as %s', (name, value, local) => {
    expect(received(name, value)).toEqual([[name, local]])
  })

  it.each([
    ['a=b; Path=/; Secure; HttpOnly', 'a=b; Path=/; HttpOnly'],
    [`a=b; Domain=${host}; Path=/`, 'a=b; Path=/'],
    ['a=b; domain = .example.com', 'a=b'],
    ['a=b; SameSite=None; Secure; Partitioned', 'a=b'],
    ['a=b; SameSite=Lax', 'a=b; SameSite=Lax'],
    ['__Host-a=b; Secure; Path=/', '__Host-a=b; Secure; Path=/'],
    ['a=Secure; Max-Age=3', 'a=Secure; Max-Age=3'],
  ])('the cookie %s is kept as %s', (cookie, local) => {
    expect(received('Set-Cookie', cookie)).toEqual([['Set-Cookie', local]])
  })

  it.each(['CF_Authorization=eyJ; Path=/; Secure', 'CF_AppSession=x', 'cf_authorization=x'])(
    'the cookie %s, by which Access lets in, stays here',
    (cookie) => {
      expect(received('Set-Cookie', cookie, 'Set-Cookie', 'a=b')).toEqual([['Set-Cookie', 'a=b']])
    },
  )

  it('promises no https', () => {
    expect(received('Strict-Transport-Security', 'x', 'Alt-Svc', 'h3', 'Date', 'now')).toEqual([
      ['Date', 'now'],
    ])
  })
})

describe('who may use the listener', () => {
  const local = new Callers({
    listen: {address: '127.0.0.1', port: 8080},
    allowedOrigins: ['https://good.example'],
  })
  const call = (host: string | undefined, origin?: string, fetchSite?: string) => ({host, origin, fetchSite})

  it.each([
    call('localhost:8080'),
    call('LOCALHOST:8080'),
    call('127.0.0.1:8080'),
    call('127.0.0.2:8080'),
    call('[::1]:8080'),
    call('localhost:8080', 'http://localhost:8080', 'same-origin'),
    call('localhost:8080', 'http://127.0.0.1:8080'),
    call('localhost:8080', 'https://good.example', 'cross-site'),
    call('localhost:8080', undefined, 'none'),
    call('localhost:8080', undefined, 'same-origin'),
  ])('%j may', (given) => {
    expect(local.refusal(given)).toBeUndefined()
  })

  it.each([
    call(undefined),
    call(''),
    call('localhost'),
    call('localhost:8081'),
    call('evil.example:8080'),
    call('localhost.evil.example:8080'),
    call('127.0.0.1.evil.example:8080'),
    call('192.168.1.1:8080'),
    call('0.0.0.0:8080'),
    call('2130706433:8080'),
    call('127.1:8080'),
    call('localhost:8080@evil.example'),
    call('[::1:8080'),
    call('localhost:8080', 'null'),
    call('localhost:8080', 'https://evil.example'),
    call('localhost:8080', 'http://localhost:3000', 'same-site'),
    call('localhost:8080', 'https://localhost:8080'),
    call('localhost:8080', ''),
    call('localhost:8080', 'https://good.example.evil.example'),
    call('localhost:8080', undefined, 'cross-site'),
    call('localhost:8080', undefined, 'same-site'),
    call('evil.example:8080', 'https://good.example'),
  ])('%j may not', (given) => {
    expect(local.refusal(given)).toMatch(/listener/)
  })

  it('the name below localhost counts as its own, and that of another host does not', () => {
    const listen = {address: '127.0.0.1', port: 8080}
    const named = new Callers({listen, allowedOrigins: [], localName: localNameOf('a.example.com')})
    const own = 'a-example-com.localhost:8080'
    expect(named.refusal(call(own, `http://${own}`, 'same-origin'))).toBeUndefined()
    expect(named.refusal(call(own.toUpperCase()))).toBeUndefined()
    expect(named.refusal(call('localhost:8080'))).toBeUndefined()
    for (const other of ['b-example-com.localhost', 'x.a-example-com.localhost', 'a-example-com.localhost.'])
      expect(named.refusal(call(`${other}:8080`))).toBeDefined()
    expect(named.refusal(call('a-example-com.localhost:8081'))).toBeDefined()
    expect(named.refusal(call(own, 'http://b-example-com.localhost:8080', 'cross-site'))).toBeDefined()
    expect(local.refusal(call('undefined:8080'))).toBeDefined()
  })

  it('a listener that is exposed answers to any address, and to no name', () => {
    const exposed = new Callers({listen: {address: '0.0.0.0', port: 80}, allowedOrigins: []})
    expect(exposed.refusal(call('192.168.1.1'))).toBeUndefined()
    expect(exposed.refusal(call('[fd00::1]:80'))).toBeUndefined()
    expect(exposed.refusal(call('evil.example'))).toBeDefined()
  })

  it('no host name but localhost may, whatever it looks like', () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({min: 1, max: 65535}), (name, port) => {
        const callers = new Callers({listen: {address: '127.0.0.1', port}, allowedOrigins: []})
        expect(callers.refusal(call(`${name}:${port}`))).toBeDefined()
      }),
    )
  })
})

describe('where a forward listens', () => {
  it.each([
    ['127.0.0.1:5432', {address: '127.0.0.1', port: 5432}],
    ['5432', {address: '127.0.0.1', port: 5432}],
    ['localhost:0', {address: '127.0.0.1', port: 0}],
    ['127.0.0.9:1', {address: '127.0.0.9', port: 1}],
    ['[::1]:8080', {address: '::1', port: 8080}],
  ])('%s', (text, where) => {
    expect(parseListen(text, false)).toEqual(where)
  })

  it.each(['0.0.0.0:1', '192.168.1.1:1', '[::]:1', '[::ffff:10.0.0.1]:1'])('%s only when exposed', (text) => {
    expect(() => parseListen(text, false)).toThrow(expect.objectContaining({code: 'LISTEN_EXPOSED'}))
    expect(isLoopback((parseListen(text, true) as ListenAddress).address)).toBe(false)
  })

  it.each([
    '',
    ':',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    'example.com:80',
    '::1:80',
    '[127.0.0.1]:1',
    '-1',
    '1e3',
  ])('%j is no place', (text) => {
    expect(() => parseListen(text, true)).toThrow(expect.objectContaining({code: 'BAD_LISTEN'}))
  })

  it.each(['Host', 'Connection', 'content-length', 'CF-Access-Client-Id', 'Cookie', 'a b', '', 'X\r\nY'])(
    'the header %j cannot carry the token',
    (name) => {
      expect(() => checkHeaderName(name)).toThrow(expect.objectContaining({code: 'BAD_HEADER_NAME'}))
    },
  )

  it.each(['*', 'null', 'example.com', 'https://example.com/', 'https://u@example.com', 'file://x'])(
    '%j is no origin',
    (text) => {
      expect(() => checkOrigin(text)).toThrow(expect.objectContaining({code: 'BAD_ORIGIN'}))
    },
  )
})
