import type {Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {selectorNamed} from './selectors.js'

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

/** A rule in words: `service token gitlab-admin`, `country DE`. One that zt does not know, by the API's names. */
export function ruleInWords(rule: Rule, names: RuleNames): string {
  const [[selector, value] = ['', undefined], another] = Object.entries(rule)
  const known = another ? undefined : selectorNamed(selector)
  if (!known) return byItsNames(rule)
  const {words, field, then, optional, names: named} = known
  if (field === undefined) return words
  const body: JsonObject = isJsonObject(value) ? value : {}
  const said = textOf(body[field])
  if (said === undefined) return optional === true ? words : byItsNames(rule)
  if (named !== undefined) return `${words} ${names[named](said) ?? said}`
  const second = then && textOf(body[then[1]])
  return `${words} ${said}${then && second !== undefined ? then[0] + second : ''}`
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const list: unknown[] = Array.isArray(value) ? value : []
  return list.length > 0 && list.every((one) => typeof one === 'string') ? list.join(' or ') : undefined
}

/** Deeper values are not shown. */
const DEEPEST = 3

/** `future_selector (name: x, levels: a, b)`. */
function byItsNames(rule: Rule): string {
  const parts = Object.entries(rule).map(([selector, value]) => {
    const inside = pairsOf(value, '', DEEPEST)
    return `${selector === '' ? 'unnamed' : selector}${inside.length > 0 ? ` (${inside.join(', ')})` : ''}`
  })
  return parts.length > 0 ? parts.join(' with ') : 'empty rule'
}

function pairsOf(value: unknown, name: string, deepest: number): string[] {
  const lead = name === '' ? '' : `${name}: `
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return [`${lead}${value}`]
  if (typeof value !== 'object' || value === null) return []
  if (deepest === 0) return [`${lead}...`]
  if (Array.isArray(value)) {
    const items = value.flatMap((one) => pairsOf(one, '', deepest - 1))
    return items.length > 0 ? [`${lead}${items.join(', ')}`] : []
  }
  return Object.entries(value).flatMap(([key, one]) =>
    pairsOf(one, name === '' ? key : `${name}.${key}`, deepest - 1),
  )
}
