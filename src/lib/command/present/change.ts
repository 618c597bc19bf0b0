import type {TokenChange} from '../../access/tokens/changes.js'
import type {DetachStep, Revocation, TokenReference} from '../../access/tokens/revoke.js'
import {actionName} from '../../access/rules/action-name.js'
import {style} from '../../cli/streams.js'
import {table} from '../../cli/table.js'
import {tokenJson} from './token.js'

/** The JSON shape of a changed service token. */
export function changeJson({changed, dryRun, before, after}: TokenChange): object {
  const {name, enabled, duration, expiresAt} = before
  return {
    changed,
    dryRun,
    token: tokenJson(after),
    before: {name, enabled, duration, expiresAt: expiresAt ?? null},
  }
}

/** Everything that uses a token or an Access group, as a table. */
export function referenceTable(
  references: readonly Pick<
    TokenReference,
    'name' | 'kind' | 'decision' | 'part' | 'applications' | 'through'
  >[],
  title = 'RULE',
): string[] {
  return table(references, [
    {title, value: ({name}) => name},
    {
      title: 'KIND',
      value: ({kind, decision}) =>
        kind === 'group'
          ? 'Access group'
          : `${actionName(decision ?? '')}${kind === 'inline' ? ', inline' : ''}`,
    },
    {title: 'PART', value: ({part}) => part},
    {title: 'APPLICATION', value: ({applications}) => applications.map(({name}) => name).join(', ')},
    {title: 'THROUGH', value: ({through}) => through.join(' > '), optional: true},
  ])
}

/** The steps of a revocation in order, one line each. */
export function revocationSteps({token, exists, detach, stores, hosts}: Revocation): string[] {
  const forget = [
    ...stores.map((store) => `remove its secret from the ${store}`),
    ...(hosts.length > 0 ? [`unbind ${hosts.join(', ')}`] : []),
  ]
  if (!exists) return forget
  return [
    ...(detach.length > 0 ? ['disable it, so that it opens nothing'] : []),
    ...detach.map(stepLine),
    `delete the service token ${style.bold(token.name)}`,
    ...forget,
  ]
}

function stepLine({action, kind, name, application}: DetachStep): string {
  const where = application ? ` of ${application.name}` : ''
  switch (action) {
    case 'take-off':
      return `remove the rule "${name}" from ${application?.name ?? ''}: it includes nothing else`
    case 'delete-policy':
      return kind === 'inline'
        ? `delete the rule "${name}"${where}: it includes nothing else`
        : `delete the rule "${name}"`
    case 'remove-rule':
      return `remove it from the ${kind === 'group' ? 'Access group' : 'rule'} "${name}"${where}`
  }
}
