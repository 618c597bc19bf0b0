/** How often one service token was let in, or refused, at one application by one rule. */
export interface UsageRow {
  tokenId: string
  applicationId: string
  /** The rule that let it in, by its ID; undefined: none did, or the record does not say. */
  policyId: string | undefined
  allowed: boolean
  /** An estimate where the record has samples. */
  count: number
  /** When it was last so: ISO 8601. */
  last: string
}

/** What Access recorded of an account's service tokens. */
export interface Usage {
  /** ISO 8601: what was asked for, and what the record goes back to. */
  since: string
  until: string
  rows: UsageRow[]
  /** Why there is less than was asked for (plan, permission, age), as a sentence; undefined: it is whole. */
  incomplete: string | undefined
}
