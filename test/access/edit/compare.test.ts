import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {differingFields, meaningOf, sameField} from '../../../src/lib/access/edit/compare.js'
import type {ObjectKind} from '../../../src/lib/access/edit/object.js'
import {canonicalJson} from '../../../src/lib/core/canonical-json.js'
import type {JsonObject} from '../../../src/lib/core/json.js'

const app = 'application'
const token = {service_token: {token_id: 't'}}
const everyone = {everyone: {}}
const HOST = 'a.example.com'
const uri = (one: string): JsonObject => ({type: 'public', uri: one})

/** Cloudflare's Terraform provider normalises these (5.22), or its API reference says so. */
const SAME: [why: string, kind: ObjectKind, one: JsonObject, other: JsonObject][] = [
  ['an order of allowed_idps', app, {allowed_idps: ['a', 'b']}, {allowed_idps: ['b', 'a']}],
  ['no allowed_idps and none', app, {}, {allowed_idps: []}],
  ['null and no value', app, {custom_deny_url: null, x: null}, {}],
  ['tags in alphabetical order', app, {tags: ['z', 'a']}, {tags: ['a', 'z']}],
  ['an order of hosts', app, {self_hosted_domains: ['b', 'a']}, {self_hosted_domains: ['a', 'b']}],
  ['an order of destinations', app, {destinations: [uri('b'), uri('a')]}, {destinations: [uri('a'), uri('b')]}],
  ['destinations that follow from the domain', app, {domain: HOST}, {domain: HOST, destinations: [uri(HOST)], self_hosted_domains: [HOST]}],
  ['destinations that follow from the hosts', app, {domain: 'a', self_hosted_domains: ['a', 'b']}, {domain: 'a', self_hosted_domains: ['a', 'b'], destinations: [uri('b'), uri('a')]}],
  ['hosts that follow from the destinations', app, {destinations: [uri('a'), {type: 'private', cidr: '10.0.0.0/8'}]}, {destinations: [uri('a'), {type: 'private', cidr: '10.0.0.0/8'}], self_hosted_domains: ['a']}],
  ['a destination of the default type', app, {destinations: [{uri: 'a'}]}, {destinations: [{type: 'public', uri: 'a', l4_protocol: null}]}],
  ['an address and a range of it', app, {destinations: [{type: 'private', cidr: '10.0.0.1'}, {type: 'private', cidr: '::1'}]}, {destinations: [{type: 'private', cidr: '10.0.0.1/32'}, {type: 'private', cidr: '::1/128'}]}],
  ['no session duration and the default', app, {}, {session_duration: '24h'}],
  ['one duration in two forms', app, {session_duration: '90m'}, {session_duration: '1h30m0s'}],
  ['the default duration in two forms', app, {session_duration: '24h0m0s'}, {}],
  ['settings that are off', app, {}, {service_auth_401_redirect: false, enable_binding_cookie: false, options_preflight_bypass: false, auto_redirect_to_identity: false, skip_interstitial: false, allow_iframe: false, path_cookie_attribute: false, allow_authenticate_via_warp: false}],
  ['settings that are on', app, {}, {http_only_cookie_attribute: true, app_launcher_visible: true}],
  ['an order within CORS', app, {cors_headers: {allowed_methods: ['GET', 'PUT'], allow_credentials: false}}, {cors_headers: {allowed_methods: ['PUT', 'GET']}}],
  ['defaults of Managed OAuth', app, {oauth_configuration: {}}, {oauth_configuration: {enabled: true, dynamic_client_registration: {enabled: true, allow_any_on_localhost: true, allow_any_on_loopback: true, allowed_uris: []}}}],
  ['defaults of SaaS', app, {saas_app: {name_id_format: 'id'}}, {saas_app: {auth_type: 'saml', name_id_format: 'id', sp_entity_id: ''}}],
  ['defaults of MFA', app, {mfa_config: {}}, {mfa_config: {mfa_disabled: false, allowed_authenticators: []}}],
  ['two masks of one secret', app, {scim_config: {authentication: {password: '****'}}}, {scim_config: {authentication: {password: '********'}}}],
  ['a secret that is masked and left out', app, {scim_config: {authentication: {password: '****'}}}, {scim_config: {authentication: {}}}],
  ['times of the server', app, {updated_at: '2026-01-01T00:00:00Z'}, {updated_at: '2026-02-01T00:00:00Z', app_count: 3}],
  ['a time with and without fractions', app, {created_at: '2026-01-01T00:00:00Z'}, {created_at: '2026-01-01T00:00:00.000000Z'}],
  ['an ID under its other name', app, {id: 'a'}, {id: 'a', uid: 'a', aud: 'x', account_id: 'acc', created_at: '2026-01-01T00:00:00Z'}],
  ['an order of rules', 'policy', {include: [token, everyone]}, {include: [everyone, token]}],
  ['no rules and none', 'policy', {include: [token]}, {include: [token], exclude: [], require: null, approval_groups: []}],
  ['selectors that say nothing', 'policy', {include: [{email: {email: 'a'}}]}, {include: [{email: {email: 'a'}, common_name: {common_name: null}, geo: null}]}],
  ['a rule with an address and a range of it', 'group', {include: [{ip: {ip: '192.0.2.1'}}]}, {include: [{ip: {ip: '192.0.2.1/32'}}]}],
  ['defaults of a policy', 'inline-policy', {}, {session_duration: '24h', approval_required: false, purpose_justification_required: false, isolation_required: false, precedence: null, reusable: false}],
  ['defaults of connection rules', 'policy', {connection_rules: {ssh: {usernames: ['a']}, rdp: {}}}, {connection_rules: {ssh: {usernames: ['a'], allow_email_alias: false}, rdp: {allowed_clipboard_local_to_remote_formats: []}}}],
  ['a default of a group', 'group', {}, {is_default: false}],
] // prettier-ignore

/** The field that differs. */
const DIFFERENT: [why: string, kind: ObjectKind, one: JsonObject, other: JsonObject, field: string][] = [
  ['another login method', app, {allowed_idps: ['a']}, {allowed_idps: ['a', 'b']}, 'allowed_idps'],
  ['login methods where all were allowed', app, {}, {allowed_idps: ['a']}, 'allowed_idps'],
  ['another host', app, {domain: HOST}, {domain: HOST, destinations: [uri(HOST), uri('b.example.com')]}, 'destinations'],
  ['another domain', app, {domain: HOST}, {domain: 'b.example.com'}, 'domain'],
  ['a private destination', app, {domain: HOST}, {domain: HOST, destinations: [uri(HOST), {type: 'private', cidr: '10.0.0.0/8'}]}, 'destinations'],
  ['another session duration', app, {}, {session_duration: '12h'}, 'session_duration'],
  ['a setting turned on', app, {}, {service_auth_401_redirect: true}, 'service_auth_401_redirect'],
  ['a setting turned off that is on by default', app, {}, {http_only_cookie_attribute: false}, 'http_only_cookie_attribute'],
  ['Managed OAuth turned off', app, {oauth_configuration: {}}, {oauth_configuration: {enabled: false}}, 'oauth_configuration'],
  ['Managed OAuth turned on', app, {}, {oauth_configuration: {enabled: true}}, 'oauth_configuration'],
  ['a field of tomorrow', app, {x: {y: [1, 2]}}, {x: {y: [2, 1]}}, 'x'],
  ['a field of tomorrow that is off', app, {}, {x: false}, 'x'],
  ['another secret that is shown', app, {scim_config: {authentication: {password: 'one-secret'}}}, {scim_config: {authentication: {password: 'other-secret'}}}, 'scim_config'],
  ['another user of SCIM', app, {scim_config: {authentication: {user: 'a', password: '***'}}}, {scim_config: {authentication: {user: 'b', password: '***'}}}, 'scim_config'],
  ['another order of policies', app, {policies: [{id: 'a', precedence: 1}, {id: 'b', precedence: 2}]}, {policies: [{id: 'b', precedence: 1}, {id: 'a', precedence: 2}]}, 'policies'],
  ['another object', app, {id: 'a'}, {id: 'b'}, 'id'],
  ['another audience', app, {aud: 'a'}, {aud: 'b'}, 'aud'],
  ['another rule', 'policy', {include: [token]}, {include: [token, everyone]}, 'include'],
  ['a rule twice', 'policy', {include: [token]}, {include: [token, token]}, 'include'],
  ['another requirement', 'group', {require: []}, {require: [token]}, 'require'],
  ['another range', 'policy', {include: [{ip: {ip: '192.0.2.1'}}]}, {include: [{ip: {ip: '192.0.2.1/31'}}]}, 'include'],
  ['a rule that loses its selector', 'policy', {include: [everyone]}, {include: [{}]}, 'include'],
  ['another action', 'policy', {decision: 'allow'}, {decision: 'bypass'}, 'decision'],
  ['an approval', 'inline-policy', {}, {approval_required: true}, 'approval_required'],
  ['a name', 'group', {name: 'a'}, {name: 'A'}, 'name'],
] // prettier-ignore

describe('two states of an object', () => {
  it.each(SAME)('are the same with %s', (_, kind, one, other) => {
    expect(differingFields(kind, one, other)).toEqual([])
    expect(differingFields(kind, other, one)).toEqual([])
  })

  it.each(DIFFERENT)('differ by %s', (_, kind, one, other, field) => {
    expect(differingFields(kind, one, other)).toEqual([field])
    expect(differingFields(kind, other, one)).toEqual([field])
    expect(differingFields(kind, one, other, {written: true})).toEqual(
      field === 'allowed_idps' && one['allowed_idps'] === undefined ? [] : [field],
    )
  })

  it('are the same if a write filled in what had no value, and differ if it changed what had one', () => {
    const idps = {allowed_idps: ['all', 'of', 'them']}
    expect(differingFields(app, {}, idps, {written: true})).toEqual([])
    expect(differingFields(app, {allowed_idps: ['one']}, idps, {written: true})).toEqual(['allowed_idps'])
    const saml = {saas_app: {auth_type: 'saml'}}
    const filled = {saas_app: {auth_type: 'saml', sso_endpoint: 'https://x', public_key: 'k'}}
    expect(differingFields(app, saml, filled, {written: true})).toEqual([])
    expect(differingFields(app, saml, filled)).toEqual(['saas_app'])
    expect(differingFields(app, filled, saml, {written: true})).toEqual(['saas_app'])
  })

  it('compare every field, of any JSON, as a whole or one by one', () => {
    const field = fc.constantFrom('name', 'x', 'tags', 'include', 'destinations', 'session_duration', 'created_at', 'saas_app', 'password') // prettier-ignore
    const state = fc.dictionary(field, fc.jsonValue({maxDepth: 3}), {noNullPrototype: true})
    const kind = fc.constantFrom<ObjectKind>('application', 'policy', 'inline-policy', 'group')
    fc.assert(
      fc.property(kind, state, state, (which, one, other) => {
        expect(differingFields(which, one, one)).toEqual([])
        const differing = differingFields(which, one, other)
        expect(differingFields(which, other, one)).toEqual(differing)
        const fields = [...new Set([...Object.keys(one), ...Object.keys(other)])]
        // What is equal to the letter is equal in meaning.
        for (const name of fields.filter((each) => canonicalJson(one[each]) === canonicalJson(other[each])))
          expect(sameField(which, name, one[name], other[name])).toBe(true)
        if (!fields.includes('destinations'))
          expect(fields.filter((name) => !sameField(which, name, one[name], other[name])).sort()).toEqual(
            differing,
          )
      }),
    )
  })
})

it('a value has one form for all that means the same', () => {
  expect(meaningOf('policy', 'include', [token, everyone])).toEqual(
    meaningOf('policy', 'include', [everyone, token]),
  )
  expect(meaningOf('application', 'session_duration', '24h')).toBeUndefined()
  expect(meaningOf('application', 'x', [2, 1])).toEqual([2, 1])
})
