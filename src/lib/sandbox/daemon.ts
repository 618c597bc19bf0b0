import type {FileHandle} from 'node:fs/promises'
import {constants} from 'node:fs'
import type {StdioOptions} from 'node:child_process'
import http from 'node:http'
import {files as fs} from '../system/disk.js'
import {isJsonObject} from '../core/json.js'
import {UserError} from '../core/errors.js'
import {parseOwnJson, readFileIfThere, removeFile, unusable} from '../system/files.js'
import {patient} from '../core/patience.js'
import {environmentFor} from '../system/child-environment.js'
import {startProgram} from '../system/start-program.js'
import {sandboxFiles} from './files.js'
import {clearRecord} from './record.js'
import type {SandboxInfo} from './types.js'

const POLL_MS = 50
const STOP_MS = 5000

/** The sandbox that runs in this directory; undefined if there is none. Recognises the files of a killed one. */
export async function daemonStatus(directory: string): Promise<SandboxInfo | undefined> {
  const {run} = sandboxFiles(directory)
  const text = await readFileIfThere(run)
  if (text === undefined) return undefined
  const value = parseOwnJson(text, run)
  if (!isJsonObject(value) || !isProcess(value['pid']) || !isLocal(value['apiUrl'])) return undefined
  const {version: _version, ...rest} = value
  const info = rest as unknown as SandboxInfo
  // Another process may have its process ID by now; only the sandbox knows its API token.
  return isAlive(info.pid) && (await answers(info)) ? info : undefined
}

/**
 * Starts the sandbox as a separate process and waits until it listens.
 *
 * @param command program and arguments that run `sandbox start --foreground`
 * @throws UserError `needs-action` / `SANDBOX_NOT_STARTED` with the last lines of its log
 */
export async function startDaemon(options: {
  command: string[]
  directory: string
  timeoutMs?: number
}): Promise<SandboxInfo> {
  const {command, directory, timeoutMs = patient(15_000)} = options
  const files = sandboxFiles(directory)
  await removeFile(files.run)
  // Does not follow a symbolic link.
  const {O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW} = constants
  let log: FileHandle
  try {
    await fs.mkdir(directory, {recursive: true, mode: 0o700})
    log = await fs.open(files.log, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0), 0o600)
    // On a full disk the sandbox could not even say why it does not start.
    await log.writeFile(`${command.join(' ')}\n`)
  } catch (error) {
    throw unusable(error, 'write', files.log)
  }
  const [program = process.execPath, ...args] = command
  const stdio: StdioOptions = ['ignore', log.fd, log.fd]
  const env = environmentFor('sandbox', process.env)
  // On Windows a detached process would open a console window.
  const child = startProgram(program, args, {detached: true, windowsHide: true, stdio, cwd: directory, env})
  let ended = false
  child.once('error', () => (ended = true))
  child.once('exit', () => (ended = true))
  try {
    const deadline = Date.now() + timeoutMs
    while (Date.now() < deadline && !ended) {
      const info = await daemonStatus(directory)
      if (info?.pid === child.pid && info) {
        child.unref()
        return info
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    await log.close()
  }
  child.kill('SIGKILL')
  const text = await readFileIfThere(files.log).catch(() => undefined)
  const last = (text ?? '').trim().split('\n').slice(1).slice(-8).join('\n')
  throw new UserError({
    kind: 'needs-action',
    code: 'SANDBOX_NOT_STARTED',
    message: 'The sandbox did not start',
    why: last === '' ? 'It printed nothing.' : last,
    next: ['zt sandbox start --foreground', `Its log is ${files.log}`],
  })
}

/** Stops the sandbox of this directory. False if none runs. */
export async function stopDaemon(directory: string): Promise<boolean> {
  const info = await daemonStatus(directory)
  if (!info) return false
  process.kill(info.pid, 'SIGTERM')
  const deadline = Date.now() + STOP_MS
  while (isAlive(info.pid) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  if (isAlive(info.pid)) process.kill(info.pid, 'SIGKILL')
  await removeFile(sandboxFiles(directory).run)
  return true
}

/** Resets the state. The sandbox must not run. */
export async function resetState(directory: string): Promise<void> {
  const files = sandboxFiles(directory)
  await removeFile(files.state)
  await clearRecord(files)
}

/** 0, 1 and below would signal init, everything, or a process group. */
function isProcess(pid: unknown): boolean {
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 1
}

/** Only a loopback address: the API token is sent to it. */
function isLocal(apiUrl: unknown): boolean {
  return typeof apiUrl === 'string' && /^http:\/\/127\.0\.0\.1:\d{1,5}(\/|$)/.test(apiUrl)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function answers({apiUrl, apiToken}: SandboxInfo): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(
      `${apiUrl}/user/tokens/verify`,
      {headers: {authorization: `Bearer ${apiToken}`}, timeout: 2000, agent: false},
      (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      },
    )
    request.once('timeout', () => request.destroy())
    request.once('error', () => {
      resolve(false)
    })
  })
}
