import {PAIR_VARIABLES} from '../core/pair-variables.js'
import {withoutVariables} from '../system/platform.js'
import type {BusEnvironment} from './keychain/probe.js'

/** Secrets, and their IDs, that the environment may hold for zt and that other programs do not need. */
const SECRETS = ['CLOUDFLARE_API_TOKEN', ...PAIR_VARIABLES]

/**
 * Variables that make TLS libraries and curl record keys, or print what passes through them: of programs that use OpenSSL,
 * GnuTLS or NSS (everything.curl.dev, "SSLKEYLOGFILE"), HTTP/3 logs, debug builds.
 */
const SPIES = [
  'SSLKEYLOGFILE',
  'QLOGDIR',
  'CURL_DEBUG',
  'GNUTLS_DEBUG_LEVEL',
  'NSPR_LOG_FILE',
  'NSPR_LOG_MODULES',
  'SSLDEBUG',
  'SSLDEBUGFILE',
  'SSLTRACE',
]

/** The environment for a program that keeps zt's secrets: this process's own, without the secrets in it. */
export function childEnvironment({dbusAddress, runtimeDir}: BusEnvironment): NodeJS.ProcessEnv {
  return {
    ...withoutSecrets(process.env),
    ...(dbusAddress !== undefined && {DBUS_SESSION_BUS_ADDRESS: dbusAddress}),
    ...(runtimeDir !== undefined && {XDG_RUNTIME_DIR: runtimeDir}),
  }
}

/**
 * An environment without zt's secrets and without the variables that would make the program record a secret it gets another
 * way. On Windows names of variables ignore case.
 */
export function withoutSecrets(
  given: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): NodeJS.ProcessEnv {
  return withoutVariables(given, [...SECRETS, ...SPIES], platform)
}

/** For a program that gets the pair through its environment: removes the variables that would record what it sends. */
export function withoutSpies(given: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return withoutVariables(given, SPIES)
}
