import type {Application, Decision, Group, Policy} from '../api/types.js'

/** A request as the edge sees it: the authenticated service token, and where it comes from. Machines have no identity. */
export interface AccessRequest {
  /** The service token's UUID if its credentials are valid; undefined if none or invalid ones were sent. */
  serviceTokenId: string | undefined
  /** The client's address. */
  ip: string | undefined
  /** ISO 3166 alpha-2. */
  country: string | undefined
}

/** One policy's part in a decision, in the order of evaluation. */
export interface PolicyTrace {
  policyId: string
  name: string
  decision: Decision
  /** `matched`: decided. `no-include` / `excluded` / `require-failed`: does not apply. `needs-identity`: would need a login. `not-reached`. */
  outcome: 'matched' | 'no-include' | 'excluded' | 'require-failed' | 'needs-identity' | 'not-reached'
  /** One sentence: why. */
  why: string
}

export interface Evaluation {
  /**
   * `service-auth` / `bypass`: admitted. `login`: an Allow policy may admit a person, so the edge redirects to the login page.
   * `blocked`: a Block policy matched. `denied`: nothing matched.
   */
  outcome: 'service-auth' | 'bypass' | 'login' | 'blocked' | 'denied'
  admitted: boolean
  /** The policy that decided, if one did. */
  policy: Policy | undefined
  trace: PolicyTrace[]
}

/** The input of an evaluation. */
export interface EvaluationInput {
  application: Pick<Application, 'name' | 'policies'>
  groups: ReadonlyMap<string, Group>
  request: AccessRequest
}
