import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {SETTINGS, type SandboxSettings, type SettingName} from '../../src/lib/sandbox/settings.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {SandboxApi} from '../support/sandbox-api.js'

// Where a behaviour is written down, or who has seen it.
const REFERENCE = "Cloudflare's API reference"
const DOCUMENTS = "Cloudflare's documents"
const PROVIDER = 'Terraform provider 5.22'
const CLIENTS = 'reports of other clients'

const ZONE = '9a7806061c88ada191ed06f989cc3dac'
const CI = 'ci.access'
const SEED: SandboxSeed = {
  accounts: [{id: '2f5a7c10b3d94e6f8a1c0d2e3f405162', name: 'Widgetcorp'}],
  zones: [{id: ZONE, name: 'widgetcorp.tech'}],
  service_tokens: [
    {id: 'token-ci', name: 'ci', client_id: CI},
    {id: 'token-cd', name: 'cd', client_id: 'cd.access'},
  ],
  api_tokens: [{token: 'fresh', owner: 'user'}],
  groups: [{id: 'group-ci', name: 'machines', include: [{service_token: {token_id: 'token-ci'}}]}],
  policies: [
    {id: 'policy-staff', name: 'Staff', decision: 'allow', include: [{everyone: {}}]},
    {
      id: 'policy-ci',
      name: 'CI',
      decision: 'non_identity',
      include: [{group: {id: 'group-ci'}}, {selector_of_tomorrow: {}}],
    },
  ],
  apps: [
    {
      ...{id: 'app-shared', name: 'Shared', domain: 'shared.widgetcorp.tech'},
      policies: ['policy-staff', 'policy-ci'],
    },
    {
      ...{id: 'app-own', name: 'Own', domain: 'own.widgetcorp.tech'},
      policies: [{id: 'own-1', name: 'Own', decision: 'allow', include: [{everyone: {}}]}],
    },
    {
      ...{id: 'app-scim', name: 'SCIM', domain: 'scim.widgetcorp.tech', policies: []},
      scim_config: scim({scheme: 'httpbasic', user: 'zt', password: 'hunter2'}),
    },
    {id: 'app-outside', name: 'Outside', domain: 'elsewhere.example', policies: []},
  ],
}

function scim(authentication: unknown): JsonObject {
  return {idp_uid: 'idp', remote_uri: 'https://scim.example', authentication}
}

let api: SandboxApi
let beginning: string

beforeAll(async () => {
  api = await SandboxApi.open(SEED)
  beginning = JSON.stringify(api.state.data)
  // Durability is not what is tested here.
  api.state.save = () => Promise.resolve()
})
beforeEach(() => {
  for (const name of Object.keys(api.state.data)) Reflect.deleteProperty(api.state.data, name)
  Object.assign(api.state.data, JSON.parse(beginning))
})
afterAll(() => api.close())

const everyone = [{everyone: {}}]
const app = (more: JsonObject): JsonObject => ({
  ...{name: 'New', type: 'self_hosted', domain: 'new.widgetcorp.tech'},
  ...more,
})
const policy = (more: JsonObject): JsonObject => ({
  ...{name: 'New', decision: 'non_identity', include: everyone},
  ...more,
})
const own = (more: JsonObject = {}): JsonObject => policy({name: 'Of its own', ...more})
const rule = (one: JsonObject): JsonObject => policy({include: [one]})
const destinations = (...uris: string[]): JsonObject[] => uris.map((uri) => ({type: 'public', uri}))
/** The application as a client reads it and sends it back. */
const read = async (id: string): Promise<JsonObject> => {
  const {policies: _, ...rest} = (await api.call('GET', `/apps/${id}`)).result
  return rest
}
const policiesOf = async (id: string): Promise<unknown[]> => {
  const {result} = await api.call('GET', `/apps/${id}/policies`)
  return (result as unknown as JsonObject[]).map(({name, precedence, reusable}) => [
    name,
    precedence,
    reusable,
  ])
}

interface Refusal {
  what: string
  source: string
  settings?: SandboxSettings
  ask: readonly [method: string, where: string, body?: unknown]
  answer: readonly [status: number, code: number, message?: string]
}

const invalid = (message: string): Refusal['answer'] => [
  400,
  12130,
  `access.api.error.invalid_request: ${message}`,
]

// prettier-ignore
const REFUSALS: Refusal[] = [
  {what: 'an application without a type', source: CLIENTS, ask: ['POST', '/apps', {}], answer: invalid('app type is missing or invalid')},
  {what: 'an application of an unknown type', source: REFERENCE, ask: ['POST', '/apps', app({type: 'website'})], answer: invalid('app type is missing or invalid')},
  {what: 'a self-hosted application without a host', source: REFERENCE, ask: ['POST', '/apps', app({domain: undefined})], answer: invalid('domain is required')},
  {what: "a host outside the account's zones", source: CLIENTS, ask: ['POST', '/apps', app({domain: 'elsewhere.example'})], answer: invalid('domain does not belong to zone')},
  {what: 'a destination outside the zones', source: CLIENTS, ask: ['POST', '/apps', app({destinations: destinations('new.widgetcorp.tech', 'elsewhere.example')})], answer: invalid('domain does not belong to zone')},
  {what: 'a domain that is not among self_hosted_domains', source: 'terraform-provider-cloudflare#3340', ask: ['POST', '/apps', app({self_hosted_domains: ['other.widgetcorp.tech']})], answer: invalid('domain not included in self_hosted_domains')},
  {what: 'a domain that is not among the destinations', source: CLIENTS, ask: ['POST', '/apps', app({destinations: destinations('other.widgetcorp.tech')})], answer: invalid('domain not included in destinations')},
  {what: 'a domain with a path if OAuth is on', source: CLIENTS, ask: ['POST', '/apps', app({domain: 'new.widgetcorp.tech/x', oauth_configuration: {enabled: true}})], answer: invalid('domain can not have a path if oauth is configured')},
  {what: 'a host that another application has', source: CLIENTS, ask: ['POST', '/apps', app({domain: 'own.widgetcorp.tech'})], answer: [409, 11010, 'access.api.error.application_already_exists']},
  {what: 'CORS origins without methods', source: CLIENTS, ask: ['POST', '/apps', app({cors_headers: {allowed_origins: ['https://a.example']}})], answer: [400, 12057]},
  {what: 'all CORS origins without methods', source: PROVIDER, ask: ['POST', '/apps', app({cors_headers: {allow_all_origins: true}})], answer: [400, 12057]},
  {what: 'options_preflight_bypass with CORS headers', source: REFERENCE, ask: ['POST', '/apps', app({options_preflight_bypass: true, cors_headers: {allow_all_origins: true, allow_all_methods: true}})], answer: invalid('options_preflight_bypass cannot be set with cors_headers')},
  {what: 'two policies with one precedence', source: CLIENTS, ask: ['POST', '/apps', app({policies: [{id: 'policy-ci', precedence: 1}, {id: 'policy-staff', precedence: 1}]})], answer: invalid('policy precedences must be unique')},
  {what: 'a precedence that another policy of the application has', source: CLIENTS, ask: ['POST', '/apps/app-own/policies', own({precedence: 1})], answer: invalid('policy precedences must be unique')},
  {what: 'a policy that does not exist', source: CLIENTS, ask: ['POST', '/apps', app({policies: ['nothing']})], answer: invalid('policy nothing not found')},
  {what: 'service_auth_401_redirect before there is a Service Auth policy', source: CLIENTS, ask: ['POST', '/apps', app({service_auth_401_redirect: true, policies: ['policy-staff']})], answer: invalid('service_auth_401_redirect needs a Service Auth policy')},
  {what: 'SCIM over HTTP basic without a password', source: `${PROVIDER}, accessapplicationscimconfighttpbasicmissingrequired.tf`, ask: ['POST', '/apps', app({scim_config: scim({scheme: 'httpbasic', user: 'zt'})})], answer: invalid('password is a required field')},
  {what: 'SCIM over OAuth without a token URL', source: `${PROVIDER}, accessapplicationscimconfigoauth2missingrequired.tf`, ask: ['POST', '/apps', app({scim_config: scim({scheme: 'oauth2', client_id: 'c', client_secret: 's', authorization_url: 'https://a.example'})})], answer: invalid('token_url is a required field')},
  {what: 'one of several SCIM schemes without its secret', source: REFERENCE, ask: ['POST', '/apps', app({scim_config: scim([{scheme: 'oauthbearertoken', token: 't'}, {scheme: 'access_service_token', client_id: CI}])})], answer: invalid('client_secret is a required field')},
  {what: 'an application changed without its hidden password', source: PROVIDER, settings: {hidden_secrets: 'omit'}, ask: ['PUT', '/apps/app-scim', app({domain: 'scim.widgetcorp.tech', scim_config: scim({scheme: 'httpbasic', user: 'zt'})})], answer: invalid('password is a required field')},
  {what: 'a reusable policy on an infrastructure application', source: REFERENCE, ask: ['POST', '/apps', app({type: 'infrastructure', domain: undefined, policies: ['policy-staff']})], answer: invalid('infrastructure applications do not accept reusable policies')},
  {what: 'reusable and inline policies together', source: REFERENCE, ask: ['POST', '/apps', app({policies: ['policy-staff', own()]})], answer: invalid('reusable and inline policies exclude each other')},
  {what: 'an inline policy at creation, if the setting says so', source: DOCUMENTS, settings: {inline_at_creation: 'refuse'}, ask: ['POST', '/apps', app({policies: [own()]})], answer: invalid('this application accepts only reusable policies')},
  {what: 'a first inline policy, if the setting says so', source: DOCUMENTS, settings: {inline_at_creation: 'refuse'}, ask: ['POST', '/apps/app-shared/policies', own()], answer: invalid('this application accepts only reusable policies')},
  {what: 'policies: null, if the setting says so', source: REFERENCE, settings: {null_policies: 'refuse'}, ask: ['PUT', '/apps/app-own', app({domain: 'own.widgetcorp.tech', policies: null})], answer: invalid('policies must be a list')},
  {what: 'a client ID in place of the ID of a service token', source: CLIENTS, ask: ['POST', '/policies', rule({service_token: {token_id: CI}})], answer: invalid("invalid 'include' configuration: service token not found")},
  {what: 'the same inside a policy of an application', source: CLIENTS, ask: ['POST', '/apps/app-own/policies', rule({service_token: {token_id: CI}})], answer: invalid("invalid 'include' configuration: service token not found")},
  {what: 'the same in an Access group', source: CLIENTS, ask: ['POST', '/groups', {name: 'x', include: [{service_token: {token_id: CI}}]}], answer: invalid("invalid 'include' configuration: service token not found")},
  {what: 'an unknown selector', source: CLIENTS, ask: ['POST', '/policies', rule({selector_of_tomorrow: {}})], answer: invalid("invalid 'include' configuration: unknown selector")},
  {what: 'two selectors in one rule', source: REFERENCE, ask: ['PUT', '/groups/group-ci', {name: 'x', include: [{everyone: {}, certificate: {}}]}], answer: invalid("invalid 'include' configuration: unknown selector")},
  {what: 'an invalid IP range', source: REFERENCE, ask: ['POST', '/policies', policy({require: [{ip: {ip: '10.0.0.0/33'}}]})], answer: invalid("invalid 'require' configuration: invalid IP range")},
  {what: 'an invalid country', source: REFERENCE, ask: ['PUT', '/policies/policy-staff', policy({exclude: [{geo: {country_code: 'UKR'}}]})], answer: invalid("invalid 'exclude' configuration: invalid country code")},
  {what: 'an Access group that does not exist', source: CLIENTS, ask: ['POST', '/policies', rule({group: {id: 'nothing'}})], answer: [400, 11020, 'access.api.error.failed_to_load_group']},
  {what: 'a policy without Include', source: REFERENCE, ask: ['POST', '/policies', policy({include: []})], answer: invalid('include is required')},
  {what: 'deleting a service token that a group names', source: CLIENTS, ask: ['DELETE', '/service_tokens/token-ci'], answer: [400, 12139, 'access.api.error.service_token_in_use: cannot delete service token because it is used by a policy, group, or app SCIM configuration.']},
  {what: 'deleting a policy that an application has', source: DOCUMENTS, ask: ['DELETE', '/policies/policy-ci'], answer: [409, 12132]},
  {what: 'Access without Zero Trust', source: CLIENTS, settings: {zero_trust_enabled: false}, ask: ['GET', '/apps'], answer: [403, 9999]},
  {what: 'the list of accounts, if the setting says so', source: CLIENTS, settings: {hide_accounts: true}, ask: ['GET', '/accounts'], answer: [400, 1001]},
]

describe("the sandbox's API refuses", () => {
  it.each(REFUSALS)('$what ($source)', async ({settings, ask: [method, where, body], answer}) => {
    api.state.data.settings = {...settings}
    const before = JSON.stringify({...api.state.data, settings: undefined})
    const {status, code, message} = await api.call(method, where, {...(body !== undefined && {body})})
    const [wantedStatus, wantedCode, words = message] = answer
    expect({status, code, message}).toEqual({status: wantedStatus, code: wantedCode, message: words})
    expect(JSON.stringify({...api.state.data, settings: undefined}), 'nothing is changed').toBe(before)
  })
})

interface Behaviour {
  what: string
  source: string
  settings?: SandboxSettings
  /** Throws where the sandbox behaves otherwise. */
  shown: () => Promise<void>
}

/** Makes an application; fails if it is refused. */
async function create(body: JsonObject): Promise<JsonObject> {
  const {status, result, message} = await api.call('POST', '/apps', {body})
  expect({status, message}).toEqual({status: 201, message: undefined})
  return result
}
async function change(id: string, body: JsonObject): Promise<JsonObject> {
  const {status, result, message} = await api.call('PUT', `/apps/${id}`, {body})
  expect({status, message}).toEqual({status: 200, message: undefined})
  return result
}
const authentication = (one: JsonObject): unknown => (one['scim_config'] as JsonObject)['authentication']
const stored = (id: string): JsonObject =>
  api.state.data.apps.find((one) => one['id'] === id) ?? expect.fail(`no application ${id}`)
const oidc = {type: 'saas', domain: undefined, saas_app: {auth_type: 'oidc', redirect_uris: []}}
const withoutPassword = async (): Promise<JsonObject> =>
  change('app-scim', {...(await read('app-scim')), scim_config: scim({scheme: 'httpbasic', user: 'zt'})})
const nothing = (id: string) => change(id, app({domain: `${id.slice(4)}.widgetcorp.tech`, policies: null}))

const BEHAVIOURS: Behaviour[] = [
  {
    what: 'fills in domain from the first public destination',
    source: `${PROVIDER}, accessapplicationconfigwithdestinations.tf`,
    shown: async () => {
      const places = [
        {type: 'private', hostname: 'new.private', port_range: '443'},
        {uri: 'a.widgetcorp.tech'},
      ]
      const made = await create(app({domain: undefined, destinations: places}))
      expect(made).toMatchObject({domain: 'a.widgetcorp.tech', destinations: places})
    },
  },
  {
    what: 'fills in domain from self_hosted_domains',
    source: `${PROVIDER}, accessapplicationwithselfhosteddomains.tf`,
    settings: {server_defaults: false},
    shown: async () => {
      const hosts = ['b.widgetcorp.tech', 'a.widgetcorp.tech']
      const made = await create(app({domain: undefined, self_hosted_domains: hosts}))
      expect(made).toMatchObject({domain: hosts[0], self_hosted_domains: hosts})
    },
  },
  {
    what: 'takes an application with private destinations only',
    source: 'terraform-provider-cloudflare#5529',
    shown: async () => {
      const made = await create(
        app({domain: undefined, destinations: [{type: 'private', cidr: '10.0.0.1/32'}]}),
      )
      expect(made['domain']).toBeUndefined()
    },
  },
  {
    what: 'does not check again what an application had before',
    source: "a seed's objects are as an account could have them",
    shown: async () => {
      await change('app-outside', {...(await read('app-outside')), session_duration: '1h'})
      const {result} = await api.call('GET', '/policies/policy-ci')
      expect(
        (await api.call('PUT', '/policies/policy-ci', {body: {...result, name: 'Renamed'}})).status,
      ).toBe(200)
    },
  },
  {
    what: 'takes policies of an application at its creation; each without a precedence follows the one before',
    source: REFERENCE,
    shown: async () => {
      const {id} = await create(
        app({policies: [own({precedence: 4}), own({name: 'Second'}), own({name: 'First', precedence: 1})]}),
      )
      expect(await policiesOf(String(id))).toEqual([
        ['First', 1, false],
        ['Of its own', 4, false],
        ['Second', 5, false],
      ])
    },
  },
  {
    what: 'mixes reusable and inline policies, if the setting says so',
    source: `${PROVIDER}, accessapplicationconfigwithlegacypolicies.tf`,
    settings: {mixed_policies: 'accept'},
    shown: async () => {
      const {id} = await create(app({policies: [own({precedence: 2}), {id: 'policy-staff', precedence: 4}, own({name: 'p2'})]})) // prettier-ignore
      expect(await policiesOf(String(id))).toEqual([
        ['Of its own', 2, false],
        ['Staff', 4, true],
        ['p2', 5, false],
      ])
    },
  },
  {
    what: 'detaches everything by policies: null, and deletes what was inline',
    source: 'reported for 22 applications',
    shown: async () => {
      await nothing('app-own')
      await nothing('app-shared')
      expect(api.state.data.inlinePolicies).toEqual([])
      expect([await policiesOf('app-own'), await policiesOf('app-shared')]).toEqual([[], []])
    },
  },
  {
    what: 'leaves policies alone by policies: null, if the setting says so',
    source: `${PROVIDER}, normalizations.go`,
    settings: {null_policies: 'ignore'},
    shown: async () => {
      await nothing('app-own')
      expect(await policiesOf('app-own')).toEqual([['Own', 1, false]])
    },
  },
  {
    what: 'leaves policies alone if a PUT has none, and detaches them by an empty list',
    source: `${DOCUMENTS}; ${PROVIDER}, normalizations.go`,
    shown: async () => {
      const body = await read('app-shared')
      await change('app-shared', body)
      expect(await policiesOf('app-shared')).toHaveLength(2)
      await change('app-shared', {...body, policies: []})
      expect(await policiesOf('app-shared')).toEqual([])
    },
  },
  {
    what: 'gives an infrastructure application policies of its own, whatever the setting',
    source: `${PROVIDER}, accessapplicationconfiginfrastructure.tf`,
    settings: {inline_at_creation: 'refuse'},
    shown: async () => {
      const {id} = await create(app({type: 'infrastructure', domain: undefined, policies: [own()]}))
      expect((await api.call('POST', `/apps/${String(id)}/policies`, {body: own({name: 'B'})})).status).toBe(
        201,
      )
      expect(await policiesOf(String(id))).toEqual([
        ['Of its own', 1, false],
        ['B', 2, false],
      ])
    },
  },
  {
    what: 'takes Service Auth for device enrolment (WARP)',
    source: `${DOCUMENTS} on device enrolment`,
    shown: async () => {
      const {id} = await create(app({type: 'warp', domain: undefined, policies: ['policy-ci']}))
      expect(await policiesOf(String(id))).toEqual([['CI', 1, true]])
    },
  },
  {
    what: 'repeats the ID of an application as uid, and takes neither from a client',
    source: 'terraform-provider-cloudflare#5181',
    shown: async () => {
      const sent = {...(await read('app-own')), id: 'x', uid: 'x', aud: 'x', created_at: 'x', updated_at: 'x'}
      const answer = await change('app-own', sent)
      expect(answer).toMatchObject({id: 'app-own', uid: 'app-own', aud: stored('app-own')['aud']})
      expect(answer['created_at']).not.toBe('x')
      expect(stored('app-own')).not.toHaveProperty('uid')
    },
  },
  {
    what: 'writes times without fractions',
    source: 'terraform-provider-cloudflare#5181; python-cloudflare#100',
    shown: async () => {
      const token = (await api.call('POST', '/service_tokens', {body: {name: 'x', duration: '24h'}})).result
      const made = await create(app({}))
      for (const time of [token['created_at'], token['updated_at'], token['expires_at'], made['created_at']])
        expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    },
  },
  {
    what: 'masks the secrets of a SCIM configuration in every answer',
    source: `${PROVIDER}, normalizations.go`,
    shown: async () => {
      const masked = {scheme: 'httpbasic', user: 'zt', password: '**********'}
      expect(authentication(await read('app-scim'))).toEqual(masked)
      const list = (await api.call('GET', '/apps?name=SCIM')).result as unknown as JsonObject[]
      expect(authentication(list[0] ?? {})).toEqual(masked)
      const fresh = scim([{scheme: 'oauthbearertoken', token: 'new'}])
      const changed = await change('app-scim', {...(await read('app-scim')), scim_config: fresh})
      expect(authentication(changed)).toEqual([{scheme: 'oauthbearertoken', token: '**********'}])
      expect(stored('app-scim')['scim_config']).toEqual(fresh)
    },
  },
  {
    what: 'leaves the secrets of a SCIM configuration out, if the setting says so',
    source: `${PROVIDER}, normalizations.go`,
    settings: {hidden_secrets: 'omit'},
    shown: async () => {
      expect(authentication(await read('app-scim'))).toEqual({scheme: 'httpbasic', user: 'zt'})
    },
  },
  {
    what: 'shows the secrets of a SCIM configuration, if the setting says so',
    source: REFERENCE,
    settings: {hidden_secrets: 'show'},
    shown: async () => {
      expect(authentication(await read('app-scim'))).toMatchObject({password: 'hunter2'})
    },
  },
  {
    what: 'takes a mask that is sent back for the secret',
    source: 'no source says that Cloudflare does not',
    shown: async () => {
      await change('app-scim', await read('app-scim'))
      expect(authentication(stored('app-scim'))).toMatchObject({password: '**********'})
    },
  },
  {
    what: 'keeps a secret that a PUT leaves out, if the setting says so',
    source: 'no source says that Cloudflare does not',
    settings: {missing_secret: 'keep'},
    shown: async () => {
      await withoutPassword()
      expect(authentication(stored('app-scim'))).toMatchObject({password: 'hunter2'})
    },
  },
  {
    what: 'erases a secret that a PUT leaves out, if the setting says so',
    source: 'no source says that Cloudflare does not',
    settings: {missing_secret: 'erase'},
    shown: async () => {
      await withoutPassword()
      expect(authentication(stored('app-scim'))).toEqual({scheme: 'httpbasic', user: 'zt'})
    },
  },
  {
    what: 'makes the secret of an OIDC application, shows it once, and keeps it',
    source: `${PROVIDER}, normalizations.go`,
    shown: async () => {
      const made = await create(app(oidc))
      const secret = (made['saas_app'] as JsonObject)['client_secret']
      expect(secret).toMatch(/^[0-9a-f]{64}$/)
      const shown = await read(String(made['id']))
      expect(shown['saas_app']).toMatchObject({client_secret: '**********'})
      await change(String(made['id']), {...shown, saas_app: oidc.saas_app})
      expect(stored(String(made['id']))['saas_app']).toMatchObject({client_secret: secret})
    },
  },
  {
    what: 'does not delete a service token that only a SCIM configuration uses',
    source: 'reported word for word',
    shown: async () => {
      const used = scim({scheme: 'access_service_token', client_id: 'cd.access', client_secret: 's'})
      await change('app-scim', {...(await read('app-scim')), scim_config: used})
      expect(await api.call('DELETE', '/service_tokens/token-cd')).toMatchObject({status: 400, code: 12139})
      await change('app-scim', {...(await read('app-scim')), scim_config: undefined})
      expect((await api.call('DELETE', '/service_tokens/token-cd')).status).toBe(200)
    },
  },
  {
    what: 'does not know a new policy in so many writes of applications, and then does',
    source: 'the author of another client',
    settings: {policy_lag: 2},
    shown: async () => {
      const {result} = await api.call('POST', '/policies', {body: policy({})})
      const body = {...(await read('app-own')), policies: [{id: result['id'], precedence: 1}]}
      const writes = []
      for (let n = 0; n < 3; n += 1) writes.push(await api.call('PUT', '/apps/app-own', {body}))
      const unknown = `access.api.error.invalid_request: policy ${String(result['id'])} not found`
      expect(writes.map(({status, message}) => [status, message])).toEqual([
        [400, unknown],
        [400, unknown],
        [200, undefined],
      ])
    },
  },
  {
    what: 'refuses so many requests with 403 after an answer, as for a missing permission',
    source: 'the author of another client',
    shown: async () => {
      await api.call('GET', '/apps')
      api.state.data.settings.throttle_403 = 2
      const verified = await api.call('GET', '/user/tokens/verify')
      const unheard = await api.call('GET', '/apps', {token: 'fresh'})
      const answers = []
      for (let n = 0; n < 3; n += 1) answers.push(await api.call('GET', '/apps'))
      expect([verified, unheard, ...answers].map(({status, code}) => [status, code])).toEqual([
        [200, undefined],
        [200, undefined],
        [403, 10000],
        [403, 10000],
        [200, undefined],
      ])
      expect(api.state.data.settings.throttle_403).toBe(0)
    },
  },
  {
    what: 'fills in what an application, a policy and an Access group do not have, and sorts sets, unless the setting says otherwise',
    source: `${PROVIDER}, plan_modifiers.go, normalizations.go and schemas; terraform-provider-cloudflare#5181`,
    shown: async () => {
      const hosts = ['b.widgetcorp.tech', 'a.widgetcorp.tech']
      const made = await create(app({domain: undefined, self_hosted_domains: hosts, tags: ['b', 'a']}))
      expect(made).toMatchObject({
        ...{domain: 'b.widgetcorp.tech', self_hosted_domains: [...hosts].sort(), tags: ['a', 'b']},
        ...{destinations: destinations(...hosts), allowed_idps: [], session_duration: '24h'},
        ...{http_only_cookie_attribute: true, app_launcher_visible: true, auto_redirect_to_identity: false},
        ...{enable_binding_cookie: false, options_preflight_bypass: false},
      })
      const places = {domain: undefined, self_hosted_domains: undefined, destinations: [{uri: hosts[1]}]}
      expect(await change(String(made['id']), app(places))).toMatchObject({
        ...{domain: hosts[1], self_hosted_domains: [hosts[1]], destinations: destinations(hosts[1] ?? '')},
      })
      expect(await create(app({}))).toMatchObject({destinations: destinations('new.widgetcorp.tech')})
      const infrastructure = await create(app({type: 'infrastructure', domain: undefined}))
      expect(infrastructure).not.toHaveProperty('session_duration')
      const include = [{ip: {ip: '10.0.0.0/8'}}, {geo: {country_code: 'DE'}}]
      expect((await api.call('POST', '/policies', {body: policy({include})})).result).toMatchObject({
        ...{include: [...include].reverse(), exclude: [], require: []},
        ...{approval_required: false, isolation_required: false, purpose_justification_required: false},
      })
      expect((await api.call('POST', '/groups', {body: {name: 'G', include}})).result).toMatchObject({
        ...{include: [...include].reverse(), exclude: [], require: []},
      })
    },
  },
  {
    what: 'enables a service token that was to be created disabled, if the setting says so',
    source: 'no source says that Cloudflare does not',
    settings: {create_disabled: 'ignored'},
    shown: async () => {
      const body = {name: 'x', enabled: false}
      expect((await api.call('POST', '/service_tokens', {body})).result).toMatchObject({enabled: true})
      api.state.data.settings = {}
      expect((await api.call('POST', '/service_tokens', {body})).result).toMatchObject({enabled: false})
    },
  },
  {
    what: 'takes selectors that it does not know, if the setting says so',
    source: 'Cloudflare adds selectors',
    settings: {unknown_selectors: 'accept'},
    shown: async () => {
      const body = rule({selector_of_tomorrow: {}})
      expect((await api.call('POST', '/policies', {body})).status).toBe(201)
    },
  },
  {
    what: 'takes rules of every kind that it checks',
    source: REFERENCE,
    shown: async () => {
      const ips = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'].map((ip) => ({ip: {ip}}))
      const countries = ['DE', 'GB', 'T1', 'XX'].map((code) => ({geo: {country_code: code}}))
      const include = [
        ...[{service_token: {token_id: 'token-ci'}}, {group: {id: 'group-ci'}}],
        ...[...ips, ...countries],
      ]
      expect((await api.call('POST', '/policies', {body: policy({include})})).status).toBe(201)
    },
  },
  {
    what: 'answers 429 with Retry-After beyond the limit of requests',
    source: `${DOCUMENTS} on API limits`,
    settings: {rate_limit: 1},
    shown: async () => {
      await api.call('GET', '/apps')
      expect((await api.call('GET', '/apps')).status).toBe(429)
    },
  },
  {
    what: 'says in every other answer how many requests are left, refusals included',
    source: `${DOCUMENTS} on API limits`,
    settings: {rate_limit: 1000},
    shown: async () => {
      const headers = {authorization: `Bearer ${api.state.apiToken}`}
      const left = async (where: string): Promise<[status: number, left: number]> => {
        const answer = await fetch(api.url + api.access() + where, {headers})
        return [answer.status, Number(/;r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1])]
      }
      const [, before] = await left('/apps')
      expect(await left('/groups/none')).toEqual([404, before - 1])
      expect(await left('/apps')).toEqual([200, before - 2])
    },
  },
]

describe("the sandbox's API", () => {
  it.each(BEHAVIOURS)('$what ($source)', async ({settings, shown}) => {
    api.state.data.settings = {...settings}
    await shown()
  })

  it('is asked here with each of its settings', () => {
    const edges: SettingName[] = [
      ...(['strict_service_token_auth', 'enforcement_delay_ms', 'connector_end'] as const),
      ...(['country_of', 'without_allow'] as const),
    ]
    const records: SettingName[] = [
      ...([
        'clock',
        'analytics',
        'analytics_delay_ms',
        'analytics_sampling',
        'graphql_error_status',
      ] as const),
      ...(['recorded_policy', 'recorded_refusals', 'recorded_sessions'] as const),
    ]
    const asked = [...REFUSALS, ...BEHAVIOURS].flatMap(({settings = {}}) => Object.keys(settings))
    const elsewhere = [...edges, ...records, ...asked]
    expect(Object.keys(SETTINGS).filter((name) => !elsewhere.includes(name))).toEqual(['throttle_403'])
  })
})
