import {reachLines} from '../../access/edit/reach.js'
import {colouredDiff} from '../../cli/diff.js'
import {columnsOf, mark, style} from '../../cli/streams.js'
import {indented, wrapped} from '../../cli/wrapped.js'
import type {PlanOutline, SetupOutcome, SetupStep, StepState} from '../../setup/types.js'
import {editDiff, editJson, reachJson} from './edit.js'

const MARKS: Record<StepState, string> = {
  there: mark.done,
  done: mark.done,
  todo: style.caution('+'),
  failed: mark.failed,
  'not-tried': style.secondary('-'),
  skipped: style.secondary('-'),
  kept: style.secondary('-'),
}

/** `✓ The application of … is "GitLab"`; a step that is kept or failed says why. */
export function setupStepLines({state, text, why}: SetupStep): string[] {
  const whole = why === undefined || state === 'failed' ? text : `${text}: kept. ${why}`
  const [first = '', ...more] = wrapped(whole, columnsOf('stdout') - 2)
  const shade = state === 'skipped' || state === 'not-tried' ? style.secondary : (line: string) => line
  return [`${MARKS[state]} ${shade(first)}`, ...more.map((line) => `  ${shade(line)}`)]
}

/** What is there, and what would be done, changed, opened and saved. */
export function setupPlanLines({host, steps, edit, diff}: PlanOutline, profile: string): string[] {
  return [
    ...indented(`${style.heading(host)} in profile ${profile}`, 0),
    ...steps.flatMap(setupStepLines),
    ...(edit ? ['', ...editDiff(edit.described)] : []),
    ...(edit?.reach ? indented(reachLines(edit.reach), 0) : []),
    ...(diff === '' ? [] : ['', ...colouredDiff(diff)]),
  ]
}

/** The JSON shape of a setup and of its removal. */
export function setupJson(
  {host, edit, steps}: PlanOutline,
  outcome: SetupOutcome | undefined,
  more: {profile: string; remove: boolean},
): object {
  return {
    host,
    ...more,
    dryRun: outcome === undefined,
    changed: outcome?.changed ?? false,
    steps: (outcome?.steps ?? steps).map((one) => ({...one, why: one.why ?? null})),
    changes: editJson(edit?.changes ?? []),
    ...reachJson(edit?.reach),
    undo: outcome?.undo ?? [],
  }
}
