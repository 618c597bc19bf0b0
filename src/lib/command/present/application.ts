import {applicationDetails, policyDetails} from '../../access/applications/details.js'
import {kindOf, refusalInWords} from '../../access/applications/kinds.js'
import {actionName} from '../../access/rules/action-name.js'
import type {PolicyInWords} from '../../access/rules/in-words.js'
import type {Application, Policy} from '../../api/types.js'
import {columnsOf, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {wrapped} from '../../cli/wrapped.js'
import {applicationDetailFacts, policyDetailFacts} from './details.js'

const PARTS = ['include', 'require', 'exclude'] as const

/** An application's own settings, as far as they are set. */
export function applicationFacts(application: Application, strict: boolean | undefined): string[] {
  const {id, name, type, domains, raw} = application
  const {serviceAuth, why} = kindOf(type)
  return facts(
    [
      ['name', style.name(name)],
      ['kind', type],
      ['domains', domains.length > 0 ? domains.join(', ') : undefined],
      ['not admitted', refusalInWords(application, strict)],
      ['Service Auth', serviceAuth === 'yes' ? undefined : `${serviceAuth}: ${why ?? 'not documented'}`],
      ...applicationDetailFacts(applicationDetails(raw)),
      ['id', id],
    ],
    columnsOf('stdout'),
  )
}

/** Policies in order: precedence, action, name and kind on one line, and their rules in words below. */
export function ruleList(
  policies: readonly Policy[],
  words: readonly PolicyInWords[],
  width = columnsOf('stdout'),
): string[] {
  const rows = policies.map((policy, at) => ({policy, place: placeOf(policy, at), said: words[at]}))
  const places = Math.max(...rows.map(({place}) => place.length))
  const actions = Math.max(...rows.map(({policy}) => actionName(policy.decision).length))
  const details = rows.map(({policy}) => detailsOf(policy))
  const labels = Math.max(9, ...details.flat().map(([label]) => label.length + 2))
  return rows.flatMap(({policy, place, said}, at) => {
    const inline = policy.reusable === false ? style.secondary('  inline') : ''
    const action = actionName(policy.decision).padEnd(actions)
    const lead = places + actions + 4
    const head = wrapped(style.name(policy.name) + inline, width - lead).map((line, at) =>
      at === 0 ? `${style.secondary(place.padStart(places))}  ${action}  ${line}` : ' '.repeat(lead) + line,
    )
    const parts = PARTS.map((part): Fact => [
      part,
      (said?.[part] ?? []).join(part === 'require' ? ' and ' : ', '),
    ])
    const below = [...parts, ...(details[at] ?? [])].filter(([, value]) => value !== '')
    return [...head, ...below.flatMap((one) => factLines(one, {indent: places + 2, labels, width}))]
  })
}

/** Said of an application without policies. */
export function noRules({type}: Application): string {
  return kindOf(type).protects ? 'No rules: the application admits no one.' : 'No rules.'
}

type Fact = [label: string, value: string]

function detailsOf({raw}: Policy): Fact[] {
  return policyDetailFacts(policyDetails(raw)).filter((fact): fact is Fact => fact[1] !== undefined)
}

function factLines(
  [label, value]: Fact,
  {indent, labels, width}: {indent: number; labels: number; width: number},
): string[] {
  const lead = ' '.repeat(indent)
  return wrapped(value, width - indent - labels).map((line, at) =>
    at === 0 ? `${lead}${style.secondary(label.padEnd(labels))}${line}` : lead + ' '.repeat(labels) + line,
  )
}

/** The JSON shape of an application with its rules. */
export function applicationJson(
  application: Application,
  words: readonly PolicyInWords[],
  strict: boolean | undefined,
): object {
  const {id, name, type, domain, domains, serviceAuth401Redirect, policies, raw} = application
  return {
    id,
    name,
    type,
    domain: domain ?? null,
    domains,
    serviceAuth: kindOf(type).serviceAuth,
    serviceAuth401: serviceAuth401Redirect,
    strictServiceAuth: strict ?? null,
    notAdmitted: refusalInWords(application, strict),
    settings: applicationDetails(raw),
    policies: policies.map((policy, at) => ({
      id: policy.id,
      name: policy.name,
      decision: policy.decision,
      action: actionName(policy.decision),
      precedence: policy.precedence ?? at + 1,
      reusable: policy.reusable,
      ...Object.fromEntries(PARTS.map((part) => [part, policy[part]])),
      inWords: words[at],
      settings: policyDetails(policy.raw),
    })),
  }
}

function placeOf({precedence}: Policy, at: number): string {
  return String(precedence ?? at + 1)
}
