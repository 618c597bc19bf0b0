import * as v from 'valibot'
import {UserError} from '../core/errors.js'
import {firstFault} from '../core/schema.js'
import {brokenFile, parseOwnJson} from './files.js'

/**
 * What is in a file that zt wrote, with the number of its form in `version`. The numbers only grow.
 *
 * @throws UserError `config` / `NEWER_FILE` if its version is one that this zt does not know yet; `BROKEN_FILE`
 */
export function parseVersioned<T>(text: string, file: string, schema: v.GenericSchema<unknown, T>): T {
  const value = parseOwnJson(text, file)
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  const isUnknown = parsed.issues.some((issue) => v.getDotPath(issue) === 'version')
  const {version} = (value ?? {}) as {version?: unknown}
  if (isUnknown && isLaterVersion(version)) throw newerFile(file, version)
  throw brokenFile(file, firstFault(parsed.issues))
}

/** Whether it can be the number of a form, and is not that of the first. */
function isLaterVersion(version: unknown): version is number {
  return Number.isSafeInteger(version) && (version as number) > 1
}

/** The error for one of zt's files in the form of a later release. It is left as it is: that release needs it. */
function newerFile(file: string, version: number): UserError {
  return new UserError({
    kind: 'config',
    code: 'NEWER_FILE',
    message: `Cannot use ${file}`,
    why: `A newer zt wrote it (version ${version} of its form). Nothing was changed.`,
    next: ['Install that zt or a newer one; zt version shows this one'],
    details: {file},
  })
}

/** Files that could not be read, by why. */
export class Unread {
  readonly damaged: string[] = []
  readonly newer: string[] = []

  /** @throws the error itself if it is another one */
  add(file: string, error: unknown): void {
    const code = error instanceof UserError ? error.code : undefined
    if (code === 'NEWER_FILE') this.newer.push(file)
    else if (code === 'BROKEN_FILE') this.damaged.push(file)
    else throw error
  }
}
