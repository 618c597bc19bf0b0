import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {AccessContext, SecretFields} from '../../../src/lib/access/account/context.js'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {replaceChange, type Change} from '../../../src/lib/access/edit/change.js'
import {
  hiddenFields,
  requireSecretFields,
  withSecretFields,
} from '../../../src/lib/access/edit/hidden-fields.js'
import {makeEdit, type EditPlan} from '../../../src/lib/access/edit/make.js'
import {readObject, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import {planUndo, undoEdit, type PlannedUndo} from '../../../src/lib/access/edit/undo.js'
import {isMask} from '../../../src/lib/access/edit/withheld.js'
import type {Application} from '../../../src/lib/api/types.js'
import {ApiError, UserError} from '../../../src/lib/core/errors.js'
import {isJsonObject, type JsonObject} from '../../../src/lib/core/json.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {APP, planEdit, type Edit} from '../../support/edit-world.js'
import {MemoryApi, memoryContext, MemoryRecords} from '../../support/memory-api.js'

/** How an API hides secrets, and what it makes of a PUT without them: sources contradict each other. */
interface Manners {
  shows: 'mask' | 'nothing'
  mask: string
  without: 'refuses' | 'erases'
}

const app: ObjectRef = {kind: 'application', id: APP, name: 'App'}
const SECRET = {httpbasic: 'password', oauthbearertoken: 'token', oauth2: 'client_secret', access_service_token: 'client_secret'} // prettier-ignore

/** Every value below a key that only the API knows, by path. Worked out without any code of the edits. */
function secretsOf(value: unknown, path = '', key = ''): Record<string, unknown> {
  if (typeof value === 'string')
    return ['password', 'token', 'client_secret'].includes(key) ? {[path]: value} : {}
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      Object.entries(secretsOf(one, path === '' ? name : `${path}.${name}`, name)),
    ),
  )
}

function mapSecrets(value: unknown, change: (path: string, text: string) => unknown, path = ''): unknown {
  if (Array.isArray(value)) return value.map((one, at) => mapSecrets(one, change, `${path}.${at}`))
  if (!isJsonObject(value)) return value
  const inner = Object.entries(value).map(([name, one]): [string, unknown] => {
    const here = path === '' ? name : `${path}.${name}`
    const isSecret =
      typeof one === 'string' && here in secretsOf({[name]: one}, here.slice(0, -name.length - 1))
    return [name, isSecret ? change(here, one) : mapSecrets(one, change, here)]
  })
  return Object.fromEntries(inner.filter(([, one]) => one !== undefined))
}

/** An account in memory whose API hides the secrets of applications. */
class HidingApi extends MemoryApi {
  constructor(readonly manners: Manners) {
    super()
  }

  override getApplication(id: string): Application {
    const {raw, ...rest} = super.getApplication(id)
    const {shows, mask} = this.manners
    return {...rest, raw: mapSecrets(raw, () => (shows === 'mask' ? mask : undefined)) as JsonObject}
  }

  override replaceApplication(id: string, body: JsonObject): void {
    const kept = secretsOf(this.apps.find((one) => one['id'] === id))
    const sent = opened(body) as JsonObject
    const secrets = secretsOf(sent)
    for (const path of Object.keys(kept).filter((one) => !(one in secrets))) {
      // Cloudflare keeps the secret that it made itself.
      if (path === 'saas_app.client_secret') (sent['saas_app'] as JsonObject)['client_secret'] = kept[path]
      else if (this.manners.without === 'refuses')
        throw new ApiError({
          kind: 'api',
          code: 'API_REFUSED',
          message: `${path} is a required field`,
          status: 400,
        })
    }
    super.replaceApplication(id, sent)
  }
}

function opened(value: unknown): unknown {
  if (value instanceof Secret) return value.expose()
  if (Array.isArray(value)) return value.map(opened)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, opened(one)]))
}

const secret = fc.stringMatching(/^[a-z]{2}[A-Za-z0-9!$%]{8,20}$/)
const authentication = fc
  .tuple(fc.constantFrom(...(Object.keys(SECRET) as (keyof typeof SECRET)[])), secret)
  .map(([scheme, text]): JsonObject => ({scheme, user: 'u', client_id: 'c', [SECRET[scheme]]: text}))
const scim = fc
  .oneof(
    authentication,
    fc.array(authentication, {minLength: 1, maxLength: 3}),
    fc
      .tuple(authentication, fc.array(authentication, {minLength: 1, maxLength: 2}))
      .map(([one, more]) => [one, more]),
  )
  .map((given): JsonObject => ({idp_uid: 'i', remote_uri: 'https://scim.example', authentication: given}))
const saas = secret.map((text): JsonObject => ({auth_type: 'oidc', client_id: 'c', client_secret: text}))
const application = fc.record({
  scim: fc.option(scim, {nil: undefined}),
  saas: fc.option(saas, {nil: undefined}),
})
const manners: fc.Arbitrary<Manners> = fc.record({
  shows: fc.constantFrom('mask', 'nothing'),
  mask: fc.constantFrom(
    '**********',
    '***',
    '',
    'REDACTED',
    '[hidden]',
    '<sensitive>',
    '••••••',
    'xxxxxxxx',
    'ab****yz',
  ),
  without: fc.constantFrom('refuses', 'erases'),
})
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({edit: fc.constant('set' as const), field: fc.constant('session_duration'), value: fc.constantFrom('1h', '2h')}), // prettier-ignore
  fc.constant<Edit>({edit: 'add', name: 'Added', place: 'last'}),
  fc.record({edit: fc.constant('move' as const), at: fc.nat(1), precedence: fc.integer({min: 1, max: 9})}),
  fc.record({edit: fc.constant('drop' as const), at: fc.nat(1)}),
  fc.record({edit: fc.constant('rename' as const), at: fc.nat(1), name: fc.constant('Renamed')}),
)

interface Scene {
  memory: HidingApi
  records: MemoryRecords
  /** The context of a command that was given these secrets. */
  with: (secretFields?: SecretFields) => AccessContext
}

function sceneOf(
  given: Manners,
  fields: {scim?: JsonObject | undefined; saas?: JsonObject | undefined},
): Scene {
  const memory = new HidingApi(given)
  const policy = (n: number): JsonObject => ({id: `p${n}`, name: `P${n}`, decision: 'allow', include: [{everyone: {}}], reusable: true}) // prettier-ignore
  memory.policies = [policy(1), policy(2)]
  memory.apps = [
    {
      ...{id: APP, name: 'App', type: 'self_hosted', domain: 'a.example.com', session_duration: '24h'},
      ...(fields.scim && {scim_config: fields.scim}),
      ...(fields.saas && {saas_app: fields.saas}),
      policies: [{id: 'p1', precedence: 1}, {id: 'p2', precedence: 2}],
    },
  ] // prettier-ignore
  const records = new MemoryRecords()
  const {ctx} = memoryContext(memory, records)
  const locks = {holder: () => Promise.resolve(undefined), acquire: () => Promise.resolve({release: () => Promise.resolve()})} // prettier-ignore
  return {
    memory,
    records,
    with: (secretFields) => ({...ctx, locks, secretFields}) as unknown as AccessContext,
  }
}

async function make(ctx: AccessContext, wanted: Edit): Promise<string | undefined> {
  const plan = async (): Promise<EditPlan> => ({changes: await planEdit(ctx, wanted)})
  const apply = ({changes}: EditPlan) => applyChanges(ctx, changes, {command: 'zt x'})
  return (await makeEdit(ctx, plan, {shown: undefined, planned: () => undefined, apply})).applied.undoId
}

async function undo(ctx: AccessContext, id: string): Promise<void> {
  const plan = (): Promise<PlannedUndo> => planUndo(ctx, id)
  await makeEdit(ctx, plan, {shown: undefined, planned: () => undefined, apply: (one) => undoEdit(ctx, one)})
}

async function codeOf(run: Promise<unknown>): Promise<string | undefined> {
  try {
    await run
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error.code
    throw error
  }
}

describe('an application with fields that the API hides', () => {
  it('keeps them through any edit and its undo, however the API hides them and whatever it makes of a PUT without them', async () => {
    let [refused, made] = [0, 0]
    await fc.assert(
      fc.asyncProperty(application, manners, edit, async (fields, given, wanted) => {
        const {memory, records, with: context} = sceneOf(given, fields)
        const secrets = secretsOf(memory.apps[0])
        const needed = Object.keys(secretsOf({scim_config: fields.scim}))
        const whole = structuredClone(memory.apps)
        const writes = !['rename'].includes(wanted.edit) && (await planEdit(context(), wanted)).length > 0
        const without = await codeOf(make(context(), wanted))
        expect(secretsOf(memory.apps[0])).toEqual(secrets)
        if (needed.length === 0 || !writes) {
          expect(without).toBeUndefined()
          return
        }
        refused++
        expect(without).toBe('SECRET_FIELD_NEEDED')
        expect([memory.writes, memory.apps, records.kept]).toEqual([[], whole, []])
        const right = new Map(needed.map((path) => [path, new Secret(String(secrets[path]))]))
        const id = await make(context(right), wanted)
        made++
        expect(secretsOf(memory.apps[0])).toEqual(secrets)
        expect(JSON.stringify(records.kept)).not.toMatch(new RegExp(Object.values(secrets).map((one) => String(one).replace(/[$!%]/g, '\\$&')).join('|'))) // prettier-ignore
        const before = structuredClone(memory.apps)
        expect(await codeOf(undo(context(), id ?? ''))).toBe('SECRET_FIELD_NEEDED')
        expect(memory.apps).toEqual(before)
        await undo(context(right), id ?? '')
        expect(secretsOf(memory.apps[0])).toEqual(secrets)
        expect(memory.apps[0]?.['session_duration']).toBe('24h')
      }),
      {numRuns: 150},
    )
    expect([refused > 20, made > 20]).toEqual([true, true])
  })

  it('of which some secrets are given still needs the others', async () => {
    const {memory, with: context} = sceneOf(
      {shows: 'nothing', mask: '', without: 'erases'},
      {scim: {authentication: [{scheme: 'httpbasic', user: 'u', password: 'one-password'}, {scheme: 'oauth2', client_secret: 'other-secret'}]}}, // prettier-ignore
    )
    const some = new Map([['scim_config.authentication.1.client_secret', new Secret('other-secret')]])
    const error = await make(context(some), {edit: 'add', name: 'x', place: 'last'}).catch(
      (one: unknown) => one,
    )
    expect(error).toMatchObject({
      kind: 'needs-action',
      code: 'SECRET_FIELD_NEEDED',
      details: {secretFields: ['scim_config.authentication.0.password']},
    })
    expect(memory.writes).toEqual([])
  })

  it('that appear only just before the write are not overwritten', async () => {
    const {memory, with: context} = sceneOf({shows: 'mask', mask: '***', without: 'erases'}, {})
    const ctx = context()
    const state = (await readObject(memory.api, app)) ?? {}
    const change = replaceChange(app, state, {session_duration: '1h'})
    // The same state, as `requireUntouched` compares it: a hidden secret is no difference.
    memory.apps = [{...memory.apps[0], x_password: 'new-secret-here'}]
    mapHidden(memory)
    expect(await codeOf(applyChanges(ctx, change, {command: 'zt x'}))).toBe('SECRET_FIELD_NEEDED')
    expect(memory.apps[0]).toMatchObject({x_password: 'new-secret-here', session_duration: '24h'})
  })
})

/** Also hides a field that the contract does not name. */
function mapHidden(memory: HidingApi): void {
  const get = memory.getApplication.bind(memory)
  memory.getApplication = (id) => {
    const found = get(id)
    return {...found, raw: {...found.raw, x_password: '***'}}
  }
}

const context = (secretFields?: SecretFields): AccessContext => ({secretFields, commandLine: 'zt app set App'}) as AccessContext // prettier-ignore
const basic = {scheme: 'httpbasic', user: 'u'}
const changeOf = (id: string, state: JsonObject): Change => ({
  action: 'replace',
  target: {kind: 'application', id, name: id.toUpperCase()},
  before: state,
  after: {...state, session_duration: '1h'},
})

describe('the hidden fields of an object', () => {
  it.each<[string, JsonObject, string[]]>([
    ['none', {name: 'App', saas_app: {auth_type: 'saml'}, scim_config: {remote_uri: 'x'}}, []],
    ['a secret that is shown', {scim_config: {authentication: {...basic, password: 'shown-by-the-api'}}}, []],
    ['a secret that is left out', {scim_config: {authentication: basic}}, ['scim_config.authentication.password']],
    ['null for a secret', {scim_config: {authentication: {...basic, password: null}}}, ['scim_config.authentication.password']],
    ['anything but a text', {scim_config: {authentication: {...basic, password: {set: true}}}}, ['scim_config.authentication.password']],
    ['a bearer token', {scim_config: {authentication: {scheme: 'oauthbearertoken'}}}, ['scim_config.authentication.token']],
    ['a list of schemes', {scim_config: {authentication: [basic, [{scheme: 'access_service_token'}]]}}, ['scim_config.authentication.0.password', 'scim_config.authentication.1.0.client_secret']],
    ['a scheme of tomorrow, masked', {scim_config: {authentication: {scheme: 'new', api_key: '****'}}}, ['scim_config.authentication.api_key']],
    ['a mask in a field of tomorrow', {x: [{deep: {client_secret: '[REDACTED]'}}]}, ['x.0.deep.client_secret']],
    ['a mask under a name that is no secret', {name: '****', tags: ['***']}, []],
    ['the secret that Cloudflare keeps itself', {saas_app: {auth_type: 'oidc', client_secret: '***'}}, []],
  ])('are %s', (_, state, paths) => {
    expect(hiddenFields(state)).toEqual(paths)
  }) // prettier-ignore

  it.each(['', '  ', '*', '********', '•••', 'xxxxxx', 'abcd****', '****wxyz', 'abcd…', 'abcd...', '＊＊＊＊', 'REDACTED', '[redacted]', '<hidden>', '(sensitive value)', '**redacted**', '------', '########'])('are shown as %j', (text) => {
    expect(isMask(text)).toBe(true)
  }) // prettier-ignore
  it.each(['hush-hush', 'correct horse battery', 'a*b*c', 'p4ss**w0rd', 'cfast_AbC123', '0', 'xyxyxy', 'Secret1', '[a]=b'])('are not what a secret may be: %j', (text) => {
    expect(isMask(text)).toBe(false)
  }) // prettier-ignore
})

describe('secrets that are given for hidden fields', () => {
  const hidden = {scim_config: {authentication: basic}}
  const path = 'scim_config.authentication.password'
  const given = (...names: string[]): AccessContext =>
    context(new Map(names.map((name) => [name, new Secret(`for ${name}`)])))
  const check = (ctx: AccessContext, ...changes: Change[]): UserError | undefined => {
    try {
      requireSecretFields(ctx, changes)
      return undefined
    } catch (error) {
      if (error instanceof UserError) return error
      throw error
    }
  }

  it('are asked for with the command that was typed', () => {
    const error = check(context(), changeOf('a', hidden))
    expect(error?.message).toBe('Cannot change the application "A" without a secret that the API hides')
    expect(error?.next).toEqual([`zt app set App --secret-field ${path}`])
    expect(check({} as AccessContext, changeOf('a', hidden))?.next).toEqual([`Give --secret-field ${path}`])
  })

  it.each<[string, string[], [string, JsonObject][], string | undefined]>([
    ['belong to the only application that has the field', [path], [['a', hidden]], undefined],
    ['name the application, if several have it', [`a:${path}`, `b:${path}`], [['a', hidden], ['b', hidden]], undefined],
    ['are not written to two applications', [path], [['a', hidden], ['b', hidden]], 'SECRET_FIELD_AMBIGUOUS'],
    ['are missing for the other application', [`a:${path}`], [['a', hidden], ['b', hidden]], 'SECRET_FIELD_NEEDED'],
    ['name a field that there is', ['name'], [['a', hidden]], 'SECRET_FIELD_UNKNOWN'],
    ['name an application of the edit', [`c:${path}`], [['a', hidden]], 'SECRET_FIELD_UNKNOWN'],
    ['are not needed where nothing is written', [path], [], undefined],
    ['are not needed where nothing is hidden', [path], [['a', {name: 'A'}]], undefined],
  ])('%s', (_, names, apps, code) => {
    expect(check(given(...names), ...apps.map(([id, state]) => changeOf(id, state)))?.code).toBe(code)
  }) // prettier-ignore

  it('replace a value that the API shows, if the field is named', () => {
    const shown = {scim_config: {authentication: {...basic, password: 'e3b0c44298fc'}}, name: 'A'}
    const sent = withSecretFields(given(path), app, shown)
    expect(opened(sent)).toEqual({
      scim_config: {authentication: {...basic, password: `for ${path}`}},
      name: 'A',
    })
    expect(withSecretFields(context(), app, shown)).toEqual(shown)
  })

  it('are not needed for what Cloudflare keeps, of which no mask is sent', () => {
    const kept = 'saas_app.client_secret'
    const oidc = {auth_type: 'oidc', client_id: 'c'}
    expect(withSecretFields(context(), app, {saas_app: {...oidc, client_secret: '****'}})).toEqual({
      saas_app: oidc,
    })
    expect(withSecretFields(context(), app, {saas_app: oidc})).toEqual({saas_app: oidc})
    expect(withSecretFields(context(), app, {saas_app: {...oidc, client_secret: null}})).toEqual({
      saas_app: oidc,
    })
    const sent = withSecretFields(given(kept), app, {saas_app: oidc})
    expect(opened(sent)).toEqual({saas_app: {...oidc, client_secret: `for ${kept}`}})
  })
})
