import type {Environment} from '../../config/paths.js'
import {UserError} from '../../core/errors.js'
import {environmentFor} from '../../system/child-environment.js'
import {withoutVariables} from '../../system/platform.js'
import type {ChildEnd} from '../exec/child.js'
import {runCommand} from '../exec/exec.js'
import type {HostForward} from '../types.js'
import {authorityOf, placeOf} from './listen.js'

/** What a command may need to know of a listener. */
const PARTS = ['host', 'port', 'url', 'socket'] as const
type Part = (typeof PARTS)[number]
type Address = Partial<Record<Part, string>>

/** What systemd passes on is for zt. */
const OWN_VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']

/**
 * Runs a command on zt's stdin, stdout and stderr, with the addresses of the listeners in its arguments and variables.
 *
 * @throws UserError `usage` / `BAD_PLACEHOLDER`; as runCommand
 */
export async function runBeside(
  words: readonly string[],
  forwards: readonly HostForward[],
  env: Environment,
): Promise<ChildEnd> {
  const addresses = forwards.map(addressOf)
  const [program = '', ...args] = words
  return runCommand({
    command: [program, ...args.map((word) => filled(word, addresses))],
    env: {...withoutVariables(environmentFor('beside', env), OWN_VARIABLES), ...variablesOf(addresses)},
    usage: 'zt forward HOST --',
  })
}

function addressOf({listen, url}: HostForward): Address {
  if ('socket' in listen) return {socket: listen.socket, url: url ?? placeOf(listen)}
  // By address: not every program resolves names below localhost.
  const scheme = url === undefined ? 'tcp' : 'http'
  return {host: listen.address, port: String(listen.port), url: `${scheme}://${authorityOf(listen)}`}
}

/** `{port}` is that of the first host, `{port2}` of the second. Other braces stay as they are. */
function filled(word: string, addresses: readonly Address[]): string {
  return word.replaceAll(/\{(host|port|url|socket)([1-9]\d?)?\}/g, (placeholder, part: Part, nth = '1') => {
    const address = addresses[Number(nth) - 1]
    const value = address?.[part]
    if (value !== undefined) return value
    throw new UserError({
      kind: 'usage',
      code: 'BAD_PLACEHOLDER',
      message: `zt has no value for ${placeholder}`,
      why: address
        ? `The listener has ${PARTS.filter((one) => one in address)
            .map((one) => `{${one}${nth === '1' ? '' : nth}}`)
            .join(' and ')}.`
        : `The number of hosts is ${addresses.length}.`,
    })
  })
}

/** `ZT_FORWARD_PORT` for the first host, `ZT_FORWARD_PORT_2` for the second. */
function variablesOf(addresses: readonly Address[]): Record<string, string> {
  const all = addresses.flatMap((address, at) =>
    Object.entries(address).map(([part, value]) => {
      const name = `ZT_FORWARD_${part.toUpperCase()}`
      return [at === 0 ? name : `${name}_${at + 1}`, value] as const
    }),
  )
  return Object.fromEntries(all)
}
