import {describe, expect, it} from 'vitest'
import {contradicted, faultOf} from '../../src/lib/api/answers.js'
import {toApplication, toGroup, toPolicy, toServiceToken} from '../../src/lib/api/convert.js'
import type {JsonObject} from '../../src/lib/core/json.js'

const ID = '0b1e4bd6-9dd6-4b1a-8a4c-3e0f3c1a2b3d'

/** What reports and contracts of several years have in place of what the API reference says today. */
const ODD: [what: string, more: JsonObject, policy?: JsonObject][] = [
  ['nothing else', {}],
  ['`precedence: null`', {precedence: null}, {precedence: undefined}],
  ['`uid` beside `id`', {uid: ID}],
  ['`uid` instead of `id`', {id: undefined, uid: ID}],
  ['`uid: null`', {uid: null}],
  ['times without fractions', {created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z'}],
  ['times with fractions', {created_at: '2026-01-01T00:00:00.123456Z'}],
  ['times with an offset', {created_at: '2026-01-01T00:00:00+00:00'}],
  ['empty times', {created_at: '', last_seen_at: null}],
  ['null for lists', {exclude: null, require: null, policies: null, allowed_idps: null, destinations: null}],
  ['null for whether it is reusable', {reusable: null}, {reusable: undefined}],
  ['unknown fields', {field_of_tomorrow: {deep: [null, {}]}, another: 1}],
] // prettier-ignore

describe.each(ODD)('an answer with %s', (_, more, policy = {}) => {
  const raw = (own: JsonObject): JsonObject => {
    const whole = {id: ID, name: 'N', ...own, ...more}
    return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
  }

  it('is an application', () => {
    const given = raw({type: 'self_hosted', domain: 'a.example.com'})
    expect(faultOf(given, ID)).toBeUndefined()
    const app = toApplication(given)
    expect(app).toMatchObject({id: ID, name: 'N', domains: ['a.example.com'], policies: []})
    // Unknown fields go back to the API as they came.
    expect(app.raw).toEqual({...given, id: ID})
    expect(contradicted('replaceApplication', {name: 'N', type: 'self_hosted'}, given)).toEqual([])
  })

  it('is a policy, and a policy of an application', () => {
    const given = raw({decision: 'allow', include: [{everyone: {}}]})
    expect(faultOf(given, ID)).toBeUndefined()
    const expected = {
      id: ID,
      decision: 'allow',
      include: [{everyone: {}}],
      exclude: [],
      require: [],
      ...policy,
    }
    expect(toPolicy(given)).toMatchObject(expected)
    expect(toPolicy(given).raw).toEqual({...given, id: ID})
    expect(toApplication({id: 'a', policies: [given]}).policies).toMatchObject([expected])
  })

  it('is an Access group', () => {
    const given = raw({include: []})
    expect(faultOf(given, ID)).toBeUndefined()
    expect(toGroup(given)).toMatchObject({id: ID, name: 'N', include: [], exclude: [], require: []})
    expect(toGroup(given).raw).toEqual({...given, id: ID})
  })

  it('is a service token', () => {
    const given = raw({client_id: 'c.access', duration: '8760h'})
    expect(faultOf(given, ID)).toBeUndefined()
    expect(toServiceToken(given)).toMatchObject({
      id: ID,
      clientId: 'c.access',
      enabled: true,
      lastSeenAt: undefined,
    })
  })
})
