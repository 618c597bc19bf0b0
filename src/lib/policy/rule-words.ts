import type {Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {selectorNamed} from './rules.js'

/** The names of objects in rules, by their IDs. Undefined: unknown; the ID is shown then. */
export interface RuleNames {
  serviceToken(id: string): string | undefined
  group(id: string): string | undefined
}

/** Looks up names among objects by their IDs. */
export function nameLookup(all: readonly {id: string; name: string}[]): (id: string) => string | undefined {
  const byId = new Map(all.map(({id, name}) => [id, name]))
  return (id) => byId.get(id)
}

/** A rule in words: `service token gitlab-admin`, `country DE`. One that zt does not know comes as JSON. */
export function ruleInWords(rule: Rule, names: RuleNames): string {
  const [[selector, value] = ['', undefined], another] = Object.entries(rule)
  const body: JsonObject = isJsonObject(value) ? value : {}
  if (another) return JSON.stringify(rule)
  const {words, field, names: named} = selectorNamed(selector) ?? {}
  if (words === undefined) return JSON.stringify(rule)
  if (field === undefined) return words
  const said = body[field]
  if (named !== undefined) return `${words} ${names[named](String(said)) ?? String(said)}`
  return typeof said === 'string' ? `${words} ${said}` : JSON.stringify(rule)
}
