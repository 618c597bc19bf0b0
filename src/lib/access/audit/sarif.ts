import {createHash} from 'node:crypto'
import type {JsonObject} from '../../core/json.js'
import {visible} from '../../core/text.js'
import {VERSION} from '../../core/version.js'
import {idsOf, mainOf} from './audit.js'
import {KIND_NAMES, KINDS, type Severity} from './kinds.js'
import type {Audit, Finding} from './types.js'

const LEVELS: Record<Severity, string> = {action: 'error', notice: 'note'}

/**
 * An audit as SARIF 2.1.0 (OASIS), with what GitHub's code scanning requires ("SARIF support for code scanning"): a
 * location in a file for each result, and a fingerprint that stays the same for the same object.
 */
export function sarifOf({findings, notChecked, accountId}: Audit): JsonObject {
  const failures = notChecked.map(({kinds, why}) => ({
    level: 'warning',
    message: {text: inSarif(`Not checked: ${kinds.join(', ')}. ${why}`)},
  }))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {driver: {name: 'zt', semanticVersion: VERSION, rules: KIND_NAMES.map(ruleOf)}},
        // Code scanning keeps the results of several accounts apart by this.
        automationDetails: {id: `zt-token-audit/${accountId ?? ''}/`},
        invocations: [{executionSuccessful: true, toolExecutionNotifications: failures}],
        columnKind: 'utf16CodeUnits',
        results: findings.map(resultOf),
      },
    ],
  }
}

function ruleOf(kind: (typeof KIND_NAMES)[number]): JsonObject {
  const {found, remedy, severity} = KINDS[kind]
  return {
    id: kind,
    shortDescription: {text: inSarif(found)},
    fullDescription: {text: inSarif(`${found}. ${remedy}`)},
    help: {text: inSarif(remedy), markdown: remedy},
    defaultConfiguration: {level: LEVELS[severity]},
    properties: {tags: ['cloudflare-access', 'service-token']},
  }
}

function resultOf(one: Finding): JsonObject {
  const {kind, severity, why, next, subject, closes} = one
  const fingerprint = createHash('sha256')
    .update([kind, ...idsOf(one)].join('\0'))
    .digest('hex')
    .slice(0, 32)
  const names = [
    ...(subject.token ? [`Service token "${subject.token.name}".`] : []),
    ...(subject.rule ? [`Rule "${subject.rule.name}".`] : []),
    ...(subject.application ? [`Application "${subject.application.name}".`] : []),
    ...(subject.group ? [`Access group "${subject.group.name}".`] : []),
  ]
  return {
    ruleId: kind,
    ruleIndex: KIND_NAMES.indexOf(kind),
    level: LEVELS[severity],
    message: {text: inSarif([...names, why, ...next.map((command) => `Next: ${command}`)].join(' '))},
    locations: [locationOf(one)],
    // GitHub matches results of two runs by this one alone.
    partialFingerprints: {primaryLocationLineHash: `${fingerprint}:1`},
    properties: {next, closes: closesJson(closes)},
  }
}

/**
 * The object in a path of its own: GitHub refuses an upload with a URI of another scheme than `file` (codeql-action issue
 * 754), and takes a relative one whether or not the repository has such a file.
 */
function locationOf(one: Finding): JsonObject {
  const {token, rule, application} = one.subject
  const main = mainOf(one)
  const folder = token
    ? 'service-tokens'
    : rule
      ? 'policies'
      : application && main === application
        ? 'applications'
        : 'groups'
  return {
    physicalLocation: {
      artifactLocation: {uri: `cloudflare-access/${folder}/${encodeURIComponent(main.id)}`},
      region: {startLine: 1},
    },
    logicalLocations: [{name: main.name, fullyQualifiedName: `${folder}/${main.id}`, kind: 'resource'}],
  }
}

/** The JSON shape of what commands close. */
export function closesJson(closes: Finding['closes']): JsonObject[] {
  return closes.map(({token, application, reach}) => ({token: token ?? null, application, reach}))
}

/** A plain text, without what is invisible or reorders it, in which brackets make no link and braces no placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6). */
function inSarif(text: string): string {
  return visible(text)
    .replaceAll(/[\\[\]]/g, String.raw`\$&`)
    .replaceAll(/[{}]/g, '$&$&')
}
