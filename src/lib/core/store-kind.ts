/** The stores that can keep a secret. `helper:NAME` is the program `docker-credential-NAME` on PATH. */
export type KeepingStoreKind = 'keychain' | 'vault' | `helper:${string}`

/** Whether this names a store that can keep a secret. */
export function isKeepingStoreKind(text: unknown): text is KeepingStoreKind {
  return (
    text === 'keychain' ||
    text === 'vault' ||
    (typeof text === 'string' && /^helper:[a-z0-9][a-z0-9-]{0,63}$/.test(text))
  )
}
