import tls from 'node:tls'

/** Node's flag to trust the system's CAs, as OpenSSL finds them, instead of its own list. */
export const SYSTEM_STORE = '--use-openssl-ca'

/**
 * Whether this process takes the CAs of the system from OpenSSL's places: it runs with that flag, as the single executable
 * always does (docs/how-to/executable.md). Never on Windows, which has no such places: node has a directory compiled in
 * (`C:\\Program Files\\Common Files\\SSL`), and any user can make it where Windows is on another drive.
 */
export function takesSystemStore(platform: NodeJS.Platform = process.platform): boolean {
  return platform !== 'win32' && process.execArgv.includes(SYSTEM_STORE)
}

interface SystemStore {
  /** In node 22.15, 23.10, 24 and later. */
  getCACertificates?: ((type: 'system' | 'extra') => readonly string[]) | undefined
}

/**
 * The CAs that node's own list lacks, such as a company's: in the store of Windows, of this user and of the machine, and in
 * NODE_EXTRA_CA_CERTS. Node reads the store, and follows its restrictions. None on other systems, and in a node that cannot
 * read it.
 */
export function windowsCas(
  platform: NodeJS.Platform = process.platform,
  {getCACertificates}: SystemStore = tls as SystemStore,
): readonly string[] {
  if (platform !== 'win32' || !getCACertificates) return []
  const known = new Set(tls.rootCertificates.map((pem) => pem.trim()))
  return [...getCACertificates('system'), ...getCACertificates('extra')].filter(
    (pem) => !known.has(pem.trim()),
  )
}

/** A context with node's own list of CAs and these, whatever OpenSSL's places have. */
export function contextWith(
  more: readonly string[],
  options: tls.SecureContextOptions = {},
  platform: NodeJS.Platform = process.platform,
): tls.SecureContext {
  if (platform === 'win32' && process.execArgv.includes(SYSTEM_STORE))
    return tls.createSecureContext({...options, ca: [...tls.rootCertificates, ...more]})
  return withMore(tls.createSecureContext(options), more, options)
}

/** Adds CAs to a context. Node's `ca` option would replace the others, and to pass them all again is slow. */
function withMore(
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
