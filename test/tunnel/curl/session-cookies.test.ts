import {Readable} from 'node:stream'
import {buffer} from 'node:stream/consumers'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  headersWithoutSession,
  HeadsWithoutSession,
  jarWithoutSession,
} from '../../../src/lib/tunnel/curl/session-cookies.js'

const SESSIONS = [
  'Set-Cookie: CF_Authorization=eyJ; Path=/; Secure\r\n',
  'set-cookie:cf_authorization=eyJ\r\n',
  'SET-COOKIE: CF_AppSession=x\r\n',
  'Set-Cookie: CF_Session=x\r\n',
  'Set-Cookie: CF_Binding\r\n',
  'Set-Cookie: CF_Authorization=eyJ;\r\n Path=/\r\n',
  'Set-Cookie:\r\n CF_Authorization=eyJ\r\n',
]
const KEPT = [
  'Set-Cookie: a=CF_Authorization\r\n',
  'X: Set-Cookie: CF_Authorization=x\r\n',
  'Set-Cookie: b\r\n',
  '',
]

describe('the headers that curl writes', () => {
  it.each(SESSIONS)('%j is left out, and what is around it stays', (header) => {
    for (const kept of KEPT)
      expect(headersWithoutSession(`HTTP/2 200\r\n${kept}${header}${kept}\r\n`)).toBe(
        `HTTP/2 200\r\n${kept}${kept}\r\n`,
      )
  })

  it('on stdout lose the same in each head, however they are cut, and the body stays as it is', async () => {
    const head = fc.tuple(fc.constantFrom(...SESSIONS, ''), fc.constantFrom(...KEPT))
    const body = fc.oneof(
      fc.uint8Array({maxLength: 40}).map((bytes) => Buffer.from(bytes)),
      fc.constant(Buffer.from(SESSIONS.join(''))),
    )
    const cuts = fc.array(fc.nat({max: 300}), {maxLength: 6})
    await fc.assert(
      fc.asyncProperty(
        fc.array(head, {minLength: 1, maxLength: 3}),
        body,
        cuts,
        async (heads, after, cut) => {
          const text = (of: (session: string) => string): string =>
            heads.map(([session, kept]) => `HTTP/1.1 100 x\r\n${of(session)}${kept}\r\n`).join('')
          const all = Buffer.concat([Buffer.from(text((session) => session)), after])
          const at = [0, ...cut.map((one) => Math.min(one, all.length)).sort((a, b) => a - b), all.length]
          const pieces = at.slice(1).map((end, i) => all.subarray(at[i] ?? 0, end))
          const read = await buffer(
            Readable.from(pieces.filter(({length}) => length > 0)).pipe(new HeadsWithoutSession()),
          )
          expect(read).toEqual(Buffer.concat([Buffer.from(text(() => '')), after]))
        },
      ),
    )
  })

  it('without an end are taken for headers up to what curl accepts', async () => {
    const text = `HTTP/1.1 200 OK\r\n${SESSIONS[0]}${'x'.repeat(1024 * 1024)}`
    const read = await buffer(Readable.from([Buffer.from(text)]).pipe(new HeadsWithoutSession()))
    expect(read.toString()).toBe(text.replace(SESSIONS[0] ?? '', ''))
  })
})

it('a cookie jar loses the cookies of Access, and no others', () => {
  const line = (name: string, start = ''): string =>
    `${start}h\tFALSE\t/\tTRUE\t0\t${name}\tCF_Authorization\n`
  const kept = `# Netscape HTTP Cookie File\n\n${line('own')}`
  const dropped = ['CF_Authorization', 'cf_appsession'].map((name) => line(name) + line(name, '#HttpOnly_'))
  expect(jarWithoutSession(kept + dropped.join('') + line('b'))).toBe(kept + line('b'))
})
