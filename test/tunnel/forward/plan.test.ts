import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ActivatedSockets} from '../../../src/lib/tunnel/forward/activation.js'
import {planForwards, type ForwardLine, type ForwardPlan} from '../../../src/lib/tunnel/forward/plan.js'
import {parseWantedHost} from '../../../src/lib/tunnel/forward/wanted-host.js'

const code = (expected: string): unknown => expect.objectContaining({code: expected})
const HOST = 'db.example.com'

describe('a host to forward', () => {
  it.each([
    [HOST, {host: HOST}],
    ['DB.Example.com.', {host: HOST}],
    [`${HOST}:5432`, {host: HOST, port: 5432}],
    [`${HOST}:443`, {host: HOST}],
    [`tcp://${HOST}:5432`, {host: HOST, port: 5432, http: false}],
    [`postgres://app@${HOST}:5432/app?sslmode=disable`, {host: HOST, port: 5432, http: false}],
    [`redis://${HOST}`, {host: HOST, http: false}],
    [`https://${HOST}`, {host: HOST, http: true}],
    [`HTTPS://${HOST}:443/d/abc?x=http://elsewhere.example`, {host: HOST, http: true, path: '/d/abc'}],
    [`http://${HOST}/`, {host: HOST, http: true, path: '/'}],
    [`wss://${HOST}/socket`, {host: HOST, http: true, path: '/socket'}],
    [`${HOST}/hooks`, {host: HOST, path: '/hooks'}],
    [`${HOST}:8080/hooks?x`, {host: HOST, port: 8080, path: '/hooks'}],
  ])('%s', (text, wanted) => {
    expect(parseWantedHost(text)).toEqual({port: undefined, http: undefined, ...wanted})
  })

  it.each([
    [`https://${HOST}:8443/`, 'BAD_FORWARD_URL'],
    [`${HOST}:0`, 'BAD_FORWARD_URL'],
    [`${HOST}:99999`, 'BAD_FORWARD_URL'],
    [`${HOST}:`, 'BAD_HOSTNAME'],
    [`app@${HOST}`, 'BAD_HOSTNAME'],
    ['127.0.0.1:5432', 'BAD_HOSTNAME'],
    ['tcp://[::1]:5432', 'BAD_HOSTNAME'],
    ['https://', 'BAD_HOSTNAME'],
    ['--listen', 'BAD_HOSTNAME'],
    ['*.example.com', 'BAD_HOSTNAME'],
  ])('%s is not one', (text, wanted) => {
    expect(() => parseWantedHost(text)).toThrow(code(wanted))
  })

  it.each([`postgres://app:hunter2@${HOST}/app`, `app:hunter2@${HOST}`])(
    'a password is refused and not repeated: %s',
    (text) => {
      expect(() => parseWantedHost(text)).toThrow(code('BAD_FORWARD_URL'))
      try {
        parseWantedHost(text)
      } catch (error) {
        expect(JSON.stringify([error, String(error)])).not.toContain('hunter2')
      }
    },
  )

  it('is always a host name, whatever is typed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({withQueryParameters: true})), (text) => {
        try {
          expect(parseWantedHost(text).host).toMatch(/^[a-z0-9_.-]+$/)
        } catch (error) {
          expect((error as {code?: string}).code).toMatch(/^BAD_(HOSTNAME|FORWARD_URL)$/)
        }
      }),
    )
  })
})

function plan(
  hosts: string[],
  {project, command = [], ...flags}: Partial<ForwardLine['flags']> & Partial<ForwardLine> = {},
): ForwardPlan[] {
  const all = {expose: false, http: false, background: false, yes: false, ...flags}
  return planForwards({hosts, project, flags: all, command}, {})
}

describe('what is forwarded where', () => {
  it('the nth --listen is for the nth host; the others have their own port, or a free one', () => {
    const plans = plan([HOST, 'cache.example.com:6379', 'web.example.com'], {listen: ['5432']})
    expect(plans.map(({host, listen}) => [host, listen])).toEqual([
      [HOST, {address: '127.0.0.1', port: 5432}],
      ['cache.example.com', {address: '127.0.0.1', port: 6379}],
      ['web.example.com', {address: '127.0.0.1', port: 0}],
    ])
  })

  it('a URL says whether it is the web, otherwise --http does', () => {
    const kinds = (http: boolean) =>
      plan([HOST, `tcp://${HOST}`, `https://${HOST}`], {http}).map((one) => one.http)
    expect(kinds(false)).toEqual([false, false, true])
    expect(kinds(true)).toEqual([true, false, true])
  })

  it('a project lists hosts for a command line without any', () => {
    const project = [
      {host: 'DB.example.com', port: 5432},
      {host: 'web.example.com', port: 8080, http: true},
    ]
    expect(plan([], {project})).toMatchObject([
      {host: HOST, fromProject: true, http: false, listen: {address: '127.0.0.1', port: 5432}},
      {host: 'web.example.com', fromProject: true, http: true, listen: {address: '127.0.0.1', port: 8080}},
    ])
    expect(plan(['other.example.com'], {project})).toMatchObject([
      {host: 'other.example.com', fromProject: false},
    ])
  })

  it.each<[string, string, () => unknown]>([
    ['no host', 'NO_HOST', () => plan([])],
    ['a command without --', 'HOST_IS_COMMAND', () => plan([HOST, 'psql', 'app'])],
    [
      'a token for hosts that a file chose',
      'HOST_NOT_NAMED',
      () => plan([], {token: 'ci', project: [{host: HOST, port: 1}]}),
    ],
    [
      '--yes for hosts that a file chose',
      'HOST_NOT_NAMED',
      () => plan([], {yes: true, project: [{host: HOST, port: 1}]}),
    ],
    ['more --listen than hosts', 'BAD_LISTEN', () => plan([HOST], {listen: ['1', '2']})],
    ['two hosts on one port', 'BAD_LISTEN', () => plan([HOST, 'b.example.com'], {listen: ['1', '1']})],
    [
      'two hosts on one socket',
      'BAD_LISTEN',
      () => plan([HOST, 'b.example.com'], {listen: ['unix:x', 'unix:./x']}),
    ],
    ['a path for TCP', 'BAD_HOSTNAME', () => plan([`${HOST}/hooks`])],
    ['a header for TCP', 'HTTP_ONLY', () => plan([HOST], {'single-header': 'X-Token'})],
    ['an origin for TCP', 'HTTP_ONLY', () => plan([HOST], {'allow-origin': ['https://a.example']})],
    [
      'a command in the background',
      'BACKGROUND_COMMAND',
      () => plan([HOST], {background: true, command: ['x']}),
    ],
    [
      'a socket of systemd in the background',
      'BACKGROUND_SOCKET',
      () => plan([HOST], {background: true, listen: ['systemd:db']}),
    ],
    ['systemd without sockets', 'NOT_ACTIVATED', () => plan([HOST], {listen: ['systemd']})],
  ])('is refused: %s', (_what, expected, act) => {
    expect(act).toThrow(code(expected))
  })

  it.each([[[HOST, '5432']], [[HOST, '5432:15432']], [[`5432:${HOST}:15432`]], [[`5432:${HOST}`]]])(
    'a port in the place of a host goes to --listen: %j',
    (words) => {
      expect(() => plan(words)).toThrow(
        expect.objectContaining({code: 'HOST_IS_PORT', next: [`zt forward ${HOST} --listen 5432`]}),
      )
    },
  )

  it.each([
    ['lst', 'zt forward list'],
    ['localhost:5432', 'zt app list'],
    ['5432:5432', 'zt app list'],
  ])('%s is no public host', (word, next) => {
    expect(() => plan([word])).toThrow(expect.objectContaining({code: 'BAD_HOSTNAME', next: [next]}))
  })

  it('several free ports are no conflict', () => {
    expect(plan([HOST, 'b.example.com', HOST])).toHaveLength(3)
  })
})

describe('a socket of systemd', () => {
  const env = {LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'db:cache:db'}

  it('is the next one, or the next of its name, each once', () => {
    const sockets = new ActivatedSockets(env, 7)
    expect([sockets.take('db'), sockets.take(undefined), sockets.take('db')]).toEqual([3, 4, 5])
    expect(() => sockets.take(undefined)).toThrow(code('NOT_ACTIVATED'))
  })

  it('of another name is refused with the names that there are', () => {
    const sockets = new ActivatedSockets({...env, LISTEN_FDS: '300'}, 7)
    expect(() => sockets.take('web')).toThrow(
      expect.objectContaining({why: 'The names of the sockets are: db, cache, db.'}),
    )
  })

  it.each([
    ['for another process', {...env, LISTEN_PID: '8'}, undefined],
    ['of no process', {...env, LISTEN_PID: undefined}, undefined],
    ['of an empty process', {...env, LISTEN_PID: ''}, undefined],
    ['none', {...env, LISTEN_FDS: '0'}, undefined],
    ['not a number', {...env, LISTEN_FDS: '1x'}, undefined],
    ['more than any', {...env, LISTEN_FDS: '9999'}, undefined],
    ['of another name', env, 'web'],
    ['unnamed', {...env, LISTEN_FDNAMES: undefined}, 'db'],
  ])('is refused: %s', (_what, variables, name) => {
    expect(() => new ActivatedSockets(variables, 7).take(name)).toThrow(code('NOT_ACTIVATED'))
  })
})
