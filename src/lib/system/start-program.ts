import {spawn, type ChildProcess, type SpawnOptions} from 'node:child_process'
import path from 'node:path'
import {UserError} from '../core/errors.js'

/**
 * As node's `spawn`, but whatever the reason why the system does not start a program, the event `error` has it. Node throws
 * most of them, such as those of Windows: a damaged program, one for another processor, one that a policy forbids or that
 * wants an administrator. A lint rule keeps node's own out of everything else.
 */
export const startProgram = ((
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess => {
  try {
    return spawn(program, args, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'spawn') throw error
    // Of a program that is not there, node makes a child with the streams that were asked for, and tells by the event.
    const child = spawn(path.join(path.dirname(process.execPath), 'no program'), args, options)
    const emit = child.emit.bind(child) as (event: string | symbol, ...values: unknown[]) => boolean
    child.emit = (event: string | symbol, ...values: unknown[]) =>
      emit(event, ...(event === 'error' ? [error] : values))
    return child
  }
}) as typeof spawn

/** A program that is there and that the system did not start, as an error for people. */
export function notStarted(program: string, error: NodeJS.ErrnoException): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'PROGRAM_NOT_STARTED',
    message: `${program} cannot be started`,
    why: `The system refuses it (${error.code ?? 'for no known reason'}): it may be damaged, for another processor, or forbidden by a policy.`,
    next: ['Start it by itself, which may say more'],
    details: {program},
    cause: error,
  })
}
