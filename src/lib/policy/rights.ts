import type {Rule} from '../api/types.js'

/** A way by which the rules let service tokens into an application: one Service Auth or Bypass policy. */
export interface Right {
  applicationId: string
  policyId: string
  /** `named`: the rules name the token; `any-token`: any valid token; `everyone`: also a client without credentials. */
  by: 'named' | 'any-token' | 'everyone'
  /** The Access groups in between, outermost first: IDs. Empty for a direct rule. */
  through: string[]
  /** Whether the policy admits it from everywhere, or depending on where the request comes from. */
  reach: 'yes' | 'conditional'
  /** What must hold, or must not, in its widest way. */
  conditions: {part: 'require' | 'exclude'; rule: Rule}[]
}

/** What a whole account's rules let service tokens into, without a row for each pair of token and application. */
export interface Rights {
  /** By the token's ID: what names that token. */
  named: ReadonlyMap<string, readonly Right[]>
  /** What lets in every valid token, or everyone. */
  every: readonly Right[]
}
