import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {visible} from '../../src/lib/core/text.js'
import {reportPage} from '../../src/lib/report/page.js'
import {DATA_ID, type Report} from '../../src/lib/report/types.js'
import {HOSTILE, HOSTILE_IN_JSON} from '../support/hostile-text.js'
import {renamed, reportOf} from './report-fixture.js'

const small = reportOf({tokens: 3, applications: 4})
const dataIn = (page: string): unknown =>
  JSON.parse(page.split(`<script type="application/json" id="${DATA_ID}">`)[1]?.split('</script>')[0] ?? '')

/** The page without the content of scripts and styles. */
const markup = (page: string): string => page.replaceAll(/(<(script|style)[^>]*>)[^]*?(?=<\/\2>)/g, '$1')

/** The elements that a page begins, in order. */
const elements = (page: string): string[] =>
  [...markup(page).matchAll(/<([a-z!][a-z0-9]*)/g)].map(([, name]) => name ?? '')

describe('names are data', () => {
  const attacks = [
    ...['</script><script>alert(1)</script>', '<img src=x onerror=alert(1)>', '"><svg onload=alert(1)>'],
    ...[
      "' onmouseover='alert(1)",
      '<!--',
      ']]>',
      '&lt;b&gt;',
      '\u2028',
      '</style>',
      '${x}',
      '\u202Eevil',
      '\0',
    ],
    ...[HOSTILE, HOSTILE_IN_JSON],
  ]
  it.each(attacks)('%j changes no element, attribute or policy of the page', (name) => {
    const page = reportPage(renamed(small, () => name))
    expect(elements(page)).toEqual(elements(reportPage(renamed(small, () => 'x'))))
    expect(
      markup(page)
        .replaceAll(/="[^"]*"/g, '')
        .match(/<[^>]*\s((on\w+|style)\b)/i),
    ).toBeNull()
  })

  it('of any name: the page has the same elements, and its JSON gives every name back', () => {
    const elementsOfPlain = elements(reportPage(renamed(small, () => 'x')))
    fc.assert(
      fc.property(
        fc.oneof(fc.string({unit: 'binary'}), fc.string({unit: fc.constantFrom(...'<>/!-"\'&= s')})),
        (name) => {
          const report = renamed(small, () => name)
          const page = reportPage(report)
          expect(elements(page)).toEqual(elementsOfPlain)
          expect(dataIn(page)).toEqual(report)
        },
      ),
      {numRuns: 40},
    )
  })

  it('the page has nothing that the terminal would not show as it is', () => {
    const page = reportPage(renamed(small, () => '\u202E\u200B\u0007\u2028'))
    for (const line of page.split('\n')) expect(visible(line)).toBe(line)
  })
})

it('allows no script, style, font, picture or form but its own', () => {
  const page = reportPage(small)
  const [, policy] = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page) ?? []
  expect(policy?.split('; ').map((one) => one.replace(/'sha256-[^']+'/, 'HASH'))).toEqual([
    ...["default-src 'none'", 'script-src HASH', 'style-src HASH', "base-uri 'none'", "form-action 'none'"],
  ])
  expect(markup(page).match(/\b(src|srcset|action|xlink:href)=|url\(|@import|https?:/)).toBeNull()
})

describe('its size is bounded', () => {
  const limits = {ways: 40, findings: 3, changes: 2, json: 8_000_000}
  const many = reportOf({tokens: 30, applications: 60, step: 2})
  const rowsOf = (page: string): number => page.split('<th scope="row"').length - 1

  it('shows a share of the ways of each token, and says how many more there are', () => {
    const page = reportPage({...many, findings: []}, limits)
    expect(rowsOf(page)).toBeLessThanOrEqual(30 + 60 + limits.ways)
    expect(page).toContain('And 29 more, which --csv and --json list.')
  })

  it('gives what some tokens do not need to the others', () => {
    const [first, ...others] = many.tokens
    const tokens = [first!, ...others.map((one) => ({...one, opens: []}))]
    expect(reportPage({...many, tokens}, limits)).not.toContain('which --csv and --json list')
  })

  it('shows the first findings and changes, and says how many there are', () => {
    const way = {token: 'a', application: 'b', rule: 'c'}
    const changes = {
      ...{since: many.generatedAt, tokens: [], applications: [], closed: [], findings: {new: [], gone: []}},
      opened: [way, way, way, way],
    }
    const page = reportPage({...many, changes}, limits)
    expect(page).toContain(`The first 3 of ${many.findings.length} are here`)
    expect(page).toContain('And 2 more, which --csv and --json list.')
  })

  it('leaves out the JSON if it is too large, and says so', () => {
    const page = reportPage(many, {...limits, json: 1000})
    expect(page).not.toContain(DATA_ID)
    expect(page).toContain('keep the JSON')
  })
})

it.each<[string, Partial<Report>, string]>([
  [
    'an incomplete record',
    {record: {...small.record, incomplete: 'No permission.'}},
    'not complete: No permission.',
  ],
  [
    'that the unused ways in are not known',
    {record: {...small.record, incomplete: 'No permission.'}},
    '<small>not known of ',
  ],
  [
    'that the record does not name a rule, and not that it lets in no one any more',
    {
      tokens: small.tokens.slice(0, 1).map((one) => ({
        ...one,
        formerly: [
          {
            ...{application: small.applications[0]?.id ?? '', rule: null, by: 'unknown', through: []},
            ...{reach: 'yes', conditions: [], uses: 7, last: '2026-11-20', unused: false},
          },
        ],
      })),
    },
    'a rule that the record does not name</span',
  ],
  ['what was not checked', {notChecked: ['unused-rule: no record']}, 'unused-rule: no record'],
  ['an account without a name', {account: {id: 'the-id', name: null}}, 'the-id'],
])('says %s', (_, change, text) => {
  const page = reportPage({...small, ...change})
  expect(page).toContain(text)
})

it('is whole without tokens and applications', () => {
  const page = reportPage(reportOf({tokens: 0, applications: 0}))
  expect(page).toContain('There are no service tokens.')
  expect(page.match(/None\./g)).toHaveLength(3)
})
