import {randomBytes, randomUUID} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../../src/lib/core/json.js'
import {formOf, objectOf, orderOf, verdict, type Context, type Question} from '../context.js'

/** What an answer has beside what was sent, whatever the server fills in. */
const OWN = ['id', 'uid', 'aud', 'created_at', 'updated_at', 'policies', 'name', 'type', 'domain']
/** Fields by which the sandbox's `server_defaults` is recognised. */
const FILLED = ['session_duration', 'http_only_cookie_attribute', 'app_launcher_visible']

const own = (name: string): JsonObject => ({
  name,
  decision: 'non_identity',
  include: [{any_valid_service_token: {}}],
})

/** What the creation of such an application gets. */
const refused = (id: string, what: string, body: (context: Context) => JsonObject): Question => ({
  id: `app.refused.${id}`,
  question: `What does an application with ${what} get?`,
  matters: 'src/lib/api/errors.ts, the sandbox',
  ask: async (context) => verdict(await context.create(body(context))),
})

/** What a PUT with other `policies` leaves of one reusable policy. */
const afterPut = async (context: Context, change: JsonObject): Promise<string> => {
  const app = await context.app({policies: [await context.anyToken()]})
  const answer = await context.change(app, change)
  if (answer.status >= 300) return verdict(answer)
  return (await context.policiesOf(app)).length === 0 ? 'detached' : 'kept'
}

const scimOf = (app: unknown): JsonObject | undefined => {
  const scim = isJsonObject(app) ? app['scim_config'] : undefined
  const found = isJsonObject(scim) ? scim['authentication'] : undefined
  return isJsonObject(found) ? found : undefined
}

/** An application with SCIM over HTTP basic, never enabled; `undefined` if the account may not have one. */
async function scimApp(
  context: Context,
): Promise<{app: JsonObject & {id: string}; password: string} | string> {
  const password = randomBytes(16).toString('hex')
  const providers = await context.api.get(`/accounts/${context.accountId}/access/identity_providers`)
  const [first] = Array.isArray(providers.result) ? providers.result.filter(isJsonObject) : []
  const answer = await context.create({
    scim_config: {
      enabled: false,
      idp_uid: first?.['id'] ?? randomUUID(),
      remote_uri: 'https://zt-live.example.com/scim',
      authentication: {scheme: 'httpbasic', user: 'zt-live', password},
    },
  })
  if (answer.status >= 300) return verdict(answer)
  const {id} = objectOf(answer, 'create an application')
  return {app: {...(await context.read(`apps/${String(id)}`)), id: String(id)}, password}
}

/** How a reading shows a password. */
function shownAs(shown: unknown, password: string): string {
  return shown === password ? 'show' : shown === undefined || shown === null || shown === '' ? 'omit' : 'mask'
}

/** Applications, and the policies that they have. */
export const APPLICATIONS: Question[] = [
  {
    id: 'app.defaults',
    question: 'Which fields does the server add to an application?',
    matters: 'src/lib/access/edit',
    ask: async (context) => {
      const {id} = await context.app()
      return Object.keys(await context.read(`apps/${id}`))
        .filter((field) => !OWN.includes(field))
        .sort()
    },
    settings: (answer) => ({
      server_defaults: Array.isArray(answer) && answer.some((one) => FILLED.includes(String(one))),
    }),
  },
  {
    id: 'app.dates',
    question: 'How are times of an application written?',
    matters: 'src/lib/command/present',
    ask: async (context) => formOf((await context.app())['created_at']),
  },
  {
    id: 'app.hosts-order',
    question: 'Do self_hosted_domains and destinations keep their order?',
    matters: 'src/lib/access/edit: what was changed meanwhile',
    ask: async (context) => {
      const kept = async (field: string, of: (host: string) => unknown): Promise<string> => {
        const hosts = [context.place(), context.place()].reverse()
        const answer = await context.create({domain: hosts[0], [field]: hosts.map(of)})
        if (answer.status >= 300) return verdict(answer)
        const {id} = objectOf(answer, 'create an application')
        const shown = (await context.read(`apps/${String(id)}`))[field]
        const uris = Array.isArray(shown)
          ? shown.map((one: unknown) => (isJsonObject(one) ? one['uri'] : one))
          : []
        return JSON.stringify(uris) === JSON.stringify(hosts) ? 'kept' : 'changed'
      }
      return {
        self_hosted_domains: await kept('self_hosted_domains', (host) => host),
        destinations: await kept('destinations', (uri) => ({type: 'public', uri})),
      }
    },
  },
  {
    id: 'app.without-domain',
    question: 'May an application have destinations or self_hosted_domains and no domain?',
    matters: 'src/lib/api/convert.ts',
    ask: async (context) => ({
      destinations: verdict(
        await context.create({domain: undefined, destinations: [{type: 'public', uri: context.place()}]}),
      ),
      self_hosted_domains: verdict(
        await context.create({domain: undefined, self_hosted_domains: [context.place()]}),
      ),
    }),
  },
  {
    id: 'app.inline-at-creation',
    question: 'May an application be created with policies of its own?',
    matters: 'zt app create',
    ask: async (context) => verdict(await context.create({policies: [own(context.name())]})),
    settings: (answer) => ({inline_at_creation: answer === 'accepted' ? 'accept' : 'refuse'}),
  },
  {
    id: 'app.inline-later',
    question: 'May a policy of its own be added to a new application?',
    matters: 'zt app add-rule',
    ask: async (context) => {
      const app = await context.app()
      return verdict(await context.api.access('POST', `apps/${app.id}/policies`, own(context.name())))
    },
  },
  {
    id: 'app.mixed',
    question: 'May an application have reusable policies and policies of its own?',
    matters: 'zt app add-rule, zt policy attach',
    ask: async (context) => {
      const alone = await context.create({policies: [own(context.name())]})
      if (alone.status >= 300) return `none of its own: ${verdict(alone)}`
      return verdict(await context.create({policies: [await context.anyToken(), own(context.name())]}))
    },
    settings: (answer) =>
      answer === 'accepted'
        ? {mixed_policies: 'accept'}
        : typeof answer === 'string' && answer.startsWith('none')
          ? {}
          : {mixed_policies: 'refuse'},
  },
  {
    id: 'app.policies-omitted',
    question: 'What does a PUT without policies do to them?',
    matters: 'src/lib/access/edit',
    ask: async (context) => afterPut(context, {}),
  },
  {
    id: 'app.policies-empty',
    question: 'What does a PUT of "policies": [] do?',
    matters: 'zt policy detach',
    ask: async (context) => afterPut(context, {policies: []}),
  },
  {
    id: 'app.policies-null',
    question: 'What does a PUT of "policies": null do?',
    matters: 'zt never sends it; an edit by another client may',
    ask: async (context) => afterPut(context, {policies: null}),
    settings: (answer) => ({
      null_policies: answer === 'detached' ? 'detach' : answer === 'kept' ? 'ignore' : 'refuse',
    }),
  },
  {
    id: 'app.precedence',
    question: 'Are the precedences 10 and 20 kept?',
    matters: 'src/lib/access/rules, the place of a rule',
    ask: async (context) => {
      const [one, other] = [await context.anyToken(), await context.anyToken()]
      const app = await context.app({
        policies: [
          {id: one, precedence: 20},
          {id: other, precedence: 10},
        ],
      })
      const found = (await context.policiesOf(app)).map(({id, precedence}) => [
        id === one ? 'first' : 'second',
        precedence,
      ])
      return found.map((pair) => pair.map(String))
    },
  },
  {
    id: 'app.policy-order',
    question: 'Do IDs without a precedence keep their order?',
    matters: 'src/lib/access/rules',
    ask: async (context) => {
      const made = [await context.anyToken(), await context.anyToken(), await context.anyToken()].reverse()
      const found = await context.policiesOf(await context.app({policies: made}))
      return {
        order: JSON.stringify(found.map(({id}) => id)) === JSON.stringify(made) ? 'kept' : 'changed',
        precedences: found.map(({precedence}) => Number(precedence)),
      }
    },
  },
  {
    id: 'app.same-precedence',
    question: 'What do two policies with one precedence get?',
    matters: 'src/lib/api/errors.ts',
    ask: async (context) => {
      const [one, other] = [await context.anyToken(), await context.anyToken()]
      const policies = [
        {id: one, precedence: 1},
        {id: other, precedence: 1},
      ]
      return verdict(await context.create({policies}))
    },
  },
  {
    id: 'app.same-domain',
    question: "What does another application's domain get?",
    matters: 'src/lib/api/errors.ts',
    ask: async (context) => {
      const {domain} = await context.app()
      return verdict(await context.create({domain}))
    },
  },
  refused('foreign-domain', 'a domain outside the account', (context) => ({
    domain: `${context.name()}.example.com`,
  })),
  refused('no-type', 'no type', () => ({type: undefined})),
  refused('no-domain', 'no domain', () => ({domain: undefined})),
  refused('domain-not-listed', 'a domain that is not among self_hosted_domains', (context) => ({
    self_hosted_domains: [context.place()],
  })),
  refused('cors', 'CORS origins and no methods', () => ({
    cors_headers: {allowed_origins: ['https://example.com']},
  })),
  refused('preflight-and-cors', 'options_preflight_bypass and CORS headers', () => ({
    options_preflight_bypass: true,
    cors_headers: {allow_all_origins: true, allow_all_methods: true},
  })),
  refused('401-too-early', 'service_auth_401_redirect and no Service Auth policy', () => ({
    service_auth_401_redirect: true,
  })),
  {
    id: 'app.refused.unknown-policy',
    question: 'What does an application with an unknown policy get?',
    matters: 'src/lib/api/errors.ts, the sandbox',
    // Not waited for, as a new policy is.
    ask: async (context) =>
      verdict(await context.api.access('POST', 'apps', context.body({policies: [randomUUID()]}))),
  },
  {
    id: 'app.put-replaces',
    question: 'Does a PUT remove what it omits?',
    matters: 'src/lib/access/edit',
    ask: async (context) => {
      const {custom_deny_message: _, ...app} = await context.app({custom_deny_message: 'zt-live'})
      const answer = await context.change({...app, id: String(app['id'])}, {})
      if (answer.status >= 300) return verdict(answer)
      const {custom_deny_message: left} = await context.read(`apps/${String(app['id'])}`)
      return left === 'zt-live' ? 'kept' : 'removed'
    },
  },
  {
    id: 'app.put-own-fields',
    question: 'Does a PUT of an application take the fields that only the server sets?',
    matters: 'src/lib/access/edit',
    ask: async (context) => {
      const {id} = await context.app()
      return verdict(await context.change({...(await context.read(`apps/${id}`)), id}, {}))
    },
  },
  {
    id: 'app.make-reusable',
    question: 'Does a policy keep its ID when it is made reusable?',
    matters: 'zt policy make-reusable',
    ask: async (context) => {
      const app = await context.app()
      const policy = await context.api.access('POST', `apps/${app.id}/policies`, own(context.name()))
      if (policy.status >= 300) return `none of its own: ${verdict(policy)}`
      const {id} = objectOf(policy, 'create a policy')
      const answer = await context.api.access(
        'PUT',
        `apps/${app.id}/policies/${String(id)}/make_reusable`,
        {},
      )
      if (answer.status >= 300) return verdict(answer)
      const [found] = await context.policiesOf(app)
      return found?.['id'] === id ? 'kept' : 'changed'
    },
  },
  {
    id: 'app.hidden-secret',
    question: 'What does a reading show of the password of a SCIM configuration?',
    matters: 'src/lib/access/edit: hidden values',
    ask: async (context) => {
      const made = await scimApp(context)
      if (typeof made === 'string') return `no SCIM: ${made}`
      return shownAs(scimOf(made.app)?.['password'], made.password)
    },
    settings: (answer) => {
      const shown = (['mask', 'omit', 'show'] as const).find((one) => one === answer)
      return shown === undefined ? {} : {hidden_secrets: shown}
    },
  },
  {
    id: 'app.missing-secret',
    question: 'What does a PUT without that password do?',
    matters: 'src/lib/access/edit: hidden values',
    ask: async (context) => {
      const made = await scimApp(context)
      if (typeof made === 'string') return `no SCIM: ${made}`
      const {app, password} = made
      const before = shownAs(scimOf(app)?.['password'], password)
      const {password: _, ...authentication} = scimOf(app) ?? {}
      const scim = app['scim_config'] as JsonObject
      const answer = await context.change(app, {scim_config: {...scim, authentication}})
      if (answer.status >= 300) return verdict(answer)
      // Only a shown or masked password tells whether there is one.
      if (before === 'omit') return 'accepted'
      const after = shownAs(scimOf(await context.read(`apps/${app.id}`))?.['password'], password)
      return after === before ? 'keep' : 'erase'
    },
    settings: (answer) => {
      if (answer === 'keep' || answer === 'erase') return {missing_secret: answer}
      return typeof answer === 'string' && /^4\d\d/.test(answer) ? {missing_secret: 'refuse'} : {}
    },
  },
  {
    id: 'app.scim-token',
    question: "May a token be deleted that an application's SCIM configuration uses?",
    matters: 'zt token revoke',
    ask: async (context) => {
      const made = await scimApp(context)
      if (typeof made === 'string') return `no SCIM: ${made}`
      const {id, clientId, secret} = await context.token()
      const scim = made.app['scim_config'] as JsonObject
      const authentication = {
        scheme: 'access_service_token',
        client_id: clientId,
        client_secret: secret.expose(),
      }
      const answer = await context.change(made.app, {scim_config: {...scim, authentication}})
      if (answer.status >= 300) return `not used: ${verdict(answer)}`
      return verdict(await context.api.access('DELETE', `service_tokens/${id}`))
    },
  },
  {
    id: 'app.order',
    question: 'In which order are applications listed?',
    matters: 'zt app list',
    ask: async (context) => {
      const made = [await context.app(), await context.app(), await context.app()].map(({id}) => id)
      return orderOf(
        (await context.api.list('apps')).map(({id}) => id),
        made,
      )
    },
  },
]
