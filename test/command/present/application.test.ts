import {describe, expect, it} from 'vitest'
import {toPolicy} from '../../../src/lib/api/convert.js'
import {ruleList} from '../../../src/lib/command/present/application.js'

const policies = Array.from({length: 20}, (_, at) =>
  toPolicy({
    id: `p${at}`,
    name: at === 19 ? 'a name that moves\u001B[2Jthe cursor' : `Rule ${at + 1}`,
    decision: at % 2 === 0 ? 'non_identity' : 'allow',
    precedence: (at + 1) * 7,
    reusable: at !== 3,
  }),
)
const words = policies.map((_, at) => ({
  include: at === 0 ? Array.from({length: 12}, (_each, n) => `service token ci-${n}`) : ['everyone'],
  require: at === 1 ? ['country DE', 'IP 203.0.113.0/24'] : [],
  exclude: at === 2 ? ['country FR', 'country CH'] : [],
}))

describe('the rules of an application', () => {
  const lines = ruleList(policies, words, 80)

  it('fit 80 columns, twenty of them, each with its precedence, action and name in one line', () => {
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
    for (const [at, {name}] of policies.entries()) {
      const action = at % 2 === 0 ? 'Service Auth' : 'Allow       '
      const start = `${String((at + 1) * 7).padStart(3)}  ${action}  ${at === 19 ? 'a name' : name}`
      expect(lines.filter((line) => line.startsWith(start))).not.toEqual([])
    }
  })

  it('say whom they mean, wrapped and aligned: any included, all required, none excluded', () => {
    expect(lines[1]).toMatch(/^ {5}include {2}service token ci-0, service token ci-1,/)
    expect(lines[2]).toMatch(/^ {14}service token/)
    expect(lines).toContain('     require  country DE and IP 203.0.113.0/24')
    expect(lines).toContain('     exclude  country FR, country CH')
  })

  it('tell an inline one, and let no name move the cursor', () => {
    expect(lines.filter((line) => line.endsWith('inline'))).toEqual([expect.stringContaining('Rule 4')])
    expect(lines.join('')).not.toContain('\u001B')
  })
})
