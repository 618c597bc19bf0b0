import type {Application, Policy, Rule} from '../../api/types.js'
import {ztCommand, type Named} from '../../core/command-line.js'
import {isJsonObject} from '../../core/json.js'
import {conditionsOf, Expansion, isAboutTokens, tokenIn} from '../../policy/included.js'
import {groupIdOf, groupsById, namesToken, type AccountRules, type Rules} from '../../policy/references.js'
import {appliesToNothing, type Trap} from '../../policy/traps.js'
import {serviceAuthDoubt} from '../applications/kinds.js'
import {hasServiceAuth} from '../applications/service-auth-401.js'
import {ASKABLE} from '../rules/input.js'

/** A way out of a trap. */
export interface Remedy {
  /** With a command: what for, to be followed by a colon. Without: a sentence that says what to do instead, and why. */
  what: string
  /** A command line of zt's, which can be run as it is. */
  command: string | undefined
}

export interface RemedyFacts {
  say: {profile: string; profileNamed: boolean}
  /** With the policies of every application. */
  account: AccountRules
  tokens: readonly {id: string; name: string; clientId?: string | undefined}[]
  /** The zone that the application belongs to; undefined: the account. */
  zone: string | undefined
}

/** More than anyone wants to paste. */
const MOST_COMMANDS = 3
const MOST_TOKENS = 10

const NOTHING = 'which opens and closes nothing'

/**
 * What removes a trap and opens nothing but what it says. Never empty: where no command can do it, a sentence says what
 * can.
 */
export function remediesFor(trap: Trap, facts: RemedyFacts): Remedy[] {
  const scene = sceneOf(trap, facts)
  if (!scene) return [dashboard('It was removed meanwhile')]
  const {application, policy} = scene
  if (isMixed(application))
    return [
      dashboard(
        `"${application.name}" has reusable and inline policies, and Cloudflare accepts no change of both`,
      ),
    ]
  const remedies = policy ? ofRule(trap, scene, policy) : admitThere(trap, scene)
  return remedies.length > 0
    ? remedies
    : [dashboard('Change the rule in the dashboard: zt has no command for it')]
}

interface Scene extends RemedyFacts {
  application: Application
  policy: Policy | undefined
  /** The other rule. */
  other: Policy | undefined
}

function sceneOf(trap: Trap, facts: RemedyFacts): Scene | undefined {
  const application = facts.account.applications.find(({id}) => id === trap.applicationId)
  const rule = (id: string | undefined): Policy | undefined =>
    application?.policies.find((one) => one.id === id)
  const policy = rule(trap.policyId)
  if (!application || (trap.policyId !== undefined && !policy)) return undefined
  return {...facts, application, policy, other: rule(trap.otherId)}
}

function isMixed({policies}: Application): boolean {
  return policies.some(({reusable}) => reusable === true) && policies.some(({reusable}) => reusable === false)
}

function dashboard(what: string): Remedy {
  return {what, command: undefined}
}

function ofRule(trap: Trap, scene: Scene, policy: Policy): Remedy[] {
  const {other} = scene
  switch (trap.id) {
    case 'token-under-allow':
    case 'group-under-allow':
      return [
        ...takeOutIdle(trap, scene, policy),
        ...(policy.decision === 'deny' ? [] : letIn(trap, scene, policy)),
      ]
    case 'empty-include':
    case 'never-holds':
      return remove(scene, policy, `To remove the rule, ${NOTHING}`)
    case 'idle-tokens':
      return remove(scene, policy, 'To remove the rule, which closes nothing that is open now')
    case 'unreachable-rule':
    case 'rule-after-everyone':
      return [
        ...remove(scene, policy, `To remove the rule, ${NOTHING}`),
        ...decideFirst(scene, policy, other),
      ]
    case 'condition-gone-past':
      return other ? keepCondition(trap, scene, other) : []
    case 'block-too-late':
      return other
        ? [
            ...move(
              scene,
              other,
              policy,
              `To show the rules in the order in which they are evaluated, ${NOTHING}`,
            ),
            ...remove(scene, other, 'To keep out whom the other rule admits'),
          ]
        : []
    case 'any-valid-token':
      return [
        ...remove(
          scene,
          policy,
          'Once other rules name the service tokens that need it, to close it for the others',
        ),
      ]
    case 'shadowed-by-path':
      return []
  }
}

/** Takes a rule off its application. */
function remove(scene: Scene, policy: Policy, what: string): Remedy[] {
  const {application} = scene
  const left = application.policies.filter(({id}) => id !== policy.id)
  if (application.serviceAuth401Redirect && !hasServiceAuth(left))
    return [
      dashboard(
        `Cloudflare keeps the setting service_auth_401_redirect of "${application.name}" only with a Service Auth rule: the last one cannot be removed before the setting`,
      ),
    ]
  return [{what, command: onRule(scene, 'remove-rule', policy)}]
}

function onRule(scene: Scene, verb: string, policy: Policy, ...more: (string | Named)[]): string {
  const {say, application, zone} = scene
  return ztCommand(say, 'app', verb, refOf(application, scene.account.applications), refOf(policy, application.policies), ...more, ...inZone(zone)) // prettier-ignore
}

function inZone(zone: string | undefined): string[] {
  return zone === undefined ? [] : ['--zone', zone]
}

/** A name, or the ID where another object has the same name, or that as its ID; a name of digits alone could be a precedence. */
function refOf<T extends Named & {id: string; clientId?: string | undefined}>(
  thing: T,
  all: readonly T[],
): string | T {
  const folded = thing.name.normalize('NFC').toLowerCase()
  const same = all.some(
    ({id, name, clientId}) =>
      id !== thing.id &&
      (name.normalize('NFC').toLowerCase() === folded || id === thing.name || clientId === thing.name),
  )
  return same || /^#?\d+$/.test(thing.name) ? thing.id : thing
}

/** Takes names out of a rule under which they do not count. */
function takeOutIdle(trap: Trap, scene: Scene, policy: Policy): Remedy[] {
  const expansion = new Expansion(groupsById(scene.account.groups))
  const entries = expansion.of(policy.include)
  if (entries.every((entry) => isAboutTokens(entry.rule)))
    return remove(scene, policy, `To remove the rule, which admits no one, ${NOTHING}`)
  const [tokens, narrowing] = [tokensOf(trap, scene), [...policy.require, ...policy.exclude]]
  const simple =
    trap.groupId === undefined &&
    tokens !== undefined &&
    tokens.length > 0 &&
    tokens.length <= MOST_COMMANDS &&
    !tokens.some(({id}) => narrowing.some((rule) => namesToken(rule, id))) &&
    !policy.include.some((rule) => tokenIn(rule) === undefined && isAboutTokens(rule))
  if (!simple)
    return [dashboard(`Take ${trap.groupId === undefined ? 'the service tokens' : 'the Access group'} out of the rule in the dashboard, ${trap.groupId === undefined ? NOTHING : 'if no person needs it there'}: zt has no command for it`)] // prettier-ignore
  return tokens.map((token) => ({
    what: `To take it out of the rule, ${NOTHING}`,
    command: onRule(scene, 'remove-rule', policy, '--token', refOf(token, scene.tokens)),
  }))
}

/** The service tokens of a trap; undefined: the account does not have one of them. */
function tokensOf({tokenIds}: Trap, {tokens}: Scene): {id: string; name: string}[] | undefined {
  const found = tokenIds.map((id) => tokens.find((one) => one.id === id)).filter((one) => one !== undefined)
  return found.length === tokenIds.length ? found : undefined
}

/** Admits what a rule names, under its conditions and under the action that counts. */
function letIn(trap: Trap, scene: Scene, policy: Policy): Remedy[] {
  if (namesEveryToken([policy], scene)) return []
  const command = admitting(trap, scene, scene.application, policy)
  return command === undefined ? [] : [{what: 'To let it in by a Service Auth rule', command}]
}

/** Whether rules name every service token: which of them are to get in elsewhere is for a person to choose. */
function namesEveryToken(policies: readonly Policy[], {account}: Scene): boolean {
  const expansion = new Expansion(groupsById(account.groups))
  return policies.some(({include}) =>
    expansion.of(include).some(({rule}) => Object.hasOwn(rule, 'any_valid_service_token')),
  )
}

/** Admits at the more specific application what the other admits. */
function admitThere(trap: Trap, scene: Scene): Remedy[] {
  const there = scene.account.applications.find(({id}) => id === trap.otherId)
  const rules = scene.application.policies.filter(({decision}) => decision === 'non_identity')
  const conditions = new Set(rules.map((rule) => conditionsOf(rule).join('\n')))
  const [first] = rules
  const command =
    there && first && conditions.size === 1 && !isMixed(there) && !namesEveryToken(rules, scene)
      ? admitting(trap, scene, there, first)
      : undefined
  return command === undefined
    ? [
        dashboard(
          'Add a Service Auth rule to the more specific application: zt does not know under which conditions',
        ),
      ]
    : [{what: 'To let it in there too', command}]
}

/** The command that admits a trap's service tokens under the conditions of a rule; undefined where none says just that. */
function admitting(
  trap: Trap,
  scene: Scene,
  there: Application,
  {require, exclude}: Rules,
): string | undefined {
  const {account, say, zone} = scene
  const tokens = tokensOf(trap, scene)
  const conditions = [flagsFor(require, 'require', account), flagsFor(exclude, 'exclude', account)]
  const flags = conditions.flatMap((one) => one ?? [])
  if (serviceAuthDoubt(there) !== undefined || conditions.includes(undefined)) return undefined
  // Block rules are there to keep machines out, too.
  if (there.policies.some(({decision}) => decision === 'deny')) return undefined
  if (!tokens || tokens.length === 0) return undefined
  const include = tokens.map(({id}) => ({service_token: {token_id: id}}))
  // Where its conditions keep out whom it names, it would be the next trap.
  if (appliesToNothing({decision: 'non_identity', include, require, exclude}, account)) return undefined
  const whom = wholeGroup(trap, scene) ?? tokens.flatMap((one) => ['--token', refOf(one, scene.tokens)])
  if (whom.length > 2 * MOST_TOKENS) return undefined
  return ztCommand(say, 'app', 'add-rule', refOf(there, account.applications), '--service-auth', ...whom, ...flags, ...inZone(zone)) // prettier-ignore
}

/** A group that includes just these service tokens, without conditions. */
function wholeGroup({groupId, tokenIds}: Trap, {account}: Scene): (string | Named)[] | undefined {
  const groups = groupsById(account.groups)
  const group = groups.get(groupId ?? '')
  const entries = new Expansion(groups).of(group ? [{group: {id: group.id}}] : [])
  const just = entries.every(
    ({rule, conditions}) => conditions.length === 0 && tokenIds.includes(tokenIn(rule) ?? ''),
  )
  return group && just ? ['--group', refOf(group, account.groups)] : undefined
}

/** The flags that ask for conditions; undefined where a condition has none. */
function flagsFor(
  rules: readonly Rule[],
  part: 'require' | 'exclude',
  {groups}: AccountRules,
): (string | Named)[] | undefined {
  const flags = rules.map((rule) => {
    const [[selector = '', body] = []] = Object.entries(rule)
    const flag = ASKABLE.find((one) => one.selector === selector)?.[part]?.[0]
    const id = groupIdOf(rule)
    const group = groups.find((one) => one.id === id)
    const [value] = Object.values(isJsonObject(body) ? body : {})
    const given =
      id === undefined ? (typeof value === 'string' ? value : undefined) : group && refOf(group, groups)
    return flag === undefined || given === undefined || Object.keys(rule).length > 1
      ? undefined
      : [`--${flag}`, given]
  })
  return flags.every((one) => one !== undefined) ? flags.flat() : undefined
}

/** Puts a Block rule before the rule that decides in its place. */
function decideFirst(scene: Scene, policy: Policy, other: Policy | undefined): Remedy[] {
  if (policy.decision !== 'deny' || other?.decision !== 'allow') return []
  return move(scene, policy, other, 'To make it count, which closes the application for whom it blocks')
}

/** Moves a reusable policy before another rule. */
function move(scene: Scene, policy: Policy, before: Policy, what: string): Remedy[] {
  const {say, application, account} = scene
  if (policy.reusable !== true || scene.zone !== undefined) return []
  const all = application.policies
  return [
    {
      what,
      command: ztCommand(say, 'policy', 'attach', refOf(policy, allPolicies(account)), refOf(application, account.applications), '--before', refOf(before, all)),
    },
  ] // prettier-ignore
}

function allPolicies({policies, applications}: AccountRules): Policy[] {
  const all = [...policies, ...applications.flatMap((one) => one.policies)]
  return [...new Map(all.map((one) => [one.id, one])).values()]
}

/** They include service tokens that a rule does not name. */
const WIDE = ['everyone', 'any_valid_service_token']

/** Takes the way past a condition away: what the other rule names beside stays. */
function keepCondition(trap: Trap, scene: Scene, other: Policy): Remedy[] {
  const {account, application} = scene
  const what = 'To leave only the way under these conditions'
  const gone = (rule: Rule): boolean => trap.tokenIds.includes(tokenIn(rule) ?? '')
  if (other.include.every(gone)) return remove(scene, other, what)
  const elsewhere = account.applications.some(
    (one) => one !== application && one.policies.some(({id}) => id === other.id),
  )
  const tokens = tokensOf(trap, scene) ?? []
  const named = tokens.every(({id}) => other.include.some((rule) => namesToken(rule, id)))
  const narrowed = [...other.require, ...other.exclude].some(gone)
  const left = other.include.filter((rule) => !gone(rule))
  const stillIn = new Expansion(groupsById(account.groups))
    .of(left)
    .some(({rule}) => gone(rule) || WIDE.some((one) => Object.hasOwn(rule, one)))
  if (tokens.length === 0 || tokens.length > MOST_COMMANDS || !named || narrowed || elsewhere || stillIn) {
    const why = elsewhere
      ? 'other applications have the rule too, and would be closed as well'
      : named && stillIn
        ? 'it names them, and also includes them in another way'
        : 'it does not name them one by one'
    return [dashboard(`Take the service tokens out of "${other.name}" in the dashboard: ${why}`)]
  }
  return tokens.map((token) => ({
    what,
    command: onRule(scene, 'remove-rule', other, '--token', refOf(token, scene.tokens)),
  }))
}
