/** The form of a report's JSON; raised when a field changes its meaning. */
export const REPORT_FORM = 1

/** The ID of the element of the page that has the report as JSON. */
export const DATA_ID = 'zt-report'

/**
 * An access review of one account: which service tokens its rules let into which applications, and which of these ways
 * were used. `zt report --json` prints it, the page shows it, and a later report compares itself with it. Times are ISO
 * 8601. `null`: not known, or there is none.
 */
export interface Report {
  form: typeof REPORT_FORM
  generatedAt: string
  zt: string
  account: {id: string; name: string | null}
  /** What Access recorded: from when until when, and why there is less of it than was asked for. */
  record: {since: string; until: string; incomplete: string | null}
  counts: ReportCounts
  tokens: ReportToken[]
  applications: ReportApplication[]
  rules: ReportRule[]
  /** The most pressing first. */
  findings: ReportFinding[]
  /** What could not be looked for, and why: sentences. */
  notChecked: string[]
  changes: ReportChanges | null
}

export interface ReportCounts {
  tokens: number
  active: number
  /** Active tokens that expire within 30 days. */
  expiring: number
  applications: number
  /** Ways by which rules that name a token let it into an application. */
  ways: number
  /** Those that were not used in the time of the record, though they and their token existed. */
  unused: number
  findings: number
  /** Findings that ask for something to be done. */
  action: number
}

export interface ReportToken {
  id: string
  name: string
  /** The zone that it belongs to; null: the account. */
  zone: string | null
  status: 'active' | 'disabled' | 'expired'
  createdAt: string | null
  expiresAt: string | null
  lastSeenAt: string | null
  /** Requests in the record: let in, refused. An estimate. */
  allowed: number
  refused: number
  /** On which day it was last let in, by the record. */
  lastUse: string | null
  /** By rules that name it; and by rules for all tokens, where it used them. */
  opens: Opening[]
  /** Where it was let in by a rule that no longer lets it in, or that the record does not name. */
  formerly: Opening[]
}

/** One rule that lets one service token into one application. */
export interface Opening {
  /** IDs; the rule is in `rules` unless it no longer exists. */
  application: string
  rule: string | null
  by: 'named' | 'any-token' | 'everyone' | 'unknown'
  /** The Access groups in between, outermost first, by name. */
  through: string[]
  reach: 'yes' | 'conditional'
  /** What must hold, in words: `require country DE`. */
  conditions: string[]
  /** How often it was used in the time of the record, an estimate; null: no use was seen, which does not mean that it is unused. */
  uses: number | null
  /** The day of the last of them. */
  last: string | null
  /** Not used, though the record is whole, and the token, rule and application are older than it. */
  unused: boolean
}

export interface ReportApplication {
  id: string
  name: string
  /** The zone that it belongs to; null: the account. */
  zone: string | null
  type: string
  /** Public host names and paths. */
  addresses: string[]
  /** The rules that let in every service token, or everyone, by ID. */
  open: {rule: string; by: 'any-token' | 'everyone'; reach: 'yes' | 'conditional'; conditions: string[]}[]
  /** How many tokens are let in by rules that name them, and how many tokens used it by whatever rule. */
  tokens: number
  used: number
  allowed: number
  refused: number
}

export interface ReportRule {
  id: string
  name: string
  action: string
}

/** Something to look at, as `zt token audit` finds it. */
export interface ReportFinding {
  kind: string
  /** Which trap it is; null for other kinds. */
  trap: string | null
  severity: 'action' | 'notice'
  /** What it is about, by name. */
  about: string
  why: string
  /** Commands that remove the cause, in order. */
  next: string[]
  /** What these commands close: `ci at GitLab`. */
  closes: string[]
  /** IDs of what it is about. */
  token: string | null
  application: string | null
  rule: string | null
  group: string | null
}

/** What is different from an earlier report. Names are those of the later report, if it has them. */
export interface ReportChanges {
  /** When the earlier report was made. */
  since: string
  tokens: ObjectChange[]
  applications: ObjectChange[]
  opened: WayChange[]
  closed: WayChange[]
  findings: {new: FindingChange[]; gone: FindingChange[]}
}

export interface ObjectChange {
  id: string
  name: string
  change: 'new' | 'gone' | 'changed'
  /** For `changed`: what it was, and what it is now. */
  from: string | null
  to: string | null
}

export interface WayChange {
  token: string
  application: string
  rule: string
}

export interface FindingChange {
  kind: string
  trap: string | null
  about: string
}
