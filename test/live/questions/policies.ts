import {randomUUID} from 'node:crypto'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {objectOf, orderOf, statusOf, verdict, type Context, type Question} from '../context.js'

const SENT = ['name', 'decision', 'include']
const OWN = ['id', 'uid', 'created_at', 'updated_at', 'reusable', 'app_count']

const add = async (context: Context, body: JsonObject): Promise<string> =>
  verdict(
    await context.api.access('POST', 'policies', {name: context.name(), decision: 'non_identity', ...body}),
  )

/** A question about one rule. */
const rule = (
  id: string,
  what: string,
  include: (context: Context) => Promise<JsonObject> | JsonObject,
  settings?: Question['settings'],
): Question => ({
  id: `policy.rule.${id}`,
  question: `What does a rule with ${what} get?`,
  matters: 'src/lib/access/rules/input.ts, the sandbox',
  ...(settings && {settings}),
  ask: async (context) => {
    const one = await include(context)
    return add(context, {include: [one]})
  },
})

/** Reusable policies, their rules, and Access groups. */
export const POLICIES: Question[] = [
  {
    id: 'policy.lag',
    question: 'How often is a new policy "not found" for an application, tried once a second?',
    matters: 'zt app add-rule',
    ask: async (context) => {
      const policies = [await context.anyToken()]
      const body = context.body({policies})
      const {answer, refusals} = await context.known(() => context.api.access('POST', 'apps', body))
      return answer.status < 300 ? refusals : verdict(answer)
    },
    settings: (answer) => (typeof answer === 'number' ? {policy_lag: answer} : {}),
  },
  {
    id: 'policy.create',
    question: 'Which fields does the server add to a policy?',
    matters: 'src/lib/access/edit',
    ask: async (context) => {
      const id = await context.anyToken()
      const fields = Object.keys(await context.read(`policies/${id}`))
      return fields.filter((field) => ![...SENT, ...OWN].includes(field)).sort()
    },
  },
  {
    id: 'policy.rule-order',
    question: 'Does Include keep its order?',
    matters: 'src/lib/access/edit: what was changed meanwhile',
    ask: async (context) => {
      const sent = ['192.0.2.2/32', '192.0.2.1/32'].map((ip) => ({ip: {ip}}))
      const id = await context.policy('non_identity', sent)
      const {include} = await context.read(`policies/${id}`)
      return JSON.stringify(include) === JSON.stringify(sent) ? 'kept' : 'changed'
    },
  },
  rule(
    'unknown-selector',
    'an unknown selector',
    () => ({zt_live_selector: {}}),
    (answer) => ({
      unknown_selectors: answer === 'accepted' ? 'accept' : 'refuse',
    }),
  ),
  rule('two-selectors', 'two selectors', () => ({everyone: {}, certificate: {}})),
  rule('client-id', 'a client ID in place of the ID of a token', async (context) => ({
    service_token: {token_id: (await context.token()).clientId},
  })),
  rule('unknown-token', 'an unknown token', () => ({service_token: {token_id: randomUUID()}})),
  rule('unknown-group', 'an unknown Access group', () => ({group: {id: randomUUID()}})),
  rule('cidr', 'an invalid CIDR block', () => ({ip: {ip: '192.0.2.0/33'}})),
  rule('country', 'an invalid country', () => ({geo: {country_code: 'UKR'}})),
  {
    id: 'policy.refused',
    question: 'What does a policy without Include or with an unknown action get?',
    matters: 'src/lib/api/errors.ts, the sandbox',
    ask: async (context) => {
      const include = [{everyone: {}}]
      return {
        include: await add(context, {include: []}),
        action: await add(context, {include, decision: 'perhaps'}),
      }
    },
  },
  {
    id: 'policy.token-under',
    question: 'May an Allow or a Bypass policy name a service token?',
    matters: 'src/lib/policy, zt app explain',
    ask: async (context) => {
      const {id} = await context.token()
      const include = [{service_token: {token_id: id}}]
      return {
        allow: await add(context, {decision: 'allow', include}),
        bypass: await add(context, {decision: 'bypass', include}),
      }
    },
  },
  {
    id: 'policy.same-name',
    question: 'May two policies, or two groups, have one name?',
    matters: 'zt policy create, zt group create',
    ask: async (context) => {
      const twice = async (kind: string): Promise<string> => {
        const body = {
          name: context.name(),
          decision: 'allow',
          include: [{email: {email: 'zt-live@example.com'}}],
        }
        await context.api.access('POST', kind, body)
        return verdict(await context.api.access('POST', kind, body))
      }
      return {policies: await twice('policies'), groups: await twice('groups')}
    },
  },
  {
    id: 'policy.put-own-fields',
    question: 'Does a PUT of a policy take the fields that only the server sets?',
    matters: 'src/lib/access/edit',
    ask: async (context) => {
      const id = await context.anyToken()
      return verdict(await context.api.access('PUT', `policies/${id}`, await context.read(`policies/${id}`)))
    },
  },
  {
    id: 'policy.in-use',
    question: 'What does the deletion of a policy get that an application has?',
    matters: 'zt policy delete',
    ask: async (context) => {
      const id = await context.anyToken()
      await context.app({policies: [id]})
      return verdict(await context.api.access('DELETE', `policies/${id}`))
    },
  },
  {
    id: 'group.in-use',
    question: 'What does the deletion of a group get that a policy names?',
    matters: 'zt group delete',
    ask: async (context) => {
      const body = {name: context.name(), include: [{everyone: {}}]}
      const {id} = objectOf(await context.api.access('POST', 'groups', body), 'create an Access group')
      await context.policy('allow', [{group: {id}}])
      return verdict(await context.api.access('DELETE', `groups/${String(id)}`))
    },
  },
  {
    id: 'policy.not-found',
    question: 'What do the unknown IDs of a policy, a group and an application get?',
    matters: 'src/lib/api/errors.ts',
    ask: async ({api}) => ({
      policy: statusOf(await api.access('GET', `policies/${randomUUID()}`)),
      group: statusOf(await api.access('GET', `groups/${randomUUID()}`)),
      application: statusOf(await api.access('GET', `apps/${randomUUID()}`)),
    }),
  },
  {
    id: 'policy.delete',
    question: 'With which status is a policy, a group and an application deleted?',
    matters: 'src/lib/api/client.ts, remove',
    ask: async (context) => {
      const policy = await context.anyToken()
      const body = {name: context.name(), include: [{everyone: {}}]}
      const group = objectOf(await context.api.access('POST', 'groups', body), 'create an Access group')
      const app = await context.app()
      const status = async (path: string): Promise<number> =>
        (await context.api.access('DELETE', path)).status
      return [
        await status(`policies/${policy}`),
        await status(`groups/${String(group['id'])}`),
        await status(`apps/${app.id}`),
      ]
    },
  },
  {
    id: 'policy.order',
    question: 'In which order are policies and groups listed?',
    matters: 'zt policy list, zt group list',
    ask: async (context) => {
      const policies = [await context.anyToken(), await context.anyToken(), await context.anyToken()]
      const groups: unknown[] = []
      for (let left = 3; left > 0; left--) {
        const body = {name: context.name(), include: [{everyone: {}}]}
        groups.push(
          objectOf(await context.api.access('POST', 'groups', body), 'create an Access group')['id'],
        )
      }
      const listed = async (kind: 'policies' | 'groups'): Promise<unknown[]> =>
        (await context.api.list(kind)).map(({id}) => id)
      return {
        policies: orderOf(await listed('policies'), policies),
        groups: orderOf(await listed('groups'), groups),
      }
    },
  },
]
