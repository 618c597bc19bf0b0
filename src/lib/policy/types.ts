import type {Application, Decision, Group, Policy} from '../api/types.js'

/**
 * A request as the edge sees it: what the client presents, and where it comes from. Without a `person` it is a machine's,
 * which has no identity.
 *
 * A fact that is undefined is not known: a rule about it then holds for some requests, and the answer is `unknown`. A list
 * that is given is complete: what is not in it is absent.
 */
export interface AccessRequest {
  /** The service token's UUID if its credentials are valid; undefined if none or invalid ones were sent. */
  serviceTokenId: string | undefined
  /** The client's address. */
  ip: string | undefined
  /** ISO 3166 alpha-2. */
  country: string | undefined
  /** The valid client certificate that it presents (mTLS); true: one of any name; false: none. zt never presents one. */
  certificate?: {commonName: string} | boolean | undefined
  /** The device posture checks that its device passes, by the ID in the rules. */
  posture?: readonly string[] | undefined
  /** The lists that its address or the person's email address is in, by their IDs. */
  lists?: readonly string[] | undefined
  /** The applications whose tokens it forwards, by their IDs; undefined: none. */
  linkedApplications?: readonly string[] | undefined
  /** Who logs in where Access asks for it; undefined: no one. */
  person?: Person | undefined
}

/** What Access learns of a person from the identity provider and from Cloudflare. */
export interface Person {
  email?: string | undefined
  /** Okta groups by name, Entra groups by ID, Google groups by address, GitHub organisations as `ORG` and teams as `ORG/TEAM`. */
  groups?: readonly IdentityGroup[] | undefined
  samlAttributes?: readonly IdentityClaim[] | undefined
  oidcClaims?: readonly IdentityClaim[] | undefined
  /** The ID of the identity provider by which the person logs in; undefined: unknown which of those that the application offers. */
  loginMethod?: string | undefined
  /** How the person authenticates, by the names of RFC 8176: `mfa`, `hwk`, … */
  authMethods?: readonly string[] | undefined
  /** Authentication contexts of Entra ID, by their `ac_id`. */
  authContexts?: readonly string[] | undefined
  /** The Cloudflare accounts that the person is a member of, by their IDs. */
  accounts?: readonly string[] | undefined
  /** The addresses (`evaluate_url`) of the external evaluations that say yes. */
  evaluations?: readonly string[] | undefined
  risk?: Risk | undefined
  /** Whether an approver lets the person in where a policy asks for approval. */
  approved?: boolean | undefined
}

export interface IdentityGroup {
  name: string
  /** The ID of its identity provider; undefined: it counts for each. */
  provider?: string | undefined
}

export interface IdentityClaim {
  name: string
  value: string
  /** The ID of its identity provider; undefined: it counts for each. */
  provider?: string | undefined
}

/** A user risk score, as the API writes it. */
export type Risk = 'low' | 'medium' | 'high' | 'unscored'

/** A fact that an answer depends on and that is not known. */
export interface UnknownFact {
  fact:
    | 'ip'
    | 'country'
    | 'certificate'
    | 'posture'
    | 'list'
    | 'email'
    | 'groups'
    | 'saml'
    | 'oidc'
    | 'login-method'
    | 'auth-methods'
    | 'auth-contexts'
    | 'accounts'
    | 'evaluation'
    | 'risk'
    | 'approval'
    // Not of the request, but of the account, and of what zt can evaluate.
    | 'access-group'
    | 'group-cycle'
    | 'selector'
    | 'action'
    | 'application'
    | 'strict'
    | 'without-allow'
    // Of what the client sends.
    | 'credentials'
    | 'session'
    | 'browser'
  /** What the fact is about: the ID of a list, posture check or Access group, a provider, the name of a selector. */
  of?: string | undefined
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
 * `service-auth` / `bypass`: admitted. `allow`: a person is admitted after the login. `login`: an Allow policy may admit a
 * person, so the edge redirects to the login page. `blocked`: a Block policy matched. `denied`: nothing matched.
 */
export type Verdict = 'service-auth' | 'bypass' | 'allow' | 'login' | 'blocked' | 'denied'

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
  /** What is not known and may matter; empty if the outcome is certain. */
  undecided: UnknownFact[]
}

/** The input of an evaluation. */
export interface EvaluationInput {
  application: Pick<Application, 'name' | 'policies'>
  groups: ReadonlyMap<string, Group>
  request: AccessRequest
}
