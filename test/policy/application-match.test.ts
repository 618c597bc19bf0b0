import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {addressOf, hostOf, sameAddress} from '../../src/lib/core/public-address.js'
import {findApplication} from '../../src/lib/policy/application-match.js'
import type {Application} from '../../src/lib/api/types.js'
import {application} from './fixtures.js'

const applicationFor = (host: string, path: string, all: readonly Application[]): Application | undefined =>
  findApplication({host, path}, all)?.application

const covers = (domain: string, host: string, path = '/'): boolean =>
  applicationFor(host, path, [application('app', [domain])]) !== undefined

describe('an application covers', () => {
  it.each([
    ['example.com', 'example.com', '/', true],
    ['example.com', 'example.com', '/alpha', true],
    ['example.com', 'EXAMPLE.com', '', true],
    ['example.com', 'alpha.example.com', '/', false],
    ['example.com/', 'example.com', '/alpha', true],
    ['example.com/*', 'example.com', '/', true],
    ['example.com/*', 'example.com', '/alpha', true],
    ['*.example.com', 'alpha.example.com', '/', true],
    ['*.example.com', 'example.com', '/', false],
    ['*.example.com', 'foo.bar.example.com', '/', false],
    ['*.*.example.com', 'foo.bar.example.com', '/', true],
    ['test-*.example.com', 'test-1.example.com', '/', true],
    ['test-*.example.com', 'prod-1.example.com', '/', false],
    ['example.com/alpha', 'example.com', '/alpha', true],
    ['example.com/alpha', 'example.com', '/alpha/one', true],
    ['example.com/alpha', 'example.com', '/alphabet', false],
    ['example.com/alpha', 'example.com', '/Alpha', false],
    ['example.com/alpha', 'example.com', '/', false],
    ['example.com/alpha/*', 'example.com', '/alpha/one', true],
    ['example.com/alpha/*', 'example.com', '/alpha/one/two', true],
    ['example.com/alpha/*', 'example.com', '/alpha', false],
    ['example.com/alpha*', 'example.com', '/alphabet', true],
    ['example.com/*/news', 'example.com', '/a/b/news', true],
    ['example.com/*/news', 'example.com', '/a/news/today', true],
    ['example.com/*/news', 'example.com', '/a/newspaper', false],
    ['example.com/*/a*b*c', 'example.com', '/x/a-b', false],
    ['example.com:8443/alpha', 'example.com', '/alpha', true],
    ['https://example.com/alpha?x=1', 'example.com', '/alpha', true],
    ['example.com/alpha', 'example.com', '/beta/../alpha', true],
    ['example.com/alpha', 'example.com', '/alpha/../beta', false],
    ['example.com/alpha', 'example.com', '//%61lpha\\one', true],
    ['example.com/alpha', 'example.com', '/alpha?from=/beta', true],
    ['example.com/alpha', 'example.com', '/alpha#top', true],
    ['example.com/alpha', 'example.com', 'alpha/one', true],
    ['example.com/*a*', 'example.com', '/ab', true],
    ['example.com/a*b', 'example.com', '/ab', true],
    ['example.com/ab*b', 'example.com', '/ab', false],
    ['example.com/x*ab*ab*', 'example.com', '/xab', false],
  ])('%s: %s%s %s', (domain, host, path, there) => {
    expect(covers(domain, host, path)).toBe(there)
  })

  it('nothing by a domain that is only linked to', () => {
    const bookmark = {...application('app', ['example.com']), type: 'bookmark'}
    expect(applicationFor('example.com', '/', [bookmark])).toBeUndefined()
  })

  it('every one of its domains', () => {
    const app = application('app', ['one.example.com', 'two.example.com/x'])
    expect(applicationFor('two.example.com', '/x/y', [app])).toBe(app)
  })
})

describe('of several applications, the one that answers', () => {
  it.each([
    ['a deeper path', ['dash.com/eng/exec', 'dash.com/eng', 'dash.com'], 'dash.com', '/eng/exec'],
    ['below a deeper path', ['dash.com/eng', 'dash.com'], 'dash.com', '/eng/other'],
    ['the host itself', ['dash.com', 'dash.com/eng'], 'dash.com', '/other'],
    ['an exact host', ['a.dash.com', '*.dash.com/eng'], 'a.dash.com', '/eng'],
    ['fewer wildcards in the host', ['*.a.com', '*.*.com'], 'x.a.com', '/'],
    ['the longer host', ['test-*.a.com', 't*.a.com', '*.a.com'], 'test-1.a.com', '/'],
    ['an exact path', ['a.com/x/y', 'a.com/x/*'], 'a.com', '/x/y'],
    ['a wildcard below its parent', ['a.com/x/*', 'a.com/x'], 'a.com', '/x/y'],
    ['the parent of a wildcard', ['a.com/x', 'a.com/x/*'], 'a.com', '/x'],
    ['a deeper path than a longer wildcard', ['a.com/ab/cd', 'a.com/ab*c*d*'], 'a.com', '/ab/cd'],
    ['the longer wildcard', ['a.com/ab*', 'a.com/a*'], 'a.com', '/abc'],
  ])('%s', (_name, domains, host, path) => {
    const applications = domains.map((domain) => application(domain, [domain]))
    expect(applicationFor(host, path, applications)?.id).toBe(domains[0])
    expect(applicationFor(host, path, applications.toReversed())?.id).toBe(domains[0])
  })
})

describe('the others that cover the address', () => {
  const [exact, wild, below, linked, elsewhere] = [
    application('exact', ['a.example.com', 'b.example.com']),
    application('wild', ['*.example.com']),
    application('below', ['a.example.com/x']),
    {...application('linked', ['a.example.com']), type: 'bookmark'},
    application('elsewhere', ['a.example.org']),
  ]
  const twin = application('twin', ['c.example.com', 'https://A.example.com:443/*'])
  const found = (all: Application[], path = '/'): string[][] => {
    const {application: one, others, rivals} = findApplication({host: 'a.example.com', path}, all) ?? {}
    return [[one?.id ?? ''], (others ?? []).map(({id}) => id), (rivals ?? []).map(({id}) => id)]
  }

  it('are named, and only those with the same domain are its rivals', () => {
    expect(found([wild, exact, below, linked, elsewhere])).toEqual([['exact'], ['wild'], []])
    expect(found([wild, exact, below], '/x')).toEqual([['below'], ['wild', 'exact'], []])
    expect(found([wild, twin, exact])).toEqual([['exact'], ['wild', 'twin'], ['twin']])
    expect(found([exact])).toEqual([['exact'], [], []])
  })

  it('come after the first where all have the same domain', () => {
    const second = application('second', ['a.example.com'])
    expect(found([exact, second])).toEqual([['exact'], ['second'], ['second']])
    expect(found([second, exact])).toEqual([['second'], ['exact'], ['exact']])
  })

  it('are none where no application covers it', () => {
    expect(findApplication({host: 'a.example.net', path: '/'}, [exact, wild, elsewhere])).toBeUndefined()
  })
})

describe('an address that a person writes', () => {
  it.each([
    ['example.com', 'example.com', '/'],
    ['Example.COM/Alpha', 'example.com', '/Alpha'],
    ['example.com.', 'example.com', '/'],
    ['example.com:8443', 'example.com', '/'],
    ['example.com:', 'example.com', '/'],
    ['example.com.:22/x', 'example.com', '/x'],
    ['*.example.com/a/*', '*.example.com', '/a/*'],
    ['https://example.com', 'example.com', '/'],
    ['HTTPS://example.com:443/a/b?c=d#e', 'example.com', '/a/b'],
    ['example.com?next=/a', 'example.com', '/'],
    ['example.com#a/b', 'example.com', '/'],
    ['example.com/a?b\nc', 'example.com', '/a'],
    ['example.com/a\nb', 'example.com', '/a\nb'],
    ['ssh://git@example.com', 'example.com', '/'],
    ['git+ssh-1.0://example.com/x', 'example.com', '/x'],
    ['https://user:p@ss@example.com/', 'example.com', '/'],
    ['https://a\n@example.com/', 'example.com', '/'],
    ['https://example.com/x@y.org', 'example.com', '/x@y.org'],
    ['a.b', 'a.b', '/'],
    ['a.b.c.d', 'a.b.c.d', '/'],
  ])('%j: %s, %s', (text, host, path) => {
    expect(addressOf(text)).toEqual({host, path, text: `${host}${path}`})
  })

  it.each([
    ...['', 'gitlab', 'GitLab app', '/', '/path', 'a..b', '.example.com', 'example.com..', 'a b.com', '.'],
    ...[
      'git@example.com',
      'a:b.com',
      'example.com:22:',
      'x example.com',
      'example.com x',
      '1x://example.com',
    ],
    ...['https://', 'https:///example.com', 'https://gitlab', 'see https://example.com'],
  ])('%j is none', (text) => {
    expect(addressOf(text)).toBeUndefined()
  })
})

describe('two domains mean the same', () => {
  it.each([
    ['example.com', 'EXAMPLE.com', true],
    ['example.com', 'example.com/', true],
    ['example.com', 'example.com/*', true],
    ['example.com', 'https://example.com:443?x=/y', true],
    ['example.com/a', 'http://Example.com/a/#b', true],
    ['example.com/a', 'example.com//a//', true],
    ['example.com/a', 'example.com/A', false],
    ['example.com/a', 'example.com', false],
    ['example.com/a', 'example.com/a/*', false],
    ['example.com/a', 'example.com/b', false],
    ['a.example.com', 'b.example.com', false],
    ['*.example.com', 'a.example.com', false],
    ['example.com/ahttps://b', 'example.com/ab', false],
    ['/a', '/b', false],
  ])('%s and %s: %s', (a, b, same) => {
    expect([sameAddress(a, b), sameAddress(b, a), sameAddress(a, a)]).toEqual([same, same, true])
  })

  it.each([
    ['example.com', 'example.com'],
    ['example.com/a/b', 'example.com'],
    ['example.com:8443/a', 'example.com'],
    ['https://*.example.com?x', '*.example.com'],
    ['Example.com#/x', 'example.com'],
    ['a:b:22', 'a:b'],
    ['/a', ''],
  ])('the host of %s is %s', (domain, host) => {
    expect(hostOf(domain)).toBe(host)
  })
})

const label = fc.constantFrom('a', 'b', 'cc', 'd-1')
const wild = fc.constantFrom('a', 'b', '*', 'd-*')
const hosts = fc.array(label, {minLength: 1, maxLength: 3}).map((labels) => [...labels, 'com'].join('.'))
const paths = fc.array(label, {maxLength: 3}).map((parts) => `/${parts.join('/')}`)
const domains = fc
  .tuple(fc.array(wild, {minLength: 1, maxLength: 3}), fc.array(wild, {maxLength: 3}))
  .map(([host, path]) => [[...host, 'com'].join('.'), ...path].join('/'))

describe('for all domains', () => {
  it('the order of the applications does not matter', () => {
    const both = fc
      .uniqueArray(domains, {maxLength: 6})
      .map((list) => list.map((domain) => application(domain, [domain])))
      .chain((apps) => fc.tuple(fc.constant(apps), fc.shuffledSubarray(apps, {minLength: apps.length})))
    fc.assert(
      fc.property(both, hosts, paths, ([apps, order], host, path) => {
        expect(applicationFor(host, path, order)).toBe(applicationFor(host, path, apps))
      }),
    )
  })

  it('an exact host and path beats every other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(domains, {maxLength: 6}), hosts, paths, (others, host, path) => {
        const exact = application('exact', [`${host}${path}`])
        const rest = others
          .filter((domain) => domain !== `${host}${path}`.replace(/\/$/, ''))
          .map((domain) => application(domain, [domain]))
        expect(applicationFor(host, path, [...rest, exact])).toBe(exact)
      }),
    )
  })

  it('a host without a path covers every path, and no other host', () => {
    fc.assert(
      fc.property(hosts, hosts, paths, (domain, host, path) => {
        expect(covers(domain, host, path)).toBe(domain === host)
      }),
    )
  })

  it('long wildcard patterns are matched in time that grows with their length', () => {
    const pattern = `example.com/${'*a'.repeat(2000)}b`
    // What grows with the square of it, or faster, does not end within the test's time.
    expect(covers(pattern, 'example.com', `/${'a'.repeat(20_000)}`)).toBe(false)
  })
})
