import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Rule} from '../../src/lib/api/types.js'
import {nameLookup, ruleInWords, type RuleNames} from '../../src/lib/policy/rule-words.js'

const names: RuleNames = {
  serviceToken: (id) => (id === 't1' ? 'ci' : undefined),
  group: (id) => (id === 'g1' ? 'robots' : undefined),
}

describe('a rule in words', () => {
  it.each<[Rule, string]>([
    [{everyone: {}}, 'everyone'],
    [{any_valid_service_token: {}}, 'any valid service token'],
    [{service_token: {token_id: 't1'}}, 'service token ci'],
    [{service_token: {token_id: 't2'}}, 'service token t2'],
    [{group: {id: 'g1'}}, 'Access group robots'],
    [{group: {id: 'g2'}}, 'Access group g2'],
    [{email: {email: 'a@example.com'}}, 'email a@example.com'],
    [{email_domain: {domain: 'example.com'}}, 'emails of example.com'],
    [{ip: {ip: '10.0.0.0/8'}}, 'IP 10.0.0.0/8'],
    [{geo: {country_code: 'DE'}}, 'country DE'],
    [{certificate: {}}, 'a client certificate'],
    [{common_name: {common_name: 'ci.example.com'}}, 'certificate ci.example.com'],
    [{linked_app_token: {app_uid: 'app-1'}}, 'token of the application app-1'],
    [{ip_list: {id: 'x'}}, 'IP list x'],
    [{email_list: {id: 'x'}}, 'email list x'],
    [{login_method: {id: 'x'}}, 'login method x'],
    [{auth_method: {auth_method: 'mfa'}}, 'authentication method mfa'],
    [{auth_context: {id: 'x', ac_id: 'c1', identity_provider_id: 'i'}}, 'authentication context c1'],
    [{device_posture: {integration_uid: 'x'}}, 'device posture x'],
    [
      {external_evaluation: {evaluate_url: 'https://e.example.com', keys_url: 'k'}},
      'external evaluation by https://e.example.com',
    ],
    [{okta: {name: 'ops', identity_provider_id: 'i'}}, 'Okta group ops'],
    [{saml: {attribute_name: 'role', attribute_value: 'ops'}}, 'SAML attribute role = ops'],
    [{oidc: {claim_name: 'role', claim_value: 'ops'}}, 'OIDC claim role = ops'],
    [{azureAD: {id: 'x', identity_provider_id: 'i'}}, 'Entra group x'],
    [{gsuite: {email: 'ops@example.com'}}, 'Google Workspace group ops@example.com'],
    [{'github-organization': {name: 'acme'}}, 'GitHub organisation acme'],
    [{'github-organization': {name: 'acme', team: 'ops'}}, 'GitHub organisation acme team ops'],
    [{user_risk_score: {user_risk_score: ['low', 'medium']}}, 'user risk score low or medium'],
    [{cloudflare_account_member: {account_id: 'a1'}}, 'member of the Cloudflare account a1'],
    [{cloudflare_account_member: {}}, 'member of the Cloudflare account'],
    [{ip: {}}, 'ip'],
    [{ip: null}, 'ip'],
    [{ip: {ip: 10}}, 'ip (ip: 10)'],
    [{user_risk_score: {user_risk_score: []}}, 'user_risk_score'],
    [{'of a later time': {x: 1}}, 'of a later time (x: 1)'],
    [
      {later: {x: 'a', y: ['b', 1, true], z: {deep: {down: {below: 1}}}}},
      'later (x: a, y: b, 1, true, z.deep.down: ...)',
    ],
    [{later: ['a', 'b']}, 'later (a, b)'],
    [{later: 'a'}, 'later (a)'],
    [{}, 'empty rule'],
    [{ip: {ip: '10.0.0.0/8'}, everyone: {}}, 'ip (ip: 10.0.0.0/8) with everyone'],
    [{'': {x: 1}}, 'unnamed (x: 1)'],
    [{group: {}}, 'group'],
    [{group: 'g1'}, 'group (g1)'],
    [{constructor: {}}, 'constructor'],
  ])('%j is "%s"', (rule, words) => {
    expect(ruleInWords(rule, names)).toBe(words)
  })

  it('is a text and no JSON, whatever the API sends', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (rule) => {
        const words = ruleInWords(rule, names)
        expect(words).not.toBe('')
        expect(words).not.toBe(JSON.stringify(rule))
      }),
    )
  })
})

describe('names by their IDs', () => {
  it('are found, the last of one ID, and no others', () => {
    const name = nameLookup([
      {id: 'a', name: 'first'},
      {id: 'b', name: 'second'},
      {id: 'a', name: 'third'},
    ])
    expect([name('a'), name('b'), name('c')]).toEqual(['third', 'second', undefined])
  })
})
