import {afterEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {
  applyCreateApplication,
  planCreateApplication,
  type CreateApplicationOptions,
} from '../../../src/lib/access/applications/create.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {planSetApplication, type ApplicationSettings} from '../../../src/lib/access/applications/set.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {createAccessApi} from '../../../src/lib/api/client.js'
import {ruleInputOf} from '../../../src/lib/command/rule-flags.js'
import {ApiError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import {World} from '../../support/access-world.js'
import {everything, failure, interposed, noAnswer, type Call} from '../../support/edit-world.js'

let world: World
afterEach(() => world.end())

async function open(onRequest?: (exchange: Exchange, state: SandboxState) => void): Promise<void> {
  world = await World.open(
    {
      zones: [{id: 'a'.repeat(32), name: 'example.com'}],
      policies: [{id: 'staff', name: 'staff', decision: 'allow', include: [{everyone: {}}]}],
      groups: [],
      apps: [
        {id: 'app-git', name: 'Git', domain: 'git.example.com', policies: ['staff']},
        {id: 'app-star', name: 'Star', domain: '*.dev.example.com/x'},
        {id: 'app-mark', name: 'Mark', type: 'bookmark', domain: 'mark.example.com'},
      ],
    },
    onRequest,
  )
  await createServiceToken(world.ctx, {name: 'ci'})
  world.exchanges.length = 0
}

const rules = (...tokens: string[]): Pick<CreateApplicationOptions, 'rules'> => ({
  rules: ruleInputOf({token: tokens}),
})

const anyToken = {rules: ruleInputOf({'any-token': true})}

async function create(
  options: Partial<CreateApplicationOptions>,
  ctx: AccessContext = world.ctx,
): Promise<{id: string; undo: string; plan: Awaited<ReturnType<typeof planCreateApplication>>}> {
  const plan = await planCreateApplication(ctx, {name: 'Wiki', domains: ['wiki.example.com'], ...options})
  const {ids, undoId = ''} = await applyCreateApplication(ctx, plan, 'zt app create')
  return {id: ids.get(plan.newId) ?? '', undo: undoId, plan}
}

/** The same for the objects of the zone. */
function inZone(): AccessContext {
  const {state, ctx} = world
  const options = {apiUrl: ctx.apiUrl, apiToken: new Secret(state.apiToken), userAgent: 'zt-test'}
  const api = createAccessApi({...options, accountId: state.accountId, zoneId: 'a'.repeat(32)})
  return {...ctx, api: () => Promise.resolve(api)}
}

describe('creating an application', () => {
  it('makes the policy, then the application with it, then turns the 401 on; and binds the host', async () => {
    await open()
    const {id} = await create({...rules('ci'), serviceAuth401: true, sessionDuration: '7d'})
    expect(world.changes).toEqual(['POST /policies', 'POST /apps', `PUT /apps/${id}`])
    const made = world.state.data.policies.at(-1)
    expect(made).toMatchObject({name: 'Service Auth: ci', decision: 'non_identity'})
    expect(world.app('Wiki')).toMatchObject({
      type: 'self_hosted',
      domain: 'wiki.example.com',
      session_duration: '168h',
      service_auth_401_redirect: true,
      policies: [{id: made?.['id'], precedence: 1}],
    })
    expect(await world.ctx.index.bindings()).toMatchObject([{host: 'wiki.example.com'}])
  })

  it.each<[string, string[], object]>([
    ['one host', ['WIKI.example.com'], {domain: 'wiki.example.com'}],
    ['a URL with a path', ['https://wiki.example.com/Admin/'], {domain: 'wiki.example.com/Admin'}],
    ['a wildcard', ['*.wiki.example.com/*/x'], {domain: '*.wiki.example.com/*/x'}],
    [
      'several, one of them twice',
      ['a.example.com', 'b.example.com', 'A.example.com'],
      {
        domain: 'a.example.com',
        destinations: [
          {type: 'public', uri: 'a.example.com'},
          {type: 'public', uri: 'b.example.com'},
        ],
      },
    ],
  ])('takes as domain %s', async (_, domains, expected) => {
    await open()
    await create({domains})
    expect(world.app('Wiki')).toMatchObject(expected)
  })

  it('can have no rule', async () => {
    await open()
    const {plan} = await create({})
    expect(plan).toMatchObject({rule: undefined, admitted: [], binding: {bound: []}})
    expect(world.changes).toEqual(['POST /apps'])
  })

  it('warns of a name that another application has', async () => {
    await open()
    const {plan} = await create({name: 'git'})
    expect(plan.warnings.join()).toContain('the ID of either')
  })

  it.each<[string, Partial<CreateApplicationOptions>]>([
    ['without a rule', {}],
    ['with a rule', anyToken],
    ['with a rule and 401', {...anyToken, serviceAuth401: true}],
  ])('%s is undone and made again', async (_, options) => {
    await open()
    for (const ctx of [world.ctx, inZone()]) {
      const before = everything(world.state, {ids: false})
      const {undo} = await create(options, ctx)
      const after = everything(world.state, {ids: false})
      const undone = await undoEdit(ctx, await planUndo(ctx, undo))
      expect(everything(world.state, {ids: false})).toBe(before)
      const again = await undoEdit(ctx, await planUndo(ctx, undone.undoId ?? ''))
      expect(withoutAud(everything(world.state, {ids: false}))).toBe(withoutAud(after))
      await undoEdit(ctx, await planUndo(ctx, again.undoId ?? ''))
    }
  })

  it('is undone in its own zone only', async () => {
    await open()
    const {undo} = await create({}, inZone())
    const error = await failure(planUndo(world.ctx, undo))
    expect(error).toMatchObject({code: 'UNDO_ELSEWHERE', next: [`zt undo ${undo} --zone ${'a'.repeat(32)}`]})
  })

  it.each<[string, Partial<CreateApplicationOptions>, string]>([
    ['a name of blanks', {name: ' '}, 'BAD_NAME'],
    ['a name with control characters', {name: 'a\u0007'}, 'BAD_NAME'],
    ['a domain of one word', {domains: ['wiki']}, 'BAD_DOMAIN'],
    ['an address', {domains: ['192.0.2.1']}, 'BAD_DOMAIN'],
    ['a port', {domains: ['wiki.example.com:8080']}, 'BAD_DOMAIN'],
    ['a query', {domains: ['wiki.example.com/?a']}, 'BAD_DOMAIN'],
    ['a blank in the path', {domains: ['wiki.example.com/a b']}, 'BAD_DOMAIN'],
    ['two stars in one label', {domains: ['*a*.example.com']}, 'BAD_DOMAIN'],
    ['no host', {domains: ['']}, 'BAD_DOMAIN'],
    ['a session that is none', {sessionDuration: 'long'}, 'BAD_DURATION'],
    ['401 without a rule', {serviceAuth401: true}, 'NEEDS_SERVICE_AUTH'],
    ['an unknown token', rules('ci', 'co'), 'TOKEN_NOT_FOUND'],
    ['a rule that includes no one', rules(), 'NO_INCLUDE'],
    ['a rule name of blanks', {...rules('ci'), ruleName: ' '}, 'BAD_RULE_NAME'],
    [
      'a domain that is taken',
      {domains: ['x.example.com', 'GIT.example.com/'], ...rules('ci')},
      'DOMAIN_TAKEN',
    ],
    ['a wildcard that is taken', {domains: ['*.dev.example.com/x']}, 'DOMAIN_TAKEN'],
  ])('changes nothing for %s', async (_, options, code) => {
    await open()
    const before = everything(world.state)
    expect((await failure(create(options))).code).toBe(code)
    expect(world.changes).toEqual([])
    expect(everything(world.state)).toBe(before)
    expect(await world.ctx.index.bindings()).toEqual([])
  })

  it('names the application that has the domain, also when it came in between', async () => {
    let late = false
    await open(({method, path}, state) => {
      if (method !== 'POST' || !path.endsWith('/policies') || late) return
      late = true
      state.data.apps.push({
        id: 'late',
        name: 'Late',
        type: 'self_hosted',
        domain: 'wiki.example.com',
        policies: [],
      })
    })
    const error = await failure(create(rules('ci')))
    expect(error).toMatchObject({code: 'DOMAIN_TAKEN', kind: 'conflict', details: {applicationId: 'late'}})
    expect(world.state.data.policies.map(({name}) => name)).toEqual(['staff'])
  })

  it('says which zones there are for a domain in none, and takes the policy back', async () => {
    await open()
    const before = everything(world.state)
    const error = await failure(create({domains: ['wiki.example.org'], ...rules('ci')}))
    expect(error).toMatchObject({code: 'DOMAIN_OUTSIDE_ZONES', details: {zones: ['example.com']}})
    expect(error.why).toContain('example.com')
    expect(everything(world.state)).toBe(before)
    expect(await world.ctx.index.bindings()).toEqual([])
  })

  it('does not blame the domain for what Cloudflare says of something else by the same code', async () => {
    await open()
    const api = await world.ctx.api()
    const refusing = (why: string): AccessContext => {
      const error = new ApiError({kind: 'api', code: 'API_REFUSED', message: 'no', why, status: 400, apiCodes: [12130]})
      const each = (call: Call, run: () => Promise<unknown>): Promise<unknown> =>
        call.name === 'createApplication' ? Promise.reject(error) : call.name === 'listZones' ? Promise.resolve([]) : run()
      return {...world.ctx, api: () => Promise.resolve(interposed(api, each))}
    }
    const codeOf = async (why: string): Promise<string> => {
      const ctx = refusing(why)
      const plan = await planCreateApplication(ctx, {name: 'Wiki', domains: ['wiki.example.com']})
      return (await failure(applyCreateApplication(ctx, plan, 'zt x'))).code
    }
    expect(await codeOf('Cloudflare says: session_duration is not valid.')).toBe('API_REFUSED')
    expect(await codeOf('Cloudflare says: domain does not belong to zone.')).toBe('DOMAIN_OUTSIDE_ZONES')
  }) // prettier-ignore

  it('settles by looking what came of a creation whose answer is lost', async () => {
    await open()
    const api = await world.ctx.api()
    const deaf = interposed(api, async (call, run) => {
      const answer = await run()
      if (call.writes) throw noAnswer(call)
      return answer
    })
    const {id} = await create(
      {...rules('ci'), serviceAuth401: true},
      {...world.ctx, api: () => Promise.resolve(deaf)},
    )
    expect(world.app('Wiki')).toMatchObject({id, service_auth_401_redirect: true})
    expect(world.state.data.apps.filter(({name}) => name === 'Wiki')).toHaveLength(1)
    expect(world.state.data.policies).toHaveLength(2)
  })
})

describe("changing an application's settings", () => {
  const set = async (wanted: ApplicationSettings): Promise<string | undefined> => {
    const {changes} = await planSetApplication(world.ctx, 'Git', wanted)
    return (await applyChanges(world.ctx, changes, {command: 'zt app set'})).undoId
  }
  const serviceAuth = (): void => {
    Object.assign(world.state.data.policies[0] ?? {}, {decision: 'non_identity'})
  }

  it('turns the 401 on and off, sends no policies, and is undone', async () => {
    await open()
    serviceAuth()
    const before = everything(world.state)
    const undo = await set({serviceAuth401: true})
    expect(world.app('Git')).toMatchObject({service_auth_401_redirect: true})
    expect(world.exchanges.find(({method}) => method === 'PUT')?.requestBody).not.toHaveProperty('policies')
    await undoEdit(world.ctx, await planUndo(world.ctx, undo ?? ''))
    expect(everything(world.state)).toBe(before)
  })

  it.each<[string, ApplicationSettings]>([
    ['off that was never on', {serviceAuth401: false}],
    ['a session as it is', {sessionDuration: '1d'}],
  ])('changes nothing for %s', async (_, wanted) => {
    await open()
    world.app('Git')['session_duration'] = '24h'
    expect(await set(wanted)).toBeUndefined()
    expect(world.changes).toEqual([])
  })

  it.each<[string, ApplicationSettings, string]>([
    ['nothing to set', {}, 'NOTHING_TO_SET'],
    ['401 without a Service Auth rule', {serviceAuth401: true}, 'NEEDS_SERVICE_AUTH'],
    ['a session that is none', {sessionDuration: 'forever'}, 'BAD_DURATION'],
  ])('refuses %s', async (_, wanted, code) => {
    await open()
    expect((await failure(set(wanted))).code).toBe(code)
    expect(world.changes).toEqual([])
  })
})

/** The server makes another audience for another application. */
function withoutAud(text: string): string {
  return text.replaceAll(/"aud":"[0-9a-f]+"/g, '"aud"')
}
