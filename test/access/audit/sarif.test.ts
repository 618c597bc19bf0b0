import {Ajv2020} from 'ajv/dist/2020.js'
import {expect, it} from 'vitest'
import {KIND_NAMES} from '../../../src/lib/access/audit/kinds.js'
import {sarifOf} from '../../../src/lib/access/audit/sarif.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {ago, anyToken, app, audited, group, named, rule, stored, token} from './audited-account.js'

const text = {type: 'object', required: ['text'], additionalProperties: false, properties: {text: {type: 'string', minLength: 1}, markdown: {type: 'string', minLength: 1}}} // prettier-ignore
const level = {enum: ['none', 'note', 'warning', 'error']}
const object = (properties: JsonObject, required = Object.keys(properties)): JsonObject => ({
  ...{type: 'object', properties, required, additionalProperties: false},
})
const list = (items: JsonObject, more: JsonObject = {}): JsonObject => ({type: 'array', items, ...more})

/**
 * What SARIF 2.1.0 (OASIS) says of the objects that zt writes, without those that it does not write, and what GitHub's
 * "SARIF support for code scanning" requires in addition: a file with a line, a fingerprint, help, one location.
 */
const SARIF = object({
  $schema: {const: 'https://json.schemastore.org/sarif-2.1.0.json'},
  version: {const: '2.1.0'},
  runs: list(
    object({
      tool: object({
        driver: object({
          name: {type: 'string', minLength: 1},
          semanticVersion: {type: 'string', pattern: String.raw`^\d+\.\d+\.\d+`},
          rules: list(
            object({
              id: {type: 'string', minLength: 1},
              shortDescription: text,
              fullDescription: text,
              help: {...text, required: ['text', 'markdown']},
              defaultConfiguration: object({level}),
              properties: {type: 'object'},
            }),
            {uniqueItems: true},
          ),
        }),
      }),
      automationDetails: object({id: {type: 'string', pattern: '^[^/]+/[^/]*/$'}}),
      invocations: list(
        object({
          executionSuccessful: {type: 'boolean'},
          toolExecutionNotifications: list(object({level, message: text})),
        }),
      ),
      columnKind: {enum: ['utf16CodeUnits', 'unicodeCodePoints']},
      results: list(
        object({
          ruleId: {enum: KIND_NAMES},
          ruleIndex: {type: 'integer', minimum: 0, maximum: KIND_NAMES.length - 1},
          level,
          message: {...text},
          locations: list(
            object({
              physicalLocation: object({
                // Relative, and a URI: GitHub refuses other schemes than file.
                artifactLocation: object({uri: {type: 'string', pattern: String.raw`^cloudflare-access/[a-z-]+/[\w.~!*'()%-]+$`}}),
                region: object({startLine: {type: 'integer', minimum: 1}}),
              }),
              logicalLocations: list(object({name: {type: 'string'}, fullyQualifiedName: {type: 'string'}, kind: {type: 'string'}})),
            }),
            {minItems: 1, maxItems: 1},
          ),
          partialFingerprints: object({primaryLocationLineHash: {type: 'string', pattern: '^[0-9a-f]{32}:1$'}}),
          properties: {type: 'object'},
        }),
      ),
    }),
    {minItems: 1, maxItems: 1},
  ),
}) // prettier-ignore

interface Result {
  ruleId: string
  ruleIndex: number
  level: string
  message: {text: string}
  locations: {physicalLocation: {artifactLocation: {uri: string}}}[]
  partialFingerprints: {primaryLocationLineHash: string}
}
interface Run {
  tool: {driver: {rules: {id: string; help: {text: string}}[]}}
  invocations: {toolExecutionNotifications: {message: {text: string}}[]}[]
  results: Result[]
}

const valid = new Ajv2020({allErrors: true}).compile(SARIF)

function runOf(document: JsonObject): Run {
  expect(valid(document), JSON.stringify(valid.errors, null, 2)).toBe(true)
  const [run] = document['runs'] as Run[]
  if (!run) throw new Error('no run')
  return run
}

/** An account with many kinds of findings, and with names that SARIF reads as its own. */
function everything(name = 'x'): JsonObject {
  const world = {
    tokens: [
      token('ci'),
      {...token('x', {expiresAt: ago(1)}), name},
      token('y', {enabled: false, lastSeenAt: undefined}),
      token('z', {lastSeenAt: undefined}),
    ],
    groups: [group('g', [named('ci'), named('z')])],
    apps: [
      app('Open', [rule('Any', [anyToken])]),
      app('Old', [rule('Rest', [named('ci')])]),
      app('Staff', [rule('Staff', [named('ci')], {decision: 'allow'})]),
    ],
    facts: {gone: [stored('gone')], unread: []},
  }
  return sarifOf(audited(world))
}

it('is SARIF 2.1.0 as GitHub takes it, also without a finding', () => {
  expect(runOf(everything()).results.length).toBeGreaterThan(7)
  expect(runOf(sarifOf(audited({}))).results).toEqual([])
})

it('has a rule for each kind, with help, and each result refers to its own', () => {
  const {tool, results} = runOf(everything())
  expect(tool.driver.rules.map(({id}) => id)).toEqual(KIND_NAMES)
  for (const {ruleId, ruleIndex} of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId)
  expect(new Set(results.map(({level: one}) => one))).toEqual(new Set(['error', 'note']))
})

it('keeps the fingerprint of a finding when names and times change, and no two share one', () => {
  const prints = (name?: string): string[] =>
    runOf(everything(name))
      .results.map((one) => one.partialFingerprints.primaryLocationLineHash)
      .sort()
  expect(prints('renamed')).toEqual(prints())
  expect(new Set(prints()).size).toBe(prints().length)
})

it('makes neither a link nor a placeholder of a name', () => {
  const {results} = runOf(everything('[click](https://evil.example) {0}'))
  const texts = results.map(({message}) => message.text).filter((one) => one.includes('evil'))
  expect(texts.length).toBeGreaterThan(0)
  for (const one of texts) {
    expect(one).toContain(String.raw`"\[click\](https://evil.example) {{0}}"`)
    expect(one).not.toMatch(/(?<!\\)\[/)
  }
})

it('shows what is invisible or reorders a text as an escape', () => {
  const world = {tokens: [token('x', {name: 'a\u202Eb\u200Bc', enabled: false})]}
  const said = JSON.stringify(sarifOf(audited(world))['runs'], (key, value: unknown) =>
    key === 'logicalLocations' || key === 'properties' ? undefined : value,
  )
  expect(said).toContain('u{{202e}}b')
  expect(said).not.toMatch(/[\u202E\u200B]/)
})

it('says what was not checked', () => {
  const {invocations} = runOf(sarifOf(audited({facts: {usage: undefined}})))
  expect(invocations[0]?.toolExecutionNotifications.map(({message}) => message.text)).toContain(
    'Not checked: unused-rule, unused-in-rule, unused-in-group. The record of Access was not read.',
  )
})
