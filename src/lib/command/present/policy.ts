import {actionName} from '../../access/rules/action-name.js'
import type {PolicySummary} from '../../access/rules/add.js'
import {style} from '../../cli/streams.js'
import {table} from '../../cli/table.js'

/** Policies in order, with the new ones marked. */
export function policyTable(
  policies: readonly PolicySummary[],
  isNew: (policy: PolicySummary) => boolean = () => false,
): string[] {
  const marked = policies.some(isNew)
  return table(policies, [
    ...(marked ? [{title: '', value: (row: PolicySummary) => (isNew(row) ? style.added('+') : ' ')}] : []),
    {title: 'ORDER', value: (row) => String(row.precedence)},
    {
      title: 'ACTION',
      value: (row) => (isNew(row) ? style.added(actionName(row.decision)) : actionName(row.decision)),
    },
    {title: 'RULE', value: (row) => (isNew(row) ? style.added(row.name) : row.name)},
    {title: 'KIND', value: (row) => (row.reusable === false ? 'inline' : 'reusable'), optional: true},
  ])
}
