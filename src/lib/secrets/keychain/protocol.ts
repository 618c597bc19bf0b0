/** What the keychain's child process is asked on stdin. */
export type ChildRequest = {service: string; account: string; addonDirectory?: string | undefined} & (
  {operation: 'probe' | 'get' | 'delete'} | {operation: 'set'; value: string}
)

/** What it answers on stdout. `no-addon`: keytar or libsecret is missing, or the problem in the message. */
export type ChildAnswer =
  | {ok: true; value: string | null; found: boolean}
  | {ok: false; reason: 'no-addon' | 'failed'; message: string}
