import {closest} from '../../core/closest.js'
import {UserError} from '../../core/errors.js'
import {KIND_NAMES, type FindingKind} from './kinds.js'
import type {Audit, Finding} from './types.js'

/** Which findings make an audit fail. */
export interface FailOn {
  /** Undefined: those of severity `action`. */
  kinds: ReadonlySet<FindingKind> | undefined
}

/**
 * Reads kinds separated by commas.
 *
 * @throws UserError `usage` / `BAD_FINDING_KIND`
 */
export function parseKinds(text: string, flag: string): FindingKind[] {
  return text.split(',').map((part) => {
    const kind = part.trim()
    const found = KIND_NAMES.find((one) => one === kind)
    if (found) return found
    const meant = closest(kind, KIND_NAMES)
    throw new UserError({
      kind: 'usage',
      code: 'BAD_FINDING_KIND',
      message: `"${kind.slice(0, 60)}" is not a kind of finding`,
      why: `The kinds are ${KIND_NAMES.join(', ')}.`,
      next: [`Use, for example, ${flag} ${meant ?? 'expired,expiring'}`],
    })
  })
}

/**
 * Reads `none`, `any`, `action` or kinds separated by commas.
 *
 * @throws UserError `usage` / `BAD_FINDING_KIND`
 */
export function parseFailOn(text: string): FailOn {
  if (text === 'action') return {kinds: undefined}
  if (text === 'none') return {kinds: new Set()}
  return {kinds: new Set(text === 'any' ? KIND_NAMES : parseKinds(text, '--fail-on'))}
}

/** The same audit with only these kinds. */
export function only({findings, notChecked, ...rest}: Audit, kinds: readonly FindingKind[]): Audit {
  if (kinds.length === 0) return {findings, notChecked, ...rest}
  return {
    ...rest,
    findings: findings.filter(({kind}) => kinds.includes(kind)),
    notChecked: notChecked.filter((one) => one.kinds.some((kind) => kinds.includes(kind))),
  }
}

/** Whether an audit fails. A kind that was named and not checked fails too: a job must not pass for lack of a permission. */
export function fails({findings, notChecked}: Audit, {kinds}: FailOn): boolean {
  const failing = ({kind, severity}: Finding): boolean => (kinds ? kinds.has(kind) : severity === 'action')
  return findings.some(failing) || notChecked.some((one) => one.kinds.some((kind) => kinds?.has(kind)))
}
