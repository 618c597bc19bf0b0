import {isJsonObject} from '../core/context.js'
import type {Decision, Group, Rule} from '../api/types.js'
import {addressInBlock} from './address.js'
import type {AccessRequest} from './types.js'

/**
 * Whether a rule holds for a request that carries no identity.
 *
 * `person`: it may, for somebody who logs in; only Allow and Block policies ask who that is.
 */
export type Truth = 'no' | 'person' | 'yes'

export interface Verdict {
  truth: Truth
  /** A clause, without a full stop. */
  why: string
}

/** What the rules of one policy are held against. */
export interface RuleContext {
  decision: Decision
  request: AccessRequest
  groups: ReadonlyMap<string, Group>
}

/** The three lists of rules that policies and Access groups have alike. */
export interface RuleSet {
  include: readonly Rule[]
  exclude: readonly Rule[]
  require: readonly Rule[]
}

/** What a set of rules comes to, and which list was decisive. */
export interface SetVerdict extends Verdict {
  part: 'include' | 'exclude' | 'require'
}

/**
 * Selectors that ask who logs in, what their device is, or which client certificate they show. They are those of
 * Cloudflare's API schema for Access rules.
 */
const IDENTITY_SELECTORS = new Set([
  'auth_context',
  'auth_method',
  'azureAD',
  'certificate',
  'cloudflare_account_member',
  'common_name',
  'device_posture',
  'email',
  'email_domain',
  'email_list',
  'external_evaluation',
  'github-organization',
  'gsuite',
  'login_method',
  'oidc',
  'okta',
  'saml',
  'user_risk_score',
])

const RANK: Record<Truth, number> = {no: 0, person: 1, yes: 2}
const REASONS_SHOWN = 3

/** Evaluates the rules of one policy. Answers for groups are kept for its life, so make one per policy. */
export class RuleEvaluator {
  readonly #context: RuleContext
  readonly #answers = new Map<string, Verdict>()
  readonly #open = new Set<string>()

  constructor(context: RuleContext) {
    this.#context = context
  }

  /** Include is OR, Require is AND, Exclude is NOT. */
  evaluate(set: RuleSet): SetVerdict {
    const included = strongest(set.include.map((rule) => this.#rule(rule)))
    if (included.truth === 'no') return {...included, part: 'include'}
    const excluded = strongest(set.exclude.map((rule) => this.#rule(rule)))
    if (excluded.truth === 'yes') return {...excluded, truth: 'no', part: 'exclude'}
    const required = weakest(set.require.map((rule) => this.#rule(rule)))
    if (required.truth === 'no') return {...required, part: 'require'}
    // An Exclude that depends on the person leaves open what would have been certain.
    if (excluded.truth === 'person') return {...excluded, part: 'exclude'}
    if (required.truth === 'person') return {...required, part: 'require'}
    return {...included, part: 'include'}
  }

  #rule(rule: Rule): Verdict {
    const [selector, second] = Object.keys(rule)
    if (selector === undefined) return no('a rule is empty')
    if (second !== undefined) return no('a rule has several selectors, which zt cannot read')
    const value = rule[selector]
    const parameters = isJsonObject(value) ? value : {}
    switch (selector) {
      case 'everyone':
        return yes('everyone is named')
      case 'service_token':
        return this.#serviceToken(parameters['token_id'])
      case 'any_valid_service_token':
        return this.#anyServiceToken()
      case 'linked_app_token':
        return no('a linked app token is named, and the request carries none')
      case 'group':
        return this.#group(parameters['id'])
      case 'ip':
        return this.#address(parameters['ip'])
      case 'ip_list':
        return no('an IP list is named, whose addresses are not known here')
      case 'geo':
        return this.#country(parameters['country_code'])
      default:
        return this.#other(selector)
    }
  }

  #serviceToken(tokenId: unknown): Verdict {
    const {decision, request} = this.#context
    const own = request.serviceTokenId
    if (own === undefined) return no('a service token is named, and the request carries no valid one')
    if (tokenId !== own) return no('another service token is named')
    return decision === 'non_identity'
      ? yes('this service token is named')
      : no('this service token is named, but service tokens hold only under the action Service Auth')
  }

  #anyServiceToken(): Verdict {
    const {decision, request} = this.#context
    if (decision !== 'non_identity') {
      return no(
        'any valid service token is named, but service tokens hold only under the action Service Auth',
      )
    }
    return request.serviceTokenId === undefined
      ? no('any valid service token is named, and the request carries none')
      : yes('any valid service token is named')
  }

  #group(id: unknown): Verdict {
    const group = typeof id === 'string' ? this.#context.groups.get(id) : undefined
    if (group === undefined) return no(`the Access group ${shown(id)} does not exist`)
    const known = this.#answers.get(group.id)
    if (known !== undefined) return known
    if (this.#open.has(group.id)) return no(`the Access group "${group.name}" contains itself`)
    this.#open.add(group.id)
    const {truth, why, part} = this.evaluate(group)
    this.#open.delete(group.id)
    const verb = truth === 'no' ? 'does not match' : truth === 'yes' ? 'matches' : 'may match'
    const because = part === 'exclude' && truth === 'no' ? `it excludes: ${why}` : why
    const verdict = {truth, why: `the Access group "${group.name}" ${verb} (${because})`}
    this.#answers.set(group.id, verdict)
    return verdict
  }

  #address(block: unknown): Verdict {
    const {ip} = this.#context.request
    if (ip === undefined) {
      return no(`addresses in ${shown(block)} are named, and the client's address is not known here`)
    }
    return typeof block === 'string' && addressInBlock(ip, block)
      ? yes(`the address ${ip} is in ${block}`)
      : no(`the address ${ip} is not in ${shown(block)}`)
  }

  #country(code: unknown): Verdict {
    const {country} = this.#context.request
    if (country === undefined) {
      return no(`the country ${shown(code)} is named, and the client's country is not known here`)
    }
    return typeof code === 'string' && code.toUpperCase() === country.toUpperCase()
      ? yes(`the country is ${country}`)
      : no(`the country is ${country}, not ${shown(code)}`)
  }

  #other(selector: string): Verdict {
    if (!IDENTITY_SELECTORS.has(selector)) return no(`"${selector}" is a selector that zt does not know`)
    const {decision} = this.#context
    return decision === 'allow' || decision === 'deny'
      ? {truth: 'person', why: `"${selector}" depends on who logs in`}
      : no(`"${selector}" is about a person or their device, and a service token is neither`)
  }
}

function strongest(verdicts: readonly Verdict[]): Verdict {
  const truth = highest(verdicts, (a, b) => RANK[a] - RANK[b]) ?? 'no'
  return {truth, why: verdicts.length === 0 ? 'there is no rule' : reasons(verdicts, truth)}
}

function weakest(verdicts: readonly Verdict[]): Verdict {
  const truth = highest(verdicts, (a, b) => RANK[b] - RANK[a]) ?? 'yes'
  return {truth, why: reasons(verdicts, truth)}
}

function highest(verdicts: readonly Verdict[], compare: (a: Truth, b: Truth) => number): Truth | undefined {
  return verdicts.map(({truth}) => truth).sort((a, b) => compare(b, a))[0]
}

/** The decisive reasons, each once. */
function reasons(verdicts: readonly Verdict[], truth: Truth): string {
  const all = [...new Set(verdicts.filter((verdict) => verdict.truth === truth).map(({why}) => why))]
  const rest = all.length - REASONS_SHOWN
  return all.slice(0, REASONS_SHOWN).join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}

function yes(why: string): Verdict {
  return {truth: 'yes', why}
}

function no(why: string): Verdict {
  return {truth: 'no', why}
}

function shown(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : '(none)'
}
