import {describe, expect, it} from 'vitest'
import {UserError} from '../../src/lib/core/errors.js'
import {PAIRS} from '../../src/lib/core/pair-variables.js'
import {EnvironmentStore} from '../../src/lib/secrets/env/env-store.js'
import {environmentFor} from '../../src/lib/system/child-environment.js'
import {pairOf} from '../../src/lib/secrets/env/environment-pair.js'

const CF = {CF_ACCESS_CLIENT_ID: 'one.access', CF_ACCESS_CLIENT_SECRET: 'secret-one'}
const TUNNEL = {TUNNEL_SERVICE_TOKEN_ID: 'one.access', TUNNEL_SERVICE_TOKEN_SECRET: 'secret-one'}

/** The pair and where it is from, or the code of the error and what it says. */
function read(env: Record<string, string>): unknown {
  try {
    const pair = pairOf(env)
    return pair && [pair.clientId, pair.clientSecret.expose(), pair.names.id]
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return [error.code, error.message, ...error.next]
  }
}

const half = (there: string, missing: string): string[] => [
  'HALF_A_PAIR',
  `${there} is set and ${missing} is not`,
  `Set ${missing} too, or unset ${there}`,
]

describe("the environment's pair", () => {
  it.each<[env: Record<string, string>, read: unknown]>([
    [{}, undefined],
    [{CF_ACCESS_CLIENT_ID: '', CF_ACCESS_CLIENT_SECRET: '  ', TUNNEL_SERVICE_TOKEN_ID: ''}, undefined],
    [CF, ['one.access', 'secret-one', 'CF_ACCESS_CLIENT_ID']],
    [TUNNEL, ['one.access', 'secret-one', 'TUNNEL_SERVICE_TOKEN_ID']],
    [{...CF, ...TUNNEL}, ['one.access', 'secret-one', 'CF_ACCESS_CLIENT_ID']],
    [
      {...CF, TUNNEL_SERVICE_TOKEN_ID: '', TUNNEL_SERVICE_TOKEN_SECRET: ''},
      ['one.access', 'secret-one', 'CF_ACCESS_CLIENT_ID'],
    ],
    ...PAIRS.flatMap(({id, secret}): [Record<string, string>, unknown][] => [
      [{[id]: ' x.access\n', [secret]: ' y '}, ['x.access', 'y', id]],
      [{[id]: 'x.access'}, half(id, secret)],
      [{[secret]: 'y'}, half(secret, id)],
    ]),
    // Half of a second pair is an error beside a whole one, too: it may be the one that was meant.
    [
      {...CF, TUNNEL_SERVICE_TOKEN_ID: 'one.access'},
      half('TUNNEL_SERVICE_TOKEN_ID', 'TUNNEL_SERVICE_TOKEN_SECRET'),
    ],
    ...(['TUNNEL_SERVICE_TOKEN_ID', 'TUNNEL_SERVICE_TOKEN_SECRET'] as const).map(
      (name): [Record<string, string>, unknown] => [
        {...CF, ...TUNNEL, [name]: 'another'},
        [
          'TWO_PAIRS',
          'The environment has two different service tokens',
          'unset TUNNEL_SERVICE_TOKEN_ID TUNNEL_SERVICE_TOKEN_SECRET',
          'unset CF_ACCESS_CLIENT_ID CF_ACCESS_CLIENT_SECRET',
        ],
      ],
    ),
  ])('of %j is %j', (env, expected) => {
    expect(read(env)).toEqual(expected)
  })

  it('is not repeated by an error', () => {
    for (const env of [
      {CF_ACCESS_CLIENT_SECRET: 'swapped'},
      {...CF, ...TUNNEL, TUNNEL_SERVICE_TOKEN_ID: 'x'},
    ])
      expect(JSON.stringify(read(env))).not.toMatch(/swapped|secret-one|one\.access/)
  })

  it('is kept from the environment of other programs, under each name', () => {
    expect(environmentFor('curl', {...CF, ...TUNNEL, PATH: '/bin'})).toEqual({PATH: '/bin'})
  })

  it('is a store that says from which variables it reads', () => {
    expect(new EnvironmentStore(pairOf(TUNNEL)).label).toBe(
      'the environment (TUNNEL_SERVICE_TOKEN_ID, TUNNEL_SERVICE_TOKEN_SECRET)',
    )
    expect(new EnvironmentStore(undefined).label).toContain('CF_ACCESS_CLIENT_ID')
  })
})
