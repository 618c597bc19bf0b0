import type {Application, Decision, Group, Policy, Rule} from '../../src/lib/api/types.js'
import type {AccessRequest, EvaluationInput} from '../../src/lib/policy/types.js'

export const TOKEN = 'aaaaaaaa-0000-4000-8000-000000000001'
export const OTHER_TOKEN = 'aaaaaaaa-0000-4000-8000-000000000002'

export const byToken = (id = TOKEN): Rule => ({service_token: {token_id: id}})
export const byGroup = (id: string): Rule => ({group: {id}})
export const anyToken: Rule = {any_valid_service_token: {}}
export const everyone: Rule = {everyone: {}}
export const staff: Rule = {email_domain: {domain: 'widgetcorp.tech'}}

export interface Rules {
  include?: Rule[]
  exclude?: Rule[]
  require?: Rule[]
  precedence?: number
}

export function policy(name: string, decision: Decision, rules: Rules = {}): Policy {
  return {
    id: `policy-${name}`,
    name,
    decision,
    include: rules.include ?? [],
    exclude: rules.exclude ?? [],
    require: rules.require ?? [],
    precedence: rules.precedence,
    reusable: true,
    raw: {},
  }
}

export function group(id: string, rules: Rules): Group {
  return {
    id,
    name: `${id} group`,
    include: rules.include ?? [],
    exclude: rules.exclude ?? [],
    require: rules.require ?? [],
    raw: {},
  }
}

export function application(id: string, domains: string[], policies: Policy[] = []): Application {
  return {
    id,
    name: id,
    type: 'self_hosted',
    domain: domains[0],
    domains,
    serviceAuth401Redirect: false,
    policies,
    raw: {},
  }
}

export const machine: AccessRequest = {serviceTokenId: TOKEN, ip: '192.0.2.7', country: 'DE'}

export function input(
  policies: Policy[],
  groups: Group[] = [],
  request: AccessRequest = machine,
): EvaluationInput {
  return {
    application: {name: 'GitLab', policies},
    groups: new Map(groups.map((g) => [g.id, g])),
    request,
  }
}
