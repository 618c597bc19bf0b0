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
  if (typeof value === 'string') return (value !== '' && KEY.test(key)) || redact(value) !== value
  if (Array.isArray(value)) return value.some((one) => holdsSecret(key, one))
  if (isJsonObject(value)) return Object.entries(value).some(([name, inner]) => holdsSecret(name, inner))
  return false
}
