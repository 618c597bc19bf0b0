import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import http from 'node:http'
import type net from 'node:net'
import type {AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type {Browser, Page} from 'playwright-core'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {WebSocketServer} from 'ws'
import {Secret} from '../../../src/lib/core/secret.js'
import {openCertificateAuthority} from '../../../src/lib/sandbox/certificates.js'
import {startEdge} from '../../../src/lib/sandbox/edge/edge.js'
import {SandboxState} from '../../../src/lib/sandbox/state.js'
import {forwardHttp} from '../../../src/lib/tunnel/forward/http.js'
import {localNameOf} from '../../../src/lib/tunnel/forward/local-name.js'
import type {Forward} from '../../../src/lib/tunnel/forward/types.js'
import type {ListenAddress} from '../../../src/lib/tunnel/types.js'
import {observedPage, skippedWithoutChromium, startChromium} from '../../support/chromium.js'
import {CI_SECRET, COMMAND_SEED} from '../../support/command-seed.js'
import {AMPLE_MS} from '../../support/patience.js'

// A browser decides itself where it sends cookies and which pages may read what: so a real one opens two services through
// two listeners, and a page of someone else on the same machine attacks both.

const HOSTS = ['build.widgetcorp.tech', 'my-shop.widgetcorp.tech'] as const
type Host = (typeof HOSTS)[number]
const BIG = randomBytes(300_000)
const REBINDING = 'rebound.example'
const COOKIES = [
  ['plain', 'Path=/; HttpOnly'],
  ['own', 'Path=/; Domain=HOST'],
  ['parent', 'Path=/; Domain=widgetcorp.tech; Secure'],
  ['above', 'Path=/; Domain=localhost'],
  ['strict', 'Path=/; SameSite=Strict; Secure'],
  ['none', 'Path=/; SameSite=None; Secure'],
  ['parted', 'Path=/; SameSite=None; Secure; Partitioned'],
  ['__Host-x', 'Path=/; Secure; HttpOnly'],
  ['__Secure-x', 'Path=/; Secure; Domain=HOST'],
  ['CF_Authorization', 'Path=/; Secure; HttpOnly'],
] as const
const NAMES = COOKIES.map(([name]) => name).filter((name) => !name.startsWith('CF_'))

const SCRIPT = `
const socket = new WebSocket('ws://' + location.host + '/live')
socket.onopen = () => socket.send('hello')
socket.onmessage = async ({data}) => {
  const {status} = await fetch('/big', {headers: {Range: 'bytes=0-9'}})
  document.title = data + ' ' + status
}`

interface Seen {
  host: string
  method: string
  url: string
  origin: string | undefined
}

/** What the services behind the tunnel were asked. */
const seen: Seen[] = []
const service = http.createServer((request, response) => {
  const {method = '', url = '/', headers} = request
  const {host = '', cookie = '', origin} = headers
  seen.push({host, method, url, origin})
  const html = (body: string, more: http.OutgoingHttpHeaders = {}): void => {
    response
      .writeHead(200, {'content-type': 'text/html', ...more})
      .end(`<!doctype html><title>-</title>${body}`)
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
  const answers: Record<string, () => void> = {
    '/login': () => {
      const set = COOKIES.map(([name, rest]) => `${name}=${host}; ${rest.replace('HOST', host)}`)
      html('logged in', {'set-cookie': set})
    },
    '/cookies': () => response.writeHead(200, {'content-type': 'text/plain'}).end(cookie),
    '/moved': () => response.writeHead(302, {location: `https://${host}/landed?from=moved`}).end(),
    '/later': () => {
      html('wait', {refresh: `0; url=https://${host}/landed?from=later`})
    },
    '/strict': () => {
      html('<link rel=icon href=data:,><script src=/app.js></script>', {
        'content-security-policy': `default-src 'none'; script-src https://${host}; connect-src https://${host} wss://${host}; img-src data:`,
        link: `<https://${host}/early.js>; rel=preload; as=script; nopush`,
      })
    },
    '/app.js': () => response.writeHead(200, {'content-type': 'text/javascript'}).end(SCRIPT),
    '/early.js': () => response.writeHead(200, {'content-type': 'text/javascript'}).end(''),
    '/form': () => {
      html('<form method=post action=/landed><button>send</button></form>')
    },
    '/big': () => {
      const part = range ? BIG.subarray(Number(range[1]), Number(range[2]) + 1) : BIG
      response.writeHead(range ? 206 : 200, {
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        ...(range && {'content-range': `bytes ${range[1]}-${range[2]}/${BIG.length}`}),
        'content-disposition': 'attachment; filename=big.bin',
      })
      response.end(part)
    },
    '/endless': () => {
      response.writeHead(200, {'content-type': 'text/plain'})
      response.write('begun')
    },
  }
  const answer = answers[url.split('?')[0] ?? '']
  if (answer) answer()
  else html(`<p>${host}</p>`)
})
const sockets = new WebSocketServer({server: service})
sockets.on('connection', (socket, {url = '', headers: {host = '', origin}}) => {
  seen.push({host, method: 'WS', url, origin})
  socket.on('message', (data: Buffer) => {
    socket.send(`${host} says ${data.toString()}`)
  })
})

/** Someone else's pages, on another port of this machine. */
const stranger = http.createServer((_, response) => {
  response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><title>stranger</title>')
})

/** Whatever a page can do to reach another origin; what it could read. Runs in the browser, and ends when each has ended. */
const attack = (base: string): string => `(async (base) => {
  const read = []
  const ended = (element) =>
    new Promise((resolve) => {
      for (const event of ['load', 'error', 'loadeddata']) element.addEventListener(event, resolve)
      document.body.append(element)
    })
  const tag = (name, attributes) => Object.assign(document.createElement(name), attributes)
  const credentials = 'include'
  const tries = [
    async () => read.push(await (await fetch(base + '/attack-fetch', {credentials})).text()),
    () => fetch(base + '/attack-blind', {mode: 'no-cors', credentials}),
    () => fetch(base + '/attack-post', {method: 'POST', mode: 'no-cors', credentials, body: 'x'}),
    () => fetch(base + '/attack-put', {method: 'PUT', headers: {'x-own': '1'}, credentials}),
    async () => navigator.sendBeacon(base + '/attack-beacon', 'x'),
    () => ended(tag('img', {src: base + '/attack-image'})),
    () => ended(tag('script', {src: base + '/attack-script'})),
    () => ended(tag('script', {type: 'module', src: base + '/attack-module'})),
    () => ended(tag('link', {rel: 'stylesheet', href: base + '/attack-style'})),
    () => ended(tag('object', {data: base + '/attack-object'})),
    () => ended(tag('video', {src: base + '/attack-video'})),
    async () => {
      const frame = tag('iframe', {src: base + '/attack-frame'})
      await ended(frame)
      read.push(frame.contentDocument?.body.textContent ?? '')
    },
    async () => {
      const name = 'frame-' + document.forms.length
      const frame = tag('iframe', {name})
      const form = tag('form', {action: base + '/attack-form', method: 'post', target: name})
      document.body.append(frame, form)
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
      form.submit()
      await loaded
    },
    () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(base.replace('http', 'ws') + '/attack-socket')
        socket.onopen = () => resolve(read.push('a WebSocket'))
        socket.onerror = reject
      }),
    () =>
      new Promise((resolve) => {
        const events = new EventSource(base + '/attack-events', {withCredentials: true})
        events.onopen = () => read.push('events')
        events.onerror = () => resolve(events.close())
      }),
  ]
  for (const one of tries) await one().catch(() => undefined)
  return read.filter((text) => text !== '')
})(${JSON.stringify(base)})`

describe.skipIf(skippedWithoutChromium('zt forward in a browser'))('in a browser', () => {
  let directory: string
  let browser: Browser
  let page: Page
  let complaints: string[]
  let forwards: Forward[]
  let failures: unknown[]
  const closers: (() => unknown)[] = []
  const portOf = (server: net.Server): number => (server.address() as AddressInfo).port

  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-browser-'))
    for (const server of [service, stranger])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const [, build] = COMMAND_SEED.apps ?? []
    const apps = HOSTS.map((domain, nth) => ({...build, id: `app-${nth}`, name: domain, domain}))
    const state = await SandboxState.open({
      file: path.join(directory, 'sandbox.json'),
      seed: {...COMMAND_SEED, apps},
    })
    const authority = await openCertificateAuthority(directory, Date.now())
    const origin = `http://127.0.0.1:${portOf(service)}`
    const edge = await startEdge({state, authority, originOf: () => origin, httpOriginOf: () => origin})
    failures = []
    forwards = await Promise.all(
      HOSTS.map((host) =>
        forwardHttp({
          target: {
            edge: {host, connectTo: edge.address, caFile: authority.caFile},
            credentials: {clientId: 'ci.access', clientSecret: new Secret(CI_SECRET)},
            ...{tokenId: 'token-ci', name: 'ci', by: 'binding'},
          },
          listen: {address: '127.0.0.1', port: 0},
          timeoutMs: AMPLE_MS,
          events: {
            onFailure: (error) => failures.push(error),
            explain: (error) => Promise.resolve(error),
          },
        }),
      ),
    )
    browser = await startChromium([`--host-resolver-rules=MAP ${REBINDING} 127.0.0.1`])
    closers.push(
      () => browser.close(),
      () => Promise.all(forwards.map((one) => one.close())),
      () => edge.close(),
      ...[service, stranger].map((server) => () => {
        server.closeAllConnections()
        server.close()
      }),
      () => fs.rm(directory, {recursive: true, force: true}),
    )
  })
  afterAll(async () => {
    for (const close of closers) await close()
  })
  beforeEach(async () => {
    ;({page, complaints} = await observedPage(browser))
    seen.length = 0
    failures.length = 0
  })
  afterEach(() => page.context().close())

  const port = (host: Host): number =>
    (forwards[HOSTS.indexOf(host)]?.listen as ListenAddress | undefined)?.port ?? 0
  const at = (host: Host): string => `http://${localNameOf(host)}:${port(host)}`
  const cookies = async (host: Host): Promise<Record<string, string>> => {
    await page.goto(`${at(host)}/cookies`)
    const text = await page.innerText('body')
    const sent = text.split('; ').map((one) => one.split('=') as [string, string])
    // The edge adds its own to what the service gets.
    return Object.fromEntries(sent.filter(([name]) => name !== 'CF_Authorization'))
  }

  it('two services keep their cookies and their storage apart', async () => {
    for (const host of HOSTS) {
      await page.goto(`${at(host)}/login`)
      // A script that wants a cookie everywhere, and one of its own.
      await page.evaluate(`
        for (const storage of [localStorage, sessionStorage]) storage.setItem('who', '${host}')
        document.cookie = 'wide=${host}; domain=localhost; path=/'
        document.cookie = 'script=${host}; path=/'`)
    }
    const own = (host: Host) => Object.fromEntries([...NAMES, 'script'].map((name) => [name, host]))
    for (const host of HOSTS) {
      expect(await cookies(host)).toEqual(own(host))
      const stored = await page.evaluate(`[localStorage, sessionStorage].map((one) => one.getItem('who'))`)
      expect(stored).toEqual([host, host])
    }
    // Each service sees its own public name, and the browser never Access's cookie.
    expect(new Set(seen.map(({host}) => host))).toEqual(new Set(HOSTS))
    const kept = (await page.context().cookies()).map(({name}) => name)
    expect([...new Set(kept)].sort()).toEqual([...NAMES, 'script'].sort())
  })

  it('pages work: redirects, Refresh, forms, CSP, preloads, WebSockets', async () => {
    const [host] = HOSTS
    for (const from of ['moved', 'later']) {
      await page.goto(`${at(host)}/${from}`)
      await page.waitForURL(`${at(host)}/landed?from=${from}`)
    }
    await page.goto(`${at(host)}/form`)
    await page.click('button')
    await page.waitForURL(`${at(host)}/landed`)
    expect(seen.at(-1)).toMatchObject({method: 'POST', url: '/landed', origin: `https://${host}`})
    await page.goto(`${at(host)}/strict`)
    await expect.poll(() => page.title()).not.toBe('-')
    expect(await page.title()).toBe(`${host} says hello 206`)
    expect(seen.map(({url}) => url)).toContain('/early.js')
    expect(seen.find(({method}) => method === 'WS')).toMatchObject({host, origin: `https://${host}`})
    expect(complaints).toEqual([])
    expect(failures).toEqual([])
  })

  it('a download, whole and in ranges, has each byte', async () => {
    const [host] = HOSTS
    await page.goto(at(host))
    const download = page.waitForEvent('download')
    await page.evaluate(`Object.assign(document.createElement('a'), {href: '/big'}).click()`)
    const file = await (await download).path()
    const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    expect(sum(await fs.readFile(file))).toBe(sum(BIG))
    const parts = await page.evaluate(`(async () => {
      const read = []
      for (const start of [0, 100_000, 200_000]) {
        const answer = await fetch('/big', {headers: {Range: 'bytes=' + start + '-' + (start + 99_999)}})
        read.push(answer.status, ...new Uint8Array(await answer.arrayBuffer()).slice(0, 50))
      }
      return read
    })()`)
    const expected = [0, 100_000, 200_000].flatMap((start) => [206, ...BIG.subarray(start, start + 50)])
    expect(parts).toEqual(expected)
  })

  it.each<[who: string, from: () => string]>([
    ['a page of a name below localhost', () => `http://evil.localhost:${portOf(stranger)}/`],
    ['a page of localhost', () => `http://localhost:${portOf(stranger)}/`],
    ['a page of 127.0.0.1', () => `http://127.0.0.1:${portOf(stranger)}/`],
    ['a page of a name that leads to this machine', () => `http://${REBINDING}:${portOf(stranger)}/`],
    ['a page of another service', () => `${at(HOSTS[1])}/`],
  ])('%s reaches a service by no means', async (_, from) => {
    const [host] = HOSTS
    for (const one of HOSTS) await page.goto(`${at(one)}/login`)
    await page.goto(from())
    seen.length = 0
    for (const name of [localNameOf(host), '127.0.0.1', REBINDING])
      expect(await page.evaluate(attack(`http://${name}:${port(host)}`)), name).toEqual([])
    // A link or window.open.
    for (const name of [localNameOf(host), REBINDING]) {
      const [opened] = await Promise.all([
        page.waitForEvent('popup'),
        page.evaluate(`void window.open('http://${name}:${port(host)}/attack-window')`),
      ])
      await opened.waitForLoadState()
      expect(await opened.content(), name).toContain('zt: ')
      await opened.close()
    }
    expect(seen.filter((one) => one.host === host)).toEqual([])
    // By contrast, a person who types the address arrives.
    await page.goto(`${at(host)}/typed`)
    expect(seen.at(-1)).toMatchObject({host, url: '/typed'})
  })

  it('an end in the middle of a download and of a WebSocket is quiet', async () => {
    const [host] = HOSTS
    await page.goto(`${at(host)}/strict`)
    await expect.poll(() => page.title()).not.toBe('-')
    await page.evaluate(
      `void fetch('/endless').then(({body}) => body.getReader().read()).then(() => (document.title = 'begun'))`,
    )
    await expect.poll(() => page.title()).toBe('begun')
    await forwards[HOSTS.indexOf(host)]?.close()
    expect(failures).toEqual([])
    await expect(page.goto(at(host))).rejects.toThrow('ERR_CONNECTION_REFUSED')
  })
})
