import type {Application, Policy} from '../../api/types.js'
import type {Condition} from '../../policy/conditions.js'
import {tokenReferences} from '../../policy/references.js'
import {rightsOf, rightsOfToken, type Right} from '../../policy/rights.js'
import {nameLookup, ruleInWords, type RuleNames} from '../../policy/rule-words.js'
import type {AccessContext} from '../account/context.js'
import {resolveToken} from '../account/resolve.js'
import {readWholeAccount, type WholeAccount} from '../account/whole-account.js'
import {takesServiceTokens} from '../applications/kinds.js'
import {actionName} from '../rules/action-name.js'
import {knowledge, type KnownToken} from './list.js'

/** An application that has a rule. */
interface RulePlace {
  application: Pick<Application, 'id' | 'name' | 'domains'>
  /** The zone that the application belongs to; undefined: the account. */
  zone: string | undefined
  rule: {id: string; name: string; action: string}
  /** The names of the Access groups in between, outermost first. */
  through: string[]
}

/** A rule that lets a service token into an application. */
export interface OpenedApplication extends RulePlace {
  by: Right['by']
  reach: Right['reach']
  /** In words, each beginning with `only` or `not`. */
  conditions: string[]
}

/** A rule that includes a service token and does not let it in. */
export interface NotLetIn extends RulePlace {
  /** A sentence without full stop. */
  why: string
}

export interface TokenReach {
  token: KnownToken
  /** By application; of one application, the rules that name the token come first. */
  opens: OpenedApplication[]
  notLetIn: NotLetIn[]
  warnings: string[]
}

/**
 * The applications that the rules open to a service token, of the account and of its zones, whether or not the token can be
 * used now.
 *
 * @throws UserError `not-found`, `ambiguous`
 */
export async function reachOfToken(ctx: AccessContext, wanted: string): Promise<TokenReach> {
  const api = await ctx.api()
  const [account, known] = await Promise.all([readWholeAccount(ctx), knowledge(ctx, api)])
  const token = resolveToken(ctx, wanted, account.tokens)
  const names = namesIn(account)
  const applications = account.rules.applications.filter(({type}) => takesServiceTokens(type))
  const rights = rightsOfToken(rightsOf({...account.rules, applications}, [token]), token.id)
  const byId = new Map(applications.map((one) => [one.id, one]))
  const place = (application: Application, policy: Policy, through: readonly string[]): RulePlace => ({
    application,
    zone: account.zones.get(application.id)?.name,
    rule: {id: policy.id, name: policy.name, action: actionName(policy.decision)},
    through: [...through],
  })
  const opens = rights.flatMap((right): OpenedApplication[] => {
    const application = byId.get(right.applicationId)
    const policy = application?.policies.find(({id}) => id === right.policyId)
    if (!application || !policy) return []
    const through = right.through.map((id) => names.group(id) ?? id)
    const conditions = conditionsInWords(right.conditions, names)
    return [{...place(application, policy, through), by: right.by, reach: right.reach, conditions}]
  })
  const letIn = new Set(rights.map(({applicationId, policyId}) => `${applicationId} ${policyId}`))
  const notLetIn = tokenReferences(token, account.rules).flatMap(
    ({id, kind, part, through, applications: on}) =>
      part !== 'include' || kind === 'group'
        ? []
        : on.flatMap((one): NotLetIn[] => {
            const application = account.rules.applications.find((each) => each.id === one.id)
            const policy = application?.policies.find((each) => each.id === id)
            if (!application || !policy || letIn.has(`${application.id} ${id}`)) return []
            return [{...place(application, policy, through), why: whyNot(application, policy)}]
          }),
  )
  return {
    token: known(token),
    opens: opens.sort(inOrder),
    notLetIn: notLetIn.sort(inOrder),
    warnings: account.warnings,
  }
}

const ORDER: readonly Right['by'][] = ['named', 'any-token', 'everyone']

function inOrder(a: RulePlace & {by?: Right['by']}, b: RulePlace & {by?: Right['by']}): number {
  return (
    a.application.name.localeCompare(b.application.name) ||
    a.application.id.localeCompare(b.application.id) ||
    ORDER.indexOf(a.by ?? 'named') - ORDER.indexOf(b.by ?? 'named')
  )
}

function whyNot({type}: Application, {decision}: Policy): string {
  if (!takesServiceTokens(type)) return 'service tokens do not open an application of this type'
  if (decision === 'non_identity') return 'the rule also excludes it, or requires what it does not have'
  if (decision === 'allow') return 'Allow asks for a login, which a service token does not replace'
  return `service tokens do not count under ${actionName(decision)}`
}

function namesIn({tokens, rules}: WholeAccount): RuleNames {
  return {serviceToken: nameLookup(tokens), group: nameLookup(rules.groups)}
}

/** `only country DE`, `not IP 10.0.0.0/8`. */
function conditionsInWords(conditions: readonly Condition[], names: RuleNames): string[] {
  return conditions.map(
    ({part, rule}) => `${part === 'require' ? 'only' : 'not'} ${ruleInWords(rule, names)}`,
  )
}
