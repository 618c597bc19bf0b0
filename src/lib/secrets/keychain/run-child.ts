import {spawn} from 'node:child_process'
import {UserError} from '../../core/errors.js'
import {childArguments} from './child-path.js'
import type {ChildAnswer, ChildRequest} from './protocol.js'

const DEADLINE_MS = 5000

export interface RunChild {
  /** For node; default: our own child. Tests give a fake one. */
  command?: string[] | undefined
  deadlineMs?: number | undefined
  env?: NodeJS.ProcessEnv | undefined
}

/**
 * Asks the child and kills it when it has not answered within the deadline.
 *
 * @throws UserError `needs-action` / `KEYCHAIN_HANGS`, `KEYCHAIN_FAILED`
 */
export function runChild(request: ChildRequest, options: RunChild = {}): Promise<ChildAnswer> {
  const {command = childArguments(), deadlineMs = DEADLINE_MS, env = process.env} = options
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, {stdio: ['pipe', 'pipe', 'ignore'], env})
    const chunks: Buffer[] = []
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, deadlineMs)
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    // It may be gone before it has read everything; its exit tells more than EPIPE.
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(request))
    child.once('error', () => {
      clearTimeout(timer)
      reject(failed('its helper process could not be started'))
    })
    child.once('close', () => {
      clearTimeout(timer)
      if (late) {
        reject(hangs(deadlineMs))
        return
      }
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChildAnswer)
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
    why: `It was given ${deadlineMs / 1000} s. It may be waiting for a prompt that nobody sees.`,
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
