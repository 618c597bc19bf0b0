import {hasCode, nameOfThrown, UserError} from '../core/errors.js'
import {unusableFile} from '../system/own-files.js'
import {runChecks, type RunOptions} from './run.js'
import type {Check, DoctorWorld, Finding, Fix, Fixed} from './types.js'

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
  const agreed: {id: string; fix: Fix; yes: boolean}[] = []
  // All questions come first: what ends them, such as Ctrl-C, has changed nothing.
  for (const finding of findings) {
    const {id, fix} = finding
    if (fix) agreed.push({id, fix, yes: await agree(finding, fix.what)})
  }
  const fixes: Fixed[] = []
  for (const {id, fix, yes} of agreed) fixes.push({id, what: fix.what, ...(yes ? await cure(fix) : LEFT)})
  if (!fixes.some(({outcome}) => outcome !== 'left')) return {fixes, findings: [...findings]}
  // All of them: what one check reports may have kept another from its work.
  return {fixes, findings: await runChecks(checks, await again(), options)}
}

const LEFT = {outcome: 'left', error: undefined} as const

async function cure(fix: Fix): Promise<Pick<Fixed, 'outcome' | 'error'>> {
  try {
    await fix.apply()
    return {outcome: 'fixed', error: undefined}
  } catch (thrown) {
    return {outcome: 'failed', error: inWords(unusableFile(thrown))}
  }
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
