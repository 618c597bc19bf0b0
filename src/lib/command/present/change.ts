import type {DescribedChange} from '../../access/edit/describe.js'
import type {TokenChange} from '../../access/tokens/changes.js'
import {reachLines} from '../../access/edit/reach.js'
import type {DetachStep, Reference, Revocation, RevokeResult} from '../../access/tokens/revoke.js'
import type {TokenUses} from '../../access/tokens/uses.js'
import {actionName} from '../../access/rules/action-name.js'
import {mark, style} from '../../cli/streams.js'
import {table} from '../../cli/table.js'
import {indented} from '../../cli/wrapped.js'
import {editDiff} from './edit.js'
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
  references: readonly Pick<Reference, 'name' | 'kind' | 'decision' | 'part' | 'applications' | 'through'>[],
  title = 'RULE',
): string[] {
  return table(references, [
    {title, value: ({name}) => name},
    {
      title: 'KIND',
      value: ({kind, decision}) => {
        if (kind === 'group') return 'Access group'
        if (kind === 'scim') return 'SCIM provisioning'
        return `${actionName(decision ?? '')}${kind === 'inline' ? ', inline' : ''}`
      },
    },
    {title: 'PART', value: ({part}) => part ?? ''},
    {title: 'APPLICATION', value: ({applications}) => applications.map(({name}) => name).join(', ')},
    {title: 'THROUGH', value: ({through}) => through.join(' > '), optional: true},
  ])
}

/** What uses the token, and what its revocation does. */
export function revocationText(plan: Revocation, changes: readonly DescribedChange[]): string[] {
  const {token, exists, references, reach} = plan
  const name = style.name(token.name)
  return [
    ...(references.length > 0
      ? [...indented(`${name} is named by:`, 0), ...referenceTable(references), '']
      : []),
    ...(exists ? [] : [`${name} is no longer in the account.`]),
    ...(changes.length > 0 ? [...editDiff(changes), ''] : []),
    ...(reach ? [...indented(reachLines(reach), 0), ''] : []),
    'Revoking it would:',
    ...revocationSteps(plan).flatMap((step) =>
      indented(step, 4).map((line, at) => (at === 0 ? `  - ${line.trimStart()}` : line)),
    ),
  ]
}

/** The JSON shape of the same. */
export function referencesJson(references: readonly Reference[]): object[] {
  return references.map((one) => ({...one, decision: one.decision ?? null, part: one.part ?? null}))
}

/** What names a service token. */
export function usesText({references, warnings}: TokenUses): string[] {
  if (references.length > 0) return referenceTable(references, 'USED BY')
  return [warnings.length > 0 ? 'Nothing that zt could read names it.' : 'Nothing names it.']
}

/** What a revocation does, one line each, in its order. */
function revocationSteps({token, exists, changes, stores, hosts}: Revocation): string[] {
  const forget = [
    ...stores.map((store) => `remove its secret from the ${store}`),
    ...(hosts.length > 0 ? [`unbind ${hosts.join(', ')}`] : []),
  ]
  if (!exists) return forget
  return [
    ...(changes.length > 0 ? ['disable it: it opens nothing from then on', 'make the changes above'] : []),
    `delete the service token ${style.name(token.name)} for good`,
    ...forget,
  ]
}

/** What a revocation did, one line each. */
export function revokedInWords(result: RevokeResult): string[] {
  const {token, deleted, detached, secretRemoved, stores, unbound} = result
  const name = style.name(token.name)
  const of = (action: DetachStep['action']): string =>
    detached
      .filter((step) => step.action === action)
      .map((step) => `${step.kind === 'group' ? 'the Access group ' : ''}"${step.name}"`)
      .join(', ')
  const [changed, removed] = [of('remove-rule'), of('delete-policy')]
  return [
    ...(changed === '' ? [] : [`${mark.done} Took ${name} out of ${changed}`]),
    ...(removed === '' ? [] : [`${mark.done} Deleted ${removed}, which included nothing else`]),
    deleted
      ? `${mark.done} Revoked ${name}: it no longer opens anything`
      : `${mark.done} ${name} was no longer in the account; removed what was left of it here`,
    ...(secretRemoved ? [`  its secret was removed from the ${stores.join(' and the ')}`] : []),
    ...(unbound.length > 0 ? [`  unbound: ${unbound.join(', ')}`] : []),
  ]
}
