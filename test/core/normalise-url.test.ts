import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {normalisePath} from '../../src/lib/core/normalise-url.js'

describe('a path is normalised as Cloudflare does it', () => {
  it.each([
    // Cloudflare's documentation, "URL normalization examples", with both settings on.
    ['/hello', '/hello'],
    ['/%68ello', '/hello'],
    [String.raw`/%68ello//pa\th`, '/hello/pa/th'],
    ['/hello//../path', '/path'],
    [String.raw`/hello/\../path`, '/path'],
    ['/en/hello/', '/en/hello/'],
    [String.raw`/en//%68ello\path`, '/en/hello/path'],
    [String.raw`\hello`, '/hello'],
    ['/./en//hello./', '/en/hello./'],
    // RFC 3986, 5.2.4.
    ['/a/b/c/./../../g', '/a/g'],
    ['/mid/content=5/../6', '/mid/6'],
    // Its other rules, in the same documentation.
    ['/a/%2e%2E/b', '/b'],
    ['/%41%5a%61%7A%30%39%2D%2E%5F%7e', '/AZaz09-._~'],
    ['/a%2fb%5c..%2F', '/a%2Fb%5C..%2F'],
    ["/:?#[]@!$&'()*+,;=", '/:'],
    ["/:[]@!$&'()*+,;=", "/:[]@!$&'()*+,;="],
    ['/ü "<>^`{|}', '/%C3%BC%20%22%3C%3E%5E%60%7B%7C%7D'],
    ['/%zz%', '/%25zz%25'],
    ['/..', '/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['', '/'],
    ['a/b', '/a/b'],
  ])('%s is %s', (given, normal) => {
    expect(normalisePath(given)).toBe(normal)
  })

  const paths = fc
    .array(
      fc.oneof(
        fc.constantFrom('/', '..', '.', '\\', '%2e', '%2F', '%', 'a', '?'),
        fc.string({unit: 'grapheme'}),
      ),
    )
    .map((parts) => parts.join(''))

  it('to a path that stays as it is when it is normalised again', () => {
    fc.assert(fc.property(paths, (given) => normalisePath(normalisePath(given)) === normalisePath(given)))
  })

  it('to a path without dot segments, double slashes, back slashes, blanks and queries', () => {
    fc.assert(
      fc.property(paths, (given) => {
        expect(normalisePath(given)).toMatch(/^(?!.*\/\/)(?!.*\/\.{1,2}(\/|$))\/[^\s\\?#]*$/)
      }),
    )
  })
})
