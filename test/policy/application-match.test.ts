import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
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
    ['example.com/alpha', 'example.com', '/alpha?from=/beta', true],
    ['example.com/alpha', 'example.com', '/alpha#top', true],
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
    ['the longer wildcard', ['a.com/ab*', 'a.com/a*'], 'a.com', '/abc'],
  ])('%s', (_name, domains, host, path) => {
    const applications = domains.map((domain) => application(domain, [domain]))
    expect(applicationFor(host, path, applications)?.id).toBe(domains[0])
    expect(applicationFor(host, path, applications.toReversed())?.id).toBe(domains[0])
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
