import {UserError} from '../../core/errors.js'
import {PAIRS, type PairNames} from '../../core/pair-variables.js'
import {Secret} from '../../core/secret.js'
import type {ServiceCredentials} from '../types.js'

/** A service token's pair from the environment. */
export interface EnvironmentPair extends Pick<ServiceCredentials, 'clientId' | 'clientSecret'> {
  /** The variables that it is in; zt's own if both kinds are set. */
  names: PairNames
}

/**
 * The pair in the environment, under any of the names that zt knows; undefined if none is set. An empty variable counts as
 * not set.
 *
 * @throws UserError `usage` / `HALF_A_PAIR`, which would otherwise look like "not set"; `TWO_PAIRS`
 */
export function pairOf(env: Readonly<Record<string, string | undefined>>): EnvironmentPair | undefined {
  const found = PAIRS.flatMap((names) => oneOf(env, names) ?? [])
  const [pair, other] = found
  if (pair && other && !isSame(pair, other)) throw twoPairs(pair, other)
  return pair
}

function oneOf(
  env: Readonly<Record<string, string | undefined>>,
  names: PairNames,
): EnvironmentPair | undefined {
  const clientId = (env[names.id] ?? '').trim()
  const clientSecret = (env[names.secret] ?? '').trim()
  if (clientId !== '' && clientSecret !== '') return {clientId, clientSecret: new Secret(clientSecret), names}
  if (clientId === '' && clientSecret === '') return undefined
  const [there, missing] = clientId === '' ? [names.secret, names.id] : [names.id, names.secret]
  throw new UserError({
    kind: 'usage',
    code: 'HALF_A_PAIR',
    message: `${there} is set and ${missing} is not`,
    why: 'A service token needs both.',
    next: [`Set ${missing} too, or unset ${there}`],
  })
}

function isSame(one: EnvironmentPair, other: EnvironmentPair): boolean {
  return one.clientId === other.clientId && one.clientSecret.equals(other.clientSecret)
}

function twoPairs({names: {id, secret}}: EnvironmentPair, {names: other}: EnvironmentPair): UserError {
  return new UserError({
    kind: 'usage',
    code: 'TWO_PAIRS',
    message: 'The environment has two different service tokens',
    why: `${id} and ${secret} are one, ${other.id} and ${other.secret} are another, and zt does not choose between them.`,
    next: [`unset ${other.id} ${other.secret}`, `unset ${id} ${secret}`],
  })
}
