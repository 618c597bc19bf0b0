import {spawn} from 'node:child_process'
import type {BuiltZt} from './built-zt.js'

/** Runs a proxy until the server's greeting has arrived, or until it ends. */
export function greetingOf(
  zt: BuiltZt,
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{greeting: string; stderr: string}> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {env: {...zt.env, ...env}, cwd: zt.home})
    let greeting = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      greeting += chunk.toString()
      child.kill('SIGTERM')
    })
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', () => {
      resolve({greeting, stderr})
    })
  })
}
