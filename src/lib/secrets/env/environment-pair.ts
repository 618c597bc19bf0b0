import {UserError} from '../../core/errors.js'
import {PAIRS, type PairNames} from '../../core/pair-variables.js'
import {Secret} from '../../core/secret.js'
import {hasBothHalves, readCopiedPair} from '../copied/pair.js'
import type {ServiceCredentials} from '../types.js'
import {unsetting} from '../../core/shell-words.js'

/** A service token's pair from the environment. */
export interface EnvironmentPair extends Pick<ServiceCredentials, 'clientId' | 'clientSecret'> {
  /** The variables that it is in; zt's own if both kinds are set. */
  names: PairNames
}

/**
 * The pair in the environment, under any of the names that zt knows and in the form in which it was copied; undefined if none
 * is set. An empty variable counts as not set.
 *
 * @throws UserError `usage` / `HALF_A_PAIR`, which would otherwise look like "not set"; `TWO_PAIRS`; of
 *   `readCopiedPair`
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
  const given = [
    ...(clientId === '' ? [] : [{text: clientId, as: 'id'} as const]),
    ...(clientSecret === '' ? [] : [{text: new Secret(clientSecret), as: 'secret'} as const]),
  ]
  const [first] = given
  if (!first) return undefined
  if (given.length === 2 || hasBothHalves(first)) {
    const next = [`Set ${names.id} to the client ID alone and ${names.secret} to the client secret alone`]
    return {...readCopiedPair(given, {next}), names}
  }
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
    next: [unsetting([other.id, other.secret]), unsetting([id, secret])],
  })
}
