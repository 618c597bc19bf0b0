// Loaded before zt (node --import): counts every durable effect of its process, and at the chosen one ends
// it with SIGKILL, as a power cut or the kernel would. Durable are files below KILL_HOME, and requests.
//
//   KILL_HOME   the directory that counts
//   KILL_LOG    a file outside of it that gets one JSON line per effect: {n, nth, what, label}
//   KILL_LABEL  dies at an effect whose label matches this, KILL_NTH at the how manieth of its label, from 1: not by
//               the effect's number, which a read that is repeated (a connection reset, a lock that waits) would shift
//   KILL_PHASE  before | torn | after: before it, in the middle of a write, or when it is done and nothing else is
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import {syncBuiltinESMExports} from 'node:module'
import os from 'node:os'
import path from 'node:path'

const {KILL_HOME, KILL_LOG, KILL_LABEL, KILL_NTH = '1', KILL_PHASE} = process.env
const {appendFileSync, existsSync} = fs
const label = KILL_LABEL === undefined ? undefined : new RegExp(KILL_LABEL)
let count = 0
let chosen
const seen = new Map()

/** The main process only: a child of it (the keychain's) has its own effects. */
if (KILL_HOME !== undefined && /[\\/]bin[\\/]zt\.cjs$/.test(process.argv[1] ?? '')) {
  await patchFiles()
  patchRequests(http)
  patchRequests(https)
  syncBuiltinESMExports()
}

function die() {
  process.kill(process.pid, 'SIGKILL')
}

/** Counts an effect, and dies before it if that was asked for. */
function begin(what, name) {
  const n = ++count
  const own = sameEveryTime(`${what} ${name}`)
  const nth = (seen.get(own) ?? 0) + 1
  seen.set(own, nth)
  appendFileSync(KILL_LOG, JSON.stringify({n, nth, what, label: own}) + '\n')
  if (chosen === undefined && label?.test(own) && nth === Number(KILL_NTH)) chosen = n
  if (chosen === n && KILL_PHASE === 'before') die()
  return n
}

/** Without IDs, process IDs and random parts. */
function sameEveryTime(text) {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/[0-9a-f]{32}/g, '<hex>')
    .replaceAll(/\b\d+-[0-9a-f]{12}\b/g, '<process>')
    .replaceAll(/\.\d+\.[0-9a-f]{8}\b/g, '.<temporary>')
    .replaceAll(/undo\/\.?[0-9a-z]{9}\.json/g, 'undo/<edit>')
}

const at = (n, phase) => chosen === n && KILL_PHASE === phase

/** Undefined: not below the home. */
function nameOf(file) {
  if (typeof file !== 'string' && !(file instanceof URL) && !Buffer.isBuffer(file)) return undefined
  const whole = path.resolve(file instanceof URL ? file.pathname : String(file))
  return whole.startsWith(KILL_HOME + path.sep) ? path.relative(KILL_HOME, whole) : undefined
}

async function patchFiles() {
  const files = fs.promises
  const names = new WeakMap()
  const wrap = (object, method, what, {name, idle = () => false, tear}) => {
    const real = object[method]
    object[method] = async function (...args) {
      const label = name.call(this, args)
      if (label === undefined || idle(args)) return real.apply(this, args)
      const n = begin(what, label)
      if (tear && at(n, 'torn')) {
        await tear.call(this, real, args)
        die()
      }
      const result = await real.apply(this, args)
      if (at(n, 'after')) die()
      return result
    }
  }
  const first = {name: ([file]) => nameOf(file)}
  const second = {name: ([, file]) => nameOf(file)}
  const half = (data) => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    return bytes.subarray(0, Math.floor(bytes.length / 2))
  }
  const open = files.open
  const writes = (flags) => (typeof flags === 'number' ? (flags & 3) !== 0 : flags !== 'r')
  files.open = async function (file, flags = 'r', mode) {
    const label = nameOf(file)
    // Opening for writing is durable if it creates or truncates the file.
    const lasts = label !== undefined && writes(flags) && !(flags === 'r+' || flags === 'rs+')
    const n = lasts ? begin('open', label) : 0
    const handle = await open.call(this, file, flags, mode)
    if (label !== undefined) names.set(handle, label)
    if (lasts && at(n, 'after')) die()
    return handle
  }
  wrap(files, 'writeFile', 'write', {
    ...first,
    tear: (real, [file, data, ...rest]) => real(file, half(data), ...rest),
  })
  wrap(files, 'appendFile', 'write', {
    ...first,
    tear: (real, [file, data, ...rest]) => real(file, half(data), ...rest),
  })
  wrap(files, 'rename', 'rename', second)
  wrap(files, 'link', 'link', second)
  wrap(files, 'symlink', 'link', second)
  wrap(files, 'copyFile', 'copy', second)
  wrap(files, 'unlink', 'unlink', {...first, idle: ([file]) => !existsSync(file)})
  wrap(files, 'rm', 'unlink', {...first, idle: ([file]) => !existsSync(file)})
  wrap(files, 'rmdir', 'unlink', {...first, idle: ([file]) => !existsSync(file)})
  wrap(files, 'mkdir', 'mkdir', {...first, idle: ([file]) => existsSync(file)})
  wrap(files, 'truncate', 'write', first)
  wrap(files, 'chmod', 'chmod', first)
  wrap(files, 'utimes', 'touch', first)

  const probe = await open(os.devNull, 'r')
  const handle = Object.getPrototypeOf(probe)
  await probe.close()
  const own = {
    name() {
      return names.get(this)
    },
  }
  wrap(handle, 'writeFile', 'write', {
    ...own,
    tear(real, [data, ...rest]) {
      return real.call(this, half(data), ...rest)
    },
  })
  wrap(handle, 'appendFile', 'write', own)
  wrap(handle, 'write', 'write', {
    ...own,
    tear(real, [data, offset = 0, length = data.length - offset, position = null]) {
      return real.call(this, data, offset, Math.floor(length / 2), position)
    },
  })
  wrap(handle, 'writev', 'write', own)
  wrap(handle, 'truncate', 'write', own)
  wrap(handle, 'sync', 'sync', own)
  wrap(handle, 'datasync', 'sync', own)
  wrap(handle, 'chmod', 'chmod', own)

  const fds = new Map()
  const wrapSync = (method, what, name, idle = () => false) => {
    const real = fs[method]
    fs[method] = function (...args) {
      const label = name(args)
      if (label === undefined || idle(args)) return real.apply(this, args)
      const n = begin(what, label)
      const result = real.apply(this, args)
      if (method === 'openSync') fds.set(result, label)
      if (at(n, 'after')) die()
      return result
    }
  }
  const byName = ([file]) => (typeof file === 'number' ? fds.get(file) : nameOf(file))
  const absent = ([file]) => !existsSync(file)
  wrapSync('openSync', 'open', ([file, flags = 'r']) => (writes(flags) ? nameOf(file) : undefined))
  wrapSync('writeSync', 'write', byName)
  wrapSync('writeFileSync', 'write', byName)
  wrapSync('appendFileSync', 'write', byName)
  wrapSync('fsyncSync', 'sync', byName)
  wrapSync('ftruncateSync', 'write', byName)
  wrapSync('renameSync', 'rename', ([, file]) => nameOf(file))
  wrapSync('linkSync', 'link', ([, file]) => nameOf(file))
  wrapSync('unlinkSync', 'unlink', byName, absent)
  wrapSync('rmSync', 'unlink', byName, absent)
  wrapSync('mkdirSync', 'mkdir', byName, ([file]) => existsSync(file))
}

/** `after`: the complete answer has arrived, and was not used yet. */
function patchRequests(protocol) {
  const {request} = protocol
  protocol.request = function (...args) {
    const url = new URL(args[0])
    const options = typeof args[1] === 'object' ? args[1] : {}
    const n = begin('request', `${options.method ?? 'GET'} ${url.pathname}`)
    const outgoing = request.apply(this, args)
    outgoing.prependListener('response', (incoming) => {
      incoming.once('end', () => {
        if (at(n, 'after')) die()
      })
    })
    return outgoing
  }
}
