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
    [{ip: {}}, '{"ip":{}}'],
    [{ip: null}, '{"ip":null}'],
    [{'of a later time': {x: 1}}, '{"of a later time":{"x":1}}'],
    [{}, '{}'],
    [{ip: {ip: '10.0.0.0/8'}, everyone: {}}, '{"ip":{"ip":"10.0.0.0/8"},"everyone":{}}'],
    [{'': {x: 1}}, '{"":{"x":1}}'],
    [{okta: {name: 'x'}}, '{"okta":{"name":"x"}}'],
    [{ip: {ip: 10}}, '{"ip":{"ip":10}}'],
    [{ip_list: {id: 'x'}}, 'IP list x'],
    [{group: {}}, 'Access group undefined'],
    [{group: 'g1'}, 'Access group undefined'],
    [{constructor: {}}, '{"constructor":{}}'],
  ])('%j is "%s"', (rule, words) => {
    expect(ruleInWords(rule, names)).toBe(words)
  })

  it('is a text, whatever the API sends', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (rule) => {
        expect(typeof ruleInWords(rule, names)).toBe('string')
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
