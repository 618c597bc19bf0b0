import * as v from 'valibot'

/** Where a value is wrong, and what is expected. The value itself may be a secret, so it is not quoted. */
export function firstFault(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues
  const where = v.getDotPath(issue) ?? 'the top level'
  if (issue.received === 'undefined') return `${where} is missing`
  // An unknown key.
  if (issue.expected === 'never') return `${where} is not allowed here`
  const expected = expectedBy(issue)
  return expected === undefined ? `${where} is not valid` : `${where} should be ${expected}`
}

/** What zt's own check says, or valibot's expectation. A message of valibot's quotes the value. */
function expectedBy({type, message, expected}: v.BaseIssue<unknown>): string | undefined {
  if (type === 'integer') return 'a whole number'
  const isOwn = (type === 'custom' || type === 'check') && !message.startsWith('Invalid ')
  return isOwn ? message : (expected ?? undefined)
}
