import {beforeEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {createChange, replaceChange, type Change} from '../../../src/lib/access/edit/change.js'
import {newId, readObject, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {failure} from '../../support/edit-world.js'
import {MemoryApi, memoryContext, MemoryRecords} from '../../support/memory-api.js'

const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const policy: ObjectRef = {kind: 'policy', id: 'p', name: 'P'}
const newApp: ObjectRef = {kind: 'application', id: newId(1), name: 'New'}
const newPolicy: ObjectRef = {kind: 'policy', id: newId(1), name: 'New'}
const rules = [{everyone: {}}, {service_token: {token_id: 't'}}]

/** An API that fills in defaults and puts lists in another order at each write. */
class FillingApi extends MemoryApi {
  override replaceApplication(id: string, body: JsonObject): void {
    super.replaceApplication(id, this.filled(body))
  }
  override createApplication(body: JsonObject) {
    return super.createApplication(this.filled(body))
  }
  override replacePolicy(id: string, body: JsonObject): void {
    super.replacePolicy(id, this.filledPolicy(body))
  }
  override createPolicy(body: JsonObject) {
    return super.createPolicy(this.filledPolicy(body))
  }
  /** Done to an object after each write, by someone else. */
  meddle: (object: JsonObject) => JsonObject = (object) => object

  private filled(body: JsonObject): JsonObject {
    const {domain, tags, ...rest} = body
    return this.meddle({
      ...{http_only_cookie_attribute: true, app_launcher_visible: true, enable_binding_cookie: false},
      ...{session_duration: '24h', allowed_idps: ['idp-2', 'idp-1'], custom_deny_url: null},
      ...{destinations: [{type: 'public', uri: domain}], self_hosted_domains: [domain], uid: 'a'},
      ...rest,
      ...(domain !== undefined && {domain}),
      ...(Array.isArray(tags) && {tags: [...(tags as string[])].sort()}),
    })
  }
  private filledPolicy(body: JsonObject): JsonObject {
    const include = [...(body['include'] as unknown[])].reverse()
    return this.meddle({
      session_duration: '24h',
      approval_required: false,
      approval_groups: [],
      ...body,
      include,
    })
  }
}

let memory: FillingApi
let ctx: AccessContext
beforeEach(() => {
  memory = new FillingApi()
  memory.apps = [{id: 'a', name: 'App', type: 'self_hosted', domain: 'a.example.com', tags: ['z', 'a'], policies: [], x: [1]}]
  memory.policies = [{id: 'p', name: 'P', decision: 'allow', include: rules, exclude: [], require: []}]
  ;({ctx} = memoryContext(memory, new MemoryRecords()))
}) // prettier-ignore

const state = async (target: ObjectRef): Promise<JsonObject> => (await readObject(memory.api, target)) ?? {}
const apply = (changes: readonly Change[]) => applyChanges(ctx, changes, {command: 'zt x'})
const changes: Record<string, () => Promise<Change[]>> = {
  'of an application': async () => replaceChange(app, await state(app), {service_auth_401_redirect: true}),
  'of a policy': async () => replaceChange(policy, await state(policy), {name: 'Q'}),
  'that creates an application': () =>
    Promise.resolve([createChange(newApp, {name: 'New', type: 'self_hosted', domain: 'b.example.com', tags: ['z', 'a']})]),
  'that creates a policy': () =>
    Promise.resolve([createChange(newPolicy, {name: 'New', decision: 'allow', include: rules, exclude: [], require: []})]),
} // prettier-ignore

describe('what the server fills in and puts in another order', () => {
  it.each(Object.keys(changes))('is not taken for a change by someone else, by an edit %s and its undo', async (which) => {
    const {undoId = ''} = await apply((await changes[which]?.()) ?? [])
    // Written once more, and in another order.
    memory.policies = memory.policies.map((one) => ({...one, include: [...(one['include'] as unknown[])].reverse(), require: null}))
    memory.apps = memory.apps.map(({allowed_idps: _, http_only_cookie_attribute: _h, ...one}) => ({...one, created_at: '2026-07-01T00:00:00.000Z'}))
    await undoEdit(ctx, await planUndo(ctx, undoId))
    expect([memory.apps.length, memory.policies.length]).toEqual([1, 1])
    expect(memory.apps[0]).toMatchObject({id: 'a', x: [1]})
    expect(memory.apps[0]?.['service_auth_401_redirect']).toBeUndefined()
    expect(memory.policies[0]).toMatchObject({name: 'P'})
  }) // prettier-ignore

  it('is not taken for one between plan and write', async () => {
    const planned = await changes['of an application']?.()
    memory.apps = memory.apps.map((one) => ({...one, tags: ['a', 'z'], enable_binding_cookie: false, destinations: [{uri: 'a.example.com'}]})) // prettier-ignore
    await apply(planned ?? [])
    expect(memory.apps[0]).toMatchObject({service_auth_401_redirect: true})
  })

  const REAL: [string, keyof typeof changes, JsonObject, string][] = [
    ['a setting', 'of an application', {enable_binding_cookie: true}, 'enable_binding_cookie'],
    ['a tag', 'of an application', {tags: ['a', 'z', 'new']}, 'tags'],
    ['an unknown field', 'of an application', {x: [2]}, 'x'],
    ['a host', 'of an application', {destinations: [{uri: 'a.example.com'}, {uri: 'c.example.com'}]}, 'destinations'],
    ['a rule', 'of a policy', {include: [{everyone: {}}]}, 'include'],
    ['an approval', 'of a policy', {approval_required: true}, 'approval_required'],
  ] // prettier-ignore

  it.each(REAL)('does not hide a change by someone else at the moment of the write: %s', async (_, which, change, field) => {
    memory.meddle = (object) => ({...object, ...change})
    expect(await failure(apply((await changes[which]?.()) ?? []))).toMatchObject({
      code: 'NOT_AS_EXPECTED',
      details: {fields: [field]},
    })
  }) // prettier-ignore

  it.each(REAL)('does not hide a change by someone else before the write: %s', async (_, which, change, field) => {
    const planned = (await changes[which]?.()) ?? []
    for (const one of which === 'of a policy' ? memory.policies : memory.apps) Object.assign(one, change)
    expect(await failure(apply(planned))).toMatchObject({code: 'CHANGED_MEANWHILE', details: {fields: [field]}})
    expect(memory.writes).toEqual([])
  }) // prettier-ignore

  it('does not hide another domain of a new application', async () => {
    memory.meddle = (object) => ({...object, domain: 'c.example.com'})
    const error = await failure(apply((await changes['that creates an application']?.()) ?? []))
    expect(error).toMatchObject({code: 'NOT_AS_EXPECTED', details: {fields: ['domain']}})
  })
})
