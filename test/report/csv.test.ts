import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {changesSince} from '../../src/lib/report/changes.js'
import {reportCsv} from '../../src/lib/report/csv.js'
import {renamed, reportOf} from './report-fixture.js'

/** A reader of RFC 4180. */
function parsed(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
  }
  return rows.filter((row) => row.length > 1)
}

describe('a text in a cell', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '  =1', '＝1', '\t=1'])('%j is no formula', (name) => {
    for (const text of Object.values(reportCsv(renamed(reportOf({tokens: 2, applications: 2}), () => name))))
      for (const cell of parsed(text).flat()) expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]/)
  })

  it('whatever it is, stays in its cell', () => {
    const cellsOf = (name: string): number[][] =>
      Object.values(reportCsv(renamed(reportOf({tokens: 2, applications: 3}), () => name))).map((text) =>
        parsed(text).map((row) => row.length),
      )
    const plain = cellsOf('x')
    fc.assert(
      fc.property(fc.string({unit: fc.constantFrom(...'",;\r\n=x \t')}), (name) => {
        expect(cellsOf(name)).toEqual(plain)
      }),
    )
  })
})

it('has every token, application, way and finding', () => {
  const report = reportOf()
  const earlier = structuredClone(report)
  earlier.tokens[0]!.opens.pop()
  const files = reportCsv({...report, changes: changesSince(earlier, report)})
  const general = report.applications.flatMap(({open}) => open).length
  expect(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, parsed(text).length - 1])),
  ).toEqual({
    'tokens.csv': report.tokens.length,
    'applications.csv': report.applications.length,
    'ways.csv': report.counts.ways + general,
    'findings.csv': report.findings.length,
    'changes.csv': 1,
  })
  for (const text of Object.values(files))
    expect(new Set(parsed(text).map(({length}) => length)).size).toBe(1)
})
