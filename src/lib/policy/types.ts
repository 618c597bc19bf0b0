import type {Application, Decision, Group, Policy} from '../api/types.js'

/**
 * A request as the edge sees it: the authenticated service token, and where it comes from. Machines have no identity.
 * A fact that is undefined is not known: a rule about it then holds for some requests, and the answer is `unknown`.
 */
export interface AccessRequest {
  /** The service token's UUID if its credentials are valid; undefined if none or invalid ones were sent. */
  serviceTokenId: string | undefined
  /** The client's address. */
  ip: string | undefined
  /** ISO 3166 alpha-2. */
  country: string | undefined
  /** Whether it presents a client certificate (mTLS); zt never does. */
  certificate?: boolean | undefined
}

/** One policy's part in a decision, in the order of evaluation. */
export interface PolicyTrace {
  policyId: string
  name: string
  decision: Decision
  /**
   * `matched`: decided. `no-include` / `excluded` / `require-failed`: does not apply. `needs-identity`: would need a login.
   * `unknown`: depends on what is not known of the request. `not-reached`.
   */
  outcome:
    'matched' | 'no-include' | 'excluded' | 'require-failed' | 'needs-identity' | 'unknown' | 'not-reached'
  /** One sentence: why. */
  why: string
}

/**
 * `service-auth` / `bypass`: admitted. `login`: an Allow policy may admit a person, so the edge redirects to the login page.
 * `blocked`: a Block policy matched. `denied`: nothing matched.
 */
export type Verdict = 'service-auth' | 'bypass' | 'login' | 'blocked' | 'denied'

export interface Evaluation {
  /** `unknown`: several are possible. */
  outcome: Verdict | 'unknown'
  /** Every outcome that the unknown facts leave open; one if the outcome is certain. */
  possible: ReadonlySet<Verdict>
  /** Whether the request is certainly admitted. */
  admitted: boolean
  /** Whether it is possibly admitted. */
  mayAdmit: boolean
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
