import {actionName} from '../../access/rules/action-name.js'
import type {PolicyInWords} from '../../access/rules/in-words.js'
import type {Application, Policy} from '../../api/types.js'
import {columnsOf, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {wrapped} from '../../cli/wrapped.js'

const PARTS = ['include', 'require', 'exclude'] as const

/** An application's own settings. */
export function applicationFacts(application: Application): string[] {
  const {id, name, type, domains, serviceAuth401Redirect, raw} = application
  const session = raw['session_duration']
  return facts([
    ['name', style.bold(name)],
    ['kind', type],
    ['domains', domains.join(', ')],
    ['session', typeof session === 'string' ? session : undefined],
    ['machines', `${serviceAuth401Redirect ? '401' : 'redirect to the login page'} if not admitted`],
    ['id', id],
  ])
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
  return rows.flatMap(({policy, place, said}) => {
    const inline = policy.reusable === false ? style.dim('  inline') : ''
    const action = actionName(policy.decision).padEnd(actions)
    const head = `${style.dim(place.padStart(places))}  ${action}  ${style.bold(policy.name)}${inline}`
    return [head, ...PARTS.flatMap((part) => partLines(part, said?.[part] ?? [], places + 2, width))]
  })
}

function partLines(
  part: (typeof PARTS)[number],
  rules: readonly string[],
  indent: number,
  width: number,
): string[] {
  if (rules.length === 0) return []
  const lead = `${' '.repeat(indent)}${part.padEnd(9)}`
  const joint = part === 'require' ? ' and ' : ', '
  const text = rules.join(joint)
  return wrapped(text, width - lead.length).map((line, at) =>
    at === 0 ? `${' '.repeat(indent)}${style.dim(part.padEnd(9))}${line}` : ' '.repeat(lead.length) + line,
  )
}

/** The JSON shape of an application with its rules. */
export function applicationJson(application: Application, words: readonly PolicyInWords[]): object {
  const {id, name, type, domain, domains, serviceAuth401Redirect, policies} = application
  return {
    id,
    name,
    type,
    domain: domain ?? null,
    domains,
    serviceAuth401: serviceAuth401Redirect,
    policies: policies.map((policy, at) => ({
      id: policy.id,
      name: policy.name,
      decision: policy.decision,
      action: actionName(policy.decision),
      precedence: policy.precedence ?? at + 1,
      reusable: policy.reusable,
      ...Object.fromEntries(PARTS.map((part) => [part, policy[part]])),
      inWords: words[at],
    })),
  }
}

function placeOf({precedence}: Policy, at: number): string {
  return String(precedence ?? at + 1)
}
