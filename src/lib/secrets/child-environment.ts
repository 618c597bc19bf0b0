import type {BusEnvironment} from './keychain/probe.js'

/** What other programs have no use for: our own secrets, as the environment may give them. */
const SECRETS = ['CLOUDFLARE_API_TOKEN', 'CF_ACCESS_CLIENT_SECRET', 'TUNNEL_SERVICE_TOKEN_SECRET']

/** The environment of a program that keeps secrets for us: this process's own, without the secrets in it. */
export function childEnvironment({dbusAddress, runtimeDir}: BusEnvironment): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...(dbusAddress !== undefined && {DBUS_SESSION_BUS_ADDRESS: dbusAddress}),
    ...(runtimeDir !== undefined && {XDG_RUNTIME_DIR: runtimeDir}),
  }
  for (const name of SECRETS) delete env[name]
  return env
}
