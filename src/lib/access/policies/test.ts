import type {AccessApi} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {
  acceptsToken,
  edgeAnswer,
  edgeSettings,
  type EdgeAccount,
  type EdgeAnswer,
  type EdgeRequest,
} from '../../policy/edge.js'
import {groupsById} from '../../policy/references.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {resolveToken} from '../account/resolve.js'
import {readWholeAccount, type WholeAccount} from '../account/whole-account.js'
import {accountAfter, outOfDate, type Foreseen} from '../edit/foresee.js'
import {inWords} from '../edit/object.js'
import {factInWords} from '../explain/unknown-facts.js'
import type {Expectation} from './expectations.js'

/** An expectation, and what the rules say. */
export interface TestedExpectation {
  expectation: Expectation
  name: string
  actual: EdgeAnswer['verdict']
  met: boolean
  application: {id: string; name: string} | undefined
  /** The rule that decided, if one did. */
  rule: {id: string; name: string} | undefined
  /** Sentences: why the verdict is as it is. */
  why: string[]
}

export interface PolicyTest {
  results: TestedExpectation[]
  warnings: string[]
}

/** A result explains itself by this many rules. */
const RULES = 5

/**
 * Evaluates expectations against the rules of the account and its zones, without a request to any application.
 *
 * @param planned changes that are evaluated as if they were made
 * @throws UserError `not-found` / `ambiguous` for a service token, with the line; `conflict` / `PLAN_OUT_OF_DATE`
 */
export async function testPolicies(
  ctx: AccessContext,
  {expectations, planned}: {expectations: readonly Expectation[]; planned: readonly Foreseen[]},
): Promise<PolicyTest> {
  const api = await ctx.api()
  const [account, organization] = await Promise.all([readWholeAccount(ctx), settingsOf(api)])
  requireFresh(account, planned)
  const rules = accountAfter(account.rules, planned)
  const edge: EdgeAccount = {
    applications: rules.applications,
    groups: groupsById(rules.groups),
    ...edgeSettings(organization),
    withoutAllow: 'forbidden',
  }
  const now = cloudflareNow(ctx, api)
  const results = expectations.map((expectation) => {
    const answer = edgeAnswer(edge, requestOf(ctx, expectation, account, now))
    return tested(expectation, answer)
  })
  const unread = organization ? [] : [NO_SETTINGS]
  return {results, warnings: [...account.warnings, ...unread]}
}

const NO_SETTINGS =
  "zt could not read the organisation's settings, such as strict authentication: the API token may lack the permission"

/** Undefined where the API token may not read them: what depends on them is unknown then. */
async function settingsOf(api: AccessApi): Promise<JsonObject | undefined> {
  try {
    return await api.getOrganization()
  } catch (error) {
    if (error instanceof UserError && (error.kind === 'permission' || error.kind === 'not-found'))
      return undefined
    throw error
  }
}

function requestOf(
  ctx: AccessContext,
  {who, from = {}, url, line}: Expectation,
  {tokens}: WholeAccount,
  now: number,
): EdgeRequest {
  const {hostname, pathname} = new URL(url)
  const place = {ip: from.ip, country: from.country}
  const common = {host: hostname, path: pathname, session: false, credentials: undefined, browser: undefined}
  if (who === 'no-credentials') return {...common, client: place}
  if ('email' in who) {
    const groups = who.groups?.map((name) => ({name}))
    return {...common, client: {...place, person: {email: who.email, groups}}, browser: true}
  }
  const token = tokenOfLine(ctx, who.token, tokens, line)
  const accepted = acceptsToken(token, 'current', {now})
  return {...common, client: place, credentials: {presented: 'headers', tokenId: token.id, accepted}}
}

function tokenOfLine(ctx: AccessContext, wanted: string, tokens: WholeAccount['tokens'], line: number) {
  try {
    return resolveToken(ctx, wanted, tokens)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const {kind, code, message, why, next, details} = error
    throw new UserError({kind, code, message: `Line ${line}: ${message}`, why, next, details})
  }
}

function tested(expectation: Expectation, answer: EdgeAnswer): TestedExpectation {
  const {verdict, application, policy, trail, undecided} = answer
  const {who, url, expect} = expectation
  const whom = who === 'no-credentials' ? who : 'token' in who ? who.token : who.email
  const deciding = policy && trail.find(({policyId}) => policyId === policy.id)
  const rules = deciding ? [deciding] : trail.filter(({outcome}) => outcome !== 'not-reached')
  const more = rules.length - RULES
  return {
    expectation,
    name: expectation.name ?? `${whom}: ${url}`,
    actual: verdict,
    met: verdict === expect,
    application: application && {id: application.id, name: application.name},
    rule: policy && {id: policy.id, name: policy.name},
    why: [
      ...(application ? [] : ['No application covers this address.']),
      ...rules.slice(0, RULES).map(({name, why}) => `"${name}": ${why}`),
      ...(more > 0 ? [`${more} more rules do not decide either.`] : []),
      ...(undecided.length > 0 ? [`It depends on: ${undecided.map(factInWords).join('; ')}.`] : []),
    ],
  }
}

/** A change of what is no longer as it was would be evaluated as what it is not. */
function requireFresh({rules}: WholeAccount, planned: readonly Foreseen[]): void {
  const found = outOfDate(rules, planned)
  if (!found) return
  const what = inWords(found.change.target)
  throw new UserError({
    kind: 'conflict',
    code: 'PLAN_OUT_OF_DATE',
    message: found.gone
      ? `The edit changes ${what}, which is not in the account`
      : `The edit does not fit ${what} as it is now`,
    why: found.gone
      ? 'It was made for another account, or was deleted since the dry run.'
      : 'It was changed since the dry run, or the edit was made already.',
    next: ['Run the dry run again'],
  })
}
