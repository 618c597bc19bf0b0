import type {ServiceToken} from '../../api/types.js'
import type {AccountRules} from '../../policy/references.js'
import type {Rights} from '../../policy/rights.js'
import type {Trap, TrapId} from '../../policy/traps.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {Usage} from '../activity/usage.js'
import type {FindingKind, Severity} from './kinds.js'

export interface Ref {
  id: string
  name: string
}

/** What a finding is about. */
export interface Subject {
  token?: Ref | undefined
  rule?: Ref | undefined
  /** One that has the rule. */
  application?: Ref | undefined
  group?: Ref | undefined
}

/** An application that a service token would no longer enter, or only under conditions. */
export interface Closed {
  /** Undefined: every valid token that no other rule lets in. */
  token: Ref | undefined
  application: Ref
  reach: 'no' | 'conditional'
}

export interface Finding {
  kind: FindingKind
  severity: Severity
  subject: Subject
  /** Of a trap: which one. */
  trap: TrapId | undefined
  /** Sentences. */
  why: string
  /** Command lines that remove the cause, in order; empty: none can without a decision of a person. */
  next: string[]
  /** What these commands close. None closes what was used. */
  closes: Closed[]
}

/** Kinds that were not looked for everywhere. */
export interface NotChecked {
  kinds: FindingKind[]
  /** A sentence. */
  why: string
}

export interface Audit {
  accountId: string | undefined
  /** In a fixed order: by kind, then by name. */
  findings: Finding[]
  notChecked: NotChecked[]
}

/** Everything that an audit judges. It asks no one, so the same facts give the same findings. */
export interface AuditFacts {
  /** The time at Cloudflare, in milliseconds since the epoch. */
  now: number
  accountId: string | undefined
  /** A token that ends within this time is expiring. */
  expiringMs: number
  /** A token or right that was not used for this time is unused. Rights: at most what the record is kept for. */
  unusedMs: number
  /** With what belongs to its zones. */
  account: AccountRules
  /** What of the account could not be read. */
  unread: readonly string[]
  /** The zone of each object that belongs to one, by the object's ID: as --zone takes it. What of zones could not be read. */
  zones: {of: (id: string) => string | undefined; unread: readonly string[]}
  /** Those of the account, and of zones that have applications. */
  tokens: readonly ServiceToken[]
  /** What this machine's index has of this profile's account. */
  stored: readonly IndexEntry[]
  /** Those of them whose token does not exist; or why that is not known, as a sentence. */
  gone: readonly IndexEntry[] | string
  /** Undefined: it was not asked for. */
  usage: Usage | undefined
  rights: Rights
  traps: readonly Trap[]
  /** The profile that commands name. */
  say: {profile: string; profileNamed: boolean}
}
