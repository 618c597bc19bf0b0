import {hasCode, nameOfThrown, UserError} from '../core/errors.js'
import {unusableFile} from '../system/own-files.js'
import {runChecks, type RunOptions} from './run.js'
import type {Check, DoctorWorld, Finding, Fixed} from './types.js'

export interface FixOptions extends RunOptions {
  /** Whether to do this one. */
  agree: (finding: Finding, what: string) => Promise<boolean>
  /** The world as it is after the cures: the settings may be readable now. */
  again: () => Promise<DoctorWorld>
}

/** Cures what can be cured safely, and runs the checks again. @returns also the findings as they are then */
export async function applyFixes(
  findings: readonly Finding[],
  checks: readonly Check[],
  {agree, again, ...options}: FixOptions,
): Promise<{fixes: Fixed[]; findings: Finding[]}> {
  const fixes: Fixed[] = []
  for (const finding of findings) {
    const {id, fix} = finding
    if (!fix) continue
    const {what} = fix
    if (!(await agree(finding, what))) {
      fixes.push({id, what, outcome: 'left', error: undefined})
      continue
    }
    try {
      await fix.apply()
      fixes.push({id, what, outcome: 'fixed', error: undefined})
    } catch (thrown) {
      fixes.push({id, what, outcome: 'failed', error: inWords(unusableFile(thrown))})
    }
  }
  if (!fixes.some(({outcome}) => outcome !== 'left')) return {fixes, findings: [...findings]}
  // All of them: what one check reports may have kept another from its work.
  return {fixes, findings: await runChecks(checks, await again(), options)}
}

/** A cure that fails ends neither the others nor the report. */
function inWords(error: unknown): UserError {
  if (error instanceof UserError) return error
  const isGone = hasCode(error, 'ENOENT')
  return new UserError({
    kind: 'conflict',
    code: 'NOT_FIXED',
    message: isGone
      ? 'What it was about no longer exists'
      : `It failed unexpectedly (${nameOfThrown(error)})`,
    next: ['zt doctor'],
  })
}
