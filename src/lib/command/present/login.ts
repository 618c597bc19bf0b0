import type {Login} from '../../access/account/login.js'
import {mark, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {indented} from '../../cli/wrapped.js'

/** What `zt login` has done, for people. */
export function loginText({account, apiToken, store}: Login, profile: string): string[] {
  return [
    ...indented(`${mark.done} Logged in to ${style.name(account.name)}`, 0),
    ...facts([
      ['profile', profile],
      ['account ID', account.id],
      ['API token', `${apiToken.id}, saved in ${store.label}`],
      ['expires', apiToken.expiresOn],
    ]),
  ]
}

/** The JSON shape of it. */
export function loginJson({account, apiToken, store}: Login, profile: string): object {
  return {profile, account, apiToken: {...apiToken, expiresOn: apiToken.expiresOn ?? null}, store: store.kind}
}
