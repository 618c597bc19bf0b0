import * as v from 'valibot'

/** Where a value is wrong, and what is expected. The value itself may be a secret, so it is not quoted. */
export function firstFault(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues
  const where = v.getDotPath(issue) ?? 'the top level'
  if (issue.received === 'undefined') return `${where} is missing`
  // Valibot expects the 'unknown' of zt's own check, whose message says what is wrong.
  const expected = issue.type === 'custom' ? issue.message : issue.expected
  return expected === 'never' || expected === null
    ? `${where} is not allowed here`
    : `${where} should be ${expected}`
}
