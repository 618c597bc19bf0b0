import {isJsonObject, type JsonObject} from '../core/json.js'
import {goDurationSeconds} from '../core/duration.js'
import {isId} from '../core/id.js'
import {OPERATIONS, type ChangeName} from './operations.js'

export type {ChangeName}

/**
 * What is wrong with an object that the API gave, as a sentence without anything of it; undefined: nothing.
 *
 * @param id the one that was asked for; undefined where the API chooses it
 */
export function faultOf(raw: JsonObject, id?: string): string | undefined {
  const given = raw['id'] ?? raw['uid']
  if (!isId(given)) return 'It holds no id, or something else in its place.'
  if (id !== undefined && given !== id) return 'It is about another object than the one that was asked for.'
  if (raw['uid'] !== undefined && raw['uid'] !== null && !isId(raw['uid']))
    return 'It holds an impossible id.'
  const {client_id: clientId, policies} = raw
  if (clientId !== undefined && (typeof clientId !== 'string' || !isClientId(clientId)))
    return 'It holds no Client ID, or something else in its place.'
  if (clientId !== undefined && !TIMES.every((field) => isTime(raw[field])))
    return 'One of its times is none.'
  if (!Array.isArray(policies)) return undefined
  const ids = policies.map((one: unknown) => (isJsonObject(one) ? one['id'] : one))
  return ids.every((one) => one === undefined || isId(one))
    ? undefined
    : 'One of its policies has an impossible id.'
}

/** The fields that an answer tells otherwise than they were sent. */
export function contradicted(operation: ChangeName, sent: object | undefined, raw: JsonObject): string[] {
  const asked = sent as JsonObject | undefined
  return OPERATIONS[operation].compared.filter((field) => {
    const [wanted, given] = [asked?.[field], raw[field]]
    if (wanted === undefined || given === undefined) return false
    return field === 'duration' ? !sameDuration(wanted, given) : wanted !== given
  })
}

const TIMES = ['created_at', 'updated_at', 'expires_at', 'last_seen_at']

/** A time, or none. */
function isTime(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'string' && value.length <= 64 && !Number.isNaN(Date.parse(value))
}

/** It goes into a header. Cloudflare's end in `.access`. */
function isClientId(text: string): boolean {
  return /^[\x21-\x7E]{1,256}$/.test(text)
}

/** It goes into a header. Today's have 54 characters or 64. */
export function isClientSecret(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[\x21-\x7E]{1,1024}$/.test(value)) return false
  // Of this kind the length is known: a part of one opens nothing.
  return !value.startsWith('cfast_') || value.length === 54
}

function sameDuration(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'string' || typeof other !== 'string') return false
  const seconds = goDurationSeconds(one)
  return seconds !== undefined && seconds === goDurationSeconds(other)
}
