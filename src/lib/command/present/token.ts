import type {KnownToken} from '../../access/tokens/list.js'
import {style} from '../../cli/streams.js'

/** The date of an ISO 8601 time. */
export function day(time: string | undefined, otherwise: string): string {
  return time?.slice(0, 10) ?? otherwise
}

export function statusColour(status: KnownToken['status']): string {
  return status === 'active' ? style.green(status) : style.red(status)
}

/** The JSON shape of a service token, the same in every command. */
export function tokenJson({token, status, store, previousUntil, hosts}: KnownToken): object {
  const {id, name, clientId, duration, enabled, expiresAt, createdAt, updatedAt, lastSeenAt} = token
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
    store: store ?? null,
    previousUntil: previousUntil ?? null,
    hosts,
  }
}
