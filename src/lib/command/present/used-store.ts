import type {UsedStore} from '../../access/stores/use.js'
import {mark, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {indented} from '../../cli/wrapped.js'

/** What `zt store use` has done, for people. */
export function presentUsedStore(
  {store, previous, warning, apiToken, left}: UsedStore,
  dryRun: boolean,
): {text: string[]; warnings: string[]; next: string[]} {
  const warnings = warning === undefined ? [] : [warning]
  if (!store.readable)
    warnings.push('This machine cannot read what is saved there: that needs the identity of a recipient')
  if (apiToken.state === 'stays')
    warnings.push(`The API token stays in the ${apiToken.store}: ${apiToken.why}`)
  if (apiToken.state === 'moved' && apiToken.copyLeft && !dryRun)
    warnings.push(`The ${apiToken.from} did not delete its copy of the API token; see zt store check`)
  const moved =
    apiToken.state === 'moved' ? `${dryRun ? 'would move' : 'moved'} from the ${apiToken.from}` : undefined
  return {
    text: [
      ...indented(
        dryRun
          ? `Would save secrets in ${style.name(store.label)}`
          : `${mark.done} Secrets are now saved in ${style.name(store.label)}`,
        0,
      ),
      ...facts([
        ['before', previous === store.kind ? undefined : previous],
        ['API token', moved],
        ...left.map(({store: kind, tokens}) => [`left in ${kind}`, tokens.join(', ')] as [string, string]),
      ]),
    ],
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
