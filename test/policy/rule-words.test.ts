import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Rule} from '../../src/lib/api/types.js'
import {ruleInWords} from '../../src/lib/policy/rule-words.js'

const names = {serviceTokens: new Map([['t1', 'ci']]), groups: new Map([['g1', 'robots']])}

describe('a rule in words', () => {
  it.each<[Rule, string]>([
    [{everyone: {}}, 'everyone'],
    [{any_valid_service_token: {}}, 'any service token'],
    [{service_token: {token_id: 't1'}}, 'service token ci'],
    [{service_token: {token_id: 't2'}}, 'service token t2'],
    [{group: {id: 'g1'}}, 'Access group robots'],
    [{group: {id: 'g2'}}, 'Access group g2'],
    [{email: {email: 'a@example.com'}}, 'e-mail a@example.com'],
    [{email_domain: {domain: 'example.com'}}, 'e-mail domain example.com'],
    [{ip: {ip: '10.0.0.0/8'}}, 'IP 10.0.0.0/8'],
    [{geo: {country_code: 'DE'}}, 'country DE'],
    [{certificate: {}}, 'any valid certificate'],
    [{ip: {}}, 'IP ?'],
    [{ip: null}, 'IP ?'],
    [{'of a later time': {x: 1}}, 'of a later time'],
    [{}, ''],
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
