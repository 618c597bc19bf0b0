import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {proxyFor} from '../../src/lib/network/proxy-settings.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const PROXY = 'http://proxy.example:3128'

type Env = Record<string, string>

/** `HOST:PORT` of the proxy, or `direct`. */
function way(env: Env, addresses = [{host, port: 443}]): string {
  const proxy = proxyFor(env, addresses)
  return proxy ? `${proxy.secure ? 'https' : 'http'}://${proxy.host}:${proxy.port}` : 'direct'
}

describe('which proxy the environment asks for:', () => {
  it.each<[string, Env, string]>([
    ['none without a variable', {}, 'direct'],
    ['HTTPS_PROXY', {HTTPS_PROXY: PROXY}, PROXY],
    ['https_proxy', {https_proxy: PROXY}, PROXY],
    ['lower case before upper case', {https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:2'}, 'http://a:1'],
    ['HTTPS_PROXY beside http_proxy', {HTTPS_PROXY: 'http://a:1', http_proxy: 'http://b:2'}, 'http://a:1'],
    ['never HTTP_PROXY, which is for plain HTTP', {HTTP_PROXY: PROXY}, 'direct'],
    ['never http_proxy', {http_proxy: PROXY}, 'direct'],
    ['none where the first is set to nothing', {https_proxy: '', HTTPS_PROXY: PROXY}, 'direct'],
    ['never ALL_PROXY', {ALL_PROXY: PROXY, all_proxy: PROXY}, 'direct'],
    ['http:// where there is no scheme', {HTTPS_PROXY: 'proxy.example:8080'}, 'http://proxy.example:8080'],
    ['port 80 for http', {HTTPS_PROXY: 'http://proxy.example'}, 'http://proxy.example:80'],
    ['port 443 for https', {HTTPS_PROXY: 'https://proxy.example/'}, 'https://proxy.example:443'],
    ['an IPv6 address', {HTTPS_PROXY: 'http://[fd00::1]:3128'}, 'http://fd00::1:3128'],
  ])('%s', (_, env, expected) => {
    expect(way(env)).toBe(expected)
  })

  it.each<[string, boolean]>([
    ['*', true],
    [host, true],
    ['widgetcorp.tech', true],
    ['.widgetcorp.tech', true],
    ['*.widgetcorp.tech', true],
    ['WidgetCorp.Tech', true],
    ['widgetcorp.tech.', true],
    ['other.example, widgetcorp.tech', true],
    ['other.example widgetcorp.tech', true],
    ['widgetcorp.tech:443', true],
    ['widgetcorp.tech:22', false],
    ['corp.tech', false],
    ['ssh.widgetcorp.tech', false],
    ['a.gitlab-ssh.widgetcorp.tech', false],
    ['other.example', false],
    ['', false],
    [',,', false],
    ['.', false],
  ])('NO_PROXY=%j goes past it: %s', (noProxy, past) => {
    expect(way({HTTPS_PROXY: PROXY, NO_PROXY: noProxy})).toBe(past ? 'direct' : PROXY)
  })

  it.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.1.2.3/32', '10.1.2.3', true],
    ['10.0.0.0/0', '192.0.2.1', true],
    ['10.0.0.0/33', '10.0.0.1', false],
    ['10.0.0.0/', '10.0.0.1', false],
    ['10.0.0/8', '10.0.0.1', false],
    ['fd00::/8', 'fd00::7', true],
    ['[fd00::]/8', 'fd00::7', true],
    ['fd00::/8', 'fe00::7', false],
    ['fd00::/8', '10.0.0.1', false],
    ['10.0.0.0/8', 'ten.example', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3:443', '10.1.2.3', true],
    ['10.1.2.3:80', '10.1.2.3', false],
    ['10.1.2', '10.1.2.3', false],
    ['2.3', '10.1.2.3', false],
  ])('NO_PROXY=%j goes past it to %s: %s', (noProxy, address, past) => {
    const env = {HTTPS_PROXY: PROXY, NO_PROXY: noProxy}
    expect(way(env, [{host: address, port: 443}])).toBe(past ? 'direct' : PROXY)
  })

  it('takes no_proxy before NO_PROXY', () => {
    expect(way({HTTPS_PROXY: PROXY, no_proxy: 'other.example', NO_PROXY: '*'})).toBe(PROXY)
  })

  it.each(['localhost', '127.0.0.1', '127.8.9.1', '::1'])(
    'goes past it to %s, which is this machine',
    (here) => {
      const addresses = [
        {host, port: 443},
        {host: here, port: 8443},
      ]
      expect(way({HTTPS_PROXY: PROXY}, addresses)).toBe('direct')
    },
  )

  it('looks at the address that is connected to instead as well', () => {
    const addresses = [
      {host, port: 443},
      {host: 'fd00::7', port: 8443},
    ]
    expect(way({HTTPS_PROXY: PROXY, NO_PROXY: '[fd00::7]:8443'}, addresses)).toBe('direct')
    expect(way({HTTPS_PROXY: PROXY, NO_PROXY: 'fd00::7'}, addresses)).toBe('direct')
    expect(way({HTTPS_PROXY: PROXY, NO_PROXY: '[fd00::7]:1'}, addresses)).toBe(PROXY)
  })
})

describe('the user and password of a proxy', () => {
  it('are sent as they were meant, whatever characters they have', () => {
    fc.assert(
      fc.property(
        fc.string({minLength: 1, unit: 'binary'}),
        fc.string({unit: 'binary'}),
        (user, password) => {
          const url = `http://${encodeURIComponent(user)}:${encodeURIComponent(password)}@proxy.example:1`
          const value = proxyFor({HTTPS_PROXY: url}, [{host, port: 443}])?.authorization?.expose() ?? ''
          expect(Buffer.from(value.slice('Basic '.length), 'base64').toString()).toBe(`${user}:${password}`)
        },
      ),
    )
  })

  it.each([
    'socks5://u:hunter2@proxy.example:1080',
    'http://u:hunter2@proxy.example:99999',
    'http://u:hunter2%ZZ@proxy.example',
    'http://u:hunter2@',
  ])('are not in the error for %j', (value) => {
    let error: unknown
    try {
      proxyFor({HTTPS_PROXY: value}, [{host, port: 443}])
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({kind: 'usage', code: 'BAD_PROXY'})
    expect(JSON.stringify({...(error as object), text: String(error)})).not.toContain('hunter2')
  })
})
