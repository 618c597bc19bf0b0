import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {errorFacts} from '../../../src/lib/core/error-text.js'
import {readAnswer, RefusedError} from '../../../src/lib/tunnel/failure/refusal.js'
import type {EdgeAnswer} from '../../../src/lib/tunnel/types.js'

const LOGIN = 'https://team.cloudflareaccess.com/cdn-cgi/access/login/app.example.com'
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (payload: string): string => `${encode({alg: 'RS256', kid: 'k'})}.${payload}.c2lnbmF0dXJl`
const metaOf = (claims: unknown): string => jwt(encode(claims))
const says = (service_token_status: unknown, more = {}): string =>
  metaOf({type: 'meta', hostname: 'app.example.com', service_token_status, ...more})
const to = (meta: string, before = `${LOGIN}?kid=aud&meta=`): string => `${before}${meta}&redirect_url=%2F`

const read = (location: string, status = 302): EdgeAnswer =>
  readAnswer(status, new Map([['location', location]]))

describe('what the redirect to the login page says of the credentials', () => {
  it.each<[string, string, EdgeAnswer['credentials']]>([
    ['true', to(says(true)), 'accepted'],
    ['false', to(says(false)), 'not-accepted'],
    ['true, as the first parameter', to(says(true), `${LOGIN}?meta=`), 'accepted'],
    ['true, without a signature', to(says(true).replace(/[^.]*$/, '')), 'accepted'],
    ['true, beside a claim of other letters', to(says(true, {name: 'Zoë 🙂'})), 'accepted'],
    ['nothing: no query', LOGIN, undefined],
    ['nothing: no meta', `${LOGIN}?kid=aud`, undefined],
    ['nothing: an empty one', to(''), undefined],
    ['nothing: no such claim', to(metaOf({type: 'meta'})), undefined],
    ['a text', to(says('true')), undefined],
    ['a number', to(says(1)), undefined],
    ['null', to(says(null)), undefined],
    ['an object', to(says({true: true})), undefined],
    ['true inside another claim', to(metaOf({meta: {service_token_status: true}})), undefined],
    ['true by a prototype', to(jwt(Buffer.from('{"__proto__":{"service_token_status":true}}').toString('base64url'))), undefined],
    ['a list', to(metaOf([{service_token_status: true}])), undefined],
    ['no object', to(metaOf(null)), undefined],
    ['no JSON', to(jwt('bm90IEpTT04')), undefined],
    ['no JWT: two parts', to(says(true).split('.').slice(0, 2).join('.')), undefined],
    ['no JWT: four parts', to(`${says(true)}.x`), undefined],
    ['no JWT: other characters', to(`${says(true)}%20`), undefined],
    ['two that differ', to(`${says(true)}&meta=${says(false)}`), undefined],
    ['true in the fragment', `${LOGIN}#?meta=${says(true)}`, undefined],
    ['true in a location that is too long', to(says(true, {ip: 'x'.repeat(8192)})), undefined],
  ])('%s', (_, location, credentials) => {
    expect(read(location)).toMatchObject({by: 'access', reason: 'login', credentials})
  }) // prettier-ignore

  it.each<[string, EdgeAnswer]>([
    ['another redirect', read(to(says(true), 'https://app.example.com/signin?meta='))],
    ['a 401', read(to(says(true)), 401)],
    ['a 200', read(to(says(true)), 200)],
  ])('is not read from %s', (_, answer) => {
    expect(answer.credentials).toBeUndefined()
  })

  it('is one of three answers whatever the location is, and the payload whatever it holds', () => {
    const answers = ['accepted', 'not-accepted', undefined]
    const text = fc.string({unit: 'binary', maxLength: 300})
    fc.assert(
      fc.property(text, (rest) => {
        expect(answers).toContain(read(`${LOGIN}?${rest}`).credentials)
        expect(answers).toContain(read(to(rest)).credentials)
        expect(read(to(jwt(Buffer.from(rest).toString('base64url')))).credentials).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const credentials = value === true ? 'accepted' : value === false ? 'not-accepted' : undefined
        expect(read(to(says(value))).credentials).toBe(credentials)
      }),
    )
  })

  it('is all that is kept of the query', () => {
    const meta = says(false, {email: 'someone@example.com', ip: '203.0.113.7'})
    const answer = read(to(meta))
    expect(answer.location).toBe(LOGIN)
    const facts = JSON.stringify([answer, errorFacts(new RefusedError('app.example.com', answer))])
    for (const part of [...meta.split('.'), 'someone@example.com', '203.0.113.7', 'kid', 'redirect_url'])
      expect(facts).not.toContain(part)
  })
})

describe('without the account, a redirect to the login page is explained by what it says', () => {
  it.each<[EdgeAnswer['credentials'], named: RegExp, not: RegExp]>([
    ['accepted', /accepted the token: usually no Service Auth rule/, /secret|disabled|expired/],
    ['not-accepted', /usually it is expired, disabled or deleted, or has another secret\. Or no Service Auth rule/, /^Usually/],
    [undefined, /^Usually no Service Auth rule .*, or the token is expired, disabled or has another secret/, /Access says/],
  ])('%s', (credentials, named, not) => {
    const {why, details} = new RefusedError('app.example.com', {...read(LOGIN), credentials})
    expect(why).toMatch(named)
    expect(why).not.toMatch(not)
    expect(details).toMatchObject({reason: 'login', credentials})
  }) // prettier-ignore
})

describe('the command that shows what Access recorded of the request', () => {
  const RAY = '8f1e2d3c4b5a6978-AMS'
  const refusal = (
    status: number,
    headers: Record<string, string>,
    finding?: {why: string[]; next: readonly string[]},
  ) =>
    new RefusedError(
      'app.example.com',
      readAnswer(status, new Map(Object.entries(headers))),
      finding && {why: finding.why, next: [...finding.next]},
    ).next
  const nextOf = (status: number, headers: Record<string, string> = {}): readonly string[] =>
    refusal(status, {'cf-ray': RAY, ...headers})

  it.each<[string, readonly string[]]>([
    ['a redirect to the login page', nextOf(302, {location: LOGIN})],
    ['a 401 of Access', nextOf(401, {'www-authenticate': 'Cloudflare-Access resource_metadata="x"'})],
    ['a 403 that may be its own', nextOf(403)],
    ['without the data centre', refusal(403, {'cf-ray': RAY.slice(0, 16)})],
  ])('is the last step after %s', (_, next) => {
    expect(next.at(-1)).toMatch(/^zt ray 8f1e2d3c4b5a6978(-AMS)?$/)
    expect(next.length).toBeGreaterThan(1)
  })

  it.each<[string, readonly string[]]>([
    ["the service's own 401", nextOf(401, {'www-authenticate': 'Basic'})],
    ['a challenge of the zone', nextOf(403, {'cf-mitigated': 'challenge'})],
    ['too many requests', nextOf(429)],
    ['a connector that is down', nextOf(530)],
    ['another redirect', nextOf(302, {location: 'https://other.example/'})],
    ['an answer without a CF-RAY', refusal(403, {})],
    ['one that is none', refusal(403, {'cf-ray': 'x; rm -rf /'})],
    ['one with more behind it', refusal(403, {'cf-ray': `${RAY} --json`})],
  ])('is not named after %s', (_, next) => {
    expect(next.join('\n')).not.toMatch(/zt ray/)
  })

  it('is named once, after what the account says', () => {
    const first = refusal(403, {'cf-ray': RAY}, {why: ['x'], next: ['zt app add-rule GitLab']})
    expect(first).toEqual(['zt app add-rule GitLab', `zt ray ${RAY}`])
    expect(refusal(403, {'cf-ray': RAY}, {why: ['x'], next: first})).toEqual(first)
  })
})
