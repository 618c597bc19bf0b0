import * as v from 'valibot'
import {UserError} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {startProgram} from '../../system/start-program.js'
import {childProgram} from './child-path.js'
import type {ChildAnswer, ChildRequest} from './protocol.js'

/** With the probe's 1.5 s and the start of two processes, a person waits at most 5 s. */
const DEADLINE_MS = 3000
/** Anything longer cannot be an answer: a keychain's values are far shorter. */
const ANSWER_LIMIT = 1024 * 1024

export interface RunChild {
  /** Program and arguments; default: zt's own. Tests give a fake one. */
  command?: string[] | undefined
  deadlineMs?: number | undefined
  env?: NodeJS.ProcessEnv | undefined
}

const answerSchema: v.GenericSchema<unknown, ChildAnswer> = v.union([
  v.object({ok: v.literal(true), value: v.nullable(v.string()), found: v.boolean()}),
  v.object({ok: v.literal(false), reason: v.picklist(['no-addon', 'failed']), message: v.string()}),
])

/**
 * Asks the child process and kills it at the deadline. It kills itself when this process is gone: its stdin is open only
 * while the answer is waited for.
 *
 * @throws UserError `needs-action` / `KEYCHAIN_HANGS`, `KEYCHAIN_FAILED`
 */
export function runChild(request: ChildRequest, options: RunChild = {}): Promise<ChildAnswer> {
  const {command = childProgram(), deadlineMs = patient(DEADLINE_MS), env = process.env} = options
  const [program = '', ...args] = command
  return new Promise((resolve, reject) => {
    const child = startProgram(program, args, {stdio: ['pipe', 'pipe', 'ignore'], env})
    const chunks: Buffer[] = []
    let length = 0
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, deadlineMs)
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= ANSWER_LIMIT) chunks.push(chunk)
      else child.kill('SIGKILL')
    })
    // It may end before it has read everything. Its exit says more than EPIPE.
    child.stdin.on('error', () => undefined)
    child.stdin.write(`${JSON.stringify(request)}\n`)
    child.once('error', () => {
      clearTimeout(timer)
      reject(failed('its helper process could not be started'))
    })
    child.once('close', () => {
      clearTimeout(timer)
      child.stdin.destroy()
      if (late) {
        reject(hangs(deadlineMs))
        return
      }
      try {
        resolve(v.parse(answerSchema, JSON.parse(Buffer.concat(chunks).toString('utf8'))))
      } catch {
        reject(failed('its helper process died'))
      }
    })
  })
}

function hangs(deadlineMs: number): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'KEYCHAIN_HANGS',
    message: 'The OS keychain does not answer',
    why: `It did not answer within ${deadlineMs / 1000} s. It may be waiting at a prompt that is not visible.`,
    next: ['Unlock or restart the keychain, or use --store vault'],
  })
}

export function failed(why: string): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'KEYCHAIN_FAILED',
    message: 'The OS keychain failed',
    why: `It says: ${why}.`,
    next: ['Unlock or restart the keychain, or use --store vault'],
  })
}
