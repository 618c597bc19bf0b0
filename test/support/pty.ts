import {spawn} from 'node:child_process'
import type {BuiltZt} from './built-zt.js'

/** What a user types, each when the screen shows the question. */
export type Typed = readonly [shows: RegExp, keys: string][]

/** Runs zt on a pseudo-terminal of 80 columns, with script(1); returns the bytes that the terminal gets. */
export function runOnPty(zt: BuiltZt, args: readonly string[], typed: Typed = []): Promise<string> {
  const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
  const command = `stty cols 80 rows 24; exec ${[...zt.program, ...args].map(quote).join(' ')}`
  const {NO_COLOR: _, ...env} = zt.env
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: {...env, TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh'},
      cwd: zt.home,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const left = [...typed]
    let from = 0
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const [next] = left
      if (!next?.[0].test(output.slice(from))) return
      left.shift()
      from = output.length
      child.stdin.write(next[1])
    })
    child.stdin.on('error', () => undefined)
    child.once('error', reject)
    child.once('close', () => {
      if (left.length > 0) reject(new Error(`nothing showed ${String(left[0]?.[0])}:\n${output}`))
      else resolve(output)
    })
  })
}
