import type {PolicyTest, TestedExpectation} from '../../access/policies/test.js'
import {columnsOf, mark} from '../../cli/streams.js'
import {wrapped} from '../../cli/wrapped.js'

/** What is not met, and a summary. */
export function policyTestText({results}: PolicyTest, file: string): string[] {
  const failed = results.filter(({met}) => !met)
  const lines = failed.flatMap((one) => [
    `${mark.failed} ${file}:${one.expectation.line}: ${one.name}`,
    ...wrapped(reasonLines(one), columnsOf('stdout') - 4).map((line) => `    ${line}`),
  ])
  const met = results.length - failed.length
  const summary = `${met} of ${results.length} expectations are met`
  return [...lines, failed.length === 0 ? `${mark.done} ${summary}` : summary]
}

function reasonLines({expectation, actual, application, why}: TestedExpectation): string[] {
  const where = application ? ` by "${application.name}"` : ''
  return [`expected ${expectation.expect}, got ${actual}${where}`, ...why]
}

/** The JSON shape of the same. */
export function policyTestJson({results}: PolicyTest): object {
  return {
    met: results.filter(({met}) => met).length,
    failed: results.filter(({met}) => !met).length,
    results: results.map(({expectation: {line, url, expect}, name, actual, met, application, rule, why}) => ({
      ...{name, line, url, expect, actual, met},
      application: application ?? null,
      rule: rule ?? null,
      why,
    })),
  }
}

/** The results as JUnit XML, which CI systems show. */
export function junit({results}: PolicyTest, file: string): string {
  const failed = results.filter(({met}) => !met).length
  const counts = `tests="${results.length}" failures="${failed}" errors="0"`
  const cases = results.map((one) => {
    const lead = `    <testcase classname="${xml(file)}" name="${xml(one.name)}" file="${xml(file)}" line="${one.expectation.line}"`
    if (one.met) return `${lead}/>`
    const [message = '', ...why] = reasonLines(one)
    return `${lead}>\n      <failure type="${one.actual}" message="${xml(message)}">${xml(why.join('\n'))}</failure>\n    </testcase>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="zt policy test" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

const ESCAPES: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}

/** Text in XML. What XML 1.0 has no character for (its section 2.2), and lone surrogates, become U+FFFD. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"]/g, (sign) => ESCAPES[sign] ?? '')
    .replace(/[\t\n\r]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
