import tls from 'node:tls'

/** Node's flag to trust the system's CAs, as OpenSSL finds them, instead of its own list. */
export const SYSTEM_STORE = '--use-openssl-ca'

/** Whether this process runs with that flag. The single executable always does (docs/how-to/executable.md). */
export function takesSystemStore(): boolean {
  return process.execArgv.includes(SYSTEM_STORE)
}

/** Adds CAs to a context. Node's `ca` option would replace the others, and to pass them all again is slow. */
export function withMore(
  context: tls.SecureContext,
  certificates: readonly string[],
  options: tls.SecureContextOptions = {},
): tls.SecureContext {
  if (certificates.length === 0) return context
  const native = context.context as {addCACert?: (pem: string) => void}
  if (typeof native.addCACert !== 'function') {
    return tls.createSecureContext({...options, ca: [...tls.rootCertificates, ...certificates]})
  }
  native.addCACert(certificates.join('\n'))
  return context
}
