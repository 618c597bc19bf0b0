import {describe, expect, it} from 'vitest'
import {applicationFor, covers} from '../../src/lib/policy/application-match.js'

describe('a domain of an application', () => {
  it.each([
    ['example.com', 'example.com', '/', true],
    ['example.com', 'example.com', '/any/path', true],
    ['example.com', 'sub.example.com', '/', false],
    ['*.example.com', 'sub.example.com', '/x', true],
    ['*.example.com', 'example.com', '/', false],
    ['*.example.com', 'a.b.example.com', '/', false],
    ['example.com/admin', 'example.com', '/admin', true],
    ['example.com/admin', 'example.com', '/admin/x', true],
    ['example.com/admin', 'example.com', '/administrator', false],
    ['example.com/admin/*', 'example.com', '/admin', false],
    ['example.com/admin/*', 'example.com', '/admin/x/y', true],
    ['example.com/a/*/c', 'example.com', '/a/b/c', true],
    ['example.com/a/*/c', 'example.com', '/a/b/b/c', true],
    ['example.com/a/*/c', 'example.com', '/a/b/d', false],
    ['example.com/admin', 'example.com', '/admin?x=1#y', true],
    ['example.com/a.c', 'example.com', '/abc', false],
    ['example.com/', 'example.com', '/x', true],
  ])('%s for %s%s: %s', (domain, host, path, expected) => {
    expect(covers(domain, host, path)).toBe(expected)
  })
})

describe('the application of a URL', () => {
  const applications = [
    {id: 'wild', domains: ['*.example.com']},
    {id: 'host', domains: ['app.example.com']},
    {id: 'path', domains: ['app.example.com/admin', 'other.example.com']},
    {id: 'deep', domains: ['app.example.com/admin/users']},
  ]
  it.each([
    ['x.example.com', '/', 'wild'],
    ['app.example.com', '/', 'host'],
    ['app.example.com', '/admin', 'path'],
    ['app.example.com', '/admin/users/1', 'deep'],
    ['other.example.com', '/x', 'path'],
    ['example.com', '/', undefined],
    ['app.example.com.evil.net', '/', undefined],
  ])('%s%s: %s, in whichever order they are listed', (host, path, id) => {
    expect(applicationFor(host, path, applications)?.id).toBe(id)
    expect(applicationFor(host, path, [...applications].reverse())?.id).toBe(id)
  })
})
