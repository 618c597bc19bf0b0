import type {AccessApi} from '../../api/types.js'
import {canonicalJson} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {nameLookup, ruleInWords, type RuleNames} from '../../policy/rule-words.js'
import {actionName} from '../rules/action-name.js'
import type {AccessContext} from '../account/context.js'
import {fieldChanges, type Change, type FieldChange} from './change.js'
import {without} from './effect.js'
import {inWords} from './object.js'

/** What a changed field had and now has, in lines for people. Unchanged lines are left out. */
export interface DescribedField {
  field: string
  removed: string[]
  added: string[]
  /** It may hold a secret, and is not shown. */
  withheld: boolean
}

export interface DescribedChange {
  action: Change['action']
  /** `the Access group "ci"`. */
  what: string
  fields: DescribedField[]
}

/** What changes would do, in words. The names of service tokens, groups and policies are looked up as needed. */
export async function describeChanges(
  ctx: AccessContext,
  changes: readonly Change[],
): Promise<DescribedChange[]> {
  const described = changes.map((change) => ({change, fields: fieldChanges(change)}))
  const names = await readNames(
    await ctx.api(),
    changes,
    described.flatMap(({fields}) => fields),
  )
  return described.map(({change: {action, target}, fields}) => ({
    action,
    what: inWords(target),
    fields: fields.map((one) => describeField(one, names)),
  }))
}

/** Undefined: unknown. */
interface Names extends RuleNames {
  policy(id: string): string | undefined
}

const RULES = new Set(['include', 'exclude', 'require'])

function describeField({field, before, after, withheld}: FieldChange, names: Names): DescribedField {
  if (withheld) return {field, removed: [], added: [], withheld: true}
  const had = inLines(field, before, names)
  const has = inLines(field, after, names)
  return {field, removed: without(had, has), added: without(has, had), withheld: false}
}

function inLines(field: string, value: unknown, names: Names): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [field === 'decision' ? actionName(asText(value)) : asText(value)]
  if (RULES.has(field))
    return value.map((rule) => (isJsonObject(rule) ? ruleInWords(rule, names) : asText(rule)))
  if (field === 'policies')
    return value.map((link) => (isJsonObject(link) ? linkLine(link, names) : asText(link)))
  return value.map(asText)
}

function linkLine({id, precedence}: JsonObject, names: Names): string {
  return `${String(precedence)}  ${names.policy(String(id)) ?? String(id)}`
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}

async function readNames(
  api: AccessApi,
  changes: readonly Change[],
  fields: readonly FieldChange[],
): Promise<Names> {
  const text = canonicalJson(fields.filter(({field}) => RULES.has(field)))
  const made = changes.map(({target}) => ({id: target.id, name: target.name}))
  const nothing = Promise.resolve([])
  const [tokens, groups, policies] = await Promise.all([
    text.includes('"service_token"') ? readable(api.listServiceTokens()) : nothing,
    text.includes('"group"') ? readable(api.listGroups()) : nothing,
    fields.some(({field}) => field === 'policies') ? readable(api.listPolicies()) : nothing,
  ])
  return {
    serviceToken: nameLookup(tokens),
    group: nameLookup([...made, ...groups]),
    policy: nameLookup([...made, ...policies]),
  }
}

/** A name is a courtesy: if the API token may not read it, the ID is shown. */
async function readable<T>(list: Promise<T[]>): Promise<T[]> {
  try {
    return await list
  } catch (error) {
    if (error instanceof UserError) return []
    throw error
  }
}
