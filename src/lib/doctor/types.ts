import type {AccessContext} from '../access/account/context.js'
import type {Paths} from '../config/paths.js'
import type {Settings} from '../config/types.js'
import type {UserError} from '../core/errors.js'

/** In the order in which they are shown. */
export const AREAS = ['machine', 'zt', 'secrets', 'account', 'network', 'ssh', 'host'] as const
export type Area = (typeof AREAS)[number]

/** `skipped`: could not be looked at, and `detail` says why; it is no fault. */
export type State = 'ok' | 'warn' | 'fail' | 'skipped'

/** What one check found: one line, and what to do. */
export interface Finding {
  /** Of the check, with a word of its own if the check has several lines: `clock`, `ssh-config/alias`. */
  id: string
  area: Area
  state: State
  /** What was looked at: `Node`, `Clock`, `Secret store`. */
  title: string
  /** What was found, in one sentence or less. */
  detail: string
  why?: string | undefined
  /** Commands and short instructions, as an error's: they cure this and nothing else. */
  next: string[]
  /** Machine-readable facts for --json; neither secrets nor anything that the other fields lack a person would need. */
  facts?: Record<string, string | number | boolean | null> | undefined
  /**
   * Texts from outside that its sentences have as they are. A bug report replaces them, whatever words they are made of; what
   * is not among them is only replaced if zt does not use the word itself.
   */
  foreign?: readonly string[] | undefined
  /** Cures it without losing or opening anything; undefined where a person must decide. */
  fix?: Fix | undefined
}

export interface Fix {
  /** What it does, as a question names it: `Remove 2 temporary files`. */
  what: string
  /** @throws UserError if it fails */
  apply(): Promise<void>
}

/** What became of a finding that can be cured. */
export interface Fixed {
  /** Of the finding. */
  id: string
  what: string
  /** `left`: the person said no. */
  outcome: 'fixed' | 'failed' | 'left'
  /** Why it failed. */
  error: UserError | undefined
}

/**
 * What checks look at. Everything in it is opened on first use. What cannot be had throws when it is read: `paths` without a
 * home, `settings` and `ctx` with a damaged configuration. A check that reads it then counts as skipped, because the check
 * `settings` reports the cause.
 */
export interface DoctorWorld {
  readonly ctx: AccessContext
  readonly settings: Settings
  readonly paths: Paths
  /** Why there are no settings. */
  readonly broken: UserError | undefined
  /** As the process has it. */
  readonly env: NodeJS.ProcessEnv
  /** Empty if it does not exist any more. */
  readonly cwd: string
  /** Where zt is installed: the root of the package. */
  readonly root: string
  /** The host that the person asked about. */
  readonly host: string | undefined
  /** For each connection. Milliseconds. */
  readonly timeoutMs: number
}

/** One thing to look at. */
export interface Check {
  id: string
  area: Area
  /** What is looked at, as its line names it; a finding may have a title of its own. */
  title: string
  /** What is being done, for the progress line: `Asking the API`. */
  doing: string
  /** False: it needs a network, and is left out with --offline. */
  local: boolean
  /** Only with a HOST. */
  host?: true
  /**
   * What it throws becomes a finding and never ends the others: `fail` with the words of a UserError, or `skipped` if another
   * finding says the same. No findings: the check does not apply here.
   */
  run(world: DoctorWorld): Promise<Finding[]>
}
