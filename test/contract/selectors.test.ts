import fs from 'node:fs/promises'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {applicationDetails, policyDetails} from '../../src/lib/access/applications/details.js'
import {hasCode} from '../../src/lib/core/errors.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {toGroup, toPolicy} from '../../src/lib/api/convert.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {ruleInWords} from '../../src/lib/policy/rule-words.js'
import {selectorNamed} from '../../src/lib/policy/selectors.js'

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
const schemas =
  text === undefined
    ? {}
    : (JSON.parse(text) as {components: {schemas: Record<string, Schema>}}).components.schemas

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
  const one = schema.anyOf?.[0] ?? (schema['allOf'] as Schema[] | undefined)?.[0]
  if (one) return example(one, name)
  if (schema['type'] === 'boolean') return true
  if (schema['type'] === 'number' || schema['type'] === 'integer') return 7
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

it.each(rules)('%j is evaluated by facts that a caller can give', (rule) => {
  const policy = toPolicy({id: 'p', name: 'p', decision: 'allow', include: [rule]})
  const groups = new Map([
    ['some-id', toGroup({id: 'some-id', name: 'g', include: [{email: {email: 'a@b.c'}}]})],
  ])
  const request = {serviceTokenId: undefined, ip: undefined, country: undefined, person: {}}
  const {outcome, undecided} = evaluate({application: {name: 'A', policies: [policy]}, groups, request})
  // What does not count under Allow is certain, and so is everyone.
  const certain = ['service_token', 'any_valid_service_token', 'linked_app_token', 'everyone']
  expect(outcome === 'unknown').toBe(!certain.includes(Object.keys(rule)[0] ?? ''))
  expect(undecided.filter(({fact}) => fact === 'selector' || fact === 'access-group')).toEqual([])
})

describe('what the contract lets one set', () => {
  /** Decides nothing about a request: how things look, or which name they have. */
  const LOOKS = new Set([
    ...['id', 'uid', 'account_id', 'created_at', 'updated_at', 'name', 'type', 'domain', 'policies', 'tags'],
    ...[
      'self_hosted_domains',
      'app_launcher_visible',
      'app_launcher_logo_url',
      'logo_url',
      'bg_color',
      'footer_links',
    ],
    ...['header_bg_color', 'landing_page_design', 'skip_app_launcher_login_page', 'custom_pages'],
    ...['custom_deny_message', 'allow_iframe', 'skip_interstitial', 'eager_redirect_cookie_setting'],
    ...['use_clientless_isolation_app_launcher_url', 'saas_app'],
    // Shown by itself.
    'service_auth_401_redirect',
  ])
  /** Of a policy: shown by themselves. */
  const SHOWN = new Set(['decision', 'precedence', 'include', 'require', 'exclude', 'reusable'])

  const fieldsOf = (pattern: RegExp): [string, Schema][] =>
    Object.entries(schemas)
      .filter(([name]) => pattern.test(name))
      .flatMap(([, schema]) => Object.entries(schema.properties ?? {}))

  it.skipIf(text === undefined)('is shown by app show, if it decides', () => {
    const fields = fieldsOf(/^ApplicationCreateResponse\.\w+Application$/)
    const lost = fields
      .filter(([field]) => !LOOKS.has(field))
      .filter(
        ([field, schema]) => Object.keys(applicationDetails({[field]: example(schema, field)})).length === 0,
      )
    expect(fields.length).toBeGreaterThan(40)
    expect([...new Set(lost.map(([field]) => field))]).toEqual([])
  })

  it.skipIf(text === undefined)('is shown by policy show, if it decides', () => {
    const fields = fieldsOf(
      /^(access_app_policy_response|ApplicationCreateResponse\.InfrastructureApplication\.Policy)$/,
    )
    const lost = fields
      .filter(([field]) => !LOOKS.has(field) && !SHOWN.has(field))
      .filter(([field, schema]) => Object.keys(policyDetails({[field]: example(schema, field)})).length === 0)
    expect(fields.length).toBeGreaterThan(15)
    expect(lost.map(([field]) => field)).toEqual([])
  })
})
