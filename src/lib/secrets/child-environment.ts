import {withoutVariables} from '../core/platform.js'
import type {BusEnvironment} from './keychain/probe.js'

/** What other programs have no use for: our own secrets, as the environment may give them. */
const SECRETS = ['CLOUDFLARE_API_TOKEN', 'CF_ACCESS_CLIENT_SECRET', 'TUNNEL_SERVICE_TOKEN_SECRET']

/** The environment of a program that keeps secrets for us: this process's own, without the secrets in it. */
export function childEnvironment({dbusAddress, runtimeDir}: BusEnvironment): NodeJS.ProcessEnv {
  return {
    ...withoutSecrets(process.env),
    ...(dbusAddress !== undefined && {DBUS_SESSION_BUS_ADDRESS: dbusAddress}),
    ...(runtimeDir !== undefined && {XDG_RUNTIME_DIR: runtimeDir}),
  }
}

/**
 * An environment without our own secrets, for a program that is to get none by it. On Windows a name is the same in any
 * case, and we read it so.
 */
export function withoutSecrets(
  given: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): NodeJS.ProcessEnv {
  return withoutVariables(given, SECRETS, platform)
}
