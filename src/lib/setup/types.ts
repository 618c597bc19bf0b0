import type {EditReach} from '../access/edit/reach.js'
import type {DescribedChange} from '../access/edit/describe.js'
import type {Change} from '../access/edit/change.js'
import type {ClosedConnections} from '../tunnel/types.js'

/** In the order in which they are taken; a removal takes those that it has in the opposite order. */
export type StepName =
  'login' | 'token' | 'application' | 'rule' | 'binding' | 'edge' | 'ssh-config' | 'connect'

/**
 * - `there`: nothing is to be done
 * - `todo`: planned; once the steps are taken, `done`, `failed` or `not-tried` (an earlier one failed)
 * - `skipped`: not wanted, or not possible here
 * - `kept`: a removal leaves it, and `why` says why
 */
export type StepState = 'there' | 'todo' | 'done' | 'failed' | 'not-tried' | 'skipped' | 'kept'

/** One line of the checklist. */
export interface SetupStep {
  step: StepName
  state: StepState
  /** Plain text: what is there, is to be done, or was done. */
  text: string
  why?: string | undefined
}

/** What a setup or a removal changes in the account, for showing. */
export interface ShownEdit {
  changes: readonly Change[]
  described: DescribedChange[]
  /** Undefined: it was not asked for. */
  reach: EditReach | undefined
}

/** What a setup or a removal is going to do. */
export interface PlanOutline {
  host: string
  steps: SetupStep[]
  /** Undefined: nothing of the account changes. */
  edit: ShownEdit | undefined
  /** The difference of the ssh configuration, where it is known before; empty otherwise. */
  diff: string
  /** Sentences without full stop. */
  warnings: string[]
  notes: string[]
}

/** What was done. */
export interface SetupOutcome {
  steps: SetupStep[]
  changed: boolean
  /** The IDs of the undo records of a setup's edits. */
  undo: string[]
  warnings: string[]
  /** Connections of a token that was deleted. */
  closed: ClosedConnections[]
}
