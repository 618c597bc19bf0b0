import {PAIR_VARIABLES} from '../core/pair-variables.js'
import {withoutVariables} from './platform.js'

/** What the environment may hold that a program has to do with secrets, and the variables that hold it. */
const PARTS = {
  apiToken: ['CLOUDFLARE_API_TOKEN'],
  /** A service token's client ID and client secret. */
  pair: PAIR_VARIABLES,
  /**
   * What makes TLS libraries and curl record keys, or print what passes through them: of programs that use OpenSSL, GnuTLS
   * or NSS (everything.curl.dev, "SSLKEYLOGFILE"), HTTP/3 logs, debug builds. No secrets, but they would record one.
   */
  recorders: [
    ...['SSLKEYLOGFILE', 'QLOGDIR', 'CURL_DEBUG', 'GNUTLS_DEBUG_LEVEL'],
    ...['NSPR_LOG_FILE', 'NSPR_LOG_MODULES', 'SSLDEBUG', 'SSLDEBUGFILE', 'SSLTRACE'],
  ],
} as const satisfies Record<string, readonly string[]>

export type Part = keyof typeof PARTS

/**
 * What each kind of program that zt starts keeps of it; the rest is removed from its environment. A test starts each, and
 * compares.
 */
export const CHILDREN = {
  /** zt itself, in the background. */
  zt: ['apiToken', 'pair', 'recorders'],
  /** The command of `zt exec`. It also gets the pair that was named, and under a usual name no other. */
  exec: ['apiToken', 'pair'],
  /** The command of `zt forward`: the listener has the pair. */
  beside: ['recorders'],
  ssh: ['recorders'],
  /** An ssh whose ProxyCommand sends the environment's pair. */
  sshWithPair: ['pair', 'recorders'],
  curl: [],
  /** The pair of the connection is added. */
  cloudflared: [],
  /** The keychain's process and credential helpers. */
  store: [],
  browser: [],
  sandbox: [],
  /** `ssh -G`, `mkfifo`, `ps`. */
  tool: [],
} as const satisfies Record<string, readonly Part[]>

export type Child = keyof typeof CHILDREN

/** The environment for a program that zt starts. On Windows names of variables ignore case. */
export function environmentFor(
  child: Child,
  given: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): NodeJS.ProcessEnv {
  const kept: readonly Part[] = CHILDREN[child]
  const removed = Object.entries(PARTS).flatMap(([part, names]) => (kept.includes(part as Part) ? [] : names))
  return withoutVariables(given, removed, platform)
}

/** The environment for a program that keeps zt's secrets: this process's own, and the bus. */
export function storeEnvironment({
  dbusAddress,
  runtimeDir,
}: {
  dbusAddress?: string | undefined
  runtimeDir?: string | undefined
}): NodeJS.ProcessEnv {
  return {
    ...environmentFor('store', process.env),
    ...(dbusAddress !== undefined && {DBUS_SESSION_BUS_ADDRESS: dbusAddress}),
    ...(runtimeDir !== undefined && {XDG_RUNTIME_DIR: runtimeDir}),
  }
}
