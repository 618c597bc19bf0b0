import type {CreatedToken} from '../../access/tokens/create.js'
import type {ImportResult} from '../../access/tokens/import.js'
import type {KnownToken} from '../../access/tokens/list.js'
import {mark, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {indented} from '../../cli/wrapped.js'

/** The date of an ISO 8601 time. */
export function day(time: string | undefined, otherwise: string): string {
  return time?.slice(0, 10) ?? otherwise
}

/** In place of the time when Cloudflare last saw a token, where there is none. */
export const NEVER_SEEN = 'never used'

export function statusColour(status: KnownToken['status']): string {
  return status === 'active' ? style.success(status) : style.failure(status)
}

/** The JSON shape of a service token, the same in every command. */
export function tokenJson({token, status, store, previousUntil, storedVersion, hosts}: KnownToken): object {
  const {id, name, clientId, duration, enabled, expiresAt, createdAt, updatedAt, lastSeenAt, secretVersion} =
    token
  return {
    id,
    name,
    clientId,
    status,
    enabled,
    duration,
    expiresAt: expiresAt ?? null,
    createdAt: createdAt ?? null,
    updatedAt: updatedAt ?? null,
    lastSeenAt: lastSeenAt ?? null,
    secretVersion: secretVersion ?? null,
    store: store ?? null,
    storedSecretVersion: storedVersion ?? null,
    previousUntil: previousUntil ?? null,
    hosts,
  }
}

/** Where the secret of a token is, and whether it is the current one as far as Cloudflare's number of it says. */
export function secretInWords({store, storedVersion, imported, token: {secretVersion}}: KnownToken): string {
  if (store === undefined) return 'not on this machine'
  if (storedVersion === undefined || secretVersion === undefined) return `in the ${store}`
  const same = storedVersion === secretVersion
  const version = imported ? `imported when version ${storedVersion} was current` : `version ${storedVersion}`
  const current = same
    ? imported
      ? ', as it is now'
      : ', the current one'
    : `; now it is version ${secretVersion}`
  return `in the ${store} (${version}${current})`
}

/** What `zt token create` has done, for people. */
export function createdText({token, clientSecret, store}: CreatedToken, reveal: boolean): string[] {
  return [
    ...indented(`${mark.done} Created service token ${style.name(token.name)}`, 0),
    ...facts([
      ['Client ID', token.clientId],
      ['Client Secret', reveal ? clientSecret.expose() : undefined],
      ['secret', `saved in ${store.label}`],
      ['expires', token.expiresAt ?? 'never'],
      ['ID', style.secondary(token.id)],
    ]),
  ]
}

/** What `zt token import` has done, or would do, for people. */
export function importedText({token: {token}, how, dryRun, store}: ImportResult): string[] {
  const name = style.name(token.name)
  const done =
    how === 'same'
      ? `${mark.done} This secret of ${name} is already in ${store.label}`
      : dryRun
        ? `Would save the secret of ${name} in ${store.label}`
        : `${mark.done} Saved the secret of ${name} in ${store.label}`
  return [
    ...indented(done, 0),
    ...facts([
      ['Client ID', token.clientId],
      ['expires', token.expiresAt ?? 'never'],
      ['replaces', how === 'replaced' ? 'another secret that was stored for it' : undefined],
    ]),
  ]
}
