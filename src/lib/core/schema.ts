import * as v from 'valibot'

/** Where a value is not what it should be, and what it should be. The value itself may be a secret: it is not quoted. */
export function firstFault(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues
  const where = v.getDotPath(issue) ?? 'the top'
  return issue.expected === 'never' || issue.expected === null
    ? `at ${where}, there is something that does not belong there`
    : `at ${where}, it should be ${issue.expected}`
}
