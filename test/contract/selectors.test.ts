import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {hasCode} from '../../src/lib/core/errors.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {ruleInWords} from '../../src/lib/policy/rule-words.js'
import {selectorNamed} from '../../src/lib/policy/rules.js'

interface Schema extends JsonObject {
  $ref?: string
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  items?: Schema
  enum?: string[]
}

const FILE = path.resolve(import.meta.dirname, '../../../shared/contract/cloudflare-access.openapi.json')
const text = await fs.readFile(FILE, 'utf8').catch((error: unknown) => {
  if (hasCode(error, 'ENOENT')) return undefined
  throw error
})
const schemas = (
  text === undefined
    ? {}
    : (JSON.parse(text) as {components: {schemas: Record<string, Schema>}}).components.schemas
) as Record<string, Schema>

function resolved(schema: Schema | undefined): Schema {
  const name = schema?.$ref?.split('/').at(-1)
  return (name === undefined ? schema : schemas[name]) ?? {}
}

/** A value that a schema describes, with every field. */
function example(given: Schema | undefined, name: string): unknown {
  const schema = resolved(given)
  if (schema['type'] === 'object' || schema.properties)
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([key, one]) => [key, example(one, key)]),
    )
  if (schema['type'] === 'array') return [example(schema.items, name)]
  return schema.enum?.[0] ?? `some-${name}`
}

const rules = (resolved(schemas['AccessRuleParam']).anyOf ?? []).map(
  (one) => example(one, '') as Record<string, JsonObject>,
)
const names = {serviceToken: () => 'ci', group: () => 'robots'}

it.skipIf(text === undefined)('the contract has selectors', () => {
  expect(rules.length).toBeGreaterThan(20)
})

it.each(rules)('%j is shown in words, with its value and without JSON', (rule) => {
  const [[selector, body] = ['', {}]] = Object.entries(rule)
  expect(selectorNamed(selector)?.words).toBeDefined()
  const words = ruleInWords(rule, names)
  expect(words).toMatch(/^[^{}[\]"()]+$/)
  expect(words).not.toMatch(new RegExp(`^${selector}\\b.*:`))
  // What a rule names decides: at least one of its values is shown.
  const values = Object.values(body).flat().map(String)
  if (values.length > 0) expect([...values, 'ci', 'robots'].some((one) => words.includes(one))).toBe(true)
})
