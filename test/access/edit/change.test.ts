import {describe, expect, it} from 'vitest'
import {
  changedFields,
  createChange,
  deleteChange,
  fieldChanges,
  makeReusableChange,
  missingFields,
  replaceChange,
  undoLimits,
  withIds,
  type Change,
} from '../../../src/lib/access/edit/change.js'
import {restated} from '../../../src/lib/access/edit/errors.js'
import {otherEffects} from '../../../src/lib/access/edit/effect.js'
import type {ObjectRef} from '../../../src/lib/access/edit/object.js'
import {mayHoldSecret} from '../../../src/lib/access/edit/withheld.js'
import {ApiError, UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'

const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const group: ObjectRef = {kind: 'group', id: 'g', name: 'ci'}
const inline: ObjectRef = {kind: 'inline-policy', id: 'i', name: 'Own', application: {id: 'a', name: 'App'}}

describe('a change', () => {
  it('replaces, sets and removes fields, and is none if nothing differs', () => {
    const before = {id: 'a', x: 1, y: 2}
    expect(replaceChange(app, before, {x: 3, y: undefined, z: 4})).toEqual([
      {action: 'replace', target: app, before, after: {id: 'a', x: 3, z: 4}},
    ])
    expect(replaceChange(app, before, {x: 1})).toEqual([])
  })

  it('creates what a client chooses', () => {
    const server = {id: 'a', uid: 'a', aud: 'a', account_id: 'a', created_at: 'a', updated_at: 'a', app_count: 1, reusable: true} // prettier-ignore
    expect(createChange(app, {...server, name: 'App', x: null})).toEqual({
      action: 'create',
      target: app,
      before: undefined,
      after: {name: 'App', x: null},
    })
  })

  it('makes a policy reusable and leaves the rest', () => {
    expect(makeReusableChange(inline, {id: 'i', name: 'Own'})).toEqual({
      action: 'make-reusable',
      target: inline,
      before: {id: 'i', name: 'Own'},
      after: {id: 'i', name: 'Own', reusable: true},
    })
  })

  it.each<[string, Change, string[]]>([
    ['a replacement', {action: 'replace', target: app, before: {id: 'a', z: 1, b: 1, c: 1}, after: {id: 'b', z: 2, b: 1, d: 1}}, ['c', 'd', 'id', 'z']],
    ['a replacement, without what the server sets', {action: 'replace', target: app, before: {id: 'a', updated_at: 1}, after: {id: 'a', updated_at: 2, app_count: 3}}, []],
    ['a creation', createChange(app, {id: 'a', name: 'App', b: 1, a: 1}), ['a', 'b', 'name']],
    ['a creation, without what the server sets', {action: 'create', target: app, before: undefined, after: {id: 'a', aud: 'x', name: 'App'}}, ['name']],
    ['a deletion', deleteChange(app, {id: 'a', aud: 'x', name: 'App', b: 1}), ['b', 'name']],
    ['an empty object', {action: 'replace', target: app, before: {id: 'a', x: 1}, after: {}}, ['x']],
    ['nothing', {action: 'replace', target: app, before: undefined, after: undefined}, []],
  ])('names the fields of %s', (_, change, fields) => {
    expect(changedFields(change)).toEqual(fields)
  }) // prettier-ignore

  it('says what each field had and has, but not what may be a secret', () => {
    const [change] = replaceChange(
      app,
      {gone: 1, saas_app: {a: 1}, changed: null, secret_then: '', password: 'hush'},
      {gone: undefined, saas_app: {a: 2}, changed: 2, made: 3, scim_config: {}, password: undefined},
    )
    if (!change) throw new Error('no change')
    expect(fieldChanges(change)).toEqual([
      {field: 'changed', before: null, after: 2},
      {field: 'gone', before: 1},
      {field: 'made', after: 3},
      {field: 'password', withheld: true},
      {field: 'saas_app', withheld: true},
      {field: 'scim_config', withheld: true},
    ])
    expect(fieldChanges(change)[1]).not.toHaveProperty('after')
    expect(fieldChanges(change)[2]).not.toHaveProperty('before')
    expect(fieldChanges(change, {withSecrets: true}).slice(3)).toEqual([
      {field: 'password', before: 'hush'},
      {field: 'saas_app', before: {a: 1}, after: {a: 2}},
      {field: 'scim_config', after: {}},
    ])
  })

  it('says what about it cannot be undone', () => {
    const changes = [
      makeReusableChange(inline, {}),
      deleteChange(app, {name: 'App', saas_app: {}, scim_config: {}}),
      deleteChange(group, {name: 'ci'}),
      ...replaceChange(app, {}, {saas_app: {}, scim_config: {}}),
      ...replaceChange(app, {}, {x: 1}),
    ]
    expect(undoLimits(changes)).toMatchInlineSnapshot(`
      [
        "Making the policy "Own" of "App" reusable cannot be undone",
        "Deleting the application "App" cannot be undone: zt does not record fields that may hold a secret (saas_app, scim_config)",
        "Changing saas_app, scim_config of the application "App" cannot be undone: zt does not record fields that may hold a secret",
      ]
    `)
  })

  it('has IDs replaced wherever they are, in values but not in names of fields', () => {
    const ids = new Map([['new:1', 'real']])
    const value = {'new:1': ['new:1', {a: 'new:1', b: 'other', c: null, d: 1}]}
    expect(withIds(value, ids)).toEqual({'new:1': ['real', {a: 'real', b: 'other', c: null, d: 1}]})
    expect(withIds(value, new Map())).toBe(value)
  })

  it('misses what is not as asked, not what the server added', () => {
    expect(missingFields(app, {z: 1, b: [1], c: 1}, {z: 2, c: 1, more: 1})).toEqual(['b', 'z'])
  })
})

describe('a field', () => {
  it.each<[string, unknown, boolean]>([
    ['scim_config', {}, true],
    ['saas_app', {}, true],
    ['saas_app', undefined, false],
    ['saas_app', null, false],
    ['name', 'App', false],
    ['count', 3, false],
    ['client_secret', 'x', true],
    ['client_secret', '', false],
    ['client_secret', 3, false],
    ['PASSWORD', 'x', true],
    ['passphrase', 'x', true],
    ['private_key', 'x', true],
    ['api_key', 'x', true],
    ['credentials', 'x', true],
    ['authentication', 'x', true],
    ['authorization', 'x', true],
    ['token', 'x', true],
    ['my_authentication', 'x', false],
    ['authentication_kind', 'x', false],
    ['my_authorization', 'x', false],
    ['authorization_kind', 'x', false],
    ['token_id', 'x', false],
    ['service_token', 'x', false],
    ['name', `cfast_${'A1b2'.repeat(12)}`, true],
    ['list', ['x', {deep: [{token: 'x'}]}], true],
    ['token', ['x'], true],
    ['list', ['x', {deep: [{name: 'x'}]}], false],
    ['object', {a: 'x', password: 'x'}, true],
    ['object', {a: 'x'}, false],
    ['flag', true, false],
    ['object', {a: null, b: undefined}, false],
  ])('%s: %j may hold a secret: %s', (field, value, may) => {
    expect(mayHoldSecret(field, value)).toBe(may)
  })
})

describe('an error with more facts', () => {
  it('keeps its own, and puts the new reasons after and the new commands before them', () => {
    const error = new ApiError({kind: 'api', code: 'X', message: 'm', why: ['a', ''], next: ['old'], status: 500, outcomeUnknown: true, details: {a: 1}}) // prettier-ignore
    const more = restated(error, {why: ['b', ''], next: ['new'], details: {b: 2}, outcomeUnknown: false})
    expect(more).toMatchObject({
      whyLines: ['a', 'b'],
      next: ['new', 'old'],
      details: {a: 1, b: 2},
      status: 500,
      outcomeUnknown: false,
    })
    expect(restated(new UserError({kind: 'api', code: 'X', message: 'm'}), {})).toMatchObject({whyLines: [], next: []}) // prettier-ignore
  })

  it.each([new Error('x'), 'x', undefined])('is %s itself if it is not one of zt', (error) => {
    expect(restated(error, {why: ['b']})).toBe(error)
  })
})

describe('two plans of one edit', () => {
  const link = (id: string, precedence: number): JsonObject => ({id, precedence})
  const links = (before: unknown, after: unknown): Change[] =>
    replaceChange(app, {policies: before}, {policies: after})
  const policies = ['policies of the application "App"']
  const [a, b, c, d] = [link('a', 1), link('b', 2), link('c', 3), link('d', 4)]

  it.each<[string, Change[], Change[], string[]]>([
    ['attach before the same', links([a], [link('n', 1), link('a', 2)]), links([a, c], [link('n', 1), link('a', 2), c]), []],
    ['attach before another', links([a], [d, a]), links([a, c], [a, d, c]), policies],
    ['attach last, and before another', links([a], [a, d]), links([a, b], [a, d, b]), policies],
    ['detach the same', links([a, b], [b]), links([a, b, c], [b, c]), []],
    ['detach another', links([a, b], [b]), links([a, b], [a]), policies],
    ['move the same', links([a, b], [a, link('b', 5)]), links([a, b, c], [a, c, link('b', 5)]), []],
    ['move elsewhere', links([a, b], [a, link('b', 5)]), links([a, b], [a, link('b', 6)]), policies],
    ['move from elsewhere', links([a, b], [a, link('b', 5)]), links([a, link('b', 3)], [a, link('b', 5)]), policies],
    ['list links that have more fields', links([{...a, x: 1}], [{...a, x: 1}, b]), links([{...a, x: 1}, c], [{...a, x: 1}, c, b]), []],
    ['change more of a link than its place', links([{...a, x: 1}], [{...a, x: 2}]), links([{...a, x: 1}], [{...a, x: 3}]), policies],
    ['list what are no links', links(['a'], ['a', 'b']), links(['a', 'c'], ['a', 'c', 'b']), []],
    ['set links where there were none', links(undefined, [a]), links([], [a]), []],
    ['remove all links', links([a], undefined), links([a], []), []],
    ['have no list', links('x', 'y'), links('z', 'y'), policies],
    ['make a list of what was none', links('x', [a]), links('y', [a]), policies],
    ['make something else of a list', links([a], 'x'), links([b], 'x'), policies],
    ['remove other elements in another order', replaceChange(app, {l: ['a', 'b', 'c']}, {l: ['c']}), replaceChange(app, {l: ['b', 'a', 'c']}, {l: ['c']}), []],
    ['add other elements in another order', replaceChange(app, {l: ['c']}, {l: ['c', 'a', 'b']}), replaceChange(app, {l: ['c']}, {l: ['c', 'b', 'a']}), []],
    ['add one twice', replaceChange(app, {l: ['c']}, {l: ['c', 'a']}), replaceChange(app, {l: ['c']}, {l: ['c', 'a', 'a']}), ['l of the application "App"']],
    ['create an object with another provisional ID', [createChange({...group, id: 'new:1'}, {x: 1})], [createChange({...group, id: 'new:2'}, {x: 1})], []],
    ['rename an object that was renamed', replaceChange(group, {x: 1}, {x: 2}), replaceChange({...group, name: 'ci'}, {x: 1}, {x: 2}), []],
    ['do something else to it', [deleteChange(group, {name: 'ci'})], replaceChange(group, {name: 'ci'}, {name: 'x'}), ['name of the Access group "ci"', 'the Access group "ci"']],
    ['set a value of a field that has no list, on top of another', replaceChange(app, {x: 1}, {x: 2}), replaceChange(app, {}, {x: 2}), ['x of the application "App"']],
    ['reorder a list, of which they have different elements', replaceChange(app, {l: ['a', 'b']}, {l: ['b', 'a']}), replaceChange(app, {l: ['a', 'b', 'c']}, {l: ['b', 'a', 'c']}), ['l of the application "App"']],
    ['change one element', replaceChange(app, {l: ['a', 'x']}, {l: ['a', 'y']}), replaceChange(app, {l: ['b', 'x']}, {l: ['b', 'y']}), []],
    ['change one element twice', replaceChange(app, {l: ['x', 'x', 'a']}, {l: ['x', 'a']}), replaceChange(app, {l: ['x', 'a']}, {l: ['a']}), []],
    ['move links whose fields are in another order', links([{precedence: 1, id: 'a'}, b], [{precedence: 1, id: 'a'}, link('b', 5)]), links([a, b, c], [a, c, link('b', 5)]), []],
    ['move what is no link', links([a, 'b'], [link('a', 5), 'b']), links([a, b], [link('a', 5), b]), policies],
    ['leave all links where they are but one', links([a, b], [a, link('b', 5)]), links([b, a], [link('b', 5), a]), []],
    ['add what looks like a link to another field', replaceChange(app, {x: [a]}, {x: [d, a]}), replaceChange(app, {x: [a, c]}, {x: [a, d, c]}), []],
    ['differ in a secret', replaceChange(app, {}, {saas_app: {a: 1}}), replaceChange(app, {}, {saas_app: {a: 2}}), ['saas_app of the application "App"']],
  ])('that %s', (_, shown, now, expected) => {
    expect(otherEffects(shown, now)).toEqual(expected)
  }) // prettier-ignore
})
