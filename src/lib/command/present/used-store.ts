import type {UsedStore} from '../../access/stores/use.js'
import {style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {UserError} from '../../core/errors.js'

/** What `zt store use` has done, for people. */
export function presentUsedStore(
  {store, previous, apiToken, left}: UsedStore,
  dryRun: boolean,
): {text: string[]; warnings: string[]; next: string[]} {
  const warnings: string[] = []
  if (!store.readable) {
    warnings.push('What is saved there can be read only where the identity of a recipient is, not here')
  }
  if (apiToken.state === 'stays')
    warnings.push(`The API token stays in the ${apiToken.store}: ${apiToken.why}`)
  if (apiToken.state === 'moved' && apiToken.copyLeft && !dryRun) {
    warnings.push(`The ${apiToken.from} did not let go of its copy of the API token; see zt store check`)
  }
  const head = dryRun
    ? `Would keep secrets in ${style.bold(store.label)}`
    : `${style.green('✓')} Secrets go to ${style.bold(store.label)}`
  const details = facts([
    ['before', previous === undefined || previous === store.kind ? undefined : previous],
    [
      'API token',
      apiToken.state === 'moved' ? `${dryRun ? 'would move' : 'moved'} from the ${apiToken.from}` : undefined,
    ],
    ...left.map(({store: kind, tokens}) => [`left in ${kind}`, tokens.join(', ')] as [string, string]),
  ])
  return {
    text: [head, ...details],
    warnings,
    next: left.length > 0 && store.readable && !dryRun ? [`zt store move ${store.kind}`] : [],
  }
}

/** The JSON shape of it. */
export function usedStoreJson({store, previous, apiToken, left}: UsedStore): object {
  return {
    store: store.kind,
    label: store.label,
    readable: store.readable,
    previous: previous ?? null,
    apiToken,
    left,
  }
}

/** For flags that another store has no use for. */
export function vaultOnly(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_COMMAND_LINE',
    message: '--passphrase and --recipient are for the vault',
    why: 'Other stores protect what they keep in their own way.',
    next: ['zt store use vault'],
  })
}
