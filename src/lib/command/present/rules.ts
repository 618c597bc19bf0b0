import {actionName} from '../../access/rules/action-name.js'
import type {ShownGroup} from '../../access/groups/show.js'
import type {ShownPolicy} from '../../access/policies/show.js'
import type {PolicyInWords} from '../../access/rules/in-words.js'
import {policyDetails} from '../../access/applications/details.js'
import {columnsOf, style} from '../../cli/streams.js'
import {facts, table} from '../../cli/table.js'
import {policyDetailFacts} from './details.js'
import {referencesJson, referenceTable} from './change.js'

const PARTS = [
  ['include', 'any of'],
  ['require', 'all of'],
  ['exclude', 'none of'],
] as const

/** What is included, required and excluded, one line each. */
function ruleLines(words: PolicyInWords): [label: string, value: string][] {
  return PARTS.flatMap(([part, how]) => {
    const lines = words[part]
    return lines.map((line, at): [string, string] =>
      at > 0 ? ['', line] : [part, lines.length > 1 ? `${line}  ${style.secondary(`(${how} these)`)}` : line],
    )
  })
}

/** A policy, its rules, and the applications that use it. */
export function policyText({policy, reusable, attached, words}: ShownPolicy): string[] {
  const about = facts(
    [
      ['name', style.name(policy.name)],
      ['action', actionName(policy.decision)],
      ['kind', reusable ? 'reusable' : 'inline (legacy)'],
      ...policyDetailFacts(policyDetails(policy.raw)),
      ['id', policy.id],
      ...ruleLines(words),
    ],
    columnsOf('stdout'),
  )
  if (attached.length === 0) return [...about, '', 'No application uses it.']
  const where = table(attached, [
    {title: 'APPLICATION', value: ({application}) => application.name},
    {title: 'ORDER', value: ({precedence}) => String(precedence ?? '')},
    {title: 'DOMAIN', value: ({application}) => application.domain ?? '', optional: true},
  ])
  return [...about, '', ...where]
}

/** The JSON shape of a policy. */
export function policyJson({policy, reusable, attached, words}: ShownPolicy): object {
  const {id, name, decision, include, require, exclude, raw} = policy
  const action = actionName(decision)
  return {
    policy: {
      ...{id, name, decision, action, reusable, include, require, exclude},
      inWords: words,
      settings: policyDetails(raw),
    },
    applications: attached.map(({application, precedence}) => ({
      id: application.id,
      name: application.name,
      domain: application.domain ?? null,
      precedence: precedence ?? null,
    })),
  }
}

/** An Access group, its entries, and what uses it. */
export function groupText({group, references, words}: ShownGroup): string[] {
  const about = facts([['name', style.name(group.name)], ['id', group.id], ...ruleLines(words)])
  if (references.length === 0) return [...about, '', 'Nothing uses it.']
  return [...about, '', ...referenceTable(references, 'USED BY')]
}

/** The JSON shape of an Access group. */
export function groupJson({group, references}: ShownGroup): object {
  const {id, name, include, require, exclude} = group
  return {
    group: {id, name, include, require, exclude},
    usedBy: referencesJson(references),
  }
}
