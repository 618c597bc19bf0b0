import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Application, Group, Rule} from '../../src/lib/api/types.js'
import {openedAndClosed, type ReachedPlace} from '../../src/lib/policy/opened.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {reachOf, type Reach} from '../../src/lib/policy/reach.js'
import {groupsById, type AccountRules} from '../../src/lib/policy/references.js'
import {OTHER_TOKEN, TOKEN, anyToken, application, byGroup, byToken, everyone, group, policy} from './fixtures.js' // prettier-ignore

const tokens = [{id: TOKEN}, {id: OTHER_TOKEN}]
const names = new Map([[TOKEN, 'ci'], [OTHER_TOKEN, 'cd']]) // prettier-ignore
const office: Rule = {ip: {ip: '10.0.0.0/8'}}
const germany: Rule = {geo: {country_code: 'DE'}}
const open = (include: Rule[], require: Rule[] = [], exclude: Rule[] = []) => [policy('P', 'non_identity', {include, require, exclude})] // prettier-ignore
const account = (applications: Application[], groups: Group[] = []): AccountRules => ({policies: [], groups, applications}) // prettier-ignore

const words = ({application: {name}, address, who, tokens: ids, reach}: ReachedPlace): string =>
  [name, address, who === 'named' ? ids.map((id) => names.get(id)).join('+') : who, reach].join(' ')

function compared(before: AccountRules, after: AccountRules) {
  const {opens, closes} = openedAndClosed(before, after, tokens)
  return {opens: opens.map(words), closes: closes.map(words)}
}

describe('what a change opens and closes', () => {
  const site = 'a.example.com'
  it.each<[string, ReturnType<typeof open>, ReturnType<typeof open>, string[], string[]]>([
    ['a token is added', open([]), open([byToken()]), ['app a.example.com ci yes'], []],
    ['a token is removed', open([byToken()]), open([]), [], ['app a.example.com ci no']],
    ['a condition is added', open([byToken()]), open([byToken()], [office]), [], ['app a.example.com ci conditional']],
    ['a condition is removed', open([byToken()], [office]), open([byToken()]), ['app a.example.com ci yes'], []],
    ['one token replaces another', open([byToken()]), open([byToken(OTHER_TOKEN)]), ['app a.example.com cd yes'], ['app a.example.com ci no']],
    ['two tokens are added', open([]), open([byToken(), byToken(OTHER_TOKEN)]), ['app a.example.com ci+cd yes'], []],
    ['any token is let in', open([byToken()]), open([anyToken, byToken()]), ['app a.example.com any-token yes'], []],
    ['any token is let in, and one by name too', open([]), open([anyToken, byToken()]), ['app a.example.com any-token yes'], []],
    ['everyone is let in', open([]), open([everyone]), ['app a.example.com everyone yes'], []],
    ['one is excluded', open([anyToken]), open([anyToken], [], [byToken()]), [], ['app a.example.com ci no']],
    ['another condition takes its place', open([byToken()], [office]), open([byToken()], [germany]), ['app a.example.com ci conditional'], ['app a.example.com ci conditional']],
    ['a second rule admits it under another condition', open([byToken()], [office]), [...open([byToken()], [office]), policy('Q', 'non_identity', {include: [byToken()], require: [germany]})], ['app a.example.com ci conditional'], []],
    ['a further condition is added', open([byToken()], [office]), open([byToken()], [office, germany]), [], ['app a.example.com ci conditional']],
    ['a place is added for all', open([office]), open([office, germany]), ['app a.example.com everyone conditional'], []],
    ['a place is added in another order', open([office, germany]), open([germany, office]), [], []],
    ['only the name of its place changes', open([byToken()]), open([byToken(), byToken()]), [], []],
  ])('if %s', (_, before, after, opens, closes) => {
    const of = (policies: ReturnType<typeof open>): AccountRules => account([application('app', [site], policies)])
    expect(compared(of(before), of(after))).toEqual({opens, closes})
  }) // prettier-ignore

  const wide = application('wide', ['*.example.com'], open([byToken()]))
  const narrow = application('narrow', [site], open([byToken(OTHER_TOKEN)]))
  it.each<[string, Application[], Application[], string[], string[]]>([
    ['is created', [], [narrow], ['narrow a.example.com cd yes'], []],
    ['is deleted', [narrow], [], [], ['narrow a.example.com cd no']],
    ['takes an address from a wider one', [wide], [wide, narrow], ['narrow a.example.com cd yes'], ['narrow a.example.com ci no']],
    ['gives an address back to a wider one', [wide, narrow], [wide], ['wide a.example.com ci yes'], ['wide a.example.com cd no']],
    ['moves', [narrow], [{...narrow, domains: ['b.example.com']}], ['narrow b.example.com cd yes'], ['narrow a.example.com cd no']],
    ['gets a path of another', [narrow], [narrow, application('path', [`${site}/api`], open([byToken(OTHER_TOKEN)]))], [], []],
    ['without an address is created', [], [application('saas', [], open([byToken()]))], ['saas  ci yes'], []],
  ])('if an application %s', (_, before, after, opens, closes) => {
    expect(compared(account(before), account(after))).toEqual({opens, closes})
  }) // prettier-ignore

  const rule = fc.constantFrom<Rule>(
    byToken(),
    byToken(OTHER_TOKEN),
    anyToken,
    everyone,
    office,
    germany,
    byGroup('g'),
  )
  const rules = fc.record({
    include: fc.array(rule, {maxLength: 3}),
    require: fc.array(rule, {maxLength: 1}),
    exclude: fc.array(rule, {maxLength: 1}),
  })
  const accounts = fc
    .tuple(fc.array(rules, {minLength: 1, maxLength: 2}), rules)
    .map(([policies, members]) =>
      account(
        [application('app', [site], policies.map((one, at) => policy(`P${at}`, 'non_identity', one)))],
        [group('g', {...members, include: members.include.filter((one) => !('group' in one))})],
      ),
    ) // prettier-ignore

  it('has every request that is answered otherwise, under conditions too', () => {
    const places = ['10.1.2.3', '192.0.2.1'].flatMap((ip) => ['DE', 'US'].map((country) => ({ip, country})))
    // Undefined: it depends on a circle of Access groups.
    const admitted = ({applications, groups}: AccountRules, serviceTokenId: string, at: {ip: string; country: string}) => {
      const found = evaluate({application: applications[0]!, groups: groupsById(groups), request: {serviceTokenId, ...at}})
      return found.admitted === found.mayAdmit ? found.admitted : undefined
    }
    fc.assert(
      fc.property(accounts, accounts, (before, after) => {
        const {opens, closes} = openedAndClosed(before, after, tokens)
        for (const {id} of [...tokens, {id: 'named nowhere'}]) {
          const changes = places.map((at) => [admitted(before, id, at), admitted(after, id, at)])
          const rows = [...opens, ...closes]
          const mine = [
            rows.filter((one) => one.who === 'named' && one.tokens.includes(id)),
            rows.filter(({who}) => who === 'any-token'),
            rows.filter(({who}) => who === 'everyone'),
          ].find((some) => some.length > 0) ?? []
          if (changes.some(([was, is]) => is === true && was === false)) expect(opens.some((one) => mine.includes(one)), `opens to ${id}`).toBe(true)
          if (changes.some(([was, is]) => was === true && is === false)) expect(closes.some((one) => mine.includes(one)), `closes for ${id}`).toBe(true)
        }
      }),
      {numRuns: 2000},
    )
  }) // prettier-ignore

  it('is what the evaluation of each token says before and after', () => {
    const RANK: Record<Reach, number> = {no: 0, conditional: 1, yes: 2}
    fc.assert(
      fc.property(accounts, accounts, (before, after) => {
        const {opens, closes} = openedAndClosed(before, after, tokens)
        for (const {id} of [...tokens, {id: 'named nowhere'}]) {
          const [old = 'no', now = 'no'] = [before, after].map((one) => reachOf(id, one.applications[0]!, groupsById(one.groups))) // prettier-ignore
          const rows = [...opens, ...closes]
          const row =
            rows.find((one) => one.who === 'named' && one.tokens.includes(id)) ??
            rows.find(({who}) => who === 'any-token') ??
            rows.find(({who}) => who === 'everyone')
          if (RANK[now] !== RANK[old]) expect(row?.reach, id).toBe(now)
          if (RANK[now] > RANK[old]) expect(opens, id).toContain(row)
          if (RANK[now] < RANK[old]) expect(closes, id).toContain(row)
        }
      }),
      {numRuns: 500},
    )
  })
})
