import {expect, it} from 'vitest'
import {toApplication, toGroup} from '../../src/lib/api/convert.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {acceptsToken, edgeAnswer, edgeSettings, type Credentials} from '../../src/lib/policy/edge.js'
import {groupsById} from '../../src/lib/policy/references.js'
import {NOW, type Case, type SentToken} from './cases/account.js'
import {EDGE} from './cases/edge.js'
import {POLICIES} from './cases/policies.js'

const pages = {...POLICIES, ...EDGE}
const cases = Object.entries(pages).flatMap(([page, all]) =>
  all.map((one) => ({name: `${page}, "${one.section}": ${one.says}`, one})),
)

function credentialsOf(token: SentToken): Credentials {
  const {name = 'ci', as = 'headers', enabled = true, expiresAt, previousUntil} = token
  const secret = 'secret' in token ? token.secret : 'current'
  const when = {now: Date.parse(NOW), previousUntil}
  return {
    presented: as,
    tokenId: name === '' ? undefined : name,
    accepted: acceptsToken({enabled, expiresAt}, secret, when),
  }
}

function policiesOf(given: unknown): JsonObject[] {
  return (given as JsonObject[]).map((policy, at) => ({
    ...{id: `p${at}`, name: `${String(policy['decision'])} ${at + 1}`, precedence: at + 1},
    ...policy,
  }))
}

function answerTo(one: Case) {
  const {policies = [], app, apps = [{name: 'app', domain: 'app.example.com', policies, ...app}]} = one
  const {url = 'app.example.com', token, person, from, http} = one
  const slash = url.indexOf('/')
  const organization = 'organization' in one ? one.organization : {}
  return edgeAnswer(
    {
      applications: apps.map((raw, at) =>
        toApplication({id: `a${at}`, type: 'self_hosted', ...raw, policies: policiesOf(raw['policies'])}),
      ),
      groups: groupsById(
        Object.entries(one.groups ?? {}).map(([id, rules]) => toGroup({id, name: id, ...rules})),
      ),
      withoutAllow: 'forbidden',
      ...edgeSettings(organization),
    },
    {
      host: slash < 0 ? url : url.slice(0, slash),
      path: slash < 0 ? '/' : url.slice(slash),
      credentials: token && credentialsOf(token),
      client: {ip: '203.0.113.7', country: 'DE', certificate: false, posture: [], lists: [], ...from, person},
      ...{session: false, browser: person !== undefined, ...http},
    },
  )
}

it.each(cases.map(({name, one}) => [name, one] as const))('%s', (_, one) => {
  const answer = answerTo(one)
  expect({verdict: answer.verdict, undecided: answer.undecided.map(({fact}) => fact)}).toEqual({
    verdict: one.verdict,
    undecided: one.undecided ?? [],
  })
  if (one.status !== undefined) expect(answer.possible.map(({status}) => status)).toEqual([one.status])
  if (one.by !== undefined) expect([answer.policy?.name, answer.application?.name]).toContain(one.by)
})

it('the table is whole: each case is there once, under a section of a page', () => {
  expect(cases.length).toBeGreaterThanOrEqual(150)
  expect(new Set(cases.map(({name}) => name)).size).toBe(cases.length)
  expect(cases.filter(({one}) => one.section === '' || one.says === '')).toEqual([])
})
