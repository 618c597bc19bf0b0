import {canonicalJson} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {selectorNamed} from '../../policy/selectors.js'
import {isBlock, isCountry} from '../countries.js'
import {settingOf} from '../settings.js'
import type {StateData} from '../state.js'
import {invalid, Refused} from './answer.js'

const PARTS = ['include', 'require', 'exclude'] as const

/** Why a selector's body is not accepted; undefined: it is. */
type Fault = (body: JsonObject, data: StateData) => string | undefined

const FAULTS: Record<string, Fault> = {
  ip: ({ip}) => (typeof ip === 'string' && isBlock(ip) ? undefined : 'invalid IP range'),
  geo: ({country_code: code}) =>
    typeof code === 'string' && isCountry(code) ? undefined : 'invalid country code',
  // Also the answer to a client ID in place of the ID (reported by several clients).
  service_token: ({token_id: id}, data) =>
    data.serviceTokens.some(({object}) => object['id'] === id) ? undefined : 'service token not found',
  group: ({id}, data) => {
    if (data.groups.some((one) => one['id'] === id)) return undefined
    throw new Refused(400, 11020, 'access.api.error.failed_to_load_group')
  },
}

/**
 * Checks the common fields of policies and Access groups: a name, and lists of rules, of which Include has at least one.
 * A rule that the object had before is not checked again: a seed may contain what Cloudflare added after zt.
 */
export function checkRules(rest: JsonObject, data: StateData, before: JsonObject = {}): JsonObject {
  if (typeof rest['name'] !== 'string' || rest['name'] === '') throw invalid('name is required')
  const had = new Set(PARTS.flatMap((part) => listOf(before[part]).map(canonicalJson)))
  for (const part of PARTS) {
    const rules = (rest[part] ??= [])
    if (!Array.isArray(rules) || !rules.every(isJsonObject)) throw invalid(`${part} must be a list of rules`)
    for (const rule of rules.filter((one) => !had.has(canonicalJson(one)))) {
      const fault = faultOf(rule, data)
      if (fault !== undefined) throw invalid(`invalid '${part}' configuration: ${fault}`)
    }
  }
  if (listOf(rest['include']).length === 0) throw invalid('include is required')
  return rest
}

function faultOf(rule: JsonObject, data: StateData): string | undefined {
  const [[name, body] = [], another] = Object.entries(rule)
  if (name === undefined || another || !selectorNamed(name)) {
    const accepted = settingOf(data.settings, 'unknown_selectors') === 'accept'
    return accepted ? undefined : 'unknown selector'
  }
  if (!isJsonObject(body)) return `${name} must be an object`
  return FAULTS[name]?.(body, data)
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
