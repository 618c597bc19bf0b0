import {nameOfThrown, UserError} from '../core/errors.js'
import {patient} from '../core/patience.js'
import {listing} from '../core/shell-words.js'
import type {Progress} from '../core/progress.js'
import {unusableFile} from '../system/own-files.js'
import {saysOf} from './finding.js'
import type {Check, DoctorWorld, Finding} from './types.js'
import {within} from './within.js'

export interface RunOptions {
  /** Only what needs no network. */
  offline: boolean
  progress: Progress
  /** How long all of it may take, in milliseconds; what has not ended by then is a finding. */
  limitMs?: number | undefined
  /** Whether a person is asked for something that a check needs: until the answer, no time passes. */
  isAsking?: (() => boolean) | undefined
}

/** Longer than any limit that a check has itself: what reaches it hangs. */
const LIMIT_MS = 25_000

/** Runs the checks at the same time. @returns what they found, in the order of the checks */
export async function runChecks(
  checks: readonly Check[],
  world: DoctorWorld,
  {offline, progress, limitMs = patient(LIMIT_MS), isAsking}: RunOptions,
): Promise<Finding[]> {
  const wanted = checks.filter(
    ({local, host}) => (local || !offline) && (host !== true || world.host !== undefined),
  )
  const going = new Set<Check>()
  const show = (): void => {
    const [longest] = going
    if (longest) progress.step(longest.doing)
  }
  const found = await Promise.all(
    wanted.map(async (check) => {
      going.add(check)
      show()
      const late = (): Finding[] => [lateFinding(check, limitMs)]
      const findings = await within(limitMs, runOne(check, world), late, isAsking)
      going.delete(check)
      show()
      return findings
    }),
  )
  return saidOnce(found.flat())
}

async function runOne(check: Check, world: DoctorWorld): Promise<Finding[]> {
  try {
    return await check.run(world)
  } catch (error) {
    return [findingOf(check, world, unusableFile(error))]
  }
}

function lateFinding(check: Check, limitMs: number): Finding {
  return saysOf(check).fail(`this check has not ended within ${limitMs / 1000} s`, {
    why: `${check.doing}: something there does not answer. The other checks do not depend on it.`,
    next: [check.local ? 'zt doctor' : 'zt doctor --offline'],
  })
}

function findingOf(check: Check, {broken}: DoctorWorld, error: unknown): Finding {
  const says = saysOf(check)
  // The same cause may be met again, as a home that is not known.
  const isBroken =
    error instanceof UserError && error.code === broken?.code && error.message === broken.message
  if (isBroken && check.id !== SETTINGS) return says.skipped('the settings could not be read')
  if (error instanceof UserError) return says.error(error, {next: nextOf(error)})
  return says.fail(`this check failed unexpectedly (${nameOfThrown(error)})`, {
    why: 'This is a bug in zt; what the check looks at may be in order.',
    next: ['zt version'],
  })
}

/** A file that cannot be used has an owner and a mode. */
function nextOf({next, details}: UserError): string[] {
  const {file} = details
  return next.length === 0 && typeof file === 'string' ? [listing(file, {directory: true})] : [...next]
}

/** The check that reports why there are no settings. */
export const SETTINGS = 'settings'

/** One cause may keep several checks from their work: only the first says it, and the others are skipped. */
function saidOnce(findings: readonly Finding[]): Finding[] {
  const said: Finding[] = []
  return findings.map((one) => {
    if (one.state !== 'fail') return one
    const words = `${one.detail} ${one.why ?? ''}`
    const earlier = said.find(({detail, why}) => words.includes(detail) || why?.includes(one.detail))
    if (earlier)
      return {
        ...one,
        state: 'skipped',
        detail: `for the same reason: ${earlier.title}`,
        why: undefined,
        next: [],
        fix: undefined,
      }
    said.push(one)
    return one
  })
}
