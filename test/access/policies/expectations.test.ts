import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseExpectations} from '../../../src/lib/access/policies/expectations.js'
import {UserError} from '../../../src/lib/core/errors.js'

const parse = (text: string) => parseExpectations(text, 'e.yaml')
const line = "{who: no-credentials, url: 'https://a.example.com/', expect: login}"

function refused(text: string): {message: string; why: unknown} {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof UserError) return {message: error.message, why: error.why}
    throw error
  }
  throw new Error('it was accepted')
}

describe('a file of expectations', () => {
  it('says who, from where, which URL and which verdict, with the line of each', () => {
    const text = [
      '# comment',
      '- name: ci builds',
      '  who: {token: ci}',
      '  from: {ip: 203.0.113.7, country: de}',
      '  url: https://a.example.com/x',
      '  expect: allow',
      '- who: &ada {email: ada@example.com, groups: [staff]}',
      '  url: https://a.example.com/',
      '  expect: deny',
      '- {who: *ada, url: https://b.example.com/, expect: bypass}',
    ].join('\n')
    expect(parse(text)).toMatchObject([
      {line: 2, name: 'ci builds', who: {token: 'ci'}, from: {ip: '203.0.113.7', country: 'de'}, expect: 'allow'},
      {line: 7, who: {email: 'ada@example.com', groups: ['staff']}, expect: 'deny'},
      {line: 10, who: {email: 'ada@example.com'}, expect: 'bypass'},
    ])
  }) // prettier-ignore

  it.each<[string, string, string, RegExp]>([
    ['a word that is no verdict', `- ${line.replace('login', 'maybe')}`, 'e.yaml:1:64', /expect should be .*"allow" \| "deny"/],
    ['a field that zt does not know', `- ${line}\n- {whom: ci}`, 'e.yaml:2:3', /whom is not allowed here|who is missing/],
    ['a missing field', '- who: no-credentials\n  expect: allow', 'e.yaml:1:3', /url is missing/],
    ['someone of no kind', `- ${line.replace('no-credentials', 'ci')}`, 'e.yaml:1:9', /who should be no-credentials, \{token: NAME\}/],
    ['a URL without https', `- ${line.replace('https', 'http')}`, 'e.yaml:1:30', /url should be a URL that begins with https/],
    ['a bad address', `- {from: {ip: 10.0.0.0/8}, ${line.slice(1)}`, 'e.yaml:1:15', /ip should be an IP address/],
    ['a bad country', `- {from: {country: Germany}, ${line.slice(1)}`, 'e.yaml:1:20', /country should be a country code/],
    ['no list', 'expect: allow', 'e.yaml:1:1', /should be/],
    ['no list below a comment', '# x\nexpect: allow', 'e.yaml:2:1', /should be/],
    ['nothing', '', 'e.yaml:1:1', /should be/],
    ['the same key twice', `- {who: no-credentials, who: no-credentials}`, 'e.yaml:1:25', /Map keys must be unique/],
    ['a tag', '- !!js/function x', 'e.yaml:1:3', /YAML/],
    ['an open quote', "- 'x", 'e.yaml:1:5', /YAML/],
    ['two documents', `- ${line}\n---\n- ${line}`, 'e.yaml:2:1', /YAML/],
  ])('refuses %s, and says where', (_, text, where, why) => {
    const error = refused(text)
    expect(error.message).toBe(`The expectations cannot be used: ${where}`)
    expect(error.why).toMatch(why)
  }) // prettier-ignore

  it('refuses aliases that multiply', () => {
    const levels = Array.from({length: 9}, (_, at) => `- &l${at + 1} [${Array(9).fill(`*l${at}`).join()}]`)
    expect(refused(['- &l0 [x]', ...levels].join('\n')).why).toMatch(/alias/)
  })

  it('refuses or accepts any text, and fails in no other way', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({unit: fc.constantFrom(...'-:{}[]&*!|>#\n "\'aw')})),
        (text) => {
          try {
            parse(text)
          } catch (error) {
            expect(error).toBeInstanceOf(UserError)
          }
        },
      ),
      {numRuns: 300},
    )
  })
})
