import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  resolveApplication,
  resolveGroup,
  resolvePolicy,
  resolveRule,
  resolveToken,
} from '../../../src/lib/access/account/resolve.js'
import type {Application, ServiceToken} from '../../../src/lib/api/types.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {sameAddress} from '../../../src/lib/core/public-address.js'
import {findApplication} from '../../../src/lib/policy/application-match.js'
import {application, group, policy} from '../../policy/fixtures.js'

const ctx = {profile: 'default', profileNamed: false}

const token = (id: string, name: string): ServiceToken => ({
  id,
  name,
  clientId: `${id}.access`,
  duration: '8760h',
  enabled: true,
  expiresAt: undefined,
  createdAt: '2026-01-02T03:04:05Z',
  updatedAt: undefined,
  lastSeenAt: undefined,
  secretVersion: undefined,
})

const app = (id: string, name: string, ...domains: string[]): Application => ({
  ...application(id, domains),
  name,
})

function refusal(action: () => unknown): UserError {
  try {
    action()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error('it found something')
}

/** The same for each kind of thing that has an id and a name. */
const KINDS = {
  TOKEN: (wanted: string, things: {id: string; name: string}[]) =>
    resolveToken(
      ctx,
      wanted,
      things.map(({id, name}) => token(id, name)),
    ),
  GROUP: (wanted: string, things: {id: string; name: string}[]) =>
    resolveGroup(
      ctx,
      wanted,
      things.map(({id, name}) => ({...group(id, {}), name})),
    ),
  POLICY: (wanted: string, things: {id: string; name: string}[]) =>
    resolvePolicy(
      ctx,
      wanted,
      things.map(({id, name}) => ({...policy(name, 'allow'), id})),
    ),
  APPLICATION: (wanted: string, things: {id: string; name: string}[]) =>
    resolveApplication(
      ctx,
      wanted,
      things.map(({id, name}) => app(id, name)),
    ).application,
  RULE: (wanted: string, things: {id: string; name: string}[]) =>
    resolveRule(ctx, wanted, {
      id: 'app',
      name: 'App',
      policies: things.map(({id, name}) => ({...policy(name, 'allow'), id})),
    }),
}

describe.each(Object.entries(KINDS))('a %s', (code, resolve) => {
  // Often the same name, in the same case or another one.
  const word = fc.oneof(fc.constantFrom('ci', 'Ci', 'CI'), fc.stringMatching(/^[A-Za-z]{1,4}$/))
  const things = fc
    .uniqueArray(fc.uuid(), {maxLength: 6})
    .chain((ids) =>
      fc.tuple(
        ...ids.map((id) => fc.record({id: fc.constant(id), name: fc.oneof(word, fc.constantFrom(...ids))})),
      ),
    )

  it('is found by its id, whatever the others are called', () => {
    fc.assert(
      fc.property(things, (all) => {
        for (const {id} of all) {
          expect(resolve(id, all).id).toBe(id)
          expect(resolve(id.toUpperCase(), all).id).toBe(id)
        }
      }),
    )
  })

  it('is found by its name where only one has it, and never by a part of one', () => {
    fc.assert(
      fc.property(things, fc.oneof(word, fc.constant('')), (all, wanted) => {
        const exact = all.filter(({name}) => name === wanted)
        const folded = all.filter(({name}) => name.toLowerCase() === wanted.toLowerCase())
        const [only, ...more] = exact.length > 0 ? exact : folded
        if (only && more.length === 0) return void expect(resolve(wanted, all).id).toBe(only.id)
        const {kind, details} = refusal(() => resolve(wanted, all))
        expect(kind).toBe(only ? 'ambiguous' : 'not-found')
        if (only) expect(details['candidates']).toEqual([only, ...more])
      }),
    )
  })

  it('is found by its exact name before one in another case', () => {
    const all = ['CI', 'ci', 'Ci'].map((name, at) => ({id: `id-${at}`, name}))
    for (const {id, name} of all) expect(resolve(name, all).id).toBe(id)
    expect(refusal(() => resolve('cI', all))).toMatchObject({kind: 'ambiguous'})
  })

  it('that is not there is asked back, if one is near', () => {
    const error = refusal(() => resolve('gitlab-admn', [{id: 'x', name: 'gitlab-admin'}]))
    expect(error).toMatchObject({code: `${code}_NOT_FOUND`, kind: 'not-found'})
    expect(error.next[0]).toBe('Did you mean "gitlab-admin"?')
    expect(error.next[1]).toMatch(/^zt (token list|group list|policy list|app list|app show app)$/)
  })

  it('is distinguished from others of its name', () => {
    const error = refusal(() =>
      resolve('ci', [
        {id: 'one', name: 'ci'},
        {id: 'two', name: 'ci'},
      ]),
    )
    expect(error).toMatchObject({code: `${code}_AMBIGUOUS`, kind: 'ambiguous'})
    expect(error.whyLines).toEqual([expect.stringMatching(/^one {2}ci/), expect.stringMatching(/^two {2}ci/)])
  })

  it('is found however its accents are written', () => {
    const all = [{id: 'x', name: 'Caf\u00E9'}]
    expect(resolve('cafe\u0301', all).id).toBe('x')
  })

  it.each([
    'cfast_0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh12345678',
    'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOlsiYWJjIl19.c2lnbmF0dXJlLXNpZ25hdHVyZQ',
    'https://user:cfast_0123456789abcdefghijABCDEFGHIJ01234567@example.com/',
    'https://example.com/?secret=cfast_0123456789abcdefghijABCDEFGHIJ01234',
  ])('that is a pasted secret is not repeated: %s', (secret) => {
    const {message, why, next} = refusal(() => resolve(secret, [{id: 'x', name: 'y'}]))
    expect([message, why, ...next].join('\n')).not.toMatch(/cfast_|eyJ/i)
  })

  it.each(['https://me:hunter2@a.example.com/', 'https://a.example.com/?token=hunter2'])(
    'that is a URL is repeated without what may be secret: %s',
    (url) => {
      const {message, why, next} = refusal(() => resolve(url, [{id: 'x', name: 'y'}]))
      expect(message).toContain('a.example.com')
      expect([message, why, ...next].join('\n')).not.toContain('hunter2')
    },
  )
})

it('a service token is found by its client ID', () => {
  const all = [token('one', 'two.access'), token('two', 'other')]
  expect(resolveToken(ctx, 'two.access', all).id).toBe('two')
})

describe('a policy', () => {
  const shared = {...policy('Staff', 'allow'), id: 'shared'}
  const own = {...policy('Robots', 'non_identity'), id: 'own', reusable: false}
  const gitlab = {name: 'GitLab', policies: [shared, own]}

  it('of an application counts only where the application is given', () => {
    expect(resolvePolicy(ctx, 'Robots', [shared], gitlab)).toBe(own)
    expect(refusal(() => resolvePolicy(ctx, 'Robots', [shared])).code).toBe('POLICY_NOT_FOUND')
  })

  it('that is attached there is the same, and not ambiguous', () => {
    expect(resolvePolicy(ctx, 'Staff', [shared], gitlab)).toBe(shared)
  })

  it("is distinguished from the application's own of that name", () => {
    const twin = {...own, name: 'Staff'}
    const {whyLines} = refusal(() =>
      resolvePolicy(ctx, 'Staff', [shared], {name: 'GitLab', policies: [twin]}),
    )
    expect(whyLines).toEqual(['shared  Staff  (Allow)', 'own  Staff  (Service Auth, only in "GitLab")'])
  })
})

describe('a rule of an application', () => {
  const rules = (...names: string[]) => ({
    id: 'app',
    name: 'GitLab',
    policies: names.map((name, at) => policy(name, 'allow', {precedence: (at + 1) * 10})),
  })

  it.each([
    ['10', 'A'],
    ['#20', 'B'],
    ['A', 'A'],
    ['b', 'B'],
    ['policy-B', 'B'],
  ])('is found by %s', (wanted, name) => {
    expect(resolveRule(ctx, wanted, rules('A', 'B')).name).toBe(name)
  })

  it('is counted where the API gives no precedence', () => {
    const policies = ['A', 'B'].map((name) => policy(name, 'allow'))
    expect(resolveRule(ctx, '2', {id: 'app', name: 'GitLab', policies}).name).toBe('B')
  })

  it('that is called as another is numbered is ambiguous, and by itself it is not', () => {
    expect(refusal(() => resolveRule(ctx, '10', rules('A', '10'))).whyLines).toEqual([
      'policy-A  A  (#10, Allow)',
      'policy-10  10  (#20, Allow)',
    ])
    expect(resolveRule(ctx, '10', rules('10', 'B')).name).toBe('10')
  })

  it.each(['0', '#', '15', '1', '10.0', '-10', '# 10', '99999999999'])('is not found by %s', (wanted) => {
    const error = refusal(() => resolveRule(ctx, wanted, rules('A', 'B')))
    expect(error).toMatchObject({code: 'RULE_NOT_FOUND', why: 'It has #10 "A", #20 "B".'})
  })

  it('is not found where there is none', () => {
    expect(refusal(() => resolveRule(ctx, '1', rules())).why).toBe('It has no rules.')
  })
})

describe('an application', () => {
  const wild = app('wild', 'All hosts', '*.example.com')
  const host = app('host', 'Grafana', 'grafana.example.com')
  const path = app('path', 'Admin', 'grafana.example.com/admin', 'other.example.com/a/*')
  const link = {...app('link', 'Shortcut', 'grafana.example.com'), type: 'bookmark'}
  const all = [link, wild, host, path]

  it.each([
    ['grafana.example.com', 'host'],
    ['Grafana.Example.COM.', 'host'],
    ['https://grafana.example.com', 'host'],
    ['https://grafana.example.com/', 'host'],
    ['https://grafana.example.com:8443/d/1?x=/admin#y', 'host'],
    ['wss://grafana.example.com/admin/', 'path'],
    ['grafana.example.com/admin', 'path'],
    ['grafana.example.com/admin/users', 'path'],
    ['grafana.example.com/administrator', 'host'],
    ['grafana.example.com/Admin', 'host'],
    ['https://user@grafana.example.com/admin', 'path'],
    ['new.example.com/x', 'wild'],
    ['*.example.com', 'wild'],
    ['https://*.example.com/', 'wild'],
    ['*.example.com/*', 'wild'],
    ['other.example.com/a/*', 'path'],
    ['other.example.com/a/b', 'path'],
    ['other.example.com/a', 'wild'],
    ['Shortcut', 'link'],
  ])('is found by %s: %s', (wanted, id) => {
    expect(resolveApplication(ctx, wanted, all).application.id).toBe(id)
  })

  it.each([
    'example.com',
    'a.b.example.com',
    '*.grafana.example.com',
    'gra*.example.com',
    '*.example.com/x',
    'grafana.example.com.evil.example',
    'mail@grafana.example.com',
    'grafan',
    'example',
    '',
    '/',
    'https://',
  ])('is not found by %s', (wanted) => {
    expect(refusal(() => resolveApplication(ctx, wanted, all)).code).toBe('APPLICATION_NOT_FOUND')
  })

  it.each<[string, string | RegExp | undefined]>([
    [
      'grafana.example.com/admin/x',
      /^"All hosts" \(\*\.example\.com\), "Grafana" \(grafana\.example\.com\) cover it too/,
    ],
    ['new.example.com', undefined],
    ['grafana.example.com', '"Shortcut" (grafana.example.com) matches too'],
    ['Grafana', undefined],
  ])('is noted to be one of several: %s', (wanted, note) => {
    const {notes} = resolveApplication(ctx, wanted, all)
    if (note instanceof RegExp) expect(notes.join()).toMatch(note)
    else expect(notes).toEqual(note === undefined ? [] : [note])
  })

  it.each([
    ["another's id", app('b', 'a'), app('a', 'x')],
    ["another's domain", app('b', 'x'), app('a', 'a', 'b.example'), 'b.example'],
  ])('is noted to be called as %s', (_what, one, other, wanted = 'a') => {
    const found = resolveApplication(ctx, wanted, [{...one, name: wanted}, other])
    expect(found.application.id).toBe(wanted === 'a' ? 'a' : 'b')
    expect(found.notes).toEqual([expect.stringMatching(/ matches too$/)])
  })

  it('is ambiguous where two answer for the same, however they are written', () => {
    const twins = [app('a', 'A', 'x.example.com/a/*/c'), app('b', 'B', 'X.example.com/a/*/c/')]
    expect(refusal(() => resolveApplication(ctx, 'x.example.com/a/b/c', twins)).code).toBe(
      'APPLICATION_AMBIGUOUS',
    )
    const same = [app('a', 'A', 'x.example.com'), app('b', 'B', 'x.example.com/*')]
    expect(refusal(() => resolveApplication(ctx, 'https://x.example.com/a', same)).code).toBe(
      'APPLICATION_AMBIGUOUS',
    )
  })

  const label = fc.constantFrom('a', 'b', 'cc')
  const wildLabel = fc.constantFrom('a', 'b', '*', 'c*')
  const join = (hosts: string[], paths: string[]): string => [[...hosts, 'com'].join('.'), ...paths].join('/')
  const domain = fc
    .tuple(fc.array(wildLabel, {minLength: 1, maxLength: 2}), fc.array(wildLabel, {maxLength: 2}))
    .map(([hosts, paths]) => join(hosts, paths))
  const apps = fc
    .uniqueArray(domain, {maxLength: 6})
    .map((domains) => domains.map((one, at) => app(`id-${at}`, `Name ${at}`, one)))
  const address = fc
    .tuple(fc.array(label, {minLength: 1, maxLength: 2}), fc.array(label, {maxLength: 3}))
    .map(([hosts, paths]) => join(hosts, paths))
  const decorate = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => `https://${text}`,
    (text) => `https://${text}?q=1#f`,
    (text) => text.replace('.com', '.com:8443'),
    (text) => text.replace(/^[^/]+/, (host) => host.toUpperCase()),
  )

  it('of an address is the one that Access asks, and the note names the others that cover it', () => {
    fc.assert(
      fc.property(apps, address, decorate, (list, text, written) => {
        const [host = '', ...rest] = text.split('/')
        const where = `/${rest.join('/')}`
        const asked = findApplication({host, path: where}, list)?.application
        const covering = list.filter((one) => findApplication({host, path: where}, [one]))
        let found: ReturnType<typeof resolveApplication>
        try {
          found = resolveApplication(ctx, written(text), list)
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          // `x.com` and `x.com/*` are the same to Access, so which one it asks cannot be said.
          expect(error.kind).toBe(asked === undefined ? 'not-found' : 'ambiguous')
          if (asked) expect(list.some(({domain: one}) => one?.endsWith('/*'))).toBe(true)
          return
        }
        expect(found.application).toBe(asked)
        const exact = asked?.domain !== undefined && sameAddress(asked.domain, text)
        for (const other of covering) {
          if (other !== asked && !exact) expect(found.notes.join()).toContain(`"${other.name}"`)
        }
        if (covering.length === 1) expect(found.notes).toEqual([])
      }),
      {numRuns: 500},
    )
  })

  it('with that domain comes before all that cover it', () => {
    fc.assert(
      fc.property(apps, (list) => {
        for (const one of list) {
          const same = list.filter(
            ({domain: text}) =>
              text?.replace(/^([^/]+)\/\*$/, '$1') === one.domain?.replace(/^([^/]+)\/\*$/, '$1'),
          )
          if (same.length === 1) expect(resolveApplication(ctx, one.domain ?? '', list).application).toBe(one)
        }
      }),
    )
  })
})
