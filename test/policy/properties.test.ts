import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Decision, Group, Policy, Rule} from '../../src/lib/api/types.js'
import {edgeAnswer, type EdgeAccount, type EdgeAnswer, type EdgeRequest} from '../../src/lib/policy/edge.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {groupIdOf, groupsById} from '../../src/lib/policy/references.js'
import type {AccessRequest, Evaluation, UnknownFact} from '../../src/lib/policy/types.js'
import {byGroup, byToken, group, machine, policy} from './fixtures.js'
import {
  decision,
  edgeCases,
  groups,
  less,
  policies,
  requests,
  rule,
  ruleSet,
  which,
  type EdgeCase,
} from './random.js'

const RUNS = {numRuns: 1000}

function outcome(
  list: Policy[],
  byId: ReadonlyMap<string, Group>,
  request: AccessRequest = machine,
): Evaluation {
  return evaluate({application: {name: 'A', policies: list}, groups: byId, request})
}

describe('what is not known', () => {
  it('never changes a certain outcome, for machines and for persons', () => {
    fc.assert(
      fc.property(policies, groups, requests, (list, byId, {whole, partly}) => {
        const [before, after] = [outcome(list, byId, partly), outcome(list, byId, whole)]
        expect([...before.possible]).toEqual(expect.arrayContaining([...after.possible]))
        if (before.outcome !== 'unknown') expect(after.outcome).toBe(before.outcome)
        if (before.admitted) expect(after.admitted).toBe(true)
        if (!before.mayAdmit) expect(after.mayAdmit).toBe(false)
      }),
      {numRuns: 2000},
    )
  })

  it('is named, and only where it matters', () => {
    fc.assert(
      fc.property(policies, groups, requests, (list, byId, {whole, partly}) => {
        const before = outcome(list, byId, partly)
        expect(before.undecided.length > 0).toBe(before.outcome === 'unknown')
        const named = new Set(before.undecided.map(({fact}) => fact))
        const after = outcome(list, byId, {
          ...withFacts(partly, whole, named),
          person: partly.person && withFacts(partly.person, whole.person ?? {}, named),
        })
        if (!before.undecided.some(isOfAccount)) expect(after.outcome).not.toBe('unknown')
      }),
      RUNS,
    )
  })

  it('never changes a certain verdict of the edge, and deciding it takes no other fact than those that are named', () => {
    fc.assert(
      fc.property(edgeCases, which, which, which, ({account, request}, known, ofPerson, ofEdge) => {
        const partly = forget({account, request}, [known, ofPerson, ofEdge])
        const [before, after] = [answerOf(partly), answerOf({account, request})]
        const reasons = before.possible.map(({reason}) => reason)
        expect(reasons).toEqual(expect.arrayContaining(after.possible.map(({reason}) => reason)))
        if (before.verdict !== 'unknown') expect(after.verdict).toBe(before.verdict)
        expect(before.undecided.length > 0).toBe(before.verdict === 'unknown')
        if (before.undecided.some(isOfAccount)) return
        const decided = remember(partly, {account, request}, before.undecided)
        expect(answerOf(decided).verdict).toBe(after.verdict)
      }),
      {numRuns: 2000},
    )
  })
})

/** Nothing that a client or a caller could say. */
function isOfAccount({fact}: UnknownFact): boolean {
  return ['access-group', 'group-cycle', 'selector', 'action'].includes(fact)
}

const NAMES: Record<string, UnknownFact['fact']> = {
  ...{ip: 'ip', country: 'country', certificate: 'certificate', posture: 'posture', lists: 'list'},
  ...{email: 'email', groups: 'groups', samlAttributes: 'saml', oidcClaims: 'oidc'},
  ...{loginMethod: 'login-method', authMethods: 'auth-methods', authContexts: 'auth-contexts'},
  ...{accounts: 'accounts', evaluations: 'evaluation', risk: 'risk', approved: 'approval'},
}

/** What is known, with these facts of the whole. */
function withFacts<T extends object>(known: T, whole: object, named: ReadonlySet<UnknownFact['fact']>): T {
  const given = Object.entries(whole).filter(([name]) => named.has(NAMES[name] ?? 'selector'))
  return {...known, ...Object.fromEntries(given)}
}

function answerOf({account, request}: EdgeCase): EdgeAnswer {
  return edgeAnswer(account, request)
}

function forget({account, request}: EdgeCase, [known = [], ofPerson = [], ofEdge = []]: boolean[][]): EdgeCase {
  const {person, ...from} = request.client
  const keep = <T>(at: number, value: T): T | undefined => (ofEdge[at] === true ? value : undefined)
  const {credentials} = request
  return {
    account: {...account, strict: keep(0, account.strict), withoutAllow: keep(1, account.withoutAllow)},
    request: {
      ...request,
      client: {ip: undefined, country: undefined, ...less(from, known), person: person && less(person, ofPerson)},
      credentials: credentials && {...credentials, accepted: keep(2, credentials.accepted)},
      session: keep(3, request.session),
      browser: keep(4, request.browser),
    },
  }
} // prettier-ignore

function remember(partly: EdgeCase, whole: EdgeCase, undecided: readonly UnknownFact[]): EdgeCase {
  const named = new Set(undecided.map(({fact}) => fact))
  const {client, credentials} = partly.request
  const account: EdgeAccount = {...partly.account}
  if (named.has('strict')) account.strict = whole.account.strict
  if (named.has('without-allow')) account.withoutAllow = whole.account.withoutAllow
  const request: EdgeRequest = {
    ...partly.request,
    client: {
      ...withFacts(client, whole.request.client, named),
      person: client.person && withFacts(client.person, whole.request.client.person ?? {}, named),
    },
  }
  if (named.has('credentials') && credentials) request.credentials = whole.request.credentials
  if (named.has('session')) request.session = whole.request.session
  if (named.has('browser')) request.browser = whole.request.browser
  return {account, request}
}

describe('the order of policies', () => {
  const early = ({decision: action}: Policy): boolean => action === 'non_identity' || action === 'bypass'

  it('between Service Auth and Bypass on one side and Allow and Block on the other means nothing', () => {
    fc.assert(
      fc.property(policies, groups, requests, (list, byId, {partly}) => {
        const sorted = [...list.filter(early), ...list.filter((one) => !early(one))]
        const reversed = [...list.filter((one) => !early(one)), ...list.filter(early)]
        expect(outcome(sorted, byId, partly)).toEqual(outcome(list, byId, partly))
        expect(outcome(reversed, byId, partly)).toEqual(outcome(list, byId, partly))
      }),
      RUNS,
    )
  })

  it('of two neighbours with the same action changes no outcome', () => {
    fc.assert(
      fc.property(policies, groups, requests, fc.nat(4), (list, byId, {partly}, at) => {
        const plain = list.map((one) => ({...one, raw: {}}))
        const [first, second] = plain.slice(at, at + 2)
        if (!first || first.decision !== second?.decision) return
        const swapped = plain.toSpliced(at, 2, second, first)
        expect([...outcome(swapped, byId, partly).possible].sort()).toEqual(
          [...outcome(plain, byId, partly).possible].sort(),
        )
      }),
      RUNS,
    )
  })

  it('between an Allow and a Block that both match decides', () => {
    const both: [Decision, string][] = [['allow', 'login'], ['deny', 'blocked']] // prettier-ignore
    const list = both.map(([action]) => policy(action, action, {include: [{everyone: {}}]}))
    expect(outcome(list, new Map()).outcome).toBe('login')
    expect(outcome(list.toReversed(), new Map()).outcome).toBe('blocked')
  })
})

describe('one rule more', () => {
  const more = fc.tuple(policies, groups, requests, decision, ruleSet, rule, fc.nat(5))
  /** Before and after a change of one policy among others. */
  const change = (
    [list, byId, {partly}, action, rules, added, at]: ReturnType<typeof more.generate>['value'],
    part: 'include' | 'exclude' | 'require',
  ): {before: Evaluation; after: Evaluation; admits: boolean} => {
    const among = (set: typeof rules): Evaluation =>
      outcome(list.toSpliced(at, 0, policy('changed', action, set)), byId, partly)
    const after = among({...rules, [part]: [...rules[part], added]})
    return {before: among(rules), after, admits: action !== 'deny'}
  }
  const opens = (before: Evaluation, after: Evaluation): boolean =>
    (after.admitted && !before.admitted) || (after.mayAdmit && !before.mayAdmit)

  it.each(['exclude', 'require'] as const)(
    'in %s never opens; in that of a Block it never closes',
    (part) => {
      fc.assert(
        fc.property(more, (given) => {
          const {before, after, admits} = change(given, part)
          expect(admits ? opens(before, after) : opens(after, before)).toBe(false)
        }),
        RUNS,
      )
    },
  )

  it('in include never closes; in that of a Block it never opens', () => {
    fc.assert(
      fc.property(more, (given) => {
        const {before, after, admits} = change(given, 'include')
        expect(admits ? opens(after, before) : opens(before, after)).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('an Access group that only includes', () => {
  const flat = fc.array(rule.filter((one) => groupIdOf(one) === undefined), {maxLength: 3}) // prettier-ignore

  it.each(['include', 'exclude'] as const)('means what its rules mean in their place: in %s', (part) => {
    fc.assert(
      fc.property(decision, ruleSet, flat, fc.nat(3), requests, groups, (action, rules, inside, at, {partly}, byId) => {
        const all = groupsById([...byId.values(), group('flat', {include: inside})])
        const grouped = {...rules, [part]: rules[part].toSpliced(at, 0, byGroup('flat'))}
        const inlined = {...rules, [part]: rules[part].toSpliced(at, 0, ...inside)}
        const possible = (set: typeof rules): string[] =>
          [...outcome([policy('P', action, set)], all, partly).possible].sort()
        expect(possible(grouped)).toEqual(possible(inlined))
      }),
      RUNS,
    )
  }) // prettier-ignore

  it('is required by any of its rules', () => {
    fc.assert(
      fc.property(decision, ruleSet, rule, requests, groups, (action, rules, one, {partly}, byId) => {
        if (groupIdOf(one) !== undefined) return
        const all = groupsById([...byId.values(), group('flat', {include: [one]})])
        const possible = (required: Rule): string[] => {
          const set = {...rules, require: [...rules.require, required]}
          return [...outcome([policy('P', action, set)], all, partly).possible].sort()
        }
        expect(possible(byGroup('flat'))).toEqual(possible(one))
      }),
      RUNS,
    )
  })
})

describe('the work', () => {
  /** Counts how often a group is looked up. */
  class Counted extends Map<string, Group> {
    count = 0
    override get(id: string): Group | undefined {
      this.count++
      return super.get(id)
    }
  }
  const SHAPES: [string, (at: number, last: number) => Rule[]][] = [
    ['a chain', (at, last) => [at === last ? byToken() : byGroup(`g${at + 1}`)]],
    [
      'each named twice in the next',
      (at, last) => (at === last ? [byToken()] : [byGroup(`g${at + 1}`), byGroup(`g${at + 1}`)]),
    ],
    [
      'each named in the next two',
      (at, last) => (at >= last - 1 ? [byToken()] : [byGroup(`g${at + 1}`), byGroup(`g${at + 2}`)]),
    ],
    ['a circle', (at, last) => [byGroup(`g${at === last ? 0 : at + 1}`)]],
  ]

  it.each(SHAPES)('grows as the account does: %s', (_name, include) => {
    const countOf = (size: number): number => {
      const all = new Counted()
      for (let at = 0; at < size; at++) all.set(`g${at}`, group(`g${at}`, {include: include(at, size - 1)}))
      const list = ['a', 'b', 'c'].map((name) => policy(name, 'deny', {include: [byGroup('g0')]}))
      outcome([...list, policy('d', 'non_identity', {include: [byGroup('g0')]})], all)
      return all.count
    }
    expect(countOf(4000) / countOf(2000)).toBeLessThan(2.1)
    expect(countOf(2000)).toBeLessThan(2000 * 20)
  })
})
