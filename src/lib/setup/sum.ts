import {createHash} from 'node:crypto'
import {canonicalJson} from '../core/canonical-json.js'
import type {JsonObject} from '../core/json.js'

/** Of an application, for comparing: without the times and with none of the policies, which an undo compares itself. */
export function sumOf({updated_at: _, policies: __, ...fields}: JsonObject): string {
  return createHash('sha256').update(canonicalJson(fields)).digest('hex').slice(0, 24)
}
