import {withoutVariables} from '../system/platform.js'
import type {BusEnvironment} from './keychain/probe.js'

/** What other programs have no use for: our own secrets, as the environment may give them, and their ids. */
const SECRETS = [
  'CLOUDFLARE_API_TOKEN',
  'CF_ACCESS_CLIENT_ID',
  'CF_ACCESS_CLIENT_SECRET',
  'TUNNEL_SERVICE_TOKEN_ID',
  'TUNNEL_SERVICE_TOKEN_SECRET',
]

/**
 * By which TLS libraries and curl write down what makes a recording of their connections readable, or print what passes
 * through them: OpenSSL's, GnuTLS' and NSS' users (everything.curl.dev, "SSLKEYLOGFILE"), HTTP/3's logs, debug builds.
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

/** The environment of a program that keeps secrets for us: this process's own, without the secrets in it. */
export function childEnvironment({dbusAddress, runtimeDir}: BusEnvironment): NodeJS.ProcessEnv {
  return {
    ...withoutSecrets(process.env),
    ...(dbusAddress !== undefined && {DBUS_SESSION_BUS_ADDRESS: dbusAddress}),
    ...(runtimeDir !== undefined && {XDG_RUNTIME_DIR: runtimeDir}),
  }
}

/**
 * An environment without our own secrets, for a program that is to get none by it, and without what would make it write
 * down one that it gets another way. On Windows a name is the same in any case, and we read it so.
 */
export function withoutSecrets(
  given: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): NodeJS.ProcessEnv {
  return withoutVariables(given, [...SECRETS, ...SPIES], platform)
}

/** For a program that gets the pair by its environment: everything but what would make it write down what it sends. */
export function withoutSpies(given: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return withoutVariables(given, SPIES)
}
