import path from 'node:path'
import {run} from '@oclif/core'
// It throws what fails on stdout, until main() takes that listener away.
import '@oclif/core/command'
import {Config} from '@oclif/core/config'
import {flush} from '@oclif/core/flush'
import type {LoadOptions} from '@oclif/core/interfaces'
import {settings} from '@oclif/core/settings'
import {isAbandoned} from '../system/abandoned.js'
import {guardProcess, redactStream} from '../system/crash.js'
import {errorJson} from '../core/error-text.js'
import {hasCode} from '../core/errors.js'
import {EXIT_OUTPUT_GONE, exitCodeOf} from '../core/exit-codes.js'
import {jsonWish} from '../core/json-wish.js'
import {unusable, unusableFile} from '../system/own-files.js'
import {bePatient} from '../core/patience.js'
import {refuseSecretWords} from '../core/redact.js'
import {hoistGlobalFlags} from './hoist.js'
import {fromOclif} from './parse-error.js'
import {printError, printLabelled, printTrace} from './report-error.js'
import {errJson, errStyle, outJson} from './streams.js'

/**
 * Runs one command line through oclif. Errors that a command did not report itself (an unknown command, a damaged
 * installation) are reported here in the same form.
 *
 * @param root the package's directory
 */
export async function main(
  root: string,
  options: Exclude<LoadOptions, string> | undefined = undefined,
): Promise<void> {
  // With NODE_ENV=development in the user's shell oclif would look for TypeScript sources.
  settings.enableAutoTranspile = false
  // Colours are zt's own: oclif would read theme.json in the configuration directory, whatever that is.
  Config.prototype.loadTheme = () => Promise.resolve(undefined)
  const argv = hoistGlobalFlags(process.argv.slice(2))
  const json = jsonWish(argv) === 'document'
  const report = (error: unknown): void => {
    if (!json) return printError(error)
    const text = JSON.stringify({error: errorJson(error)}, null, 2)
    // stdout belongs to the session or the child.
    const beside = argv[0] === 'forward' && argv.includes('--')
    if (beside || ['ssh', 'exec', 'curl', 'access'].includes(argv[0] ?? '')) errJson(text)
    else outJson(text)
  }
  const warn = (text: string, where: unknown): void => {
    printLabelled(errStyle.caution('warning:'), text)
    printTrace(where)
  }
  bePatient(process.env['ZT_PATIENCE'])
  redactStream(process.stderr)
  guardProcess({report, warn: json ? undefined : warn, exit: (code) => process.exit(code)})
  // oclif prints warnings whole, unless it finds two listeners.
  process.on('warning', () => undefined)
  process.stdout.removeAllListeners('error')
  const outputGone = new Promise<void>((resolve) => {
    process.stdout.on('error', (error) => {
      // Work in progress is completed; only then is it safe to exit. EIO: the terminal is gone.
      if (hasCode(error, 'EPIPE', 'EIO')) process.exitCode ??= EXIT_OUTPUT_GONE
      else outputFailed(error, json)
      resolve()
    })
  })
  try {
    // The commands of access read theirs as cloudflared does, and some are another program's.
    if (argv[0] !== 'access') refuseSecretWords(argv)
    // Or oclif would load code that a file in the data directory names; zt has no plugins.
    await run(argv, {...(options ?? {root: path.resolve(root)}), userPlugins: false})
    // Without a reader, the flush would never finish.
    if (process.stdout.writableLength > 0) await Promise.race([flush(), outputGone])
    if (isAbandoned()) process.exit()
  } catch (thrown) {
    // oclif ends --help and the like by throwing its own exit.
    const exit =
      (thrown as {oclif?: {exit?: number}; code?: string}).code === 'EEXIT'
        ? (thrown as {oclif?: {exit?: number}}).oclif?.exit
        : undefined
    if (exit !== undefined) {
      process.exitCode = exit
      return
    }
    const error = fromOclif(unusableFile(thrown))
    process.exitCode = exitCodeOf(error)
    report(error)
  }
}

/**
 * A full disk, or another reason why the output cannot be written. On stderr, even with --json, once, and not after another
 * failure, unless its document is what cannot be written.
 */
function outputFailed(error: unknown, json: boolean): void {
  if (said || (process.exitCode !== undefined && !json)) return
  said = true
  const failure = unusable(error, 'write', 'stdout')
  process.exitCode ??= exitCodeOf(failure)
  printError(failure)
}

let said = false
