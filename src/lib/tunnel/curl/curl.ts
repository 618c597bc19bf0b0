import {constants} from 'node:fs'
import type {FileHandle} from 'node:fs/promises'
import {execFile} from 'node:child_process'
import {PassThrough, type Writable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {promisify} from 'node:util'
import {files as fs} from '../../system/disk.js'
import {UserError, hasCode} from '../../core/errors.js'
import {refuseOthers} from '../../system/own-files.js'
import {environmentFor} from '../../system/child-environment.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {acceptedAt} from '../target/accepted-secret.js'
import {runChild, type ChildEnd} from '../exec/child.js'
import {checkPair} from '../carrier/handshake.js'
import {findProgram} from '../../system/programs.js'
import {temporaryPlace} from '../connections/run-files.js'
import type {Target} from '../target/target.js'
import type {EdgeAnswer} from '../types.js'
import {aboutCurl} from './about.js'
import type {CurlArguments, RequestUrl} from './arguments.js'
import {HeadsWithoutSession, keepBack} from './session-cookies.js'
import {StatusLine} from './status-line.js'
import {installing} from '../../core/shell-words.js'

export interface CurlOptions {
  request: RequestUrl
  given: CurlArguments
  target: Target
  env: Readonly<Record<string, string | undefined>>
  stdout: Writable & {isTTY?: boolean}
  stderr: Writable
  platform?: NodeJS.Platform | undefined
  /** Called when only the previous secret is accepted, with the end of its grace period (ISO 8601). */
  onlyPrevious?: ((until: string) => void) | undefined
}

export interface CurlEnd extends ChildEnd {
  /** Undefined when there was none. */
  answer: EdgeAnswer | undefined
}

/**
 * Runs the system's curl for one request, with the pair as two headers. The secret is in no argument, environment
 * variable or file: curl reads it from a pipe, as configuration. No redirect is followed. Access's session cookies, with which
 * anyone gets in without the token, are taken out of the headers and the cookie jar that curl writes. During the grace period of a
 * rotation, zt first sends a request to find out which secret is accepted.
 *
 * @throws UserError `needs-action` / `CURL_NOT_FOUND`, `STDIN_TAKEN`; `config` / `FILE_NOT_WRITABLE`
 */
export async function curlWithToken(options: CurlOptions): Promise<CurlEnd> {
  const {request, given, target, env, stdout, stderr, platform = process.platform, onlyPrevious} = options
  const program = findProgram('curl', env, {platform})
  if (program === undefined) throw curlNotFound()
  const about = await aboutCurl(program, env, platform)
  const status = new StatusLine(about.writesToStderr ? 'stderr' : 'stdout')
  const credentials = await acceptedAt(
    {credentials: target.credentials, onlyPrevious},
    {edge: target.edge, path: request.path, environment: env},
  )
  checkPair(credentials)
  // zt's format comes first: one that begins with %{onerror}, or leaves something open, would swallow it.
  const config = configOf(credentials, status.writeOut + given.writeOut)
  const kept = await keepBack(given.kept, env)
  const pipe = given.readsStdin ? await makePipe(env, platform) : undefined
  try {
    let stderrDone: Promise<void> | undefined
    let stdoutDone: Promise<void> | undefined
    let fed: Promise<void> | undefined
    const ended = new AbortController()
    const end = await runChild({
      program,
      args: argumentsOf({request, given, target}, pipe?.file ?? '-', [
        ...(target.edge.caFile === undefined ? [] : about.forPrivateCa),
        // As on a terminal, which curl no longer sees.
        ...(given.showsHeaders && stdout.isTTY === true ? ['--silent', '--show-error', '--no-buffer'] : []),
        ...kept.args,
      ]),
      env: environmentFor('curl', env),
      stdio: [
        pipe ? 'inherit' : 'pipe',
        given.showsHeaders || !about.writesToStderr ? 'pipe' : 'inherit',
        'pipe',
      ],
      onStart: (child) => {
        // Without `end`: zt writes to stderr after curl.
        const passed = new PassThrough()
        const [ofStdout, ofStderr] = about.writesToStderr ? [passed, status] : [status, passed]
        if (child.stderr) stderrDone = pipeline(child.stderr, ofStderr, stderr, {end: false})
        // Where the reader of stdout has gone, curl notices it at its next byte.
        if (child.stdout)
          stdoutDone = pipeline(
            child.stdout,
            ofStdout,
            given.showsHeaders ? new HeadsWithoutSession() : new PassThrough(),
            stdout,
            {end: false},
          ).catch((error: unknown) => {
            if (!hasCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')) throw error
          })
        // A curl that ended at once has reported why.
        child.stdin?.on('error', () => undefined)
        child.stdin?.end(config)
        child.once('exit', () => {
          ended.abort()
        })
        fed = pipe?.feed(config, ended.signal)
        // It would wait for a configuration that never comes.
        fed?.catch(() => child.kill())
      },
    })
    ended.abort()
    await Promise.all([stdoutDone, stderrDone, fed])
    await kept.handOver((text) => stdout.write(text, 'latin1'))
    return {...end, answer: status.answer}
  } finally {
    // How curl ended is the result, even if these cannot be removed.
    await Promise.allSettled([pipe?.remove(), kept.remove()])
  }
}

/**
 * -q first: the person's .curlrc could follow redirects. Then the configuration: curl has read all of it before it looks at
 * the person's options, so none of these can name the file that it was read from. No pattern in the URL, and only https.
 */
function argumentsOf(
  {request, given, target}: Pick<CurlOptions, 'request' | 'given' | 'target'>,
  config: string,
  added: readonly string[],
): string[] {
  const {host, connectTo, caFile} = target.edge
  return [
    ...['-q', '--config', config, '--tlsv1.2'],
    ...added,
    ...given.args,
    ...['--globoff', '--proto', '=https', '--max-redirs', '0'],
    ...(connectTo === undefined ? [] : ['--connect-to', `${host}:443:${connectTo}`]),
    ...(caFile === undefined ? [] : ['--cacert', caFile]),
    ...['--url', request.url],
  ]
}

/** As a configuration file of curl. */
function configOf({clientId, clientSecret}: ServiceCredentials, writeOut: string): string {
  return [
    `header = ${quoted(`CF-Access-Client-Id: ${clientId}`)}`,
    `header = ${quoted(`CF-Access-Client-Secret: ${clientSecret.expose()}`)}`,
    `write-out = ${quoted(writeOut)}`,
    '',
  ].join('\n')
}

const ESCAPES: Readonly<Record<string, string>> = {'\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v'}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/[\n\r\t\v]/g, (sign) => ESCAPES[sign] ?? '')}"`
}

interface NamedPipe {
  file: string
  feed(text: string, signal: AbortSignal): Promise<void>
  remove(): Promise<void>
}

/**
 * A named pipe in a directory of this user, for a curl that needs stdin itself. (Node passes further descriptors to a
 * child as sockets, which cannot be opened by a name under /dev/fd.) None of it is ever on disk.
 *
 * Not on Windows: named pipes are in no directory of a user there, and everyone on the machine may read from one that
 * node makes (learn.microsoft.com, "Named Pipe Security and Access Rights": read access for Everyone).
 *
 * @throws UserError `needs-action` / `STDIN_TAKEN` where there are no named pipes
 */
export async function makePipe(
  env: CurlOptions['env'],
  platform: NodeJS.Platform = process.platform,
): Promise<NamedPipe> {
  const mkfifo = platform === 'win32' ? undefined : findProgram('mkfifo', env, {platform})
  if (mkfifo === undefined) throw stdinTaken()
  const {file, remove} = await temporaryPlace(env, 'pipe')
  try {
    await promisify(execFile)(mkfifo, ['-m', '600', file], {env: environmentFor('tool', env)})
  } catch {
    await remove()
    throw stdinTaken()
  }
  return {
    file,
    remove,
    async feed(text, signal) {
      while (!signal.aborted) {
        // Without a reader this fails at once, instead of waiting for one that may never come.
        const pipe = await fs
          .open(file, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
          .catch((error: unknown) => {
            if (hasCode(error, 'ENXIO')) return undefined
            throw error
          })
        if (!pipe) {
          await new Promise((resolve) => setTimeout(resolve, 2))
          continue
        }
        try {
          const stat = await pipe.stat()
          refuseOthers(file, stat, undefined, true)
          if (!stat.isFIFO()) throw stdinTaken()
          // The reader has it open, so its name is no longer needed.
          await fs.rm(file, {force: true})
          await writeAll(pipe, Buffer.from(text), signal).catch(() => undefined)
          return
        } finally {
          await pipe.close()
        }
      }
    },
  }
}

/** A pipe holds some 64 KiB; writing to a full one fails with EAGAIN. */
async function writeAll(pipe: FileHandle, bytes: Buffer, signal: AbortSignal): Promise<void> {
  let left = bytes
  while (left.length > 0 && !signal.aborted) {
    try {
      left = left.subarray((await pipe.write(left)).bytesWritten)
    } catch (error) {
      if (!hasCode(error, 'EAGAIN')) throw error
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

function stdinTaken(): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STDIN_TAKEN',
    message: 'curl cannot read stdin here',
    why: 'zt gives curl the credentials on stdin, because this system has no named pipes (mkfifo).',
    next: ['Put the data into a file: --data @FILE'],
  })
}

function curlNotFound(): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'CURL_NOT_FOUND',
    message: 'curl is not installed',
    why: 'There is no program called curl on PATH.',
    next: [installing('curl')],
  })
}
