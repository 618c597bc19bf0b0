import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  causesOf,
  type Cause,
  type RefusalFacts,
  type SecretSource,
} from '../../../src/lib/access/explain/causes.js'
import type {ServiceToken} from '../../../src/lib/api/types.js'
import {edgeAnswer, type EdgeRequest} from '../../../src/lib/policy/edge.js'
import type {EdgeAnswer} from '../../../src/lib/tunnel/types.js'
import {TOKEN} from '../../policy/fixtures.js'
import {edgeCases, type EdgeCase} from '../../policy/random.js'

// Whatever the rules, the settings, the credentials and the client are, of which zt knows a part: what it calls certain is
// so, and the true cause is among those that it names.

const NOW = Date.parse('2026-10-01T00:00:00Z')
const LONG_AGO = '2026-01-01T00:00:00Z'

/** What is wrong with the credentials, and what this machine knows of the secret. The token's is version 3. */
const STATES = {
  right: {accepted: true, secret: {version: 3, imported: false}},
  'imported rightly': {accepted: true, secret: {version: 3, imported: true}},
  'in its grace period': {accepted: true, secret: {version: 2, imported: false}},
  'imported wrongly': {accepted: false, secret: {version: 3, imported: true}, cause: 'secret'},
  'rotated elsewhere': {accepted: false, secret: {version: 2, imported: false}, cause: 'secret'},
  'rotated twice elsewhere': {accepted: false, secret: {version: 1, imported: false}, cause: 'secret'},
  disabled: {accepted: false, secret: {version: 3, imported: false}, cause: 'token-disabled'},
  expired: {accepted: false, secret: {version: 3, imported: false}, cause: 'token-expired'},
  deleted: {accepted: false, secret: {version: undefined, imported: false}, cause: 'token-unknown'},
} as const satisfies Record<string, {accepted: boolean; secret: object; cause?: Cause['id']}>
type State = keyof typeof STATES

interface Case extends EdgeCase {
  state: State
  /** Whether zt may read the organisation's settings, and whether a redirect to the login page says of the credentials. */
  readable: boolean
  says: boolean
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    edge: edgeCases,
    state: fc.constantFrom(...(Object.keys(STATES) as State[])),
    ...{readable: fc.boolean(), says: fc.boolean()},
  })
  .map(({edge: {account, request}, state, ...more}) => ({
    account,
    request: {
      ...request,
      // A machine: no one logs in, and no browser asks in advance.
      ...{preflight: undefined, options: false, browser: false},
      client: {...request.client, person: undefined, linkedApplications: []},
      credentials: credentialsOf(state),
    },
    ...{state, ...more},
  }))

function credentialsOf(state: State, accepted = STATES[state].accepted): EdgeRequest['credentials'] {
  return {presented: 'headers', tokenId: TOKEN, accepted}
}

function explained({account, request, state, readable}: Case, answer: EdgeAnswer): Cause[] {
  const [application] = account.applications
  const {client, session, xhr} = request
  const token: ServiceToken = {
    ...{id: TOKEN, clientId: 'ci.access', name: 'ci', duration: '8760h', secretVersion: 3},
    ...{enabled: state !== 'disabled', expiresAt: state === 'expired' ? LONG_AGO : undefined},
    ...{createdAt: LONG_AGO, updatedAt: LONG_AGO, lastSeenAt: undefined},
  }
  const facts: RefusalFacts = {
    ...{
      say: {profile: 'default', profileNamed: false},
      host: request.host,
      path: request.path,
      answer,
      now: NOW,
    },
    ...{
      application,
      publicPath: false,
      others: [],
      zone: undefined,
      zoneSearch: 'no-zone',
      tokenZone: undefined,
    },
    sent: {cookie: session === true, xhr, certificate: client.certificate !== false},
    token: state === 'deleted' ? undefined : token,
    secret: {from: 'store', ...STATES[state].secret} satisfies SecretSource,
    ...{groups: account.groups, groupsRead: true, strict: readable ? account.strict : undefined},
    ...{bound: true, applicationRef: 'App', tokenRef: 'ci'},
  }
  return causesOf(facts).causes
}

const admits = ({account, request}: EdgeCase, accepted?: boolean): boolean | undefined => {
  const credentials = accepted === undefined ? request.credentials : credentialsOf('right', accepted)
  const {verdict} = edgeAnswer(account, {...request, credentials})
  return verdict === 'unknown' ? undefined : verdict === 'allow' || verdict === 'bypass'
}

const RUNS = Number(process.env['RANDOM_RUNS'] ?? 1500)

describe('whatever decides about a request', () => {
  it('a refusal by the service behind is not called one by Access, nor any cause of it certain', () => {
    let seen = 0
    fc.assert(
      fc.property(cases, fc.constantFrom(401, 403), (one, status) => {
        if (admits(one) !== true) return
        seen++
        const reason = status === 401 ? 'unauthenticated' : 'forbidden'
        const causes = explained(one, {by: 'unknown', status, reason})
        expect(causes.filter(({certain}) => certain)).toEqual([])
        expect(causes.length).toBeGreaterThan(0)
      }),
      {numRuns: RUNS},
    )
    expect(seen).toBeGreaterThan(RUNS / 10)
  })

  it('a refusal by Access has its true cause among those that are named, and what is certain is so', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(cases, (one) => {
        const [met] = edgeAnswer(one.account, one.request).possible
        const rightly = admits(one, true)
        if (admits(one) !== false || met?.status === undefined || rightly === undefined) return
        const {accepted, cause} = {cause: undefined, ...STATES[one.state]}
        const {status} = met
        const said = one.says ? (accepted ? 'accepted' : 'not-accepted') : undefined
        const causes = explained(one, {
          ...{by: 'access', status},
          reason: status === 302 ? 'login' : status === 401 ? 'unauthenticated' : 'forbidden',
          credentials: status === 302 ? said : undefined,
        })
        const named = causes.map(({id}) => id)
        for (const {id, certain} of causes.filter((other) => other.certain)) {
          if (id.startsWith('rule-')) expect([id, rightly]).toEqual([id, false])
          else expect([id, certain]).toEqual([cause, true])
        }
        if (!accepted && rightly) {
          seen.add(one.state)
          expect(named).toContain(cause)
        }
        if (accepted) {
          seen.add('rules')
          expect(named.filter((id) => id.startsWith('rule-'))).not.toEqual([])
        }
      }),
      {numRuns: RUNS},
    )
    const broken = (Object.keys(STATES) as State[]).filter((state) => !STATES[state].accepted)
    expect([...seen].sort()).toEqual([...broken, 'rules'].sort())
  })
})
