import {isJsonObject, type JsonObject} from '../core/json.js'
import {goDurationSeconds} from '../core/duration.js'
import {isId} from '../core/id.js'
import {OPERATIONS, type ChangeName} from './operations.js'

export type {ChangeName}

/**
 * What is wrong with an object from the API, as a sentence that quotes none of it; undefined if nothing is.
 *
 * @param id that was requested; undefined if the API chooses it
 */
export function faultOf(raw: JsonObject, id?: string): string | undefined {
  const given = raw['id'] ?? raw['uid']
  if (!isId(given)) return 'It has no valid ID.'
  if (id !== undefined && given !== id) return 'It describes a different object from the one requested.'
  if (raw['uid'] !== undefined && raw['uid'] !== null && !isId(raw['uid']))
    return 'Its "uid" is not a valid ID.'
  const {client_id: clientId, policies} = raw
  if (clientId !== undefined && (typeof clientId !== 'string' || !isClientId(clientId)))
    return 'Its client ID is not valid.'
  if (clientId !== undefined && !TIMES.every((field) => isTime(raw[field])))
    return 'One of its times is not valid.'
  if (!Array.isArray(policies)) return undefined
  const ids = policies.map((one: unknown) => (isJsonObject(one) ? one['id'] : one))
  return ids.every((one) => one === undefined || isId(one))
    ? undefined
    : 'One of its policies has no valid ID.'
}

/** The fields whose value in the answer differs from the one sent. */
export function contradicted(operation: ChangeName, sent: object | undefined, raw: JsonObject): string[] {
  const asked = sent as JsonObject | undefined
  return OPERATIONS[operation].compared.filter((field) => {
    const [wanted, given] = [asked?.[field], raw[field]]
    if (wanted === undefined || given === undefined) return false
    return field === 'duration' ? !sameDuration(wanted, given) : wanted !== given
  })
}

const TIMES = ['created_at', 'updated_at', 'expires_at', 'last_seen_at']

/** True for a time, and for no value. */
function isTime(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'string' && value.length <= 64 && !Number.isNaN(Date.parse(value))
}

/** It is sent in a header. Cloudflare's client IDs end in `.access`. */
function isClientId(text: string): boolean {
  return /^[\x21-\x7E]{1,256}$/.test(text)
}

/** It is sent in a header. Secrets have 54 or 64 characters today. */
export function isClientSecret(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[\x21-\x7E]{1,1024}$/.test(value)) return false
  // The length of this kind is known, so a truncated secret can be recognised.
  return !value.startsWith('cfast_') || value.length === 54
}

function sameDuration(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'string' || typeof other !== 'string') return false
  const seconds = goDurationSeconds(one)
  return seconds !== undefined && seconds === goDurationSeconds(other)
}
