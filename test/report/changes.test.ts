import {describe, expect, it} from 'vitest'
import {changesSince} from '../../src/lib/report/changes.js'
import type {Report} from '../../src/lib/report/types.js'
import {reportOf} from './report-fixture.js'

const now = reportOf({tokens: 4, applications: 6})
const NOTHING = {tokens: [], applications: [], opened: [], closed: [], findings: {new: [], gone: []}}
const way = {token: 'gitlab-runner', application: 'GitLab', rule: 'Build machines'}
const [finding] = now.findings

/** What has changed since a report that differs from this one. */
function since(change: (earlier: Report) => void): object {
  const earlier = structuredClone(now)
  change(earlier)
  return changesSince(earlier, now)
}

describe('what has changed', () => {
  it.each<[string, (earlier: Report) => void, object]>([
    ['nothing', () => undefined, {}],
    ['use', (r) => Object.assign(r.tokens[0]!.opens[0]!, {uses: 3, last: '2026-01-01', unused: false}), {}],
    ['a way that opened', (r) => r.tokens[0]!.opens.shift(), {opened: [way]}],
    [
      'other conditions',
      (r) => (r.tokens[0]!.opens[0]!.conditions = ['require country DE']),
      {opened: [way], closed: [way]},
    ],
    [
      'conditions in another order',
      (r) => {
        r.tokens[0]!.opens[0]!.conditions = []
      },
      {},
    ],
    [
      'a way for every token',
      (r) => (r.applications[4]!.open = []),
      {opened: [{token: 'every service token', application: 'Wiki', rule: 'Any machine'}]},
    ],
    [
      'another name',
      (r) => (r.tokens[0]!.name = 'old'),
      {
        tokens: [
          {
            id: 'token-0',
            name: 'gitlab-runner',
            change: 'changed',
            from: 'name old',
            to: 'name gitlab-runner',
          },
        ],
      },
    ],
    [
      'an extended token',
      (r) => Object.assign(r.tokens[1]!, {status: 'expired', expiresAt: '2026-01-02T00:00:00Z'}),
      {
        tokens: [
          expect.objectContaining({
            from: 'status expired; expires 2026-01-02',
            to: 'status active; expires 2026-12-26',
          }),
        ],
      },
    ],
    [
      'a new application',
      (r) => {
        r.applications = r.applications.filter(({id}) => id !== 'app-5')
      },
      {applications: [{id: 'app-5', name: 'Build', change: 'new', from: null, to: null}]},
    ],
    [
      'an application that is gone',
      (r) => r.applications.push({...r.applications[0]!, id: 'app-gone', name: 'Gone', open: []}),
      {applications: [{id: 'app-gone', name: 'Gone', change: 'gone', from: null, to: null}]},
    ],
    [
      'a finding',
      (r) => r.findings.shift(),
      {findings: {new: [{kind: finding?.kind, trap: null, about: finding?.about}], gone: []}},
    ],
  ])('%s', (_, change, expected) => {
    expect(since(change)).toEqual({since: now.generatedAt, ...NOTHING, ...expected})
  })

  it('the other way round, what was opened is closed and what was new is gone', () => {
    const less = structuredClone(now)
    less.tokens.pop()
    less.findings.pop()
    const [there, back] = [changesSince(less, now), changesSince(now, less)]
    expect(back.closed).toEqual(there.opened)
    expect(back.findings.gone).toEqual(there.findings.new)
    expect([there.tokens[0]?.change, back.tokens[0]?.change]).toEqual(['new', 'gone'])
  })
})
