export type TrapId =
  | 'token-under-allow'
  | 'group-under-allow'
  | 'empty-include'
  | 'unreachable-rule'
  | 'rule-after-everyone'
  | 'condition-gone-past'
  | 'shadowed-by-path'
  | 'any-valid-token'

/** A rule that does not do what it seems to do. IDs of what it is about, where there is one. */
export interface Trap {
  id: TrapId
  applicationId: string | undefined
  policyId: string | undefined
  groupId: string | undefined
  tokenId: string | undefined
  /** Sentences: what it does, and what it seems to do. */
  why: string
}
