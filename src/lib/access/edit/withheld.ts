import {isJsonObject} from '../../core/json.js'
import {redact} from '../../core/redact.js'

/** Fields of an application that hold credentials for other systems (Cloudflare's API reference). */
const FIELDS = new Set(['scim_config', 'saas_app'])
const KEY =
  /secret|password|passphrase|private_key|api_key|credential|^authentication$|^authorization$|^token$/i

/** Whether a field may hold a secret. It is then neither shown nor recorded, and cannot be restored. */
export function mayHoldSecret(field: string, value: unknown): boolean {
  if (value === undefined || value === null) return false
  return FIELDS.has(field) || holdsSecret(field, value)
}

function holdsSecret(key: string, value: unknown): boolean {
  if (typeof value === 'string') return (value !== '' && isSecretKey(key)) || redact(value) !== value
  if (Array.isArray(value)) return value.some((one) => holdsSecret(key, one))
  if (isJsonObject(value)) return Object.entries(value).some(([name, inner]) => holdsSecret(name, inner))
  return false
}

/** Whether a field is called like a secret. */
export function isSecretKey(key: string): boolean {
  return KEY.test(key)
}

/**
 * What an API shows instead of a secret, by its form and not by one spelling: nothing, one sign repeated (`********`), a
 * part of it (`abcd****`), or a word that says so (`[REDACTED]`, `hidden`).
 */
const MASKS = [
  /^\s*$/,
  /^([*＊•●∙·#xX._?-])\1*$/u,
  /[*＊•●∙]{3}|…|\.{3}/u,
  /^[[(<{][\p{L}\d _-]*[\])>}]$/u,
  /^[*_-]*(redacted|hidden|masked|secret|sensitive|encrypted|removed|omitted|unchanged|null|undefined)[*_-]*$/i,
]

/** Whether a text is what an API shows instead of a secret. */
export function isMask(text: string): boolean {
  return MASKS.some((mask) => mask.test(text))
}

/** Whether the API hides a secret in this field. */
export function isMaskOf(key: string, value: unknown): boolean {
  return typeof value === 'string' && isSecretKey(key) && isMask(value)
}
