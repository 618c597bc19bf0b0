import {afterAll, beforeAll, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {planCreateApplication} from '../../../src/lib/access/applications/create.js'
import {explainApplication} from '../../../src/lib/access/explain/application.js'
import {planAddToken, planCreateGroup} from '../../../src/lib/access/groups/edits.js'
import {planAddRule} from '../../../src/lib/access/rules/add.js'
import {
  listServiceTokens,
  showServiceToken,
  streamServiceTokens,
} from '../../../src/lib/access/tokens/list.js'
import {reachOfToken} from '../../../src/lib/access/tokens/reach.js'
import {ruleInputOf} from '../../../src/lib/command/rule-flags.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {World} from '../../support/access-world.js'

// Whether a token has expired is for Cloudflare's clock to say: a container or a phone may be years away from it.

const DAY = 24 * 3600_000
const soon = new Date(Date.now() + 5 * DAY).toISOString()
const past = new Date(Date.now() - 5 * DAY).toISOString()
const token = (name: string, expires: string): JsonObject => ({
  ...{id: `token-${name}`, name, client_id: `${name}.access`, duration: '240h', expires_at: expires},
})

let world: World
beforeAll(async () => {
  world = await World.open({
    zones: [{name: 'example.com'}],
    service_tokens: [token('good', soon), token('old', past)],
    groups: [{id: 'group-a', name: 'a', include: [{ip: {ip: '192.0.2.0/24'}}]}],
    apps: [{id: 'app-git', name: 'Git', domain: 'git.example.com', type: 'self_hosted'}],
  })
})
afterAll(() => world.end())

const both = ruleInputOf({token: ['good', 'old']})

const ASKED: Record<string, (ctx: AccessContext) => Promise<unknown>> = {
  'token list': listServiceTokens,
  'token list --expired': (ctx) => all(streamServiceTokens(ctx, {}, {expired: true})),
  'token list --expiring': (ctx) => all(streamServiceTokens(ctx, {}, {expiringSeconds: (30 * DAY) / 1000})),
  'token show': (ctx) => showServiceToken(ctx, 'good'),
  'token reach': async (ctx) => (await reachOfToken(ctx, 'good')).token,
  'app add-rule': async (ctx) => (await planAddRule(ctx, {application: 'Git', rules: both})).warnings,
  'app create': async (ctx) =>
    (await planCreateApplication(ctx, {name: 'New', domains: ['new.example.com'], rules: both})).warnings,
  'group create': async (ctx) => (await planCreateGroup(ctx, {name: 'b', rules: both})).notes,
  'group add-token': async (ctx) => (await planAddToken(ctx, {group: 'a', token: 'good'})).notes,
  'app explain': async (ctx) =>
    (await explainApplication(ctx, {wanted: 'Git'})).answerTo({kind: 'token', wanted: 'good'}),
}

async function all<T>(pages: AsyncIterable<{items: T[]}>): Promise<T[]> {
  const found: T[] = []
  for await (const {items} of pages) found.push(...items)
  return found
}

/** A machine whose clock is so far from the API's. */
async function machine(ahead: number): Promise<AccessContext> {
  const api = await world.ctx.api()
  const said = (): number | undefined => {
    const real = api.clockAhead()
    return real === undefined ? undefined : real - ahead
  }
  const skewed = {...api, clockAhead: said}
  return {...world.ctx, clock: {now: () => Date.now() + ahead}, api: () => Promise.resolve(skewed)}
}

it.each(Object.entries(ASKED))('%s says the same whatever the clock of this machine says', async (_, ask) => {
  const right = await ask(await machine(0))
  expect(right).toBeDefined()
  for (const ahead of [-40 * DAY, 40 * DAY]) expect(await ask(await machine(ahead))).toEqual(right)
})
